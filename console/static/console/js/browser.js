/* The object browser: what is chosen, what is dropped, how uploads stand. */

import { Choice, MOST_CHOSEN } from "./chosen.js";
import { Queue, interrupted } from "./uploads.js";

const page = document.getElementById("os-browser");
const form = document.getElementById("os-listing-form");
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function readable(bytes) {
    let unit = 0;
    let value = bytes;
    while (value >= 1024 && unit < UNITS.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return unit ? `${value.toFixed(1)} ${UNITS[unit]}` : `${bytes} B`;
}

/* Choosing */

function boxes() {
    return [...document.querySelectorAll("#os-listing tbody input[type=checkbox]")];
}

const choice = new Choice(page?.dataset.bucket ?? "", page?.dataset.kind ?? "");
const bar = document.getElementById("os-chosen");
const everything = bar?.querySelector("input[name=search]");

/* All that matches is chosen by what it matches, not by name. */
function chooseEverything(isChosen) {
    if (everything) everything.disabled = !isChosen;
}

function showChosen() {
    const all = boxes();
    const chosen = all.filter((box) => box.checked);
    const isEverything = everything && !everything.disabled;
    const more = choice.elsewhere(all).length;
    const count = chosen.length + more;
    if (bar) {
        bar.hidden = !count && !isEverything;
        bar.querySelector(".os-count").textContent = isEverything
            ? "All selected, on every page"
            : `${count} selected${more ? `, ${more} on other pages` : ""}`;
        const hasMore = Boolean(document.querySelector(".os-pager"));
        const chooseAll = bar.querySelector("[data-all]");
        if (chooseAll) chooseAll.hidden = isEverything || !hasMore || chosen.length < all.length;
        bar.querySelector("[data-none]").hidden = !isEverything && !more;
        for (const button of bar.querySelectorAll("[data-few]")) button.hidden = isEverything;
    }
    const every = document.getElementById("os-every");
    if (every) {
        every.checked = chosen.length > 0 && chosen.length === all.length;
        every.indeterminate = chosen.length > 0 && chosen.length < all.length;
    }
}

function restoreChosen() {
    for (const box of boxes()) box.checked = choice.has(box);
    showChosen();
}

function chooseNone() {
    for (const box of boxes()) box.checked = false;
    chooseEverything(false);
    choice.clear();
    showChosen();
}

let lastBox = null;

function chooseRange(box) {
    const all = boxes();
    const [from, to] = [all.indexOf(lastBox), all.indexOf(box)].sort((a, b) => a - b);
    for (const one of all.slice(from, to + 1)) one.checked = box.checked;
}

form?.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches?.("input[type=checkbox]")) return;
    if (box.id === "os-every") for (const one of boxes()) one.checked = box.checked;
    else if (event.shiftKey && lastBox?.isConnected) chooseRange(box);
    lastBox = box.id === "os-every" ? null : box;
    for (const one of boxes()) choice.set(one);
    chooseEverything(false);
    showChosen();
});
form?.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !bar?.hidden) chooseNone();
});
bar?.querySelector("[data-none]").addEventListener("click", chooseNone);
bar?.querySelector("[data-all]")?.addEventListener("click", () => {
    chooseEverything(true);
    showChosen();
});
/* What is chosen on other pages goes along, as fields that no one sees. */
form?.addEventListener("submit", (event) => {
    for (const field of form.querySelectorAll("[data-elsewhere]")) field.remove();
    if (everything && !everything.disabled) return;
    if (choice.size > MOST_CHOSEN) {
        event.preventDefault();
        bar.querySelector(".os-count").textContent = `${choice.size} selected: choose ${MOST_CHOSEN} at most, or all that match`;
        return;
    }
    for (const [name, value] of choice.elsewhere(boxes())) {
        const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
        field.dataset.elsewhere = "1";
        form.append(field);
    }
    const acts = event.submitter?.getAttribute("formaction") ?? "";
    if (acts.includes("/undelete/")) choice.clear();
});
window.addEventListener("pageshow", restoreChosen);

