import { ComponentError } from "witapi-sdk";
import { Store } from "witapi-sdk/keyvalue";

// The types of the contract, as the WIT names it. `witapi build` makes them, in .witapi/types.d.ts.
import type * as contract from "example:{{name}}/notes@0.1.0";

/** So many notes are kept. */
const MAX_NOTES = 1000;

// Every request begins with memory as it is here: what is to last goes into the store.
const store = new Store();

// The interface `notes` of the WIT. What does not fit its types is an error of the build.
export const notes: typeof contract = {
  createNote(text) {
    const id = store.increment("last-id");
    if (id > MAX_NOTES) {
      throw refusal({ tag: "full", val: MAX_NOTES });
    }
    const note = { id, text };
    store.setJson(`note-${id}`, note);
    console.log(`note ${id} has ${text.length} characters`);
    return note;
  },

  getNote(id) {
    const note = store.getJson<contract.Note>(`note-${id}`);
    if (note === null) {
      throw refusal({ tag: "not-found", val: id });
    }
    return note;
  },
};

// What is thrown with it is the `err` of the function's result.
const refusal = (why: contract.Refusal) => new ComponentError(why);
