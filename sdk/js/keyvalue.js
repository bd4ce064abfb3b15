import { increment } from "wasi:keyvalue/atomics@0.2.0-draft";
import { open } from "wasi:keyvalue/store@0.2.0-draft";
import { decode, encode } from "./runtime/utf8.js";

export class Store {
  #name;
  #bucket;

  constructor(name = "default") {
    this.#name = name;
  }

  // Opened by the call that needs it first: while a plugin is built there is no store.
  get #opened() {
    return (this.#bucket ??= open(this.#name));
  }

  get(key) {
    return this.#opened.get(key);
  }

  getText(key) {
    const value = this.get(key);
    return value === null ? null : decode(value);
  }

  getJson(key) {
    const text = this.getText(key);
    return text === null ? null : JSON.parse(text);
  }

  set(key, value) {
    this.#opened.set(key, typeof value === "string" ? encode(value) : value);
  }

  setJson(key, value) {
    const text = JSON.stringify(value);
    if (text === undefined) {
      throw new TypeError(`${typeof value} cannot be kept as JSON, under the key ${JSON.stringify(key)}`);
    }
    this.set(key, text);
  }

  delete(key) {
    this.#opened.delete(key);
  }

  exists(key) {
    return this.#opened.exists(key);
  }

  *keys() {
    let cursor = null;
    do {
      const page = this.#opened.listKeys(cursor);
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== null);
  }

  increment(key, delta = 1) {
    if (!Number.isSafeInteger(delta) || delta < 0) {
      throw new RangeError(`a counter grows by an integer from 0 to ${Number.MAX_SAFE_INTEGER}, not by ${delta}`);
    }
    const value = increment(this.#opened, key, delta);
    // Beyond 2^63 it comes as a negative number.
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`the counter ${JSON.stringify(key)} is beyond ${Number.MAX_SAFE_INTEGER}`);
    }
    return value;
  }
}
