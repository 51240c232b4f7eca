/** The server's answers in the words of JavaScript. */

const DOCUMENTS = new Set(["lifecycle", "cors", "document"]);
const METADATA = "x-amz-meta-";

/**
 * Spell an answer in camel case, with times as dates.
 *
 * Documents that the caller wrote come back as they are written: lifecycle, CORS, policies.
 */
export function camelized(value) {
  if (Array.isArray(value)) return value.map(camelized);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      camel(name),
      DOCUMENTS.has(name) ? one : isTime(name, one) ? new Date(one) : camelized(one),
    ]),
  );
}

/** Give what an object's headers say. */
export function headOf(response) {
  const { headers } = response;
  const range = headers.get("Content-Range") ?? "";
  const size = range ? range.slice(range.lastIndexOf("/") + 1) : headers.get("Content-Length");
  return {
    etag: unquoted(headers.get("ETag") ?? ""),
    size: Number(size ?? 0),
    contentType: headers.get("Content-Type") ?? "",
    contentRange: range,
    lastModified: new Date(headers.get("Last-Modified") ?? NaN),
    versionId: headers.get("x-amz-version-id") ?? "",
    storageClass: headers.get("x-amz-storage-class") ?? "",
    metadata: metadataOf(headers),
    headers: Object.fromEntries(headers),
  };
}

/** Give what a deletion's headers say. */
export function deletedOf(response) {
  return {
    deleteMarker: response.headers.get("x-amz-delete-marker") === "true",
    versionId: response.headers.get("x-amz-version-id") ?? "",
  };
}

function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

function isTime(name, value) {
  return typeof value === "string" && (name.endsWith("_at") || name === "last_modified");
}

function unquoted(etag) {
  return etag.replace(/^"|"$/g, "");
}

function metadataOf(headers) {
  return Object.fromEntries(
    [...headers]
      .filter(([name]) => name.startsWith(METADATA))
      .map(([name, value]) => [name.slice(METADATA.length), textOf(value)]),
  );
}

/** Read a header that holds UTF-8, which fetch hands on as Latin-1. */
function textOf(value) {
  const bytes = Uint8Array.from(value, (letter) => letter.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return value;
  }
}
