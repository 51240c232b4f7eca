/* Draws pages of a PDF in a frame that has no origin, no network and no session.

The page around the frame posts the bytes and says which page to draw; pictures are all
that comes of them: no links, forms or scripts of the document. pdf.js works in the
frame's own thread, since a document without an origin may load no worker. */

import * as worker from "pdfjs-dist/legacy/build/pdf.worker.min.mjs";
import { VerbosityLevel, getDocument } from "pdfjs-dist/legacy/build/pdf.min.mjs";
import jbig2 from "pdfjs-dist/wasm/jbig2.wasm";
import openjpeg from "pdfjs-dist/wasm/openjpeg.wasm";

const MOST_IMAGE_PIXELS = 64_000_000;
const MOST_CANVAS_PIXELS = 16_000_000;
const MARGIN = 16;
const DECODERS = { "jbig2.wasm": jbig2, "openjpeg.wasm": openjpeg };
const KEYS = {
    ArrowLeft: "previous", PageUp: "previous", ArrowRight: "next", PageDown: "next",
    Home: "first", End: "last", "+": "in", "=": "in", "-": "out", 0: "whole",
};

globalThis.pdfjsWorker = worker;

/* Decoders of images come with this script: nothing is loaded. */
class Decoders {
    async fetch({ filename }) {
        if (!Object.hasOwn(DECODERS, filename)) throw new Error(`${filename} is not here`);
        return DECODERS[filename].slice();
    }
}

const canvas = document.querySelector("canvas");
let file = null;
let drawing = null;
let wanted = { page: 1, zoom: 1 };

function tell(facts) {
    parent.postMessage(facts, "*");
}

function viewportOf(page, zoom) {
    const whole = page.getViewport({ scale: 1 });
    const width = Math.max(120, document.documentElement.clientWidth - 2 * MARGIN);
    const wish = (width / whole.width) * zoom * devicePixelRatio;
    const most = Math.sqrt(MOST_CANVAS_PIXELS / (whole.width * whole.height));
    return page.getViewport({ scale: Math.min(wish, most) });
}

/* Screen readers get the words of the page in the canvas's place. */
async function wordsOf(page) {
    const { items } = await page.getTextContent();
    return items.map((item) => item.str + (item.hasEOL ? "\n" : "")).join("");
}

async function draw() {
    drawing?.cancel();
    const asked = wanted;
    const page = await file.getPage(asked.page);
    if (asked !== wanted) return;
    const viewport = viewportOf(page, asked.zoom);
    canvas.width = Math.floor(viewport.width);
    canvas.height = Math.floor(viewport.height);
    canvas.style.width = `${canvas.width / devicePixelRatio}px`;
    canvas.setAttribute("aria-label", `Page ${asked.page} of ${file.numPages}`);
    drawing = page.render({ canvas, viewport });
    await drawing.promise;
    canvas.textContent = await wordsOf(page);
    page.cleanup();
    tell({ drawn: asked.page });
}

function drawOrTell() {
    draw().catch((error) => {
        if (error.name !== "RenderingCancelledException") tell({ failed: error.name });
    });
}

async function open(bytes) {
    file = await getDocument({
        data: new Uint8Array(bytes),
        BinaryDataFactory: Decoders,
        verbosity: VerbosityLevel.ERRORS,
        isEvalSupported: false,
        useWorkerFetch: false,
        enableXfa: false,
        maxImageSize: MOST_IMAGE_PIXELS,
        // The decoders' place; the name is all that matters.
        wasmUrl: "decoders/",
    }).promise;
    tell({ pages: file.numPages });
    drawOrTell();
}

addEventListener("message", ({ source, data }) => {
    if (source !== parent) return;
    if (data.bytes) {
        open(data.bytes).catch((error) => tell({ failed: error.name }));
    } else if (file) {
        wanted = { page: data.page, zoom: data.zoom };
        scrollTo(0, 0);
        drawOrTell();
    }
});
addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    tell({ act });
});

let resized = 0;
addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => { if (file) drawOrTell(); }, 150);
});
tell({ ready: true });
