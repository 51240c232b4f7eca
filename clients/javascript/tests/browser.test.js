/** The client in Chromium: a page of the store's own origin uploads and downloads. */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { apiKey, freshBucket, url } from "./store.js";

const chromium = ["chromium", "chromium-browser", "google-chrome"].find((name) => {
  try {
    return execFileSync("which", [name], { stdio: "pipe" });
  } catch {
    return false;
  }
});

/** Serve the page and the client's modules, and pass /v1 on to the store. */
function serve(settings, tell) {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    if (pathname.startsWith("/v1")) return passOn(request, response);
    if (pathname === "/told") return request.toArray().then((told) => tell(JSON.parse(told.join(""))));
    if (pathname === "/") {
      response.writeHead(200, { "Content-Type": "text/html" });
      return response.end(`<script type="module">
        import { run } from "/tests/page.js";
        run(${JSON.stringify(settings)}).then(
          (told) => told,
          (error) => ({ failure: String(error.stack ?? error) }),
        ).then((told) => fetch("/told", { method: "POST", body: JSON.stringify(told) }));
      </script>`);
    }
    if (!/^\/(source|tests)\/[a-z]+\.js$/.test(pathname)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": "text/javascript" });
    return response.end(readFileSync(new URL(`..${pathname}`, import.meta.url)));
  });
}

function passOn(request, response) {
  const options = { method: request.method, headers: request.headers };
  const onward = forward(url + request.url, options, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.on("aborted", () => onward.destroy());
  request.pipe(onward);
}

test("in Chromium", { skip: chromium ? false : "there is no Chromium here", timeout: 120_000 }, async (t) => {
  const bucket = await freshBucket();
  const profile = await mkdtemp(join(tmpdir(), "objectstore-"));
  let server;
  let browser;
  t.after(async () => {
    if (browser) {
      const ended = new Promise((resolve) => browser.once("exit", resolve));
      browser.kill("SIGKILL");
      await ended;
    }
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  const told = await new Promise((resolve, reject) => {
    server = serve({ apiKey, bucket }, resolve);
    server.listen(0, "127.0.0.1", () => {
      const page = `http://127.0.0.1:${server.address().port}/`;
      const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", `--user-data-dir=${profile}`];
      browser = spawn(chromium, [...flags, page], { stdio: "ignore" });
      browser.once("error", reject);
    });
  });
  assert.deepEqual(told, {
    text: "grüße",
    isBytes: true,
    streamed: 11 * 1024 ** 2,
    loaded: 11 * 1024 ** 2,
    isInParts: true,
    missing: "ObjectNotFound",
    aborted: "AbortError",
    unfinished: 0,
  });
});
