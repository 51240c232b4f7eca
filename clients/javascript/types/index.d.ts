/** Types of @objectstore/client. */

export interface ObjectStoreOptions {
  apiKey: string;
  /** The API's URL with its version: https://host/v1. */
  endpoint: string;
  /** How often a request that may pass is tried again; 3 if not given. */
  maxRetries?: number;
  /** Milliseconds before the first of them; the delay doubles. 500 if not given. */
  retryDelay?: number;
  /** What stands in for the platform's fetch. */
  fetch?: typeof fetch;
}

export interface Abortable {
  signal?: AbortSignal;
}

export interface InBucket extends Abortable {
  bucket: string;
}

export interface OfObject extends InBucket {
  key: string;
}

export interface OfUpload extends OfObject {
  uploadId: string;
}

/** What can be uploaded. In Node, `fs.openAsBlob(path)` makes a Blob of a file. */
export type Content =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

export type StorageClass = "standard" | "cold" | "archive" | (string & {});
export type ConfigurationName = "lifecycle" | "cors" | "tags" | "policy" | "versioning";

export interface Conditions {
  ifMatch?: string;
  ifNoneMatch?: string;
  ifModifiedSince?: Date | string;
  ifUnmodifiedSince?: Date | string;
}

export interface Attributes {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  storageClass?: StorageClass;
  metadata?: Record<string, string>;
  tags?: Record<string, string>;
}

export interface CreateBucketRequest extends InBucket {
  region?: string;
  storageClass?: StorageClass;
  versioning?: boolean;
  lifecycle?: RulesDocument;
  cors?: RulesDocument;
}

/** Rules as the API reference writes them. */
export interface RulesDocument {
  rules: Record<string, unknown>[];
}

export interface ListBucketsRequest extends Abortable {
  prefix?: string;
  limit?: number;
  continuationToken?: string;
}

export interface ConfigurationRequest extends InBucket {
  name: ConfigurationName;
}

export interface PutConfigurationRequest extends ConfigurationRequest {
  document: Record<string, unknown>;
}

export interface PutObjectRequest extends OfObject, Attributes, Conditions {
  body?: Content;
  /** The size of a stream, which then goes up in one request in Node. */
  contentLength?: number;
  contentMd5?: string;
}

export interface UploadRequest extends OfObject, Attributes, Conditions {
  body: Content;
  /** Bytes of a part, 5 MiB or more; 16 MiB if not given. */
  partSize?: number;
  /** How many parts are sent at a time; 4 if not given. */
  concurrency?: number;
  /** Called with the bytes that have arrived and, but for a stream, the bytes in all. */
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  loaded: number;
  total: number | undefined;
}

export interface ReadObjectRequest extends OfObject, Conditions {
  versionId?: string;
  /** bytes={start}-{end} */
  range?: string;
  responseContentType?: string;
  responseContentDisposition?: string;
}

export interface DeleteObjectRequest extends OfObject {
  versionId?: string;
  ifMatch?: string;
}

export interface DeleteObjectsRequest extends InBucket {
  objects: (string | { key: string; versionId?: string })[];
}

export interface CopyObjectRequest extends OfObject, Attributes, Conditions {
  sourceBucket: string;
  sourceKey: string;
  sourceVersionId?: string;
  metadataDirective?: "COPY" | "REPLACE";
}

export interface ListObjectsRequest extends InBucket {
  prefix?: string;
  delimiter?: string;
  limit?: number;
  continuationToken?: string;
  startAfter?: string;
  fetchOwner?: boolean;
}

export interface ListVersionsRequest extends InBucket {
  prefix?: string;
  delimiter?: string;
  limit?: number;
  keyMarker?: string;
  versionIdMarker?: string;
}

export interface SignedUrlRequest extends OfObject {
  method?: "GET" | "PUT" | "DELETE";
  /** Seconds; 3600 if not given. */
  expiresIn?: number;
}

export interface UploadPartRequest extends OfUpload {
  partNumber: number;
  body: Content;
  contentMd5?: string;
}

