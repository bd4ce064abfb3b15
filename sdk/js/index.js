/** An error of the WIT: what a function throws to answer with the `err` of its `result`. */
export class ComponentError extends Error {
  constructor(payload, options) {
    super(typeof payload === "string" ? payload : JSON.stringify(payload), options);
    this.name = "ComponentError";
    // Told apart from other errors by this property, as jco and componentize-qjs do.
    this.payload = payload;
  }
}
