// What every plugin has, though QuickJS has it not.
import { console } from "./console.js";
import { crypto, random } from "./random.js";

const put = (target, name, value) =>
  Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });

put(globalThis, "console", console);
put(globalThis, "crypto", crypto);
put(Math, "random", random);
