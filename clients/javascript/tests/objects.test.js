import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import test from "node:test";

import ObjectStore, { errors } from "@objectstore/client";

import { client, endpoint, freshBucket } from "./store.js";

async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

test("buckets: create, list, look at, delete", async () => {
  const cors = { rules: [{ allowed_origins: ["*"], allowed_methods: ["GET"], max_age_seconds: 5 }] };
  const bucket = await freshBucket({ versioning: true, cors });
  const details = await client.getBucket({ bucket });
  assert.equal(details.bucketName, bucket);
  assert.ok(details.createdAt instanceof Date);
  assert.deepEqual(details.versioning, { enabled: true });
  assert.deepEqual(details.cors, cors);
  const names = (await collect(client.iterBuckets({ limit: 1 }))).map((one) => one.name);
  assert.ok(names.includes(bucket));
  await assert.rejects(client.createBucket({ bucket }), errors.Conflict);
  await client.deleteBucket({ bucket });
  await assert.rejects(client.getBucket({ bucket }), errors.BucketNotFound);
});

test("a bucket's documents are set, read and removed", async () => {
  const bucket = await freshBucket();
  const documents = {
    tags: { tags: { team: "a_b" } },
    lifecycle: { rules: [{ id: "old", status: "enabled", expiration: { days: 3 } }] },
    cors: { rules: [{ allowed_origins: ["https://a.example"], allowed_methods: ["PUT"] }] },
    policy: {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: `arn:aws:s3:::${bucket}/no` },
      ],
    },
  };
  for (const [name, document] of Object.entries(documents)) {
    await client.putBucketConfiguration({ bucket, name, document });
    const kept = await client.getBucketConfiguration({ bucket, name });
    if (name !== "lifecycle") assert.deepEqual(kept, document);
    else assert.equal(kept.rules[0].id, "old");
    await client.deleteBucketConfiguration({ bucket, name });
  }
  await client.putBucketConfiguration({ bucket, name: "versioning", document: { enabled: true } });
  assert.deepEqual(await client.getBucketConfiguration({ bucket, name: "versioning" }), { enabled: true });
});

test("every kind of body arrives as it is", async () => {
  const bucket = await freshBucket();
  const bytes = new TextEncoder().encode("grüße");
  const bodies = {
    string: "grüße",
    view: new Uint8Array([0, ...bytes, 0]).subarray(1, -1),
    arrayBuffer: bytes.buffer.slice(0),
    blob: new Blob([bytes], { type: "text/x-blob" }),
    webStream: new Blob([bytes]).stream(),
    nodeStream: Readable.from([bytes.slice(0, 3), bytes.slice(3)]),
    generator: (async function* () {
      yield "grü";
      yield new TextEncoder().encode("ße");
    })(),
  };
  for (const [key, body] of Object.entries(bodies)) {
    const stored = await client.putObject({ bucket, key, body });
    assert.equal(stored.size, bytes.length, key);
    const download = await client.getObject({ bucket, key });
    assert.equal(await download.body.text(), "grüße", key);
  }
  assert.equal((await client.headObject({ bucket, key: "blob" })).contentType, "text/x-blob");
  assert.equal((await client.putObject({ bucket, key: "empty" })).size, 0);
});

test("a stream of a known length goes up in one request and comes down in chunks", async () => {
  const bucket = await freshBucket();
  const chunk = Buffer.alloc(64 * 1024, "x");
  const body = Readable.from(Array(100).fill(chunk));
  const contentLength = 100 * chunk.length;
  const stored = await client.putObject({ bucket, key: "stream", body, contentLength });
  assert.equal(stored.size, contentLength);
  assert.doesNotMatch(stored.etag, /-/);
  const hash = createHash("md5");
  const { body: download } = await client.getObject({ bucket, key: "stream" });
  for await (const piece of download) hash.update(piece);
  assert.equal(hash.digest("hex"), stored.etag);
});

for (const key of ["a//b", "../x", "./y", "a/../b", ".", "..", "100%", "ä ö", "a+b", "what?", "#", "~", "a/"]) {
  test(`the key ${key} survives`, async () => {
    const bucket = await freshBucket();
    await client.putObject({ bucket, key, body: key });
    assert.equal(await (await client.getObject({ bucket, key })).body.text(), key);
    const listed = await collect(client.iterObjects({ bucket }));
    assert.deepEqual(listed.map((one) => one.key), [key]);
    await client.copyObject({ sourceBucket: bucket, sourceKey: key, bucket, key: "copy" });
    await client.deleteObject({ bucket, key });
    assert.equal(await (await client.getObject({ bucket, key: "copy" })).body.text(), key);
  });
}

