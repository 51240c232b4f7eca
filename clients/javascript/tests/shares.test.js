/** Share links. */

import assert from "node:assert/strict";
import test from "node:test";

import { NotFound } from "@objectstore/client";

import { client, freshBucket } from "./store.js";

const expiresAt = new Date("2030-01-31T00:00:00Z");

test("a share lives", async () => {
  const bucket = await freshBucket();
  const key = "trip/plan.txt";
  await client.putObject({ bucket, key, body: "the plan" });
  const { url, ...made } = await client.createShare({ bucket, key, expiresAt, mostDownloads: 1 });
  assert.deepEqual([made.expiresAt, made.mostDownloads, made.hasPassword], [expiresAt, 1, false]);
  assert.deepEqual(await client.listShares({ bucket }), [made]);
  assert.equal(await (await fetch(`${url}/download`)).text(), "the plan");
  assert.equal((await fetch(`${url}/download`)).status, 404);
  const [{ downloadCount, lastUsedAt }] = await client.listShares({ bucket });
  assert.equal(downloadCount, 1);
  assert.ok(lastUsedAt instanceof Date);
});

test("a folder is shared until its link is revoked", async () => {
  const bucket = await freshBucket();
  await client.putObject({ bucket, key: "trip/plan.txt", body: "the plan" });
  const folder = { bucket, key: "trip/", isFolder: true, expiresAt };
  const { id, url } = await client.createShare(folder);
  assert.match(await (await fetch(url)).text(), /plan\.txt/);
  await client.revokeShare({ shareId: id });
  assert.equal((await fetch(url)).status, 404);
  assert.ok((await client.listShares()).find((one) => one.id === id).revokedAt instanceof Date);
  const guarded = await client.createShare({ ...folder, password: "open sesame" });
  assert.equal(guarded.hasPassword, true);
  assert.doesNotMatch(await (await fetch(guarded.url)).text(), /plan\.txt/);
});

test("a link takes files", async () => {
  const bucket = await freshBucket();
  const terms = { takesUploads: true, mostDownloads: 2, mostSize: 100 };
  const { url, ...made } = await client.createShare({ bucket, key: "in/", expiresAt, ...terms });
  assert.deepEqual([made.takesUploads, made.isFolder, made.mostSize], [true, true, 100]);
  const sent = await fetch(`${url}/upload?name=plan.txt`, { method: "PUT", body: "the plan" });
  assert.equal(sent.status, 201);
  const [listed] = await client.listShares({ bucket });
  assert.deepEqual([listed.downloadCount, listed.mostDownloads], [1, 2]);
});

test("what is no share is told", async () => {
  const bucket = await freshBucket();
  await assert.rejects(client.createShare({ bucket, key: "missing", expiresAt }), NotFound);
  await assert.rejects(client.revokeShare({ shareId: 999999 }), NotFound);
  await assert.rejects(client.revokeShare({ shareId: "../keys" }), TypeError);
});
