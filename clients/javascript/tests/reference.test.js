/** The API reference's own example, as it is written there, by `require`. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";

import { apiKey, endpoint, freshBucket } from "./store.js";

const require = createRequire(import.meta.url);

test("the reference's example", async () => {
  const ObjectStore = require("@objectstore/client");
  const client = new ObjectStore({ apiKey, endpoint });
  const bucket = await freshBucket();
  const fileBuffer = Buffer.from("some text\n".repeat(10_000));

  const uploadResponse = await client.putObject({
    bucket,
    key: "path/to/file.txt",
    body: fileBuffer,
    contentType: "text/plain",
    metadata: { author: "john" },
  });
  assert.match(uploadResponse.etag, /^[0-9a-f]{32}$/);

  const downloadResponse = await client.getObject({ bucket, key: "path/to/file.txt" });
  const buffer = await downloadResponse.body.buffer();
  assert.ok(Buffer.isBuffer(buffer));
  assert.ok(buffer.equals(fileBuffer));
  assert.equal(downloadResponse.contentType, "text/plain");
  assert.deepEqual(downloadResponse.metadata, { author: "john" });
});

test("require gives what import gives", async () => {
  const required = require("@objectstore/client");
  const { default: ObjectStore, ...named } = await import("@objectstore/client");
  for (const name of Object.keys(named).filter((one) => one !== "errors")) {
    assert.equal(typeof required[name], "function", name);
  }
  const methods = (one) => Object.getOwnPropertyNames(one.prototype);
  assert.deepEqual(methods(required), methods(ObjectStore));
});
