import { ComponentError } from "witapi-sdk";
import { Store } from "witapi-sdk/keyvalue";

/** So many notes are kept. */
const MAX_NOTES = 1000;

// Every request begins with memory as it is here: what is to last goes into the store.
const store = new Store();

// The interface `notes` of the WIT, with its functions.
export const notes = {
  createNote(text) {
    const id = store.increment("last-id");
    if (id > MAX_NOTES) {
      // What is thrown so is the `err` of the function's result.
      throw new ComponentError({ tag: "full", val: MAX_NOTES });
    }
    const note = { id, text };
    store.setJson(`note-${id}`, note);
    console.log(`note ${id} has ${text.length} characters`);
    return note;
  },

  getNote(id) {
    const note = store.getJson(`note-${id}`);
    if (note === null) {
      throw new ComponentError({ tag: "not-found", val: id });
    }
    return note;
  },
};
