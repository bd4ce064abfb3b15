// `console`, which QuickJS lacks: each call is a line, or several, of the host's log.
import { write } from "witapi-sdk/runtime/log";
import { text } from "./inspect.js";
import { whenServing } from "./stage.js";

// Formatted at once, since what is shown may change until it can be written.
const line = (level, values) => {
  const message = text(values);
  whenServing(() => write(level, message));
};

const counts = new Map();
const times = new Map();

export const console = {
  trace: (...values) => line("debug", [...values, new Error("trace").stack]),
  debug: (...values) => line("debug", values),
  log: (...values) => line("info", values),
  info: (...values) => line("info", values),
  warn: (...values) => line("warn", values),
  error: (...values) => line("error", values),
  dir: (value) => line("info", [value]),
  table: (value) => line("info", [value]),
  assert: (holds, ...values) => holds || line("error", ["Assertion failed", ...values]),
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    line("info", [`${label}: ${counts.get(label)}`]);
  },
  countReset: (label = "default") => void counts.delete(label),
  group: (...values) => values.length && line("info", values),
  groupCollapsed: (...values) => values.length && line("info", values),
  groupEnd() {},
  time: (label = "default") => void times.set(label, performance.now()),
  timeLog(label = "default", ...values) {
    line("info", [`${label}: ${(performance.now() - times.get(label)).toFixed(3)} ms`, ...values]);
  },
  timeEnd(label = "default") {
    console.timeLog(label);
    times.delete(label);
  },
};
