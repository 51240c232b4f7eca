import { camelized, deletedOf, headOf } from "./answers.js";
import { Body } from "./body.js";
import {
  attachmentPath,
  bucketPath,
  keyPath,
  objectPath,
  policyPath,
  sharePath,
  uploadPath,
} from "./paths.js";
import { isOneShot, Transport } from "./transport.js";
import { upload } from "./upload.js";

/**
 * Talk to one store with one API key.
 *
 * `endpoint` is the API's URL with its version: https://host/v1. Every method takes one
 * object, in which `signal` aborts the request, and rejects with one of the errors.
 */
export class ObjectStore {
  #transport;

  constructor(options) {
    this.#transport = new Transport(options);
  }

  // Buckets

  /** Create a bucket. Rejects with Conflict when the name is taken. */
  async createBucket({ bucket, region, storageClass, versioning, lifecycle, cors, signal }) {
    const json = {
      region,
      storage_class: storageClass,
      versioning: versioning === undefined ? undefined : { enabled: versioning },
      lifecycle,
      cors,
    };
    return camelized(await this.#transport.json("PUT", bucketPath(bucket), { json, signal }));
  }

  /** List a page of buckets. */
  async listBuckets({ prefix, limit, continuationToken, signal } = {}) {
    const query = { prefix, limit, continuation_token: continuationToken };
    return camelized(await this.#transport.json("GET", "/buckets", { query, signal }));
  }

  /** List all buckets, page after page. */
  async *iterBuckets(options = {}) {
    for await (const page of pagesOf((more) => this.listBuckets({ ...options, ...more }))) {
      yield* page.buckets;
    }
  }

  /** Give a bucket's configuration, object count and size. */
  async getBucket({ bucket, signal }) {
    return camelized(await this.#transport.json("GET", bucketPath(bucket), { signal }));
  }

  /** Delete an empty bucket. Rejects with Conflict when it is not empty. */
  async deleteBucket({ bucket, signal }) {
    await this.#transport.send("DELETE", bucketPath(bucket), { signal });
  }

  /** Give a bucket's document: "lifecycle", "cors", "tags", "policy" or "versioning". */
  getBucketConfiguration({ bucket, name, signal }) {
    return this.#transport.json("GET", `${bucketPath(bucket)}/${name}`, { signal });
  }

  /** Set a bucket's document. */
  async putBucketConfiguration({ bucket, name, document, signal }) {
    await this.#transport.send("PUT", `${bucketPath(bucket)}/${name}`, { json: document, signal });
  }

  /** Remove a bucket's document. */
  async deleteBucketConfiguration({ bucket, name, signal }) {
    await this.#transport.send("DELETE", `${bucketPath(bucket)}/${name}`, { signal });
  }

  /** Count what lifecycle rules would do: the bucket's, or `rules` to be tried. */
  async previewLifecycle({ bucket, rules, date, signal }) {
    const path = `${bucketPath(bucket)}/lifecycle/preview`;
    return camelized(await this.#transport.json("POST", path, { json: { rules, date }, signal }));
  }

  // Objects

  /**
   * Store a string, bytes, a Blob or a stream.
   *
   * A stream whose `contentLength` is not told is sent in parts where it is large.
   */
  async putObject(options) {
    const { bucket, key, body, contentLength, contentMd5, signal } = options;
    if (isOneShot(body) && !(contentLength !== undefined && canStream())) {
      return this.upload(options);
    }
    const headers = {
      ...uploadHeaders(options),
      "Content-Length": isOneShot(body) ? contentLength : undefined,
      "Content-MD5": contentMd5,
      ...conditions(options),
    };
    const path = objectPath(bucket, key);
    return camelized(await this.#transport.json("PUT", path, { headers, body: body ?? "", signal }));
  }

  /**
   * Upload a body of any size, in parts where it is larger than `partSize`.
   *
   * `onProgress` is called with the bytes that have arrived and the bytes in all. An
   * upload that fails or that `signal` aborts leaves nothing behind.
   */
  async upload(options) {
    return upload(this, options);
  }

  /**
   * Open an object; its `body` is read as it is asked for.
   *
   * Rejects with ObjectNotFound, NotModified, PreconditionFailed and InvalidRange.
   */
  async getObject(options) {
    const response = await this.#read("GET", options);
    return { ...headOf(response), body: new Body(response) };
  }

  /** Give an object's headers. */
  async headObject(options) {
    return headOf(await this.#read("HEAD", options));
  }

  #read(method, options) {
    const query = {
      version_id: options.versionId,
      "response-content-type": options.responseContentType,
      "response-content-disposition": options.responseContentDisposition,
    };
    const headers = { Range: options.range, ...conditions(options) };
    const path = objectPath(options.bucket, options.key);
    return this.#transport.send(method, path, { query, headers, signal: options.signal });
  }

  /** Delete an object, or one version of it. */
  async deleteObject({ bucket, key, versionId, ifMatch, signal }) {
    const query = { version_id: versionId };
    const headers = conditions({ ifMatch });
    const path = objectPath(bucket, key);
    return deletedOf(await this.#transport.send("DELETE", path, { query, headers, signal }));
  }

  /** Delete up to 1,000 objects, named by key or by {key, versionId}. */
  async deleteObjects({ bucket, objects, signal }) {
    const json = {
      objects: objects.map((one) =>
        typeof one === "string" ? { key: one } : { key: one.key, version_id: one.versionId },
      ),
    };
    const path = `${bucketPath(bucket)}/delete`;
    return camelized(await this.#transport.json("POST", path, { json, signal }));
  }

  /** Copy an object without moving its bytes through the client. */
  async copyObject(options) {
    const { sourceBucket, sourceKey, sourceVersionId, bucket, key, signal } = options;
    const source = `${sourceBucket}/${sourceKey}`.split("/").map(encodeURIComponent);
    const headers = {
      "x-amz-copy-source": `/${source.join("/")}`,
      "x-amz-copy-source-version-id": sourceVersionId,
      "x-amz-metadata-directive": options.metadataDirective,
      ...uploadHeaders(options),
      ...conditions(options),
    };
    return camelized(await this.#transport.json("PUT", objectPath(bucket, key), { headers, signal }));
  }

  /** List a page of objects and common prefixes. */
  async listObjects({ bucket, prefix, delimiter, limit, continuationToken, startAfter, fetchOwner, signal }) {
    const query = {
      prefix,
      delimiter,
      limit,
      continuation_token: continuationToken,
      start_after: startAfter,
      fetch_owner: fetchOwner,
    };
    const path = `${bucketPath(bucket)}/objects`;
    return camelized(await this.#transport.json("GET", path, { query, signal }));
  }

  /** List all objects, page after page. */
  async *iterObjects(options) {
    for await (const page of pagesOf((more) => this.listObjects({ ...options, ...more }))) {
      yield* page.contents;
    }
  }

  /** List a page of versions and delete markers, newest first under each key. */
  async listVersions({ bucket, prefix, delimiter, limit, keyMarker, versionIdMarker, signal }) {
    const query = {
      prefix,
      delimiter,
      limit,
      key_marker: keyMarker,
      version_id_marker: versionIdMarker,
    };
    const path = `${bucketPath(bucket)}/versions`;
    return camelized(await this.#transport.json("GET", path, { query, signal }));
  }

  /** List all versions, page after page. */
  async *iterVersions(options) {
    for await (const page of pagesOf((more) => this.listVersions({ ...options, ...more }))) {
      yield* page.versions;
    }
  }

  /** Make a URL that does one method on one object for `expiresIn` seconds. */
  async signedUrl({ bucket, key, method = "GET", expiresIn = 3600, signal }) {
    const json = { method, expires_in: expiresIn };
    const path = `${objectPath(bucket, key)}/signed-url`;
    return this.#transport.json("POST", path, { json, signal });
  }

  // Multipart uploads

  /** Begin an upload in parts. */
  async createMultipartUpload(options) {
    const path = `${objectPath(options.bucket, options.key)}/uploads`;
    const headers = uploadHeaders(options);
    return camelized(await this.#transport.json("POST", path, { headers, signal: options.signal }));
  }

  /** Send one part: 5 MiB or more, but for the last. */
  async uploadPart({ bucket, key, uploadId, partNumber, body, contentMd5, signal }) {
    const path = `${uploadPath(bucket, key, uploadId)}/parts/${partNumber}`;
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-MD5": contentMd5,
    };
    return camelized(await this.#transport.json("PUT", path, { headers, body, signal }));
  }

  /** List a page of the parts that have been sent. */
  async listParts({ bucket, key, uploadId, limit, partNumberMarker, signal }) {
    const query = { limit, part_number_marker: partNumberMarker };
    const path = `${uploadPath(bucket, key, uploadId)}/parts`;
    return camelized(await this.#transport.json("GET", path, { query, signal }));
  }

  /** List a page of the uploads that are not finished. */
  async listMultipartUploads({ bucket, prefix, limit, keyMarker, uploadIdMarker, signal }) {
    const query = { prefix, limit, key_marker: keyMarker, upload_id_marker: uploadIdMarker };
    const path = `${bucketPath(bucket)}/uploads`;
    return camelized(await this.#transport.json("GET", path, { query, signal }));
  }

  /** Make the parts one object. */
  async completeMultipartUpload(options) {
    const { bucket, key, uploadId, parts, signal } = options;
    const json = {
      parts: parts.map(({ partNumber, etag }) => ({ part_number: partNumber, etag })),
    };
    const headers = conditions(options);
    const path = `${uploadPath(bucket, key, uploadId)}/complete`;
    return camelized(await this.#transport.json("POST", path, { json, headers, signal }));
  }

  /** Give an upload up, with its parts. */
  async abortMultipartUpload({ bucket, key, uploadId, signal }) {
    await this.#transport.send("DELETE", uploadPath(bucket, key, uploadId), { signal });
  }

  // Keys and policies

  /** Make a link to an object, or a folder's key with its slash; see its `url`. */
  async createShare(options) {
    const { bucket, key, isFolder, takesUploads, versionId, expiresAt } = options;
    const { mostDownloads, mostSize, password, signal } = options;
    const json = {
      bucket_name: bucket,
      key,
      is_folder: isFolder,
      takes_uploads: takesUploads,
      version_id: versionId,
      expires_at: isoTime(expiresAt),
      most_downloads: mostDownloads,
      most_size: mostSize,
      password,
    };
    return camelized(await this.#transport.json("POST", "/shares", { json, signal }));
  }

  /** List the links that the caller may see, newest first, ended ones too. */
  async listShares({ bucket, signal } = {}) {
    const query = { bucket_name: bucket };
    return camelized(await this.#transport.json("GET", "/shares", { query, signal })).shares;
  }

  /** End a link now. */
  async revokeShare({ shareId, signal }) {
    await this.#transport.send("DELETE", sharePath(shareId), { signal });
  }

  /** List the keys that the caller may list, or a user's, newest first. */
  async listKeys({ userName, limit, signal } = {}) {
    const query = { user_name: userName, limit };
    return camelized(await this.#transport.json("GET", "/iam/keys", { query, signal })).keys;
  }

  /** Create a key for the caller or a user; its `secret` is shown this once. */
  async createKey({ kind, userName, name, expiresAt, signal } = {}) {
    const json = { kind, user_name: userName, name, expires_at: isoTime(expiresAt) };
    return camelized(await this.#transport.json("POST", "/iam/keys", { json, signal }));
  }

  /** Tell what is known of a key, but for its secret. */
  async getKey({ keyId, signal }) {
    return camelized(await this.#transport.json("GET", keyPath(keyId), { signal }));
  }

  /** Let a key be used or not, or say when it ends: null is never. */
  async updateKey({ keyId, status, expiresAt, signal }) {
    const json = { status, expires_at: isoTime(expiresAt) };
    return camelized(await this.#transport.json("PATCH", keyPath(keyId), { json, signal }));
  }

  /** Delete a key for good. */
  async deleteKey({ keyId, signal }) {
    await this.#transport.send("DELETE", keyPath(keyId), { signal });
  }

  /** List a page of the account's policies and the ready-made ones. */
  async listPolicies({ limit, continuationToken, signal } = {}) {
    const query = { limit, continuation_token: continuationToken };
    return camelized(await this.#transport.json("GET", "/iam/policies", { query, signal }));
  }

  /** List all policies, page after page. */
  async *iterPolicies(options = {}) {
    for await (const page of pagesOf((more) => this.listPolicies({ ...options, ...more }))) {
      yield* page.policies;
    }
  }

  /** Give a policy with its document. */
  async getPolicy({ policyName, signal }) {
    return camelized(await this.#transport.json("GET", policyPath(policyName), { signal }));
  }

  /** Create a policy, or give it another document. */
  async putPolicy({ policyName, document, description, signal }) {
    const json = { document, description };
    return camelized(await this.#transport.json("PUT", policyPath(policyName), { json, signal }));
  }

  /** Delete a policy. Rejects with Conflict while it is attached. */
  async deletePolicy({ policyName, signal }) {
    await this.#transport.send("DELETE", policyPath(policyName), { signal });
  }

  /** Name the users, groups and roles that a policy is attached to. */
  async listPolicyAttachments({ policyName, signal }) {
    return this.#transport.json("GET", `${policyPath(policyName)}/attachments`, { signal });
  }

  /** Attach a policy; `kind` is "users", "groups" or "roles". */
  async attachPolicy({ policyName, kind, name, signal }) {
    await this.#transport.send("PUT", attachmentPath(policyName, kind, name), { signal });
  }

  /** Detach a policy. */
  async detachPolicy({ policyName, kind, name, signal }) {
    await this.#transport.send("DELETE", attachmentPath(policyName, kind, name), { signal });
  }
}

/** Follow a listing page after page, by the marks that each page gives. */
async function* pagesOf(list) {
  let page = await list({});
  yield page;
  while (page.isTruncated) {
    page = await list({
      continuationToken: page.nextContinuationToken,
      keyMarker: page.nextKeyMarker,
      versionIdMarker: page.nextVersionIdMarker,
    });
    yield page;
  }
}

function uploadHeaders(options) {
  const metadata = Object.entries(options.metadata ?? {});
  return {
    "Content-Type": options.contentType || options.body?.type || undefined,
    "Cache-Control": options.cacheControl,
    "Content-Disposition": options.contentDisposition,
    "Content-Encoding": options.contentEncoding,
    "x-amz-storage-class": options.storageClass,
    "x-amz-tagging": options.tags && new URLSearchParams(options.tags),
    ...Object.fromEntries(metadata.map(([name, text]) => [`x-amz-meta-${name}`, text])),
  };
}

function conditions(options) {
  return {
    "If-Match": options.ifMatch,
    "If-None-Match": options.ifNoneMatch,
    "If-Modified-Since": httpDate(options.ifModifiedSince),
    "If-Unmodified-Since": httpDate(options.ifUnmodifiedSince),
  };
}

function httpDate(moment) {
  return moment instanceof Date ? moment.toUTCString() : moment;
}

function isoTime(moment) {
  return moment instanceof Date ? moment.toISOString() : moment;
}

/** Tell whether fetch can send a stream of a known length: browsers cannot. */
function canStream() {
  return Boolean(globalThis.process?.versions?.node);
}
