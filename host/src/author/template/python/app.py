"""Short notes, kept in the store that the host gives the plugin."""

import logging

from wit_world import exports
from wit_world.exports.notes import Note, Refusal_Full, Refusal_NotFound
from witapi import Err, store

# Notes that are kept at most.
ROOM = 1000


class Notes(exports.Notes):
    def create_note(self, text: str) -> Note:
        notes = store.open()
        id = notes.increment("last")
        if id > ROOM:
            raise Err(Refusal_Full(ROOM))
        notes[f"note/{id}"] = text
        logging.info("note %d is kept", id)
        return Note(id, text)

    def get_note(self, id: int) -> Note:
        text = store.open().get(f"note/{id}")
        if text is None:
            raise Err(Refusal_NotFound(id))
        return Note(id, text.decode())
