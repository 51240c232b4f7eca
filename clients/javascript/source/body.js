import { TransportError } from "./errors.js";

/**
 * The bytes of a downloaded object, read when they are asked for, once.
 *
 * `stream()` and `for await` hold one chunk at a time; the others read the whole object.
 */
export class Body {
  #response;

  constructor(response) {
    this.#response = response;
  }

  /** Give the whole object: a Buffer in Node, a Uint8Array in a browser. */
  async buffer() {
    const bytes = new Uint8Array(await this.arrayBuffer());
    return globalThis.Buffer ? globalThis.Buffer.from(bytes.buffer) : bytes;
  }

  arrayBuffer() {
    return whole(this.#response.arrayBuffer());
  }

  blob() {
    return whole(this.#response.blob());
  }

  text() {
    return whole(this.#response.text());
  }

  json() {
    return whole(this.#response.json());
  }

  /** Give a ReadableStream of bytes. */
  stream() {
    return this.#response.body ?? new Blob([]).stream();
  }

  async *[Symbol.asyncIterator]() {
    yield* chunksOf(this.stream());
  }

  /** Let go of the connection without reading the rest. */
  async cancel() {
    await this.#response.body?.cancel();
  }
}

/** Give the chunks of a ReadableStream; Safari cannot iterate one itself. */
export async function* chunksOf(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(brokeOff);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function whole(reading) {
  return reading.catch(brokeOff);
}

/** Name what fetch calls a TypeError; an abort and bad JSON are themselves. */
function brokeOff(error) {
  if (error instanceof TypeError) {
    throw new TransportError(`the download broke off: ${error.message}`, { cause: error });
  }
  throw error;
}
