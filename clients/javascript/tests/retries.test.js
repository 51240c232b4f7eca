/** Retries, against a small server that fails as it is told. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import test from "node:test";

import ObjectStore, { errors } from "@objectstore/client";

/** Answer with the planned statuses in turn, then 200; keep what was sent. */
async function failing(t, ...plan) {
  const bodies = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    bodies.push(Buffer.concat(chunks).toString());
    const planned = plan.shift() ?? 200;
    if (planned === "hang up") return request.socket.destroy();
    const [status, headers] = Array.isArray(planned) ? planned : [planned, {}];
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${server.address().port}/v1`;
  const store = (options) => new ObjectStore({ apiKey: "key", endpoint, retryDelay: 1, ...options });
  return { bodies, store };
}

for (const failure of [429, 500, 502, 503, 504, "hang up"]) {
  test(`${failure} is tried again`, async (t) => {
    const { bodies, store } = await failing(t, failure, failure, failure);
    await store().putObject({ bucket: "b", key: "k", body: "body" });
    assert.deepEqual(bodies, Array(4).fill("body"));
  });
}

for (const status of [400, 401, 403, 404, 409, 412, 416]) {
  test(`${status} is not tried again`, async (t) => {
    const { bodies, store } = await failing(t, status);
    await assert.rejects(store().getObject({ bucket: "b", key: "k" }), errors.ClientError);
    assert.equal(bodies.length, 1);
  });
}

test("after the last attempt the failure is raised", async (t) => {
  const { bodies, store } = await failing(t, ...Array(9).fill(503));
  const asking = store({ maxRetries: 2 }).listBuckets();
  await assert.rejects(asking, (error) => error instanceof errors.ServerError && error.status === 503);
  assert.equal(bodies.length, 3);
});

test("the server says how long to wait, and the caller need not wait for it", async (t) => {
  const { bodies, store } = await failing(t, [429, { "Retry-After": "60" }]);
  const controller = new AbortController();
  const asking = store().listBuckets({ signal: controller.signal });
  while (!bodies.length) await new Promise((resolve) => setImmediate(resolve));
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(asking, { name: "AbortError" });
  assert.equal(bodies.length, 1);
});

test("a stream is sent once", async (t) => {
  const { bodies, store } = await failing(t, 503);
  const body = Readable.from(["body"]);
  const sending = store().putObject({ bucket: "b", key: "k", body, contentLength: 4 });
  await assert.rejects(sending, errors.ServerError);
  assert.deepEqual(bodies, ["body"]);
});

test("a server that is not there", async () => {
  const store = new ObjectStore({ apiKey: "key", endpoint: "http://127.0.0.1:1", maxRetries: 1, retryDelay: 1 });
  await assert.rejects(store.listBuckets(), errors.TransportError);
});

test("a download that breaks off is an error", async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Length": "10", ETag: '"e"' });
    response.write("half", () => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const store = new ObjectStore({ apiKey: "key", endpoint });
  const read = async (reading) => reading((await store.getObject({ bucket: "b", key: "k" })).body);
  await assert.rejects(read((body) => body.text()), errors.TransportError);
  await assert.rejects(
    read(async (body) => {
      for await (const chunk of body) assert.ok(chunk.length);
    }),
    errors.TransportError,
  );
});
