/**
 * What can go wrong, as a tree:
 *
 * ObjectStoreError
 * ├── TransportError            the server did not answer
 * ├── ClientError               4xx: the request must change
 * │   ├── AuthenticationFailed  401
 * │   ├── AccessDenied          403
 * │   ├── NotFound              404
 * │   │   ├── BucketNotFound
 * │   │   ├── ObjectNotFound
 * │   │   └── UploadNotFound
 * │   ├── Conflict              409
 * │   ├── PreconditionFailed    412
 * │   ├── InvalidRange          416
 * │   └── TooManyRequests       429
 * ├── NotModified               304: the copy at hand is current
 * └── ServerError               5xx: trying again may help
 *
 * A request that the caller aborts rejects with the reason of its signal.
 */

/** Any failure of a request; `code` is the server's, "" where it sent none. */
export class ObjectStoreError extends Error {
  constructor(message, { status = 0, code = "", details = {}, requestId = "", cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

/** The server could not be reached, or the connection broke. */
export class TransportError extends ObjectStoreError {}

/** The object has not changed since the copy that the condition describes. */
export class NotModified extends ObjectStoreError {}

/** The server refused the request; sending it again will not help. */
export class ClientError extends ObjectStoreError {}

/** The API key is missing, unknown, disabled or expired. */
export class AuthenticationFailed extends ClientError {}

/** The API key may not do this. */
export class AccessDenied extends ClientError {}

/** What the request names is not there. */
export class NotFound extends ClientError {}

/** No bucket has this name. */
export class BucketNotFound extends NotFound {}

/** No object has this key, or no version this id. */
export class ObjectNotFound extends NotFound {}

/** The multipart upload is unknown, completed or aborted. */
export class UploadNotFound extends NotFound {}

/** The state of the bucket or object does not allow it. */
export class Conflict extends ClientError {}

/** A condition of the request does not hold. */
export class PreconditionFailed extends ClientError {}

/** The range starts past the end of the object. */
export class InvalidRange extends ClientError {}

/** The rate limit is used up, also after the retries. */
export class TooManyRequests extends ClientError {}

/** The server failed; trying again may help. */
export class ServerError extends ObjectStoreError {}

/** The tree by its names. */
export const errors = {
  ObjectStoreError,
  TransportError,
  NotModified,
  ClientError,
  AuthenticationFailed,
  AccessDenied,
  NotFound,
  BucketNotFound,
  ObjectNotFound,
  UploadNotFound,
  Conflict,
  PreconditionFailed,
  InvalidRange,
  TooManyRequests,
  ServerError,
};
