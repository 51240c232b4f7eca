/* Uploads: a queue of files, each sent whole or in parts, paused, retried, gone on with.

   A file in parts is remembered in the browser's storage by key, size and time of
   change; choosing it again after a reload sends only the parts that are missing. */

const FILES_AT_ONCE = 3;
const PARTS_AT_ONCE = 3;
const TRIES = 4;
const KEYS_AT_ONCE = 1000;
const OUT_OF_DATE = "This page is out of date. Sign in again in another tab, then retry.";
const LEFT = "There already; left as it is.";
const UNREADABLE = "This file cannot be read, or has changed. Choose it again.";
const WHOLE_UP_TO = 32 * 1024 * 1024;

export class Refused extends Error {}

class Stopped extends Error {}

/* The cookie's, where scripts may read it: it outlives a sign-in in another tab. */
function csrfToken() {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1]
        ?? document.querySelector("input[name=csrfmiddlewaretoken]").value;
}

function address(base, query) {
    return `${base}?${new URLSearchParams(query)}`;
}

/* XMLHttpRequest, because fetch does not tell how much of a body is sent. */
function send(method, url, body, { onProgress = () => {}, signal } = {}) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open(method, url);
        request.setRequestHeader("X-CSRFToken", csrfToken());
        if (body instanceof Blob) request.setRequestHeader("Content-Type", "application/octet-stream");
        request.upload.onprogress = (event) => onProgress(event.loaded);
        request.onload = () => {
            if (new URL(request.responseURL).pathname !== new URL(url, window.location).pathname) {
                reject(new Refused("You are signed out. Sign in again in another tab, then retry."));
            } else if (request.status >= 200 && request.status < 300) {
                resolve(request.responseText ? JSON.parse(request.responseText) : {});
            } else {
                reject(refusalOf(request));
            }
        };
        request.onerror = () => reject(new Error("The connection was lost."));
        request.onabort = () => reject(new Stopped());
        if (signal?.aborted) {
            reject(new Stopped());
            return;
        }
        signal?.addEventListener("abort", () => request.abort());
        request.send(body);
    });
}

function refusalOf(request) {
    let message = `The server answered ${request.status}.`;
    let code = "";
    try {
        ({ code, message } = JSON.parse(request.responseText).error);
    } catch {
        if (request.status === 403) message = OUT_OF_DATE;
    }
    const error = request.status >= 500 || request.status === 429
        ? new Error(message)
        : new Refused(message);
    return Object.assign(error, { code, status: request.status });
}

async function tried(act, signal) {
    for (let attempt = 1; ; attempt += 1) {
        try {
            return await act();
        } catch (error) {
            const isFinal = error instanceof Refused || error instanceof Stopped;
            if (isFinal || attempt === TRIES || signal.aborted) throw error;
            await pauseBefore(attempt, signal);
        }
    }
}

/* Who stops it meanwhile does not wait for its end. */
function pauseBefore(attempt, signal) {
    return new Promise((resolve) => {
        setTimeout(resolve, 500 * 2 ** attempt);
        signal.addEventListener("abort", resolve, { once: true });
    });
}

