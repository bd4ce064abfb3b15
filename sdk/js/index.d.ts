/**
 * An error of the WIT: what a function throws to answer with the `err` of its `result`.
 *
 * `throw new ComponentError<Refusal>({ tag: "full", val: 1000 })` lets TypeScript see whether it is one of the contract's.
 * What an imported function answers as its `err` is thrown alike: an `Error` with a `payload`.
 */
export class ComponentError<E = unknown> extends Error {
  constructor(payload: E, options?: ErrorOptions);
  /** The value of the WIT's error type. */
  readonly payload: E;
}
