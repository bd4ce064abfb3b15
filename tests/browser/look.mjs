// Dark and light, wide and narrow. With WITAPI_SHOTS=FOLDER also pictures of all of it.

import assert from "node:assert/strict";
import { until } from "./browser.mjs";
import { place } from "./documentation.mjs";

const pages = ({ docs, reference }) => ({
  landing: ["/", "Create a todo"],
  docs: ["/docs", "Create a todo"],
  docs_open: ["/docs" + docs, "Execute"],
  reference: ["/reference", "Greet someone"],
  reference_open: ["/reference" + reference, "TodoInput"],
  problems: ["/problems", "Plugin overloaded"],
  problem: ["/problems/invalid-request", "What to do"],
});

/** How bright the page is at its edge, behind all that stands in it, from 0 to 1. */
const brightness = (page) => page.evaluate(() => {
  const layers = [...document.elementsFromPoint(3, innerHeight - 5), document.body];
  const colours = layers.map((it) => getComputedStyle(it).backgroundColor.match(/[\d.]+/g).map(Number));
  const [red, green, blue] = colours.find((colour) => colour.length === 3 || colour[3] > 0.9);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
});

const isDark = async (page) => {
  const found = await brightness(page);
  assert.ok(found < 0.25 || found > 0.75, `the page is neither dark nor light: ${found}`);
  return found < 0.25;
};

const shows = (page, text) => until(page, (text) => document.querySelector("main").innerText.includes(text), text);

export async function look(browser) {
  const all = pages(await place(browser, "post", "/todos"));
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height] of [[1280, 1600], [400, 900]]) {
      const context = await browser.context({ colorScheme, viewport: { width, height } });
      for (const [name, [path, text]] of Object.entries(all)) {
        const page = await browser.open(path, context);
        await shows(page, text);
        assert.equal(await isDark(page), colorScheme === "dark", `${path} in ${colorScheme}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${path} is ${overflow} pixels wider than a screen of ${width}`);
        if (process.env.WITAPI_SHOTS) {
          await page.evaluate(() => new Promise((done) => setTimeout(done, 1000)));
          await page.screenshot({ path: `${process.env.WITAPI_SHOTS}/${name}-${colorScheme}-${width}.png` });
        }
        await page.close();
      }
      await context.close();
    }
  }
}

export async function theme(browser) {
  for (const path of ["/", "/docs", "/reference", "/problems"]) {
    const context = await browser.context({ colorScheme: "light" });
    const page = await browser.open(path, context);
    await shows(page, path === "/problems" ? "Problems" : "todos");
    assert.equal(await isDark(page), false, path);
    // As long as nothing was chosen it follows the system.
    await page.emulateMedia({ colorScheme: "dark" });
    await until(page, () => document.documentElement.classList.contains("dark-mode"));
    assert.equal(await isDark(page), true, path);
    await page.locator("#theme").click();
    assert.equal(await isDark(page), false, path);
    // What was chosen is remembered, here and in the pages that are opened later.
    await page.reload();
    await shows(page, path === "/problems" ? "Problems" : "todos");
    assert.equal(await isDark(page), false, path);
    const other = await browser.open("/", context);
    await other.emulateMedia({ colorScheme: "dark" });
    assert.equal(await isDark(other), false, path);
    // And where it is changed, the open ones change too.
    await other.locator("#theme").click();
    await until(page, () => document.documentElement.classList.contains("dark-mode"));
    assert.equal(await isDark(page), true, path);
    await context.close();
  }
}
