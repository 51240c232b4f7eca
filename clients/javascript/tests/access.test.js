/** Keys, policies and what lifecycle rules would do. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";

import ObjectStore, { AuthenticationFailed, NotFound } from "@objectstore/client";

import { client, endpoint, freshBucket } from "./store.js";

const DOCUMENT = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::b/*"] }],
};

test("a key lives", async () => {
  const expiresAt = new Date("2099-01-31T00:00:00Z");
  const made = await client.createKey({ name: "js", expiresAt });
  assert.match(made.secret, /^osk_/);
  assert.deepEqual(made.expiresAt, expiresAt);
  const own = new ObjectStore({ apiKey: made.secret, endpoint, maxRetries: 0 });
  assert.ok((await own.listKeys()).some(({ keyId }) => keyId === made.keyId));

  const { secret, ...known } = made;
  const found = await client.getKey({ keyId: made.keyId });
  assert.deepEqual({ ...found, lastUsedAt: null }, known);
  const changed = await client.updateKey({ keyId: made.keyId, status: "inactive", expiresAt: null });
  assert.deepEqual([changed.status, changed.expiresAt], ["inactive", null]);
  await assert.rejects(own.listKeys(), AuthenticationFailed);
  await client.deleteKey({ keyId: made.keyId });
  await assert.rejects(client.getKey({ keyId: made.keyId }), NotFound);
});

test("a policy lives", async () => {
  const policyName = `js-${randomBytes(8).toString("hex")}`;
  const { arn } = await client.putPolicy({ policyName, document: DOCUMENT, description: "d" });
  assert.ok(arn.endsWith(`:policy/${policyName}`));
  const policy = await client.getPolicy({ policyName });
  assert.deepEqual(policy.document, DOCUMENT);
  assert.ok(policy.createdAt instanceof Date);
  const names = [];
  for await (const one of client.iterPolicies({ limit: 2 })) names.push(one.policyName);
  assert.ok(names.includes(policyName) && names.includes("AdministratorAccess"));
  const nobody = { policyName, kind: "users", name: "nobody-of-this-name" };
  await assert.rejects(client.attachPolicy(nobody), NotFound);
  await assert.rejects(client.detachPolicy(nobody), NotFound);
  assert.deepEqual(await client.listPolicyAttachments({ policyName }), {
    users: [],
    groups: [],
    roles: [],
  });
  await client.deletePolicy({ policyName });
  await assert.rejects(client.getPolicy({ policyName }), NotFound);
});

test("a preview counts and touches nothing", async () => {
  const bucket = await freshBucket();
  await client.putObject({ bucket, key: "logs/a", body: "12345" });
  const rules = [{ id: "old", status: "enabled", expiration: { days: 7 } }];
  const preview = await client.previewLifecycle({ bucket, rules, date: "2099-01-31" });
  assert.equal(preview.bucketName, bucket);
  const [{ samples, ...tally }] = preview.actions;
  assert.deepEqual(tally, {
    ruleId: "old",
    action: "expiration",
    storageClass: null,
    count: 1,
    size: 5,
  });
  assert.equal(samples[0].key, "logs/a");
  assert.equal((await client.headObject({ bucket, key: "logs/a" })).size, 5);
});
