//! Components for who waits for them. What takes componentize-qjs its time is to compile QuickJS, only to see what the
//! author's modules leave in memory. So it does that once for a contract, with a module that has room for the author's
//! bundle as text and runs it when a request comes; a new bundle is then written into that room, which takes milliseconds.
//!
//! What differs from a build that is no draft: modules run once in every request, not once when they are built.

use std::fs;

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{bundle, engine, entry, sdk, shape};
use crate::{error::BuildError, language::Job};

/// What the room begins with: bytes that occur nowhere else, none of them zero, since the snapshot of the memory leaves
/// those out. `room.js` writes the same.
fn mark() -> [u8; 64] {
    std::array::from_fn(|i| ((i * 37 + 11) % 251 + 1) as u8)
}

/// Behind the mark stands the length of the text, in so many decimal digits.
const DIGITS: usize = 8;

/// The smallest room, in bytes.
const ROOM: usize = 64 << 10;

/// The component, or none if that is no way for this plugin.
pub(super) fn compile(job: &Job<'_>, world: &shape::World, name: &str) -> Result<Option<Vec<u8>>, BuildError> {
    let script = bundle::script(job, world, &job.project.entry)?;
    let text = fs::read(&script).map_err(|error| BuildError::Io { file: script.clone(), error })?;
    if !text.is_ascii() {
        return Ok(None);
    }
    let room = (text.len() * 2).next_power_of_two().max(ROOM);
    let module = module(job, world, room);
    let digest = HEXLOWER.encode(&Sha256::digest(format!("{module}\n{}\n{name}", super::toolset::version())));
    let base = job.project.generated(&format!("js/draft-{}.wasm", &digest[..16]));
    let component = match fs::read(&base) {
        Ok(component) => component,
        Err(_) => {
            let path = "js/draft.js";
            sdk::put(job.project, path, &module)?;
            let bundle = bundle::module(job, world, &job.project.generated(path))?;
            let component = engine::componentize(job, world, name, &bundle)?;
            fs::write(&base, &component).map_err(|error| BuildError::Io { file: base.clone(), error })?;
            component
        }
    };
    Ok(fill(component, &text, room))
}

/// A module that runs the text in its room.
fn module(job: &Job<'_>, world: &shape::World, room: usize) -> String {
    let mut text = entry::begin(world);
    for (i, name) in world.imports.iter().enumerate() {
        text.push_str(&format!("import * as $import{i} from {};\n", json!(name)));
    }
    let imports = world.imports.iter().enumerate().map(|(i, name)| format!("{}: $import{i}", json!(name)));
    text.push_str(&format!(
        "const $file = {file};\nconst $imports = {{ {imports} }};\n{ROOM_JS}\nconst $room = makeRoom({room});\n\
         const $plugin = () => run($room, $file, $imports);\n",
        file = json!(entry::source(job)),
        imports = imports.collect::<Vec<_>>().join(", "),
    ));
    entry::end(world, &mut text, |index| match index {
        Some(i) => {
            let name = &world.exports[i].name;
            format!("() => part($plugin(), $file, {}, F{i})", json!(name))
        }
        None => "() => part($plugin(), $file, \"\", FW)".into(),
    });
    text
}

/// What the module does with its room.
const ROOM_JS: &str = include_str!("room.js");

/// Writes the text into the component's room; none if it is not there as it should be.
fn fill(mut component: Vec<u8>, text: &[u8], room: usize) -> Option<Vec<u8>> {
    let mark = mark();
    let mut places = component.windows(mark.len()).enumerate().filter(|(_, bytes)| *bytes == mark).map(|(at, _)| at);
    let (place, another) = (places.next()?, places.next());
    let begin = place + mark.len();
    let end = begin + DIGITS + room;
    // Untouched, and in one piece.
    let is_room = component.get(begin..end).is_some_and(|bytes| bytes.iter().all(|byte| *byte == b' '));
    if another.is_some() || !is_room || text.len() > room {
        return None;
    }
    component[begin..begin + DIGITS].copy_from_slice(format!("{:08}", text.len()).as_bytes());
    component[begin + DIGITS..begin + DIGITS + text.len()].copy_from_slice(text);
    Some(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_into_the_only_free_range() {
        let room =
            |spaces: usize| [b"wasm".to_vec(), mark().to_vec(), vec![b' '; DIGITS + spaces], b"end".to_vec()].concat();
        let filled = fill(room(10), b"code", 10).expect("room");
        assert!(filled.ends_with(b"00000004code      end"));
        assert_eq!(filled.len(), room(10).len());
        assert_eq!(fill(room(10), b"longer than it", 10), None);
        assert_eq!(fill(room(9), b"code", 10), None, "room that is cut off");
        assert_eq!(fill(b"wasm".to_vec(), b"code", 10), None);
        assert_eq!(fill([room(10), room(10)].concat(), b"code", 10), None, "two rooms");
    }
}
