// A whole life of a bucket with the AWS SDK for JavaScript: it throws, or prints done.
import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  paginateListObjectsV2,
  waitUntilBucketNotExists,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [Bucket, largePath] = process.argv.slice(2);
const packages = createRequire(import.meta.url);
console.log(packages("@aws-sdk/client-s3/package.json").version);

const s3 = new S3Client({
  endpoint: process.env.ENDPOINT,
  region: "us-east-1",
  forcePathStyle: true,
});
const send = (command) => s3.send(command);
const read = async (input) => {
  const { Body } = await send(new GetObjectCommand({ Bucket, ...input }));
  return Buffer.from(await Body.transformToByteArray());
};
const all = async (pages, field) => {
  const found = [];
  for await (const page of pages) found.push(...(page[field] ?? []));
  return found;
};

const large = readFileSync(largePath);
const Key = "folder/small ü.txt";
await send(new CreateBucketCommand({ Bucket }));
await send(
  new PutObjectCommand({
    Bucket,
    Key,
    Body: "hello from JavaScript",
    Metadata: { colour: "blue" },
    ContentType: "text/plain",
  }),
);
const head = await send(new HeadObjectCommand({ Bucket, Key }));
assert.equal(head.Metadata.colour, "blue");
assert.equal(head.ContentType, "text/plain");
assert.equal((await read({ Key })).toString(), "hello from JavaScript");

await new Upload({
  client: s3,
  params: { Bucket, Key: "large", Body: createReadStream(largePath) },
  partSize: 5 * 1024 * 1024,
}).done();
assert.ok(large.equals(await read({ Key: "large" })));
await send(
  new PutObjectCommand({
    Bucket,
    Key: "stream",
    Body: createReadStream(largePath),
    ContentLength: large.length,
    ChecksumAlgorithm: "SHA256",
  }),
);
assert.ok(large.equals(await read({ Key: "stream", ChecksumMode: "ENABLED" })));
const range = await read({ Key: "large", Range: "bytes=6000000-6000099" });
assert.ok(large.subarray(6000000, 6000100).equals(range));

const listed = await all(paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket }), "Contents");
assert.deepEqual(listed.map((entry) => entry.Key), [Key, "large", "stream"]);
const folders = await all(
  paginateListObjectsV2({ client: s3 }, { Bucket, Delimiter: "/" }),
  "CommonPrefixes",
);
assert.deepEqual(folders.map((entry) => entry.Prefix), ["folder/"]);

const CopySource = encodeURIComponent(`${Bucket}/${Key}`);
await send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource }));
assert.equal((await read({ Key: "copy" })).toString(), "hello from JavaScript");

const link = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 600 });
assert.equal(await (await fetch(link)).text(), "hello from JavaScript");
const form = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "put" }));
assert.equal((await fetch(form, { method: "PUT", body: "by link" })).status, 200);
assert.equal((await read({ Key: "put" })).toString(), "by link");

await send(
  new PutBucketVersioningCommand({
    Bucket,
    VersioningConfiguration: { Status: "Enabled" },
  }),
);
const { VersionId } = await send(new PutObjectCommand({ Bucket, Key, Body: "second" }));
await send(new DeleteObjectCommand({ Bucket, Key }));
await assert.rejects(read({ Key }), (error) => error instanceof NoSuchKey);
assert.equal((await read({ Key, VersionId })).toString(), "second");

const { Versions, DeleteMarkers } = await send(new ListObjectVersionsCommand({ Bucket }));
const entries = [...Versions, ...DeleteMarkers];
assert.equal(entries.length, 7);
const Objects = entries.map((entry) => ({ Key: entry.Key, VersionId: entry.VersionId }));
const { Errors } = await send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
assert.equal(Errors, undefined);
await send(new DeleteBucketCommand({ Bucket }));
await waitUntilBucketNotExists({ client: s3, maxWaitTime: 10 }, { Bucket });
console.log("done");
