/* What every page does: copy, fill, add rows, refresh while a job runs. */

function copyText(button) {
    const source = document.getElementById(button.dataset.copies);
    const text = source ? (source.value ?? source.textContent) : button.dataset.text;
    const said = button.querySelector("[data-said]") ?? button;
    const before = said.textContent;
    navigator.clipboard.writeText(text.trim()).then(
        () => { said.textContent = "Copied"; },
        () => { said.textContent = "Press Ctrl+C"; source?.select?.(); },
    );
    setTimeout(() => { said.textContent = before; }, 1500);
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

async function freshly(region) {
    const answer = await fetch(window.location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return region;
    const fresh = new DOMParser()
        .parseFromString(await answer.text(), "text/html")
        .getElementById(region.id);
    if (!fresh) return region;
    region.replaceWith(fresh);
    return fresh;
}

async function refreshLive(region) {
    // A server that is away for a moment is asked again.
    const fresh = await freshly(region).catch(() => region);
    if (fresh.dataset.live) setTimeout(() => refreshLive(fresh), EVERY);
}

const live = document.querySelector("[data-live]");
if (live) setTimeout(() => refreshLive(live), EVERY);

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
