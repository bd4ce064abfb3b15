// Code blocks with the word `tab` behind their language, one after another, are shown as tabs. The choice holds for all
// pages, and stays. Without scripts they are blocks one below the other, each with its name.
"use strict";

(() => {
    const NAMES = { rust: "Rust", python: "Python", typescript: "TypeScript", javascript: "JavaScript", go: "Go", c: "C" };
    const KEY = "witapi-language";

    const languageOf = (pre) => {
        const code = pre.querySelector("code.tab");
        if (!code) return null;
        return [...code.classList].map((name) => name.match(/^language-(.+)$/)?.[1]).find((name) => name in NAMES) ?? null;
    };

    // The file that a block belongs to: `file=src/lib.rs` behind its language.
    const fileOf = (pre) => [...(pre.querySelector("code")?.classList ?? [])].find((name) => name.startsWith("file="))?.slice(5);

    const groups = [];
    for (const pre of document.querySelectorAll("main pre")) {
        if (!languageOf(pre)) continue;
        const last = groups.at(-1);
        if (last && last.at(-1).nextElementSibling === pre) last.push(pre);
        else groups.push([pre]);
    }

    const kept = () => {
        try {
            return localStorage.getItem(KEY);
        } catch {
            return null;
        }
    };

    const choose = (language) => {
        for (const group of groups) {
            const has = group.some((pre) => languageOf(pre) === language);
            const shown = has ? language : languageOf(group[0]);
            for (const pre of group) pre.hidden = languageOf(pre) !== shown;
            for (const button of group[0].previousElementSibling.children) {
                button.setAttribute("aria-selected", String(button.dataset.language === shown));
            }
        }
    };

    for (const group of groups.filter((group) => group.length > 1)) {
        const tabs = document.createElement("div");
        tabs.className = "language-tabs";
        tabs.setAttribute("role", "tablist");
        for (const pre of group) {
            const button = document.createElement("button");
            button.type = "button";
            button.setAttribute("role", "tab");
            button.dataset.language = languageOf(pre);
            button.textContent = NAMES[button.dataset.language];
            button.addEventListener("click", () => {
                const before = tabs.getBoundingClientRect().top;
                choose(button.dataset.language);
                // What is above may have changed its height.
                window.scrollBy(0, tabs.getBoundingClientRect().top - before);
                try {
                    localStorage.setItem(KEY, button.dataset.language);
                } catch {
                    // The choice holds for this page.
                }
            });
            tabs.append(button);
        }
        group[0].before(tabs);
    }
    for (const pre of document.querySelectorAll("main pre")) {
        const file = fileOf(pre);
        if (!file) continue;
        const name = document.createElement("div");
        name.className = "file-name";
        name.textContent = file;
        if (languageOf(pre)) pre.prepend(name);
        else pre.before(name);
    }
    const tabbed = groups.filter((group) => group.length > 1);
    groups.length = 0;
    groups.push(...tabbed);
    choose(kept() ?? "rust");
})();
