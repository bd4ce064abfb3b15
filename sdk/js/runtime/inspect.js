// Values as text, for the log.

/** The values as `console.log` prints them, on one line but for texts and stacks of several. */
export function text(values) {
  const [first, ...rest] = values;
  if (typeof first !== "string" || !first.includes("%")) {
    return values.map((value) => (typeof value === "string" ? value : shown(value))).join(" ");
  }
  const formatted = first.replace(/%([sdifjoOc%])/g, (whole, kind) => {
    if (kind === "%") return "%";
    if (rest.length === 0) return whole;
    const value = rest.shift();
    if (kind === "c") return "";
    if (kind === "d") return String(Number(value));
    if (kind === "i") return String(Number.parseInt(value, 10));
    if (kind === "f") return String(Number.parseFloat(value));
    return kind === "s" && typeof value !== "object" ? String(value) : shown(value);
  });
  return rest.length === 0 ? formatted : `${formatted} ${text(rest)}`;
}

const MAX_DEPTH = 4;
const MAX_ITEMS = 100;

/** One value; an object as deep as four levels. Never throws. */
export function shown(value, depth = 0, above = []) {
  try {
    return inspected(value, depth, above);
  } catch (error) {
    return `[cannot be shown: ${String(error)}]`;
  }
}

function inspected(value, depth, above) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "(anonymous)"}]`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (above.includes(value)) return "[circular]";
  if (value instanceof Error) return error(value, depth, [...above, value]);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  const inner = (item) => shown(item, depth + 1, [...above, value]);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const name = Array.isArray(value) ? "" : `${value.constructor.name} `;
    return `${name}[${listed(Array.from(value, inner))}]`;
  }
  if (value instanceof Map) return `Map {${listed([...value].map(([key, item]) => `${inner(key)} => ${inner(item)}`))}}`;
  if (value instanceof Set) return `Set {${listed([...value].map(inner))}}`;
  const name = value.constructor?.name;
  const members = Object.entries(value).map(([key, item]) => `${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}: ${inner(item)}`);
  return `${name && name !== "Object" ? `${name} ` : ""}{${members.length ? ` ${listed(members)} ` : ""}}`;
}

function listed(items) {
  const more = items.length - MAX_ITEMS;
  return more > 0 ? `${items.slice(0, MAX_ITEMS).join(", ")}, … ${more} more` : items.join(", ");
}

function error(value, depth, above) {
  const stack = value.stack ? `\n${value.stack.trimEnd()}` : "";
  const cause = value.cause === undefined ? "" : `\ncaused by ${shown(value.cause, depth + 1, above)}`;
  return `${value.name}: ${value.message}${stack}${cause}`;
}
