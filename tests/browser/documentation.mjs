// What a reader of the documentation does: try, choose a plugin, follow a link.

import assert from "node:assert/strict";
import { until } from "./browser.mjs";

/** Where a document has an operation: under which tag and id, and where the two readers have it. */
export const place = async (browser, method, path, document = "/openapi.json") => {
  const { paths } = await (await fetch(browser.origin + document)).json();
  const { tags: [tag], operationId: id } = paths[path][method];
  return {
    id,
    docs: `#/${encodeURIComponent(tag)}/${id}`,
    reference: `#tag/${tag.replace(/[^A-Za-z0-9._~-]/g, "-")}/${id}`,
  };
};

/** That operation in Swagger UI. */
export const operation = (page, { id }) => page.locator(`.opblock[id$="-${id}"]`);

export async function try_out(browser) {
  const page = await browser.open("/docs");
  const create = operation(page, await place(browser, "post", "/todos"));
  await create.locator(".opblock-summary-control").click();
  const body = create.locator("textarea.body-param__text");
  await body.fill(JSON.stringify({ title: "written in a browser" }));
  await create.locator("button.execute").click();
  const answer = create.locator(".live-responses-table .response");
  await answer.waitFor();
  assert.match(await answer.locator(".response-col_status").innerText(), /^201/);
  assert.match(await answer.locator(".response-col_description").innerText(), /"title": "written in a browser"/);
  // It went to the host.
  const list = await page.evaluate(async () => (await fetch("/todos")).json());
  assert.deepEqual(list.items?.map((todo) => todo.title) ?? list.map((todo) => todo.title), ["written in a browser"]);

  // The same in the other reader.
  const reference = await browser.open("/reference" + (await place(browser, "get", "/todos")).reference);
  await reference.locator("section", { hasText: "List todos" }).getByRole("button", { name: /Test Request/ }).first().click();
  const send = reference.getByRole("button", { name: /^Send/ }).first();
  await send.waitFor();
  const [sent] = await Promise.all([
    reference.waitForResponse((answer) => new URL(answer.url()).pathname === "/todos"),
    send.click(),
  ]);
  assert.equal(sent.status(), 200);
}

export async function selector(browser) {
  const read = async (path) => (await fetch(browser.origin + path)).json();
  const [all, some] = [await read("/openapi.json"), await read("/openapi/orders.json")];
  assert.notEqual(all.info.title, some.info.title);
  const tags = ({ paths }) => Object.values(paths).flatMap((path) => Object.values(path)).flatMap((it) => it.tags);
  const shown = {
    "/docs": (page, document) => until(page, (wanted) => {
      const found = [...document.querySelectorAll(".opblock-tag")].map((tag) => tag.dataset.tag);
      return JSON.stringify(found.sort()) === JSON.stringify(wanted);
    }, [...new Set(tags(document))].sort()),
    // Scalar shows nothing of what is out of view but the title.
    "/reference": (page, document) => until(page, (title) =>
      [...document.querySelectorAll("main h1")].some((it) => it.textContent.trim() === title), document.info.title),
  };
  for (const [path, of] of Object.entries(shown)) {
    const page = await browser.open(path);
    const shows = (document) => of(page, document);
    await shows(all);
    await page.evaluate(() => { globalThis.mark = 1; });
    await page.locator("#plugin").selectOption("orders");
    await shows(some);
    assert.equal(new URL(page.url()).search, "?plugin=orders");
    await page.goBack();
    await shows(all);
    assert.equal(await page.locator("#plugin").inputValue(), "");
    await page.goForward();
    await shows(some);
    assert.equal(await page.evaluate(() => globalThis.mark), 1, "the page was loaded anew");
    await page.reload();
    await shows(some);
    assert.equal(await page.locator("#plugin").inputValue(), "orders");
  }
}

