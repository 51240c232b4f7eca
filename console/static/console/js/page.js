/* What every page does: copy, fill, add rows, refresh while a job runs. */

/* Pages that came over plain http, but from this machine, are given no clipboard. */
async function toClipboard(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = Object.assign(document.createElement("textarea"), { value: text, className: "os-hidden" });
    const before = document.activeElement;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    before?.focus();
    return isCopied ? undefined : Promise.reject(new Error("There is no clipboard."));
}

function selectAll(source) {
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
}

function copyText(button) {
    const source = document.getElementById(button.dataset.copies);
    const text = source ? (source.value ?? source.textContent) : button.dataset.text;
    const said = button.querySelector("[data-said]") ?? button;
    said.dataset.before ??= said.textContent;
    toClipboard(text.trim()).then(
        () => { said.textContent = "Copied"; },
        () => { said.textContent = "Press Ctrl+C"; if (source) selectAll(source); },
    );
    setTimeout(() => { said.textContent = said.dataset.before; }, 1500);
}

function selectSnippet(button) {
    const box = button.closest(".os-snippets");
    for (const other of box.querySelectorAll("[role=tab]")) {
        const isHere = other === button;
        other.setAttribute("aria-selected", String(isHere));
        other.tabIndex = isHere ? 0 : -1;
        document.getElementById(other.getAttribute("aria-controls")).hidden = !isHere;
    }
}

function moveAmongTabs(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tab = event.target.closest("[role=tab]");
    if (!step || !tab) return;
    const all = [...tab.parentElement.querySelectorAll("[role=tab]")];
    const next = all[(all.indexOf(tab) + step + all.length) % all.length];
    next.focus();
    selectSnippet(next);
}

function addRow(button) {
    const rows = document.getElementById(button.dataset.rows);
    const total = document.querySelector("#id_rows-TOTAL_FORMS");
    const blank = document.getElementById(button.dataset.blank).innerHTML;
    const holder = document.createElement("div");
    holder.innerHTML = blank.replaceAll("__prefix__", total.value);
    total.value = Number(total.value) + 1;
    const row = holder.firstElementChild;
    rows.append(row);
    row.querySelector("input, select, textarea")?.focus();
}

function fillFrom(element) {
    const target = document.getElementById(element.dataset.fills);
    target.value = element.dataset.text;
    if (target.hidden) target.dispatchEvent(new Event("filled"));
    else target.focus();
}

function applyPreset(input) {
    const form = input.form;
    for (const [field, value] of Object.entries(JSON.parse(input.dataset.sets))) {
        const control = form.elements[field];
        if (control?.type === "checkbox") control.checked = value;
        else if (control) control.value = value;
    }
}

function closeMenus(except) {
    for (const menu of document.querySelectorAll(".os-menu[open]")) {
        if (menu !== except) menu.open = false;
    }
}

document.addEventListener("click", (event) => {
    const target = event.target;
    closeMenus(target.closest?.(".os-menu"));
    const button = target.closest?.("[data-copies], [data-text], [data-rows], [role=tab]");
    if (!button) return;
    if (button.matches("[role=tab]")) selectSnippet(button);
    else if (button.dataset.rows) addRow(button);
    else if (button.dataset.fills) fillFrom(button);
    else copyText(button);
});
document.addEventListener("keydown", (event) => {
    moveAmongTabs(event);
    if (event.key === "Escape") closeMenus(null);
});
document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-sets]")) applyPreset(event.target);
});

/* A page about a job that is under way shows how far it is, without a reload. */
const EVERY = 1500;

/* Give the region as it is now; nothing where the server does not answer, or has signed
   the reader out. */
async function freshly(region) {
    const answer = await fetch(window.location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser()
        .parseFromString(await answer.text(), "text/html")
        .getElementById(region.id);
}

/* Who works by keyboard stays on the button or link that is in focus. */
function replaceLive(region, fresh) {
    const active = region.contains(document.activeElement) ? document.activeElement : null;
    region.replaceWith(fresh);
    if (!active) return;
    const same = [...fresh.querySelectorAll(active.tagName)]
        .find((one) => one.textContent === active.textContent);
    same?.focus({ preventScroll: true });
}

function sayStale(region) {
    if (region.querySelector("[data-stale]")) return;
    const note = document.createElement("div");
    note.className = "os-alert os-alert-warn";
    note.dataset.stale = "1";
    note.setAttribute("role", "status");
    note.textContent = `The server does not answer, or you are signed out. This is how it was at ${new Date().toLocaleTimeString()}.`;
    region.prepend(note);
}

async function refreshLive(region) {
    // A server that is away for a moment is asked again.
    const fresh = await freshly(region).catch(() => null);
    if (fresh) replaceLive(region, fresh);
    else sayStale(region);
    const shown = fresh ?? region;
    if (shown.dataset.live) follow(shown);
    else if (region.dataset.ends === "page" && !isTypedIn()) showAnew();
}

function follow(region) {
    setTimeout(() => refreshLive(region), Number(region.dataset.every) || EVERY);
}

/* What somebody is typing is not taken away. */
function isTypedIn() {
    return [...document.querySelectorAll(".os form input, .os form textarea")].some(
        (one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked,
    );
}

/* Never sends a form again, as a reload would. */
function showAnew() {
    window.location.replace(window.location.href.split("#")[0]);
}

const live = document.querySelector("[data-live]");
if (live) follow(live);

/* A medium that the browser cannot show says so, rather than being waited for. */
const MEDIA = ".os-preview > img, .os-preview > video, .os-preview > audio";
for (const medium of document.querySelectorAll(MEDIA)) {
    const giveUp = () => {
        const said = document.createElement("div");
        said.className = "os-preview-none";
        said.textContent = "The browser cannot show this file.";
        medium.replaceWith(said);
    };
    medium.addEventListener("error", giveUp);
    if (medium.error || (medium.complete && !medium.naturalWidth)) giveUp();
}

/* Times are shown in UTC; pointing at one tells it in the reader's zone too. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const one of document.querySelectorAll(".os time[datetime]")) {
    const moment = new Date(one.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const here = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    one.title = `${one.title ? `${one.title} · ` : ""}shown in UTC${zone === "UTC" ? "" : `; ${here} in ${zone}`}`;
}
