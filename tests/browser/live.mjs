// Plugins come, change and go while pages are open.

import assert from "node:assert/strict";
import { copyFile, rename, rm } from "node:fs/promises";
import { until } from "./browser.mjs";
import { operation, place } from "./documentation.mjs";

/** Puts a component into the plugin folder, in one step. */
const put = async (from, to) => {
  await copyFile(from, `${to}.draft`);
  await rename(`${to}.draft`, to);
};

const shows = (page, text) => until(page, (text) => document.querySelector("main").innerText.includes(text), text);
const hides = (page, text) => until(page, (text) => !document.querySelector("main").innerText.includes(text), text);

/** `host` has the path of a plugin that is not loaded, and two versions of it, each with a path that the other has not. */
export async function live(browser, host) {
  const context = await browser.context();
  const landing = await browser.open("/", context);
  const docs = await browser.open("/docs", context);
  const reference = await browser.open("/reference", context);
  const pages = [landing, docs, reference];

  // Something is open and half written.
  const create = operation(docs, await place(browser, "post", "/todos"));
  await create.locator(".opblock-summary-control").click();
  const body = create.locator("textarea.body-param__text");
  await body.fill('{"title": "half wri');
  const get = operation(docs, await place(browser, "get", "/todos/{id}"));
  await get.locator(".opblock-summary-control").click();
  const id = get.locator("input[placeholder=id]");
  await id.fill("42");
  await shows(landing, "todos");
  await shows(reference, "todos");
  for (const page of pages) await page.evaluate(() => { globalThis.mark = 1; });
  const names = (page) => page.locator("#plugin option").allInnerTexts();
  assert.deepEqual(await names(docs), ["All plugins", "todos"]);

  const { file, versions: [first, second] } = host;
  await put(first.component, file);
  for (const page of pages) await shows(page, host.name);
  await shows(landing, first.path);
  await shows(docs, first.path);
  for (const page of [docs, reference]) assert.deepEqual(await names(page), ["All plugins", host.name, "todos"]);

  await put(second.component, file);
  for (const page of [landing, docs]) {
    await shows(page, second.path);
    await hides(page, first.path);
  }
  // Its own document is there before the plugin goes: that of all plugins shows the same path.
  const own = reference.waitForResponse((answer) => answer.url().endsWith(`/openapi/${host.name}.json`));
  await reference.locator("#plugin").selectOption(host.name);
  await own;
  await shows(reference, second.path);

  await rm(file);
  for (const page of [landing, docs]) await hides(page, second.path);
  // What was chosen is gone: the page says so, and what it had is still there to read.
  await reference.locator("#notice", { hasText: `The plugin ${host.name} is not loaded` }).waitFor();
  await shows(reference, second.path);
  await put(first.component, file);
  await shows(reference, first.path);
  await reference.locator("#notice").waitFor({ state: "hidden" });
  await rm(file);
  await hides(docs, first.path);
  assert.deepEqual(await names(docs), ["All plugins", "todos"]);

  for (const page of pages) assert.equal(await page.evaluate(() => globalThis.mark), 1, "a page was loaded anew");
  assert.equal(await body.inputValue(), '{"title": "half wri');
  assert.equal(await id.inputValue(), "42");
}