export async function deep_links(browser) {
  // From the landing page, by a click.
  const page = await browser.open("/");
  const row = page.locator("li", { hasText: "Create a todo" });
  await row.locator("a.path").click();
  const create = operation(page, await place(browser, "post", "/todos"));
  await create.locator(".opblock-body").waitFor();
  assert.equal(await page.locator(".opblock-body").count(), 1, "only the linked operation is open");
  // It is scrolled to, and not under the header.
  await until(page, () => {
    const { top } = document.querySelector(".opblock.is-open").getBoundingClientRect();
    return top >= document.querySelector(".top").getBoundingClientRect().bottom && top < innerHeight / 2;
  });
  // Within the page, as a link in a document does.
  const price = await place(browser, "post", "/orders");
  await page.evaluate((hash) => { location.hash = hash; }, price.docs);
  await operation(page, price).locator(".opblock-body").waitFor();

  const prices = await place(browser, "get", "/orders/prices", "/openapi/orders.json");
  await page.goto(`${browser.origin}/docs?plugin=orders${prices.docs}`);
  await operation(page, prices).locator(".opblock-body").waitFor();
  // A tag may be of several words.
  const greeting = await place(browser, "get", "/greetings");
  await page.goto(`${browser.origin}/docs${greeting.docs}`);
  // Not while it still opens: a reader reloads what there is to see.
  await operation(page, greeting).locator(".opblock-body").waitFor();
  await page.reload();
  await operation(page, greeting).locator(".opblock-body").waitFor();

  await page.goto(`${browser.origin}/`);
  await row.locator("a.more").click();
  const isInView = (text) => until(page, (text) => {
    const heading = [...document.querySelectorAll("h3")].find((it) => it.textContent.includes(text));
    const top = heading?.getBoundingClientRect().top;
    return top > 0 && top < innerHeight;
  }, text);
  await isInView("Create a todo");
  await page.goto(`${browser.origin}/`);
  await page.locator("li", { hasText: "The languages there are" }).locator("a.more").click();
  await isInView("The languages there are");
}

export async function problems(browser) {
  const page = await browser.open("/problems");
  await page.getByRole("link", { name: "Validation failed" }).click();
  assert.equal(new URL(page.url()).pathname, "/problems/invalid-request");
  assert.equal(await page.locator("h1").innerText(), "Validation failed");
  const example = JSON.parse(await page.locator("pre").innerText());
  assert.equal(example.type, "/problems/invalid-request");
  assert.match(await page.title(), /^Validation failed · /);
}

/** A plugin with markup in all its documentation: opens all there is, and lets it do what it can. */
export async function hostile_documentation(browser, host) {
  // First as pages are. Then without their policy, so that what is left is what the readers make of the text.
  for (const bypassCSP of [false, true]) {
    // Swagger UI cleans text in a document apart, where nothing runs. With a policy, Chromium tells of handlers there too.
    const isTold = /\/docs\S*: (console: Executing inline event handler|the policy was violated: script-src-attr) /;
    browser.tolerates = (fault) => !bypassCSP && isTold.test(fault);
    const context = await browser.context({ bypassCSP });
    const landing = await browser.open("/", context);
    await landing.locator("#plugin-things").waitFor();
    const docs = await browser.open("/docs", context);
    const places = await Promise.all(["post", "get"].map((method) => place(browser, method, "/things")));
    for (const place of places) {
      await operation(docs, place).locator(".opblock-summary-control").click();
      await operation(docs, place).locator(".responses-table").first().waitFor();
    }
    await docs.locator("section.models button").first().click();
    const reference = await browser.open("/reference", context);
    for (const { id, reference: hash } of places) {
      await reference.goto(`${browser.origin}/reference${hash}`);
      await reference.locator(`[id$="${id}"]`).first().waitFor();
    }
    for (const page of [landing, docs, reference]) {
      await page.getByText("harmless").first().waitFor();
      // Time for an image to fail, and for what waits for that.
      await page.evaluate(() => new Promise((done) => setTimeout(done, 500)));
      const found = await page.evaluate(() => ({
        scripts: [...document.scripts].filter((script) => script.textContent.includes("pwned")).length,
        handlers: [...document.querySelectorAll("main *, [id^=headlessui] *")].flatMap((element) =>
          [...element.attributes].filter((it) => it.name.startsWith("on") || /^\s*javascript:/i.test(it.value))).length,
        frames: document.querySelectorAll("iframe, object, embed").length,
      }));
      assert.deepEqual(found, { scripts: 0, handlers: 0, frames: 0 }, page.url());
    }
    if (bypassCSP) {
      // The same text as markup would have been noticed.
      assert.deepEqual(browser.faults, []);
      await landing.evaluate((mark) => document.body.insertAdjacentHTML("beforeend", mark), host.mark);
      await until(landing, () => document.body.lastElementChild.open);
      await landing.evaluate(() => new Promise((done) => setTimeout(done, 500)));
      const ran = browser.faults.splice(0).map((fault) => fault.replace(/.*: /, ""));
      assert.deepEqual(ran.sort(), ["details", "frame", "image"]);
    }
    await context.close();
  }
}
