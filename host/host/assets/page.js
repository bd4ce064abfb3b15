// What all pages of the host have in common: colours, and what runs here while the page is open.
"use strict";

{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const KEY = "witapi-theme";

  // A browser may refuse to remember anything.
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* It holds for this page. */ } };

  let chosen = remembered();

  const apply = () => {
    const isDark = chosen ? chosen === "dark" : system.matches;
    root.classList.toggle("dark-mode", isDark);
    root.dispatchEvent(new CustomEvent("witapi:theme", { detail: { isDark } }));
  };

  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    chosen = event.newValue;
    apply();
  });
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      chosen = root.classList.contains("dark-mode") ? "light" : "dark";
      remember(chosen);
      apply();
    });
  });
}

/**
 * Calls `changed({ revision, plugins })` whenever the catalog is not what it was. A page that nobody sees does not listen,
 * since a browser has few connections for a host; it hears of what it missed when it is seen again.
 */
const follow = (changed) => {
  let seen = Number(document.body.dataset.revision);
  let source = null;
  const listen = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source || source.readyState === EventSource.CLOSED) {
      source = new EventSource("/_witapi/events");
      source.addEventListener("catalog", (event) => {
        const catalog = JSON.parse(event.data);
        if (catalog.revision === seen) return;
        seen = catalog.revision;
        changed(catalog);
      });
    }
  };
  document.addEventListener("visibilitychange", listen);
  listen();
};

/** The times of the page, as the reader's clock and language have them. */
const localize = () => {
  for (const time of document.querySelectorAll("time")) {
    time.title = time.dateTime;
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  }
};

/** Puts a part of the page as it is now in the place of the one that is shown. */
const refresh = async (selector) => {
  const answer = await fetch(location.pathname, { headers: { accept: "text/html" } }).catch(() => null);
  // The host ends; what is shown is better than nothing.
  if (!answer) return;
  if (!answer.ok || !answer.headers.get("content-type")?.startsWith("text/html")) return location.reload();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector(selector).replaceWith(document.adoptNode(fresh.querySelector(selector)));
  localize();
};

/**
 * A page with a document and a selector of plugins.
 *
 * `show(url, text)` shows a document that was chosen; `renew(url, text)` the same one after it changed, and leaves as much
 * as it can of what the reader has opened and typed.
 */
const reader = async ({ show, renew }) => {
  const select = document.getElementById("plugin");
  const notice = document.getElementById("notice");
  const chosen = () => new URLSearchParams(location.search).get("plugin") ?? "";
  const url = () => chosen() === "" ? "/openapi.json" : `/openapi/${encodeURIComponent(chosen())}.json`;
  let plugins = [...select.options].map((option) => option.value).filter((name) => name !== "");
  let shown = { url: null, text: null };
  let loads = 0;

  const offer = () => {
    const isGone = chosen() !== "" && !plugins.includes(chosen());
    const names = isGone ? [...plugins, chosen()] : plugins;
    select.replaceChildren(new Option("All plugins", ""), ...names.map((name) => new Option(name, name)));
    select.value = chosen();
    notice.hidden = !isGone;
    notice.textContent = isGone ? `The plugin ${chosen()} is not loaded. This page shows it as soon as it is.` : "";
    return !isGone;
  };

  const load = async () => {
    const load = ++loads;
    // The last document is better than none.
    if (!offer()) return;
    const wanted = url();
    const answer = await fetch(wanted).catch(() => null);
    // Another load began meanwhile, or the plugin went just now.
    if (load !== loads || !answer?.ok) return;
    const text = await answer.text();
    if (load !== loads || (wanted === shown.url && text === shown.text)) return;
    const isSame = wanted === shown.url;
    shown = { url: wanted, text };
    await (isSame ? renew : show)(wanted, text);
  };

  select.addEventListener("change", () => {
    const to = new URL(location.pathname, location.href);
    if (select.value !== "") to.searchParams.set("plugin", select.value);
    history.pushState(null, "", to);
    load();
  });
  addEventListener("popstate", () => { if (url() !== shown.url) load(); });
  await load();
  follow((catalog) => {
    plugins = catalog.plugins;
    load();
    refresh("#failures");
  });
};

addEventListener("DOMContentLoaded", () => {
  localize();
  if (document.body.dataset.path === "/") follow(() => refresh("main"));
});
