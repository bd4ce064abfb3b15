// The plugin's functions as the component exports them: with its arguments and results looked at, and errors told.
import { fault, lifted, lowered, rounded } from "./check.js";
import { shown } from "./inspect.js";
import { serve } from "./stage.js";

/**
 * @param name the object that the functions are members of, for messages; empty for those of the module itself
 * @param load gives the object with the author's functions
 * @param functions of each: `params`, names and types, if an integer of 32 or 64 bits is in one (null for the others);
 *   `result`; `error`, if it can answer with one; `hasWords`, if a `u32` is in one of the two; `isAsync`
 */
export function implement(name, load, functions) {
  const exported = {};
  for (const [key, it] of Object.entries(functions)) {
    const where = name === "" ? key : `${name}.${key}`;
    exported[key] = (it.isAsync ? awaiting : calling)(where, load, key, it);
  }
  return exported;
}

/** Whether all that the world exports is there; throws if not. */
export function complete(file, name, object, functions) {
  const kind = typeof object;
  if ((kind !== "object" && kind !== "function") || object === null) {
    throw new TypeError(`${file} has to export ${name}, an object with the functions of that interface; found ${shown(object)}`);
  }
  const missing = Object.keys(functions).filter((key) => typeof object[key] !== "function");
  if (missing.length > 0) {
    throw new TypeError(`${name} in ${file} lacks what the WIT says it has: ${missing.map((key) => `${key}()`).join(", ")}`);
  }
}

function calling(where, load, key, it) {
  return (...args) => {
    serve();
    accept(where, it, args);
    let result;
    try {
      result = load()[key](...args);
    } catch (error) {
      throw refused(where, it, error);
    }
    if (typeof result?.then === "function") {
      throw fatal(where, it, new TypeError("it gave a promise, but the WIT does not say that it is `async`"));
    }
    return answer(where, it, result);
  };
}

function awaiting(where, load, key, it) {
  return async (...args) => {
    serve();
    accept(where, it, args);
    let result;
    try {
      result = await load()[key](...args);
    } catch (error) {
      throw refused(where, it, error);
    }
    return answer(where, it, result);
  };
}

function accept(where, it, args) {
  it.params?.forEach(([name, type], i) => {
    if (type !== null && rounded(type, args[i])) {
      const most = Number.MAX_SAFE_INTEGER;
      throw fatal(where, it, new RangeError(`\`${name}\` has an integer beyond ${most}, which this engine would round`));
    }
    if (type !== null) args[i] = lifted(type, args[i]);
  });
}

function answer(where, it, result) {
  const said = it.result === null ? undefined : fault(it.result, result);
  if (said !== undefined) {
    throw fatal(where, it, new TypeError(`what it returned is not of the WIT's type: ${said}`));
  }
  return it.hasWords && it.result !== null ? lowered(it.result, result) : result;
}

/** What is to be thrown on for what the author's function threw. */
function refused(where, it, error) {
  if (it.error === undefined) return fatal(where, it, error);
  const hasPayload = error instanceof Error && Object.hasOwn(error, "payload");
  if (error instanceof Error && !hasPayload) {
    // `throw new Error("…")` is how JavaScript says it; a TypeError and its like are mistakes of the code.
    return it.error === "string" && error.constructor === Error ? { payload: error.message } : fatal(where, it, error);
  }
  const payload = hasPayload ? error.payload : error;
  if (it.error === null) return { payload: undefined };
  const said = fault(it.error, payload);
  if (said === undefined) return { payload: it.hasWords ? lowered(it.error, payload) : payload };
  return fatal(where, it, new TypeError(`what it threw is not of the WIT's error type: ${said}`, { cause: error }));
}

/** Logs why the call cannot go on, and gives what ends it. */
function fatal(where, it, error) {
  console.error(`${where}: ${shown(error)}`);
  // The engine would answer with the message of an `Error` where the error's type is `string`; what is none it cannot.
  return it.error === "string" ? {} : new Error(error instanceof Error ? error.message : shown(error));
}
