import logging

from wit_world import exports
from wit_world.exports.notes import Note, Refusal_Full, Refusal_NotFound
from witapi import Err, store

# So many notes are kept.
MAX_NOTES = 1000


# The interface `notes` of the WIT, with its functions.
class Notes(exports.Notes):
    def create_note(self, text: str) -> Note:
        # Every request begins with memory as it was when this was built: what is to last goes into the store.
        notes = store.open()
        id = notes.increment("last-id")
        if id > MAX_NOTES:
            # What is raised so is the `err` of the function's result.
            raise Err(Refusal_Full(MAX_NOTES))
        notes[f"note-{id}"] = text
        logging.info("note %d has %d characters", id, len(text))
        return Note(id, text)

    def get_note(self, id: int) -> Note:
        text = store.open().get(f"note-{id}")
        if text is None:
            raise Err(Refusal_NotFound(id))
        return Note(id, text.decode())