/* A file that was moved, changed or is kept from this browser gives not even a byte. */
function isReadable(file) {
    if (!file) return false;
    return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

const MEMORY = "objectstore-upload ";

function memoryName(bucket, key, file) {
    return `${MEMORY}${bucket} ${file.size} ${file.lastModified} ${key}`;
}

export function interrupted(bucket) {
    return Object.keys(localStorage)
        .filter((name) => name.startsWith(`${MEMORY}${bucket} `))
        .map((name) => ({ name, key: name.split(" ").slice(4).join(" ") }));
}

/* Forget the parts that were sent, here and in the store. */
async function forget(urls, name, key) {
    const kept = localStorage.getItem(name);
    localStorage.removeItem(name);
    if (!kept) return;
    const { upload_id } = JSON.parse(kept);
    await send("DELETE", address(urls.parts, { key, upload_id }), null).catch(() => {});
}

export class Transfer {
    constructor(queue, file, key, overwrites) {
        this.queue = queue;
        this.file = file;
        this.key = key;
        this.overwrites = overwrites;
        this.state = "waiting";
        this.said = "";
        this.sent = 0;
        this.abort = null;
    }

    get size() {
        return this.file?.size ?? 0;
    }

    query(more = {}) {
        return {
            key: this.key,
            type: this.file.type,
            ...(this.overwrites ? {} : { if: "absent" }),
            ...more,
        };
    }

    async run() {
        this.state = "running";
        this.said = "";
        this.abort = new AbortController();
        this.queue.changed(this);
        try {
            if (!this.file) throw new Refused(UNREADABLE);
            await (this.size > WHOLE_UP_TO ? this.sendParts() : this.sendWhole());
            this.sent = this.size;
            this.state = "done";
        } catch (error) {
            const isLost = !(error instanceof Stopped) && !(await isReadable(this.file));
            this.fail(isLost ? new Refused(UNREADABLE) : error);
            // The parts that are on their way end with the one that failed.
            this.abort.abort();
        }
        this.queue.changed(this);
    }

    fail(error) {
        if (error instanceof Stopped || this.abort.signal.aborted) {
            if (this.state === "running") this.state = "paused";
        } else if (error.status === 412) {
            this.state = "skipped";
            this.said = LEFT;
            this.giveUp();
        } else {
            this.state = "failed";
            this.said = error.message;
        }
    }

    sendWhole() {
        const { signal } = this.abort;
        return tried(
            () => send("PUT", address(this.queue.urls.upload, this.query()), this.file, {
                signal,
                onProgress: (sent) => this.progress(sent),
            }),
            signal,
        );
    }

    async sendParts() {
        const { signal } = this.abort;
        const upload = await this.begin();
        const { part_size: partSize, upload_id } = upload;
        const count = Math.ceil(this.size / partSize);
        const arrived = upload.parts ?? new Map();
        const inFlight = new Map();
        const missing = [];
        for (let part = 1; part <= count; part += 1) if (!arrived.has(part)) missing.push(part);
        const settled = () => Math.min(this.size, (count - missing.length - inFlight.size) * partSize);
        const report = () => {
            let sent = settled();
            for (const bytes of inFlight.values()) sent += bytes;
            this.progress(Math.min(sent, this.size));
        };
        const work = async () => {
            while (missing.length && !signal.aborted) {
                const part = missing.shift();
                inFlight.set(part, 0);
                const slice = this.file.slice((part - 1) * partSize, part * partSize);
                const url = address(this.queue.urls.parts, { key: this.key, upload_id, part });
                const { etag } = await tried(
                    () => send("PUT", url, slice, {
                        signal,
                        onProgress: (sent) => { inFlight.set(part, sent); report(); },
                    }),
                    signal,
                );
                arrived.set(part, etag);
                inFlight.delete(part);
                report();
            }
        };
        await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
        if (signal.aborted) throw new Stopped();
        const parts = [...arrived].sort(([a], [b]) => a - b).map(([part, etag]) => ({ part, etag }));
        const body = new Blob([JSON.stringify(parts)]);
        const url = address(this.queue.urls.parts, this.query({ upload_id }));
        await tried(() => send("POST", url, body, { signal }), signal);
        localStorage.removeItem(this.memory);
    }

    get memory() {
        return memoryName(this.queue.bucket, this.key, this.file);
    }

    /* Go on with an upload that this browser remembers, or begin one. */
    async begin() {
        const kept = localStorage.getItem(this.memory);
        if (kept) {
            const upload = JSON.parse(kept);
            try {
                upload.parts = await this.partsOf(upload.upload_id);
                this.said = "Going on where it stopped.";
                return upload;
            } catch (error) {
                if (!(error instanceof Refused)) throw error;
                localStorage.removeItem(this.memory);
            }
        }
        const url = address(this.queue.urls.parts, this.query({ size: this.size }));
        const upload = await tried(() => send("POST", url, null), this.abort.signal);
        localStorage.setItem(this.memory, JSON.stringify(upload));
        return upload;
    }

    async partsOf(uploadId) {
        const parts = new Map();
        let after = 0;
        do {
            const url = address(this.queue.urls.parts, { key: this.key, upload_id: uploadId, after });
            const page = await send("GET", url, null);
            for (const one of page.parts) parts.set(one.part, one.etag);
            after = page.next;
        } while (after);
        return parts;
    }

    progress(sent) {
        this.sent = sent;
        this.queue.changed(this);
    }

    pause() {
        this.state = "paused";
        this.abort?.abort();
        this.queue.changed(this);
    }

    cancel() {
        this.state = "cancelled";
        this.said = "";
        this.abort?.abort();
        this.queue.changed(this);
        this.giveUp();
    }

    async giveUp() {
        if (this.file) await forget(this.queue.urls, this.memory, this.key);
    }

    again() {
        this.state = "waiting";
        this.said = "";
        this.queue.changed(this);
        this.queue.pump();
    }
}

export class Queue {
    constructor(bucket, urls, { onChange, onIdle }) {
        this.bucket = bucket;
        this.urls = urls;
        this.transfers = [];
        this.onChange = onChange;
        this.onIdle = onIdle;
        this.running = 0;
    }

    add(files, { overwrites = true } = {}) {
        for (const { file, key } of files) {
            this.transfers.push(new Transfer(this, file, key, overwrites));
        }
        this.pump();
    }

    /* Note files that are not sent, since their keys are taken. */
    leave(files) {
        for (const { file, key } of files) {
            const transfer = new Transfer(this, file, key, false);
            transfer.state = "skipped";
            transfer.said = LEFT;
            this.transfers.push(transfer);
        }
    }

    /* Ask which keys are taken; give each with a free name. Who may not list is not
       told, and writes as S3 does. Throws where there is no answer. */
    async taken(keys) {
        const found = new Map();
        for (let begin = 0; begin < keys.length; begin += KEYS_AT_ONCE) {
            const body = new Blob([JSON.stringify(keys.slice(begin, begin + KEYS_AT_ONCE))]);
            const answer = await send("POST", this.urls.upload, body).catch((error) => {
                if (error.code !== "AccessDenied") throw error;
                return { taken: {} };
            });
            for (const [key, free] of Object.entries(answer.taken)) found.set(key, free);
        }
        return found;
    }

    pump() {
        while (this.running < FILES_AT_ONCE) {
            const next = this.transfers.find((one) => one.state === "waiting");
            if (!next) break;
            this.running += 1;
            next.run().finally(() => {
                this.running -= 1;
                this.pump();
                if (!this.running) this.onIdle(this);
            });
        }
    }

    changed(transfer) {
        this.onChange(transfer);
    }

    /* Give up an upload that this browser remembers. */
    forget({ name, key }) {
        return forget(this.urls, name, key);
    }

    /* Name what is still under way here, as it is remembered. */
    get held() {
        const isOpen = ({ file, state }) => file && ["waiting", "running", "paused", "failed"].includes(state);
        return this.transfers.filter(isOpen).map((one) => one.memory);
    }

    get isBusy() {
        return this.transfers.some((one) => ["waiting", "running"].includes(one.state));
    }
}
