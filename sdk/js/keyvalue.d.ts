/**
 * A plugin's own key-value store, which outlives requests, reloads and restarts.
 *
 * The world has to import `wasi:keyvalue/store@0.2.0-draft` and `wasi:keyvalue/atomics@0.2.0-draft`, and the operator to
 * grant `wasi:keyvalue`. Every method throws an `Error` whose `payload` is the `error` of `wasi:keyvalue` if the store fails.
 */
export class Store {
  /** The store of that name; the host has one, `default`. It is opened by the first call that uses it. */
  constructor(name?: string);
  /** What is kept under the key, or null. */
  get(key: string): Uint8Array | null;
  /** The same as text. Throws a `TypeError` if it is not UTF-8. */
  getText(key: string): string | null;
  /** The same, parsed. Throws a `SyntaxError` if it is not JSON. */
  getJson<T = unknown>(key: string): T | null;
  set(key: string, value: Uint8Array | string): void;
  setJson(key: string, value: unknown): void;
  delete(key: string): void;
  exists(key: string): boolean;
  /** All keys, in no particular order, read page by page. */
  keys(): Generator<string, void, void>;
  /** Adds to the counter under the key, which begins with 0, and gives what it is then. No two calls get the same. */
  increment(key: string, delta?: number): number;
}
