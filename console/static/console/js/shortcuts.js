/* Single keys for what a page offers: each thing names its key, and the theme's list of
   shortcuts (?) shows them. They can be turned off, for those who speak to their browser. */

const OFF = "objectstore-keys-off";
const ROWS = "#os-listing tbody .os-name";

function isOff() {
    return localStorage.getItem(OFF) === "1";
}

function isTyping(target) {
    return Boolean(target.closest?.("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]"));
}

function act(thing) {
    if (thing.matches("input")) {
        thing.focus();
        thing.select();
        return;
    }
    thing.click();
    if (thing.matches("summary") && thing.parentElement.open) {
        thing.parentElement.querySelector("input:not([type=hidden]), button")?.focus();
    }
}

/* Rows: down, up, choose. */
function move(step) {
    const names = [...document.querySelectorAll(ROWS)];
    const row = document.activeElement.closest?.("#os-listing tbody tr");
    const here = names.findIndex((name) => name.closest("tr") === row);
    const next = here < 0 ? 0 : Math.min(Math.max(0, here + step), names.length - 1);
    names[next]?.focus();
}

function choose() {
    document.activeElement.closest?.("#os-listing tbody tr")?.querySelector("input[type=checkbox]")?.click();
}

const ROW_KEYS = { j: () => move(1), k: () => move(-1), x: choose };
const ROW_WORDS = { j: "Next row", k: "Row before", x: "Choose the row" };

function keyed() {
    return [...document.querySelectorAll("[data-key]")].filter((thing) => thing.checkVisibility());
}

document.addEventListener("keydown", (event) => {
    if (isOff() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const thing = keyed().find((one) => one.dataset.key === event.key);
    const rowKey = document.querySelector(ROWS) && ROW_KEYS[event.key];
    if (!thing && !rowKey) return;
    event.preventDefault();
    if (thing) act(thing);
    else rowKey();
});

/* The list */

function line(words, key) {
    const item = document.createElement("li");
    item.append(
        Object.assign(document.createElement("span"), { textContent: words }),
        Object.assign(document.createElement("kbd"), { textContent: key }),
    );
    return item;
}

function section() {
    const box = document.createElement("div");
    box.className = "os-keys";
    box.innerHTML = '<h2>On this page</h2><ul></ul>'
        + '<label><input type="checkbox" class="os-check"> Single keys act on this page</label>';
    const rows = document.querySelector(ROWS) ? Object.entries(ROW_WORDS) : [];
    box.querySelector("ul").append(
        ...keyed().map((thing) => line(thing.dataset.keySays, thing.dataset.key)),
        ...rows.map(([key, words]) => line(words, key)),
    );
    const tick = box.querySelector("input");
    tick.checked = !isOff();
    tick.addEventListener("change", () => localStorage.setItem(OFF, tick.checked ? "0" : "1"));
    return box;
}

const list = document.querySelector('[x-show="shortcutsOpen"] .overflow-y-auto');
list?.prepend(section());
for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.addEventListener("click", (event) => {
        // The list closes by a click beside it, which this one is.
        event.stopPropagation();
        window.Alpine.$data(document.documentElement).shortcutsOpen = true;
    });
}
