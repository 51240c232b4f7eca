import { partsOf, sizeOf } from "./parts.js";

export const PART_SIZE = 16 * 1024 ** 2;
const MOST_PARTS = 10_000;

/**
 * Upload a body of any size, in parts where it is larger than one.
 *
 * An upload that fails or is aborted leaves nothing behind.
 */
export async function upload(client, options) {
  const { body, partSize = PART_SIZE, onProgress, signal } = options;
  signal?.throwIfAborted();
  const total = sizeOf(body);
  const size = Math.max(partSize, Math.ceil((total ?? 0) / MOST_PARTS));
  const parts = partsOf(body, size);
  const progress = progressOf(total, onProgress);
  try {
    const { value: first } = await parts.next();
    if (sizeOf(first) === size && total !== size) {
      return await uploadInParts(client, options, numbered(first, parts), progress);
    }
    const stored = await client.putObject({ ...options, contentType: typeOf(options), body: first });
    progress(sizeOf(first));
    return stored;
  } finally {
    await parts.return();
  }
}

async function uploadInParts(client, options, parts, progress) {
  const { bucket, key, concurrency = 4, signal } = options;
  const { uploadId } = await client.createMultipartUpload(options);
  const target = { bucket, key, uploadId, signal };
  try {
    const sent = await sendParts(client, target, parts, concurrency, progress);
    return await client.completeMultipartUpload({ ...options, uploadId, parts: sent });
  } catch (error) {
    await client.abortMultipartUpload({ bucket, key, uploadId }).catch(() => {});
    throw error;
  }
}

/** Give the content type; a part of a Blob does not say it any more. */
function typeOf({ contentType, body }) {
  return contentType || body?.type || undefined;
}

async function* numbered(first, rest) {
  let partNumber = 1;
  yield { partNumber, body: first };
  for await (const body of rest) {
    partNumber += 1;
    if (sizeOf(body)) yield { partNumber, body };
  }
}

/** Send parts, `concurrency` at a time; the first failure stops the others. */
async function sendParts(client, target, parts, concurrency, progress) {
  const sent = [];
  const stop = new AbortController();
  const signal = target.signal ? AbortSignal.any([target.signal, stop.signal]) : stop.signal;

  async function work() {
    for await (const part of shared(parts)) {
      signal.throwIfAborted();
      const { etag } = await client.uploadPart({ ...target, ...part, signal });
      sent.push({ partNumber: part.partNumber, etag });
      progress(sizeOf(part.body));
    }
  }

  const workers = Array.from({ length: concurrency }, () =>
    work().catch((error) => {
      stop.abort(error);
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(workers);
  await parts.return();
  if (outcomes.some((one) => one.status === "rejected")) throw stop.signal.reason;
  return sent.sort((one, other) => one.partNumber - other.partNumber);
}

/** Let several workers take from one generator: leaving one loop must not end it. */
function shared(generator) {
  return { [Symbol.asyncIterator]: () => ({ next: () => generator.next() }) };
}

function progressOf(total, onProgress) {
  let loaded = 0;
  return (size) => {
    loaded += size;
    onProgress?.({ loaded, total });
  };
}
