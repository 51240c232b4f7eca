/** What the page in the browser does. */

import ObjectStore from "/source/index.js";

const MEBIBYTE = 1024 ** 2;

export async function run({ apiKey, bucket }) {
  const client = new ObjectStore({ apiKey, endpoint: `${location.origin}/v1` });
  await client.putObject({ bucket, key: "a/../text", body: "grüße", contentType: "text/plain" });
  const { body } = await client.getObject({ bucket, key: "a/../text" });
  const bytes = await body.buffer();

  const blob = new Blob([new Uint8Array(11 * MEBIBYTE)]);
  let loaded = 0;
  const stored = await client.upload({
    bucket,
    key: "large",
    body: blob.stream(),
    partSize: 5 * MEBIBYTE,
    onProgress: (progress) => (loaded = progress.loaded),
  });
  let streamed = 0;
  for await (const chunk of (await client.getObject({ bucket, key: "large" })).body) {
    streamed += chunk.length;
  }

  const controller = new AbortController();
  const aborted = await client
    .upload({
      bucket,
      key: "aborted",
      body: blob,
      partSize: 5 * MEBIBYTE,
      concurrency: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    .catch((error) => error.name);
  return {
    text: new TextDecoder().decode(bytes),
    isBytes: bytes instanceof Uint8Array,
    streamed,
    loaded,
    isInParts: stored.etag.endsWith("-3"),
    missing: await client.getObject({ bucket, key: "none" }).catch((error) => error.code),
    aborted,
    unfinished: (await client.listMultipartUploads({ bucket })).uploads.length,
  };
}
