// A plugin is written while its pages are open.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { until } from "./browser.mjs";

/** `host` has a source file, a text of it that does not build and what the compiler says then, and one that does. */
export async function development(browser, host) {
  const context = await browser.context();
  const pages = [];
  for (const path of ["/", "/docs", "/reference"]) pages.push(await browser.open(path, context));
  const failures = (page) => page.locator(".failure");
  for (const page of pages) {
    await until(page, () => document.querySelector("main").innerText.includes("rders"));
    assert.equal(await failures(page).count(), 0);
    await page.evaluate(() => { globalThis.mark = 1; });
  }
  await writeFile(host.file, host.broken);
  for (const page of pages) {
    await failures(page).waitFor();
    const text = await failures(page).innerText();
    assert.ok(text.includes("does not build") && text.includes(host.said), text);
    // What the compiler quotes is text.
    assert.equal(await failures(page).locator("img, script").count(), 0);
  }
  await writeFile(host.file, host.fixed);
  for (const page of pages) await failures(page).waitFor({ state: "detached" });
  for (const page of pages) assert.equal(await page.evaluate(() => globalThis.mark), 1, "a page was loaded anew");
}
