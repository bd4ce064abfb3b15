//! Does what `wit/plugin.wit` promises.

use exports::example::{{rust_name}}::notes::{Guest, Note, Refusal};
use witapi_sdk::{log, store};

witapi_sdk::plugin!();

/// How many notes there is room for.
const ROOM: u32 = 1000;

struct Plugin;

// Each function of the interface `notes`. By the time that it is called, what the client sent was checked.
impl Guest for Plugin {
    fn create_note(text: String) -> Result<Note, Refusal> {
        // Each call has a new instance of the plugin. What is to stay is in the store.
        let id = store::increment("last-id", 1).expect("a number from the store");
        let id = u32::try_from(id).ok().filter(|id| *id <= ROOM).ok_or(Refusal::Full(ROOM))?;
        // An error of the contract is returned. A panic becomes a 500, and what it says stays in the host's log.
        store::set(&key(id), &text).expect("a note in the store");
        log::info!("kept note {id}, of {} words", text.split_whitespace().count());
        Ok(Note { id, text })
    }

    fn get_note(id: u32) -> Result<Note, Refusal> {
        let text = store::get_text(&key(id)).expect("a note from the store");
        text.map(|text| Note { id, text }).ok_or(Refusal::NotFound(id))
    }
}

fn key(id: u32) -> String {
    format!("note-{id}")
}

export!(Plugin);
