import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import ObjectStore, { errors } from "@objectstore/client";

import { apiKey, client, endpoint, freshBucket } from "./store.js";

const MEBIBYTE = 1024 ** 2;
const PART = 5 * MEBIBYTE;
const LARGE = randomBytes(2 * PART + MEBIBYTE);

async function* inChunks(data, size = 100_000) {
  for (let start = 0; start < data.length; start += size) yield data.subarray(start, start + size);
}

async function unfinished(bucket) {
  return (await client.listMultipartUploads({ bucket })).uploads;
}

test("a large buffer goes up in parts, with progress", async () => {
  const bucket = await freshBucket();
  const seen = [];
  const stored = await client.upload({
    bucket,
    key: "large",
    body: LARGE,
    partSize: PART,
    metadata: { author: "john" },
    onProgress: (progress) => seen.push(progress),
  });
  assert.match(stored.etag, /-3$/);
  assert.deepEqual(seen.at(-1), { loaded: LARGE.length, total: LARGE.length });
  assert.equal(seen.length, 3);
  const back = await client.getObject({ bucket, key: "large" });
  assert.ok((await back.body.buffer()).equals(LARGE));
  assert.deepEqual(back.metadata, { author: "john" });
});

test("a file goes up in parts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "objectstore-"));
  const bucket = await freshBucket();
  await writeFile(join(folder, "file"), LARGE);
  const body = await openAsBlob(join(folder, "file"), { type: "text/plain" });
  await client.upload({ bucket, key: "file", body, partSize: PART });
  const back = await client.getObject({ bucket, key: "file" });
  assert.ok((await back.body.buffer()).equals(LARGE));
  assert.equal(back.contentType, "text/plain");
  await rm(folder, { recursive: true });
});

test("a stream of unknown length goes up in parts", async () => {
  const bucket = await freshBucket();
  const seen = [];
  const stored = await client.upload({
    bucket,
    key: "stream",
    body: inChunks(LARGE),
    partSize: PART,
    concurrency: 2,
    onProgress: (progress) => seen.push(progress),
  });
  assert.match(stored.etag, /-3$/);
  assert.deepEqual(seen.at(-1), { loaded: LARGE.length, total: undefined });
  const back = await client.getObject({ bucket, key: "stream" });
  assert.ok((await back.body.buffer()).equals(LARGE));
});

for (const size of [0, 1, PART - 1, PART, PART + 1, 2 * PART]) {
  test(`${size} bytes arrive whole, as a buffer and as a stream`, async () => {
    const bucket = await freshBucket();
    const data = LARGE.subarray(0, size);
    for (const body of [data, inChunks(data)]) {
      await client.upload({ bucket, key: "key", body, partSize: PART });
      const back = await client.getObject({ bucket, key: "key" });
      assert.ok((await back.body.buffer()).equals(data));
    }
  });
}

test("an aborted upload leaves nothing behind", async () => {
  const bucket = await freshBucket();
  const controller = new AbortController();
  const uploading = client.upload({
    bucket,
    key: "large",
    body: inChunks(LARGE),
    partSize: PART,
    concurrency: 1,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(uploading, { name: "AbortError" });
  assert.deepEqual(await unfinished(bucket), []);
  await assert.rejects(client.headObject({ bucket, key: "large" }), errors.NotFound);
});

test("an upload whose source breaks leaves nothing behind", async () => {
  const bucket = await freshBucket();
  async function* breaking() {
    yield LARGE.subarray(0, PART + 1);
    throw new Error("the disk went away");
  }
  const uploading = client.upload({ bucket, key: "large", body: breaking(), partSize: PART });
  await assert.rejects(uploading, { message: "the disk went away" });
  assert.deepEqual(await unfinished(bucket), []);
});

test("an upload that is refused closes its source", async () => {
  const stranger = new ObjectStore({ apiKey: "osk_wrong", endpoint });
  let isClosed = false;
  async function* source() {
    try {
      for (;;) yield LARGE.subarray(0, MEBIBYTE);
    } finally {
      isClosed = true;
    }
  }
  const uploading = stranger.upload({ bucket: "any", key: "key", body: source(), partSize: PART });
  await assert.rejects(uploading, errors.AuthenticationFailed);
  assert.equal(isClosed, true);
});

test("a condition holds for an upload in parts too", async () => {
  const bucket = await freshBucket();
  await client.putObject({ bucket, key: "key", body: "first" });
  const uploading = client.upload({ bucket, key: "key", body: LARGE, partSize: PART, ifNoneMatch: "*" });
  await assert.rejects(uploading, errors.PreconditionFailed);
  assert.deepEqual(await unfinished(bucket), []);
});

test("parts by hand: send, list, complete, abort", async () => {
  const bucket = await freshBucket();
  const target = { bucket, key: "by hand" };
  const { uploadId } = await client.createMultipartUpload({ ...target, contentType: "text/plain" });
  const parts = [
    await client.uploadPart({ ...target, uploadId, partNumber: 1, body: LARGE.subarray(0, PART) }),
    await client.uploadPart({ ...target, uploadId, partNumber: 2, body: "end" }),
  ];
  const listed = await client.listParts({ ...target, uploadId, limit: 1 });
  assert.deepEqual([listed.parts[0].etag, listed.isTruncated, listed.nextPartNumberMarker], [parts[0].etag, true, 1]);
  assert.deepEqual((await unfinished(bucket)).map((one) => one.uploadId), [uploadId]);
  const done = await client.completeMultipartUpload({ ...target, uploadId, parts });
  assert.equal(done.size, PART + 3);
  const second = await client.createMultipartUpload(target);
  await client.abortMultipartUpload({ ...target, uploadId: second.uploadId });
  await assert.rejects(client.listParts({ ...target, uploadId: second.uploadId }), errors.UploadNotFound);
});

test("one key and endpoint are needed", () => {
  assert.throws(() => new ObjectStore({ endpoint }), TypeError);
  assert.throws(() => new ObjectStore({ apiKey }), TypeError);
});
