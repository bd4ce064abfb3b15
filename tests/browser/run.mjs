// `node run.mjs SCENARIO ARGUMENTS`: one scenario of this folder, with what the test in tests/browser.rs gave it, as JSON.

import { Browser } from "./browser.mjs";
import * as dev from "./dev.mjs";
import * as documentation from "./documentation.mjs";
import * as live from "./live.mjs";
import * as look from "./look.mjs";
import * as ticker from "./ticker.mjs";

const [name, text] = process.argv.slice(2);
const scenario = { ...dev, ...documentation, ...live, ...look, ...ticker }[name];
if (!scenario) throw new Error(`there is no scenario \`${name}\``);
const host = JSON.parse(text);
const browser = await Browser.start(host.origin);
try {
  await scenario(browser, host);
} catch (error) {
  console.error("faults so far:", browser.faults);
  await browser.chromium.close();
  throw error;
}
await browser.end();
console.log(`done: ${name}`);