export interface ListPartsRequest extends OfUpload {
  limit?: number;
  partNumberMarker?: number;
}

export interface ListMultipartUploadsRequest extends InBucket {
  prefix?: string;
  limit?: number;
  keyMarker?: string;
  uploadIdMarker?: string;
}

export interface CompleteMultipartUploadRequest extends OfUpload, Conditions {
  parts: { partNumber: number; etag: string }[];
}

export interface CreatedBucket {
  bucketName: string;
  bucketId: string;
  region: string;
  createdAt: Date;
}

export interface BucketDetails extends CreatedBucket {
  storageClass: string;
  versioning: { enabled: boolean };
  objectCount: number;
  totalSize: number;
  lifecycle: RulesDocument;
  cors: RulesDocument;
}

export interface ListedBucket {
  name: string;
  region: string;
  createdAt: Date;
  storageClass: string;
}

export interface BucketPage {
  buckets: ListedBucket[];
  isTruncated: boolean;
  nextContinuationToken: string | null;
}

export interface StoredObject {
  objectId: string;
  etag: string;
  size: number;
  versionId: string;
}

export interface CopiedObject {
  etag: string;
  lastModified: Date;
  versionId: string;
}

export interface ObjectHead {
  etag: string;
  /** Of the whole object, also where a range of it was asked for. */
  size: number;
  contentType: string;
  contentRange: string;
  lastModified: Date;
  versionId: string;
  storageClass: string;
  metadata: Record<string, string>;
  headers: Record<string, string>;
}

export interface ObjectDownload extends ObjectHead {
  body: Body;
}

export interface DeletedObject {
  deleteMarker: boolean;
  versionId: string;
}

export interface Deletions {
  deleted: { key: string; versionId: string | null; deleteMarker: boolean }[];
  errors: { key: string; code: string; message: string }[];
}

export interface ListedObject {
  key: string;
  size: number;
  etag: string;
  lastModified: Date;
  storageClass: string;
  owner?: { id: string; displayName: string };
}

export interface ListedVersion extends ListedObject {
  versionId: string;
  isLatest: boolean;
  isDeleteMarker: boolean;
}

export interface Page {
  bucketName: string;
  prefix: string;
  delimiter: string;
  maxKeys: number;
  isTruncated: boolean;
  commonPrefixes: { prefix: string }[];
}

export interface ObjectPage extends Page {
  contents: ListedObject[];
  nextContinuationToken: string | null;
}

export interface VersionPage extends Page {
  versions: ListedVersion[];
  nextKeyMarker: string | null;
  nextVersionIdMarker: string | null;
}

export interface SignedUrl {
  url: string;
  /** Seconds since 1970. */
  expires: number;
}

export interface Upload {
  uploadId: string;
  bucketName: string;
  objectKey: string;
}

export interface Part {
  partNumber: number;
  etag: string;
  size: number;
}

export interface PartPage extends Upload {
  parts: (Part & { lastModified: Date })[];
  isTruncated: boolean;
  nextPartNumberMarker: number | null;
}

export interface UploadPage {
  uploads: (Upload & { initiatedAt: Date; storageClass: string })[];
  isTruncated: boolean;
  nextKeyMarker: string | null;
  nextUploadIdMarker: string | null;
}

export interface CompletedUpload {
  location: string;
  bucketName: string;
  objectKey: string;
  etag: string;
  size: number;
  versionId: string;
}

export interface PreviewRequest extends InBucket {
  /** Rules to try, in the reference's spelling; the bucket's own if not given. */
  rules?: Record<string, unknown>[];
  /** Instead of now: 2030-01-31. */
  date?: string;
}

export interface LifecycleTally {
  ruleId: string;
  action: string;
  storageClass: string | null;
  count: number;
  size: number;
  samples?: { key: string; versionId: string }[];
}

export interface LifecyclePreview {
  bucketName: string;
  date: string;
  versionsSeen: number;
  actions: LifecycleTally[];
  days: { date: string; actions: LifecycleTally[] }[];
}