/* The listing is fetched again once uploads have ended. */
async function refresh() {
    const answer = await fetch(window.location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser()
        .parseFromString(await answer.text(), "text/html")
        .getElementById("os-listing");
    document.getElementById("os-listing").replaceWith(fresh);
    restoreChosen();
}

/* Uploads */

const drawer = document.getElementById("os-transfers");
const rows = new Map();
const WORDS = {
    waiting: "Waiting", running: "", done: "Done", skipped: "Skipped", failed: "Failed",
    paused: "Paused", cancelled: "Cancelled",
};
const ACTS = {
    waiting: ["cancel"], running: ["pause", "cancel"], paused: ["again", "cancel"],
    failed: ["again", "cancel"], done: [], skipped: [], cancelled: [],
};
const ICONS = { pause: "pause", again: "play_arrow", cancel: "close" };
const NAMES = { pause: "Pause", again: "Go on with", cancel: "Cancel" };

function rowOf(transfer) {
    if (rows.has(transfer)) return rows.get(transfer);
    const row = document.createElement("li");
    row.innerHTML = '<span class="os-transfer-name"></span><span class="os-transfer-acts"></span>'
        + '<progress class="os-meter" max="100"></progress><span class="os-transfer-said"></span>';
    const name = row.querySelector(".os-transfer-name");
    name.textContent = transfer.key;
    name.title = transfer.key;
    row.querySelector("progress").setAttribute("aria-label", `Upload of ${transfer.key}`);
    rows.set(transfer, row);
    drawer.querySelector("ul").append(row);
    return row;
}

function showTransfer(transfer) {
    const row = rowOf(transfer);
    const percent = transfer.size ? (100 * transfer.sent) / transfer.size : transfer.state === "done" ? 100 : 0;
    row.querySelector("progress").value = percent;
    const said = row.querySelector(".os-transfer-said");
    said.textContent = transfer.said || WORDS[transfer.state]
        || `${readable(transfer.sent)} of ${readable(transfer.size)}`;
    said.className = `os-transfer-said ${{ failed: "os-bad", done: "os-good" }[transfer.state] ?? ""}`;
    if (row.dataset.state !== transfer.state) {
        row.dataset.state = transfer.state;
        const acts = row.querySelector(".os-transfer-acts");
        acts.replaceChildren(...ACTS[transfer.state].map((act) => actButton(transfer, act)));
    }
    showTotal();
}

function actButton(transfer, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "os-icon-button";
    button.setAttribute("aria-label", `${NAMES[act]} ${transfer.key}`);
    button.innerHTML = `<span class="material-symbols-outlined" aria-hidden="true">${ICONS[act]}</span>`;
    button.addEventListener("click", () => transfer[act]());
    return button;
}

function showTotal() {
    const all = queue.transfers;
    const [done, skipped, failed] = ["done", "skipped", "failed"].map(
        (state) => all.filter((one) => one.state === state).length,
    );
    const heading = drawer.querySelector("h2");
    heading.textContent = queue.isBusy
        ? `Uploading ${Math.min(done + skipped + 1, all.length)} of ${all.length}`
        : `${done} uploaded${skipped ? `, ${skipped} skipped` : ""}${failed ? `, ${failed} failed` : ""}`;
    drawer.querySelector("[data-act=retry]").hidden = !failed;
    drawer.dataset.busy = queue.isBusy ? "1" : "";
}

const queue = drawer && new Queue(page.dataset.bucket, { upload: page.dataset.upload, parts: page.dataset.parts }, {
    onChange: showTransfer,
    // Where the server is away, what is shown stays.
    onIdle: () => refresh().catch(() => {}),
});

/* What to do with files whose keys are taken: one answer for all of them. */
const conflict = document.getElementById("os-conflict");

function ask(taken, count) {
    const keys = [...taken.keys()];
    conflict.querySelector("[data-count]").textContent = count === 1
        ? "This file is there already:"
        : `${keys.length} of ${count} files are there already:`;
    conflict.querySelector("[data-keys]").replaceChildren(...keys.slice(0, 5).map((key) => (
        Object.assign(document.createElement("li"), { textContent: key })
    )));
    conflict.querySelector("[data-more]").textContent = keys.length > 5
        ? `and ${keys.length - 5} more` : "";
    conflict.returnValue = "";
    conflict.showModal();
    return new Promise((resolve) => {
        conflict.addEventListener("close", () => resolve(conflict.returnValue), { once: true });
    });
}

/* Each does with the files that are there already, and the others, what was chosen. */
const CHOICES = {
    overwrite: (there, others) => queue.add([...there, ...others]),
    skip: (there, others) => { queue.leave(there); queue.add(others, { overwrites: false }); },
    keep: (there, others, taken) => {
        const renamed = there.map(({ file, key }) => ({ file, key: taken.get(key) || key }));
        queue.add([...renamed, ...others], { overwrites: false });
    },
};

async function enqueue(found) {
    if (!found.length) return;
    const files = found.map(({ file, path }) => ({ file, key: page.dataset.folder + path }));
    let choice = "overwrite";
    // Where the answer is lost, nothing is written over.
    const taken = await queue.taken(files.map(({ key }) => key)).catch(() => {
        choice = "skip";
        return new Map();
    });
    if (taken.size) choice = await ask(taken, files.length);
    if (!Object.hasOwn(CHOICES, choice)) return;
    drawer.hidden = false;
    CHOICES[choice](
        files.filter(({ key }) => taken.has(key)),
        files.filter(({ key }) => !taken.has(key)),
        taken,
    );
    for (const transfer of queue.transfers) showTransfer(transfer);
}

/* The input is made when it is needed: the theme's script stumbles over plain ones. */
function pickFiles(isFolder) {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = isFolder;
    input.addEventListener("change", () => {
        enqueue([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    });
    input.click();
}

async function droppedFiles(items) {
    // Both are asked before the first await: after it the items are gone.
    const dropped = [...items]
        .filter((item) => item.kind === "file")
        .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
    const found = [];
    await Promise.all(dropped.map(({ entry, file }) => (
        entry ? walk(entry, "", found) : found.push({ file, path: file.name })
    )));
    return found;
}

/* What cannot be read is found without its file, and fails for itself. */
async function walk(entry, above, found) {
    const path = above + entry.name;
    try {
        if (entry.isFile) {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            found.push({ file, path });
            return;
        }
        const reader = entry.createReader();
        for (;;) {
            const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
            if (!some.length) return;
            for (const child of some) await walk(child, `${path}/`, found);
        }
    } catch {
        found.push({ file: null, path });
    }
}

if (queue) {
    for (const button of document.querySelectorAll("[data-picks]")) {
        button.addEventListener("click", () => {
            button.closest("details")?.removeAttribute("open");
            pickFiles(button.dataset.picks === "folder");
        });
    }
    let depth = 0;
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragenter", (event) => {
        if (!hasFiles(event)) return;
        depth += 1;
        document.body.classList.add("os-dragging");
    });
    document.addEventListener("dragleave", (event) => {
        if (!hasFiles(event)) return;
        depth -= 1;
        if (depth <= 0) document.body.classList.remove("os-dragging");
    });
    document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
    document.addEventListener("drop", async (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth = 0;
        document.body.classList.remove("os-dragging");
        enqueue(await droppedFiles(event.dataTransfer.items));
    });
    drawer.querySelector("[data-act=retry]").addEventListener("click", () => {
        for (const one of queue.transfers) if (one.state === "failed") one.again();
    });
    drawer.querySelector("[data-act=close]").addEventListener("click", () => { drawer.hidden = true; });
    window.addEventListener("beforeunload", (event) => { if (queue.isBusy) event.preventDefault(); });

    showInterrupted(document.getElementById("os-interrupted"), interrupted(page.dataset.bucket));
}

/* What another tab has under way is not interrupted: tabs tell each other. */
function showInterrupted(note, found) {
    let left = found;
    const show = () => {
        note.hidden = !left.length;
        note.querySelector("[data-names]").textContent = left.map((one) => one.key).join(", ");
    };
    const tabs = new BroadcastChannel("objectstore-uploads");
    tabs.addEventListener("message", ({ data }) => {
        if (data === "who?") tabs.postMessage(queue.held);
        else left = left.filter((one) => !data.includes(one.name));
        show();
    });
    note.querySelector("button").addEventListener("click", () => {
        for (const one of left) queue.forget(one);
        left = [];
        show();
    });
    tabs.postMessage("who?");
    show();
}
