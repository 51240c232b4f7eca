/* The PDF preview: fetches the bytes, hands them to the frame that draws them, and turns
   pages. The frame has no origin and is believed nothing but numbers and names. */

const viewer = document.getElementById("os-pdf");
const said = viewer.querySelector("[data-said]");
const bar = viewer.querySelector(".os-pdf-bar");
const number = bar.querySelector("input");
const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];
const WHY = {
    PasswordException: "This PDF is closed by a password.",
    InvalidPDFException: "This PDF is damaged.",
};
const KEYS = {
    ArrowLeft: "previous", PageUp: "previous", ArrowRight: "next", PageDown: "next",
    Home: "first", End: "last", "+": "in", "=": "in", "-": "out", 0: "whole",
};
const state = { page: 1, pages: 0, zoom: 1 };
let frame = null;

function say(text) {
    said.hidden = !text;
    said.querySelector("span").textContent = text;
}

function giveUp(text) {
    say(`${text} Download it to look at it.`);
    bar.hidden = true;
    frame?.remove();
}

async function bytesOf(url) {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("The bytes could not be read.");
    return answer.arrayBuffer();
}

function show() {
    number.value = state.page;
    number.max = state.pages;
    bar.querySelector("[data-pages]").textContent = `of ${state.pages}`;
    bar.querySelector("[data-zoom]").textContent = `${Math.round(state.zoom * 100)} %`;
    for (const [act, isOff] of Object.entries({
        previous: state.page <= 1,
        next: state.page >= state.pages,
        out: state.zoom <= ZOOMS[0],
        in: state.zoom >= ZOOMS.at(-1),
    })) bar.querySelector(`[data-act=${act}]`).disabled = isOff;
}

function go(page, zoom = state.zoom) {
    const wanted = Math.min(Math.max(1, Math.trunc(page) || 1), state.pages);
    if (!state.pages || (wanted === state.page && zoom === state.zoom)) return show();
    Object.assign(state, { page: wanted, zoom });
    frame.contentWindow.postMessage({ page: wanted, zoom }, "*");
    return show();
}

const ACTS = {
    first: () => go(1),
    previous: () => go(state.page - 1),
    next: () => go(state.page + 1),
    last: () => go(state.pages),
    in: () => go(state.page, ZOOMS.find((zoom) => zoom > state.zoom) ?? state.zoom),
    out: () => go(state.page, ZOOMS.findLast((zoom) => zoom < state.zoom) ?? state.zoom),
    whole: () => go(state.page, 1),
};

function hear({ source, data }) {
    if (!frame || source !== frame.contentWindow) return;
    if (data.ready) handOver();
    if (Number.isInteger(data.pages)) {
        state.pages = data.pages;
        bar.hidden = false;
        show();
    }
    if (data.drawn) {
        say("");
        viewer.dataset.drawn = Number(data.drawn);
    }
    if (data.failed) giveUp(WHY[data.failed] ?? "This PDF cannot be drawn here.");
    if (Object.hasOwn(ACTS, data.act)) ACTS[data.act]();
}

async function handOver() {
    try {
        const bytes = await bytesOf(viewer.dataset.bytes);
        frame.contentWindow.postMessage({ bytes }, "*", [bytes]);
    } catch (error) {
        giveUp(error.message);
    }
}

function open() {
    frame = document.createElement("iframe");
    // Without allow-same-origin: what runs in it has no origin, and so no session.
    frame.sandbox = "allow-scripts";
    frame.title = viewer.dataset.title;
    frame.src = viewer.dataset.frame;
    window.addEventListener("message", hear);
    viewer.append(frame);
    say("Opening the PDF…");
}

bar.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act) ACTS[act]();
});
number.addEventListener("change", () => go(Number(number.value)));
viewer.addEventListener("keydown", (event) => {
    const isTyping = event.target === number && !["PageUp", "PageDown"].includes(event.key);
    const act = KEYS[event.key];
    if (!act || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    ACTS[act]();
});
open();
