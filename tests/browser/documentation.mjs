// What a reader of the documentation does: try, choose a plugin, follow a link.

import assert from "node:assert/strict";
import { until } from "./browser.mjs";

/** The operation of that id in Swagger UI. */
const operation = (page, tag, id) => page.locator(`#operations-${tag}-${id}`);

export async function try_out(browser) {
  const page = await browser.open("/docs");
  const create = operation(page, "todos", "todos_create_todo");
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
  const reference = await browser.open("/reference#tag/todos/todos_list_todos");
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
  const tags = {
    "/docs": (page) => page.locator(".opblock-tag").evaluateAll((tags) => tags.map((tag) => tag.dataset.tag)),
    "/reference": (page) =>
      page.locator("nav, aside").getByRole("button").or(page.locator("aside a")).evaluateAll((items) => {
        const names = items.map((item) => item.innerText.trim());
        return ["greeter", "orders", "todos"].filter((name) => names.includes(name));
      }),
  };
  for (const [path, list] of Object.entries(tags)) {
    const page = await browser.open(path);
    const shows = async (wanted) => {
      const began = Date.now();
      for (;;) {
        const found = await list(page);
        if (JSON.stringify(found) === JSON.stringify(wanted)) return;
        assert.ok(Date.now() - began < 60_000, `${path} shows ${found}, wanted ${wanted}`);
        await page.waitForTimeout(20);
      }
    };
    await shows(["greeter", "orders", "todos"]);
    await page.evaluate(() => { globalThis.mark = 1; });
    await page.locator("#plugin").selectOption("orders");
    await shows(["orders"]);
    assert.equal(new URL(page.url()).search, "?plugin=orders");
    await page.goBack();
    await shows(["greeter", "orders", "todos"]);
    assert.equal(await page.locator("#plugin").inputValue(), "");
    await page.goForward();
    await shows(["orders"]);
    assert.equal(await page.evaluate(() => globalThis.mark), 1, "the page was loaded anew");
    await page.reload();
    await shows(["orders"]);
    assert.equal(await page.locator("#plugin").inputValue(), "orders");
  }
}

export async function deep_links(browser) {
  // From the landing page, by a click.
  const page = await browser.open("/");
  const row = page.locator("li", { hasText: "Create a todo" });
  await row.locator("a.path").click();
  const create = operation(page, "todos", "todos_create_todo");
  await create.locator(".opblock-body").waitFor();
  assert.equal(await page.locator(".opblock-body").count(), 1, "only the linked operation is open");
  // Within the page, as a link in a document does.
  await page.evaluate(() => { location.hash = "#/orders/orders_price_order"; });
  await operation(page, "orders", "orders_price_order").locator(".opblock-body").waitFor();

  await page.goto(`${browser.origin}/docs?plugin=orders#/orders/orders_prices`);
  await operation(page, "orders", "orders_prices").locator(".opblock-body").waitFor();

  await page.goto(`${browser.origin}/`);
  await row.locator("a.more").click();
  await until(page, () => {
    const heading = [...document.querySelectorAll("h3")].find((it) => it.textContent.includes("Create a todo"));
    const top = heading?.getBoundingClientRect().top;
    return top > 0 && top < innerHeight;
  });
}

export async function problems(browser) {
  const page = await browser.open("/problems");
  await page.getByRole("link", { name: "The request does not fit the contract" }).click();
  assert.equal(new URL(page.url()).pathname, "/problems/invalid-request");
  assert.equal(await page.locator("h1").innerText(), "The request does not fit the contract");
  const example = JSON.parse(await page.locator("pre").innerText());
  assert.equal(example.type, "/problems/invalid-request");
  assert.match(await page.title(), /^The request does not fit the contract · /);
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
    for (const id of host.operations) {
      await operation(docs, "things", id).locator(".opblock-summary-control").click();
      await operation(docs, "things", id).locator(".responses-table").first().waitFor();
    }
    await docs.locator("section.models button").first().click();
    const reference = await browser.open(`/reference#tag/things/${host.operations[0]}`, context);
    for (const id of host.operations) {
      await reference.goto(`${browser.origin}/reference#tag/things/${id}`);
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