export interface Share {
  id: number;
  bucketName: string;
  key: string;
  isFolder: boolean;
  versionId: string;
  hasPassword: boolean;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
  takesUploads: boolean;
  /** Downloads, or uploads. */
  mostDownloads: number | null;
  mostSize: number | null;
  downloadCount: number;
}

export interface CreatedShare extends Share {
  /** The link; told once. */
  url: string;
}

export interface CreateShareRequest extends OfObject {
  /** `key` ends in a slash: all that is under it. */
  isFolder?: boolean;
  /** People put files under `key` and see nothing; the two largest numbers are needed. */
  takesUploads?: boolean;
  versionId?: string;
  expiresAt: Date | string;
  mostDownloads?: number | null;
  /** Bytes of one upload. */
  mostSize?: number | null;
  password?: string;
}

export interface ListSharesRequest extends Abortable {
  bucket?: string;
}

export interface OfShare extends Abortable {
  shareId: number;
}

export interface Key {
  keyId: string;
  kind: 'api' | 's3';
  userName: string;
  name: string;
  status: 'active' | 'inactive';
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

export interface CreatedKey extends Key {
  /** Shown this once: the bearer key itself, or the secret access key. */
  secret: string;
}

export interface ListKeysRequest extends Abortable {
  userName?: string;
  limit?: number;
}

export interface CreateKeyRequest extends Abortable {
  kind?: 'api' | 's3';
  userName?: string;
  name?: string;
  expiresAt?: Date | string;
}

export interface OfKey extends Abortable {
  keyId: string;
}

export interface UpdateKeyRequest extends OfKey {
  status?: 'active' | 'inactive';
  /** null: it does not end. */
  expiresAt?: Date | string | null;
}

export interface PolicySummary {
  policyName: string;
  arn: string;
  description: string;
  isReadyMade: boolean;
  attachedCount: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface Policy extends PolicySummary {
  document: Record<string, unknown>;
}

export interface PolicyPage {
  policies: PolicySummary[];
  isTruncated: boolean;
  nextContinuationToken: string | null;
}

export interface ListPoliciesRequest extends Abortable {
  limit?: number;
  continuationToken?: string;
}

export interface OfPolicy extends Abortable {
  policyName: string;
}

export interface PutPolicyRequest extends OfPolicy {
  document: Record<string, unknown>;
  description?: string;
}

export interface AttachmentRequest extends OfPolicy {
  kind: 'users' | 'groups' | 'roles';
  /** Of the user, group or role. */
  name: string;
}

export interface Attachments {
  users: string[];
  groups: string[];
  roles: string[];
}

/** Talk to one store with one API key. */
export class ObjectStore {
  constructor(options: ObjectStoreOptions);

  createBucket(request: CreateBucketRequest): Promise<CreatedBucket>;
  listBuckets(request?: ListBucketsRequest): Promise<BucketPage>;
  iterBuckets(request?: ListBucketsRequest): AsyncGenerator<ListedBucket, void>;
  getBucket(request: InBucket): Promise<BucketDetails>;
  deleteBucket(request: InBucket): Promise<void>;
  getBucketConfiguration(request: ConfigurationRequest): Promise<Record<string, unknown>>;
  putBucketConfiguration(request: PutConfigurationRequest): Promise<void>;
  deleteBucketConfiguration(request: ConfigurationRequest): Promise<void>;

  previewLifecycle(request: PreviewRequest): Promise<LifecyclePreview>;

  putObject(request: PutObjectRequest): Promise<StoredObject>;
  upload(request: UploadRequest): Promise<StoredObject | CompletedUpload>;
  getObject(request: ReadObjectRequest): Promise<ObjectDownload>;
  headObject(request: ReadObjectRequest): Promise<ObjectHead>;
  deleteObject(request: DeleteObjectRequest): Promise<DeletedObject>;
  deleteObjects(request: DeleteObjectsRequest): Promise<Deletions>;
  copyObject(request: CopyObjectRequest): Promise<CopiedObject>;
  listObjects(request: ListObjectsRequest): Promise<ObjectPage>;
  iterObjects(request: ListObjectsRequest): AsyncGenerator<ListedObject, void>;
  listVersions(request: ListVersionsRequest): Promise<VersionPage>;
  iterVersions(request: ListVersionsRequest): AsyncGenerator<ListedVersion, void>;
  signedUrl(request: SignedUrlRequest): Promise<SignedUrl>;

