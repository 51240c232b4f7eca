import { TransportError } from "./errors.js";
import { queryOf } from "./paths.js";
import { errorOf } from "./refusals.js";

const REPEATED = new Set([429, 500, 502, 503, 504]);
const LONGEST_DELAY = 60_000;

/**
 * Send requests to one server.
 *
 * Connection errors and the statuses in REPEATED are tried again up to `maxRetries`
 * times, after delays that double from `retryDelay` milliseconds, or after the
 * Retry-After that the server asks for; but only when the body can be sent again.
 */
export class Transport {
  constructor({ apiKey, endpoint, maxRetries = 3, retryDelay = 500, fetch = globalThis.fetch }) {
    if (!endpoint) throw new TypeError("endpoint must be the API's URL: https://host/v1");
    if (!apiKey) throw new TypeError("apiKey must be given");
    this.base = endpoint.replace(/\/+$/, "");
    this.authorization = `Bearer ${apiKey}`;
    this.maxRetries = maxRetries;
    this.retryDelay = retryDelay;
    this.fetch = (...request) => fetch(...request);
  }

  /** Send a request; reject with what its refusal means. The answer's body is unread. */
  async send(method, path, { query, headers, json, body, signal } = {}) {
    const url = this.base + path + queryOf(query);
    const request = this.requestOf(method, { headers, json, body, signal });
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt >= this.maxRetries || isOneShot(body);
      const answer = await this.attempt(url, request, signal);
      if (answer.ok) return answer;
      const mayPass = answer instanceof TransportError || REPEATED.has(answer.status);
      if (isLast || !mayPass) {
        throw answer instanceof TransportError ? answer : await errorOf(answer);
      }
      const asked = answer instanceof TransportError ? 0 : askedDelay(answer);
      await answer.body?.cancel();
      await pause(asked || this.delay(attempt), signal);
    }
  }

  /** Send a request and give the JSON of its answer. */
  async json(method, path, options) {
    const response = await this.send(method, path, options);
    return response.json();
  }

  requestOf(method, { headers = {}, json, body, signal }) {
    const request = {
      method,
      headers: { Authorization: this.authorization, ...sendable(headers) },
      body: json === undefined ? body : JSON.stringify(json),
      signal,
      // A browser would answer from its cache. On an upload this would add headers.
      cache: method === "GET" ? "no-store" : undefined,
    };
    if (json !== undefined) request.headers["Content-Type"] = "application/json";
    if (isOneShot(body)) request.duplex = "half";
    return request;
  }

  /** Give the answer, or a TransportError where there is none. */
  async attempt(url, request, signal) {
    try {
      return await this.fetch(url, request);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const reason = error.cause?.message || error.message;
      return new TransportError(`${request.method} ${url}: ${reason}`, { cause: error });
    }
  }

  /** Double at each attempt; a little chance keeps clients from moving in step. */
  delay(attempt) {
    return Math.min(this.retryDelay * 2 ** attempt * (1 + Math.random() / 10), LONGEST_DELAY);
  }
}

/** Drop what is undefined; write UTF-8 where a header holds more than ASCII. */
function sendable(headers) {
  const given = Object.entries(headers).filter(([, value]) => value != null);
  return Object.fromEntries(given.map(([name, value]) => [name, bytesAsText(String(value))]));
}

function bytesAsText(value) {
  return Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join("");
}

/** Tell whether a body can be read only once. */
export function isOneShot(body) {
  return body != null && typeof body === "object" && (Symbol.asyncIterator in body || "getReader" in body);
}

function askedDelay(response) {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(text) ? Math.min(Number(text) * 1000, LONGEST_DELAY) : 0;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