test("attributes are kept", async () => {
  const bucket = await freshBucket();
  await client.putObject({
    bucket,
    key: "key",
    body: "x",
    cacheControl: "max-age=60",
    contentDisposition: 'attachment; filename="x"',
    storageClass: "cold",
    metadata: { author: "john" },
    tags: { a: "1 + 2" },
  });
  const head = await client.headObject({ bucket, key: "key" });
  assert.equal(head.headers["cache-control"], "max-age=60");
  assert.equal(head.headers["content-disposition"], 'attachment; filename="x"');
  assert.equal(head.storageClass, "cold");
  assert.equal(head.size, 1);
  assert.ok(Math.abs(head.lastModified - Date.now()) < 3600_000);
  const listed = await client.listObjects({ bucket, fetchOwner: true });
  assert.equal(listed.contents[0].storageClass, "cold");
  assert.equal(typeof listed.contents[0].owner.displayName, "string");
  assert.equal(head.metadata.author, "john");
});

test("ranges and conditions", async () => {
  const bucket = await freshBucket();
  const { etag } = await client.putObject({ bucket, key: "key", body: "0123456789" });
  const part = await client.getObject({ bucket, key: "key", range: "bytes=2-4" });
  assert.deepEqual([await part.body.text(), part.size], ["234", 10]);
  const refused = (more) => client.getObject({ bucket, key: "key", ...more });
  await assert.rejects(refused({ ifNoneMatch: `"${etag}"` }), errors.NotModified);
  await assert.rejects(refused({ ifMatch: '"other"' }), errors.PreconditionFailed);
  await assert.rejects(refused({ ifModifiedSince: new Date() }), errors.NotModified);
  await assert.rejects(refused({ range: "bytes=10-" }), errors.InvalidRange);
  const again = client.putObject({ bucket, key: "key", body: "x", ifNoneMatch: "*" });
  await assert.rejects(again, errors.PreconditionFailed);
});

test("listings: folders, pages, many deleted at once", async () => {
  const bucket = await freshBucket();
  for (const key of ["a/1", "a/2", "b"]) await client.putObject({ bucket, key, body: key });
  const page = await client.listObjects({ bucket, delimiter: "/" });
  assert.deepEqual(page.commonPrefixes, [{ prefix: "a/" }]);
  const paged = await collect(client.iterObjects({ bucket, limit: 1 }));
  assert.deepEqual(paged.map((one) => one.key), ["a/1", "a/2", "b"]);
  const outcome = await client.deleteObjects({ bucket, objects: ["a/1", { key: "a/2" }, "b"] });
  assert.deepEqual([outcome.deleted.length, outcome.errors], [3, []]);
  assert.equal((await client.getBucket({ bucket })).objectCount, 0);
});

test("versions", async () => {
  const bucket = await freshBucket({ versioning: true });
  const first = await client.putObject({ bucket, key: "key", body: "1" });
  await client.putObject({ bucket, key: "key", body: "2" });
  const gone = await client.deleteObject({ bucket, key: "key" });
  assert.equal(gone.deleteMarker, true);
  const versions = await collect(client.iterVersions({ bucket, limit: 1 }));
  assert.deepEqual(versions.map((one) => one.isDeleteMarker), [true, false, false]);
  const { versionId } = first;
  const old = await client.getObject({ bucket, key: "key", versionId });
  assert.equal(await old.body.text(), "1");
  await client.deleteObject({ bucket, key: "key", versionId });
  await assert.rejects(client.getObject({ bucket, key: "key", versionId }), errors.ObjectNotFound);
});

test("signed URLs need no key", async () => {
  const bucket = await freshBucket();
  const put = await client.signedUrl({ bucket, key: "a b", method: "PUT", expiresIn: 60 });
  assert.equal((await fetch(put.url, { method: "PUT", body: "signed" })).status, 200);
  const get = await client.signedUrl({ bucket, key: "a b" });
  assert.equal(await (await fetch(get.url)).text(), "signed");
});

test("a refusal says what it is", async () => {
  const bucket = await freshBucket();
  const error = await client.getObject({ bucket, key: "none" }).catch((one) => one);
  assert.ok(error instanceof errors.ObjectNotFound);
  assert.equal(error.code, "ObjectNotFound");
  assert.equal(error.status, 404);
  assert.ok(error.requestId);
  const stranger = new ObjectStore({ apiKey: "osk_wrong", endpoint });
  await assert.rejects(stranger.listBuckets(), errors.AuthenticationFailed);
  await assert.rejects(client.headObject({ bucket, key: "none" }), errors.NotFound);
  await assert.rejects(client.getObject({ bucket, key: "" }), TypeError);
});
