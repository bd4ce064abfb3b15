// Whether a value is of a WIT type. The engine would cut an integer to fit, or panic in words of its own.

const integers = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  u64: [0, Number.MAX_SAFE_INTEGER],
  s8: [-0x80, 0x7f],
  s16: [-0x8000, 0x7fff],
  s32: [-0x8000_0000, 0x7fff_ffff],
  s64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

const typedArrays = {
  u8: Uint8Array,
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
};

const isObject = (value) => typeof value === "object" && value !== null;

/** What is wrong with the value, with its place in it; undefined if nothing is. */
export function fault(type, value, place = "") {
  const expected = (what) => `${place || "it"}: expected ${what}, found ${found(value)}`;
  if (typeof type === "string") {
    return scalar(type, value, expected);
  }
  const [kind, of, more] = type;
  switch (kind) {
    case "list": {
      const typed = typedArrays[of];
      if (typed && value instanceof typed) return;
      if (!Array.isArray(value)) return expected(typed ? `an array or a ${typed.name}` : "an array");
      return first(value, (item, i) => fault(of, item, `${place}[${i}]`));
    }
    case "option":
      if (isOption(of)) {
        if (!isObject(value) || (value.tag !== "some" && value.tag !== "none")) {
          return expected('{ tag: "some", val } or { tag: "none" }');
        }
        return value.tag === "some" ? fault(of, value.val, `${place}.val`) : undefined;
      }
      return value === null || value === undefined ? undefined : fault(of, value, place);
    case "result": {
      if (!isObject(value) || (value.tag !== "ok" && value.tag !== "err")) {
        return expected('{ tag: "ok", val } or { tag: "err", val }');
      }
      const arm = value.tag === "ok" ? of : more;
      return arm === null ? undefined : fault(arm, value.val, `${place}.val`);
    }
    case "record":
      if (!isObject(value)) return expected(`an object with ${Object.keys(of).join(", ")}`);
      return first(Object.entries(of), ([name, type]) => fault(type, value[name], place ? `${place}.${name}` : name));
    case "variant":
      if (!isObject(value) || !Object.hasOwn(of, value.tag)) {
        return expected(`an object whose \`tag\` is one of ${Object.keys(of).join(", ")}`);
      }
      return of[value.tag] === null ? undefined : fault(of[value.tag], value.val, `${place}.val`);
    case "enum":
      return of.includes(value) ? undefined : expected(`one of ${of.map((it) => JSON.stringify(it)).join(", ")}`);
    case "flags":
      return isObject(value) ? undefined : expected(`an object with ${of.join(", ")}, each true or false`);
    case "tuple":
      if (!Array.isArray(value) || value.length !== of.length) return expected(`an array of ${of.length} items`);
      return first(of, (type, i) => fault(type, value[i], `${place}[${i}]`));
    case "map":
      if (!(value instanceof Map)) return expected("a Map");
      return first([...value], ([key, item]) => fault(of, key, `a key of ${place || "it"}`) ?? fault(more, item, `${place}[${found(key)}]`));
  }
}

function scalar(type, value, expected) {
  const range = integers[type];
  if (range) {
    const [least, most] = range;
    if (Number.isInteger(value) && value >= least && value <= most) return;
    return expected(`an integer from ${least} to ${most}`);
  }
  switch (type) {
    case "bool":
      return typeof value === "boolean" ? undefined : expected("true or false");
    case "f32":
    case "f64":
      return typeof value === "number" ? undefined : expected("a number");
    case "string":
      return typeof value === "string" && value.isWellFormed() ? undefined : expected("a string without lone surrogates");
    case "char":
      return typeof value === "string" && [...value].length === 1 && value.isWellFormed() ? undefined : expected("one character");
  }
}

function isOption(type) {
  return Array.isArray(type) && type[0] === "option";
}

function first(items, look) {
  for (let i = 0; i < items.length; i++) {
    const said = look(items[i], i);
    if (said !== undefined) return said;
  }
}

/** A value in a message: no more of it than says what it is. */
function found(value) {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Map) return "a Map";
  if (typeof value === "object" && value !== null) {
    const names = Object.keys(value);
    return `an object with ${names.length ? names.slice(0, 20).join(", ") : "no members"}`;
  }
  if (typeof value === "bigint") return `the BigInt ${value}n`;
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/**
 * Whether the argument may have been rounded: QuickJS has integers of 64 bits as numbers, which are exact only up to 2^53.
 * Only types with such an integer in them come here.
 */
export function rounded(type, value) {
  // From 2^63 on, QuickJS gives unsigned ones as negative numbers.
  if (type === "u64") return !Number.isSafeInteger(value) || value < 0;
  if (type === "s64") return !Number.isSafeInteger(value);
  if (typeof type === "string" || value === null || value === undefined) return false;
  const [kind, of, more] = type;
  switch (kind) {
    case "list":
      // Typed arrays of BigInts are exact.
      return Array.isArray(value) && value.some((item) => rounded(of, item));
    case "option":
      return isOption(of) ? value.tag === "some" && rounded(of, value.val) : rounded(of, value);
    case "result": {
      const arm = value.tag === "ok" ? of : more;
      return arm !== null && rounded(arm, value.val);
    }
    case "record":
      return Object.entries(of).some(([name, type]) => rounded(type, value[name]));
    case "variant":
      return of[value.tag] !== null && rounded(of[value.tag], value.val);
    case "tuple":
      return of.some((type, i) => rounded(type, value[i]));
    case "map":
      return [...value].some(([key, item]) => rounded(of, key) || rounded(more, item));
    default:
      return false;
  }
}

/**
 * The value with another in the place of each `u32`: `change` of it. What does not change stays the same object, and what
 * does is a copy.
 */
function withWords(type, value, change) {
  if (type === "u32") return change(value);
  if (typeof type === "string" || value === null || value === undefined) return value;
  const [kind, of, more] = type;
  const inner = (type, value) => (type === null ? value : withWords(type, value, change));
  const member = (type) => {
    const val = inner(type, value.val);
    return val === value.val ? value : { ...value, val };
  };
  const items = (typeOf) => {
    const changed = value.map((item, i) => inner(typeOf(i), item));
    return changed.every((item, i) => Object.is(item, value[i])) ? value : changed;
  };
  switch (kind) {
    case "list":
      return typeof of === "string" && of !== "u32" ? value : Array.isArray(value) ? items(() => of) : value;
    case "tuple":
      return items((i) => of[i]);
    case "option":
      return isOption(of) ? (value.tag === "some" ? member(of) : value) : inner(of, value);
    case "result":
      return member(value.tag === "ok" ? of : more);
    case "variant":
      return member(of[value.tag]);
    case "record": {
      let changed = value;
      for (const [name, type] of Object.entries(of)) {
        const field = inner(type, value[name]);
        if (field !== value[name] && changed === value) {
          changed = Object.fromEntries(Object.keys(of).map((name) => [name, value[name]]));
        }
        if (changed !== value) changed[name] = field;
      }
      return changed;
    }
    case "map":
      return new Map([...value].map(([key, item]) => [inner(of, key), inner(more, item)]));
    default:
      return value;
  }
}

// componentize-qjs 0.4.5 takes `u32` for `s32`, both ways: 4294967295 comes as -1, and leaves as 2147483647.

/** The argument as the WIT means it. */
export const lifted = (type, value) => withWords(type, value, (word) => word >>> 0);

/** The result as the engine takes it. */
export const lowered = (type, value) => withWords(type, value, (word) => word | 0);
