/** The URLs of the REST API. */

export function bucketPath(bucket) {
  return `/buckets/${encodeURIComponent(required("bucket", bucket))}`;
}

/**
 * Give the path of an object.
 *
 * A dot between slashes would be taken out of a URL, percent-encoded or not; encoding
 * the slashes around it keeps it, and the server reads the same key.
 */
export function objectPath(bucket, key) {
  const segments = required("key", key).split("/");
  if (segments.some((segment) => segment === "." || segment === "..")) {
    return `${bucketPath(bucket)}/objects%2F${encodeURIComponent(key)}`;
  }
  return `${bucketPath(bucket)}/objects/${segments.map(encodeURIComponent).join("/")}`;
}

export function uploadPath(bucket, key, uploadId) {
  const id = encodeURIComponent(required("uploadId", uploadId));
  return `${objectPath(bucket, key)}/uploads/${id}`;
}

export function keyPath(keyId) {
  return `/iam/keys/${encodeURIComponent(required("keyId", keyId))}`;
}

export function policyPath(policyName) {
  return `/iam/policies/${encodeURIComponent(required("policyName", policyName))}`;
}

/** Give the path of a policy's attachment; `kind` is users, groups or roles. */
export function attachmentPath(policyName, kind, name) {
  const entity = encodeURIComponent(required("name", name));
  return `${policyPath(policyName)}/attachments/${required("kind", kind)}/${entity}`;
}

export function sharePath(shareId) {
  if (!Number.isSafeInteger(shareId)) throw new TypeError("shareId must be a whole number");
  return `/shares/${shareId}`;
}

/** Give a query string with its question mark; what is undefined is left out. */
export function queryOf(parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value != null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

function required(name, value) {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`${name} must be a string that is not empty`);
  }
  return value;
}
