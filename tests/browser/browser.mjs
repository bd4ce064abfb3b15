// A Chromium that reaches no host but the one under test, and a list of all that a page should not do.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../target/tools/browser/", import.meta.url))("playwright-core");

/** How long anything may take that should take milliseconds, in milliseconds. */
const PATIENCE = 60_000;

export class Browser {
  /** What pages did that they should not. */
  faults = [];

  /** Whether something that looks like a fault is none in this scenario. */
  tolerates = (_fault) => false;

  static async start(origin) {
    const browser = new Browser();
    browser.origin = origin;
    browser.chromium = await chromium.launch({
      executablePath: process.env.PATH.split(":").map((folder) => `${folder}/chromium`).find(existsSync),
      args: ["--no-sandbox", "--disable-quic", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    });
    return browser;
  }

  /** Pages that share what they remember. */
  async context(options = {}) {
    const context = await this.chromium.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const note = (what) => { if (!this.tolerates(what)) this.faults.push(what); };
    context.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${this.origin}/`) && !url.startsWith("data:")) note(`a request left the host: ${url}`);
    });
    context.on("console", (message) => {
      if (message.type() === "error") note(`${message.page()?.url()}: console: ${message.text()}`);
    });
    context.on("weberror", (error) => note(`an error that nobody caught: ${error.error().stack}`));
    context.on("dialog", (dialog) => { note(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
    await context.exposeBinding("violated", ({ page }, text) => {
      // Scalar has a library that asks once whether it may make code of text, and does without it.
      const isQuestion = text === "script-src by eval" && new URL(page.url()).pathname === "/reference";
      if (!isQuestion) note(`${page.url()}: the policy was violated: ${text}`);
    });
    await context.exposeBinding("pwned", ({ page }, by) => note(`${page.url()}: a plugin's script ran: ${by}`));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        globalThis.violated(`${event.violatedDirective} by ${event.blockedURI || event.sample}`);
      });
    });
    return context;
  }

  /** Opens a path of the host in a page of its own. */
  async open(path, context) {
    const page = await (context ?? await this.context()).newPage();
    await page.goto(this.origin + path);
    return page;
  }

  /** Ends it, and says whether all was as it should be. */
  async end() {
    await this.chromium.close();
    assert.deepEqual(this.faults, []);
  }
}

/** Waits until `is` is true of the page. */
export const until = async (page, is, argument) => page.waitForFunction(is, argument, { timeout: PATIENCE });
