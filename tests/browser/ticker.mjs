// The example page of the ticker, opened from disk: a page of another origin that listens to the host.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { until } from "./browser.mjs";

/** `host` has the path of the page. */
export async function ticker(browser, host) {
  const url = pathToFileURL(host.page).href;
  browser.tolerates = (fault) => fault === `a request left the host: ${url}`;
  const page = await (await browser.context()).newPage();
  await page.goto(url);
  await page.fill("input[name=host]", host.origin);
  await page.fill("input[name=count]", "5");
  await page.fill("input[name=interval]", "20");
  await page.click("button");
  await until(page, () => document.querySelector("#state").textContent === "That was the last.");
  assert.equal(await page.locator("#ticks li").count(), 5);
}
