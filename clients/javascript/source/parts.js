import { chunksOf } from "./body.js";

/** Tell a body's size in bytes, or undefined for a stream. */
export function sizeOf(body) {
  if (body == null) return 0;
  if (typeof body === "string") return new TextEncoder().encode(body).length;
  return body.byteLength ?? body.size;
}

/**
 * Cut a body into parts, one after another.
 *
 * Parts of a buffer or a Blob are views of it; of a stream, no more than the part that
 * is being gathered is held here.
 */
export async function* partsOf(body, partSize) {
  const size = sizeOf(body);
  if (size === undefined) {
    yield* gathered(body, partSize);
    return;
  }
  const whole = typeof body === "string" ? new TextEncoder().encode(body) : body ?? "";
  for (let start = 0; start < size || start === 0; start += partSize) {
    yield sliceOf(whole, start, Math.min(start + partSize, size));
  }
}

function sliceOf(body, start, end) {
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset + start, end - start);
  }
  return body.slice(start, end);
}

/** Join a stream's chunks into parts of one size; the last may be smaller. */
async function* gathered(stream, partSize) {
  let part = new Uint8Array(partSize);
  let filled = 0;
  let count = 0;
  for await (const chunk of bytesOf(stream)) {
    for (let read = 0; read < chunk.length; ) {
      const taken = chunk.subarray(read, read + partSize - filled);
      part.set(taken, filled);
      filled += taken.length;
      read += taken.length;
      if (filled === partSize) {
        yield part;
        count += 1;
        part = new Uint8Array(partSize);
        filled = 0;
      }
    }
  }
  if (filled || !count) yield part.subarray(0, filled);
}

async function* bytesOf(stream) {
  const chunks = "getReader" in stream ? chunksOf(stream) : stream;
  for await (const chunk of chunks) {
    yield typeof chunk === "string" ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
  }
}
