// The notes of the template in JavaScript, for SpiderMonkey by componentize-js: without the SDK, which is for QuickJS. Here a u64 is a
// BigInt, none is undefined, and the engine brings TextEncoder.
import { increment } from "wasi:keyvalue/atomics@0.2.0-draft";
import { open } from "wasi:keyvalue/store@0.2.0-draft";
import { log } from "wasi:logging/logging@0.1.0-draft";

const MAX_NOTES = 1000n;

export const notes = {
  createNote(text) {
    const store = open("default");
    const id = increment(store, "last-id", 1n);
    if (id > MAX_NOTES) {
      throw { tag: "full", val: Number(MAX_NOTES) };
    }
    const note = { id: Number(id), text };
    store.set(`note-${id}`, new TextEncoder().encode(JSON.stringify(note)));
    log("info", "", `note ${id} has ${text.length} characters`);
    return note;
  },

  getNote(id) {
    const note = open("default").get(`note-${id}`);
    if (note === undefined) {
      throw { tag: "not-found", val: id };
    }
    return JSON.parse(new TextDecoder().decode(note));
  },
};