  createMultipartUpload(request: OfObject & Attributes): Promise<Upload>;
  uploadPart(request: UploadPartRequest): Promise<Part>;
  listParts(request: ListPartsRequest): Promise<PartPage>;
  listMultipartUploads(request: ListMultipartUploadsRequest): Promise<UploadPage>;
  completeMultipartUpload(request: CompleteMultipartUploadRequest): Promise<CompletedUpload>;
  abortMultipartUpload(request: OfUpload): Promise<void>;

  createShare(request: CreateShareRequest): Promise<CreatedShare>;
  listShares(request?: ListSharesRequest): Promise<Share[]>;
  revokeShare(request: OfShare): Promise<void>;

  listKeys(request?: ListKeysRequest): Promise<Key[]>;
  createKey(request?: CreateKeyRequest): Promise<CreatedKey>;
  getKey(request: OfKey): Promise<Key>;
  updateKey(request: UpdateKeyRequest): Promise<Key>;
  deleteKey(request: OfKey): Promise<void>;
  listPolicies(request?: ListPoliciesRequest): Promise<PolicyPage>;
  iterPolicies(request?: ListPoliciesRequest): AsyncGenerator<PolicySummary, void>;
  getPolicy(request: OfPolicy): Promise<Policy>;
  putPolicy(request: PutPolicyRequest): Promise<{ policyName: string; arn: string }>;
  deletePolicy(request: OfPolicy): Promise<void>;
  listPolicyAttachments(request: OfPolicy): Promise<Attachments>;
  attachPolicy(request: AttachmentRequest): Promise<void>;
  detachPolicy(request: AttachmentRequest): Promise<void>;
}

export default ObjectStore;

/** The bytes of a downloaded object, read when they are asked for, once. */
export class Body implements AsyncIterable<Uint8Array> {
  private constructor();
  /** Give the whole object: a Buffer in Node, a Uint8Array in a browser. */
  buffer(): Promise<typeof globalThis extends { Buffer: { from(data: string): infer B } } ? B : Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
  blob(): Promise<Blob>;
  text(): Promise<string>;
  json(): Promise<unknown>;
  stream(): ReadableStream<Uint8Array>;
  cancel(): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>;
}

/** Any failure of a request; `code` is the server's, "" where it sent none. */
export class ObjectStoreError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;
  readonly requestId: string;
}
export class TransportError extends ObjectStoreError {}
export class NotModified extends ObjectStoreError {}
export class ClientError extends ObjectStoreError {}
export class AuthenticationFailed extends ClientError {}
export class AccessDenied extends ClientError {}
export class NotFound extends ClientError {}
export class BucketNotFound extends NotFound {}
export class ObjectNotFound extends NotFound {}
export class UploadNotFound extends NotFound {}
export class Conflict extends ClientError {}
export class PreconditionFailed extends ClientError {}
export class InvalidRange extends ClientError {}
export class TooManyRequests extends ClientError {}
export class ServerError extends ObjectStoreError {}

/** The tree by its names. */
export const errors: {
  ObjectStoreError: typeof ObjectStoreError;
  TransportError: typeof TransportError;
  NotModified: typeof NotModified;
  ClientError: typeof ClientError;
  AuthenticationFailed: typeof AuthenticationFailed;
  AccessDenied: typeof AccessDenied;
  NotFound: typeof NotFound;
  BucketNotFound: typeof BucketNotFound;
  ObjectNotFound: typeof ObjectNotFound;
  UploadNotFound: typeof UploadNotFound;
  Conflict: typeof Conflict;
  PreconditionFailed: typeof PreconditionFailed;
  InvalidRange: typeof InvalidRange;
  TooManyRequests: typeof TooManyRequests;
  ServerError: typeof ServerError;
};
