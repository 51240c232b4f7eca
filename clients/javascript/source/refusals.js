import { errors } from "./errors.js";

// The codes that have a class of their own; the others are known by their status.
const CODES = new Set([
  "AuthenticationFailed",
  "AccessDenied",
  "BucketNotFound",
  "ObjectNotFound",
  "UploadNotFound",
  "PreconditionFailed",
  "InvalidRange",
  "TooManyRequests",
]);

const BY_STATUS = {
  304: errors.NotModified,
  401: errors.AuthenticationFailed,
  403: errors.AccessDenied,
  404: errors.NotFound,
  409: errors.Conflict,
  412: errors.PreconditionFailed,
  416: errors.InvalidRange,
  429: errors.TooManyRequests,
};

/** Make the error of a refusal; this reads the answer's body. */
export async function errorOf(response) {
  const facts = await refusalIn(response);
  const { status } = response;
  const ofStatus = BY_STATUS[status] ?? (status >= 500 ? errors.ServerError : errors.ClientError);
  const Kind = CODES.has(facts.code) ? errors[facts.code] : ofStatus;
  return new Kind(facts.message ?? (response.statusText || `status ${status}`), {
    status,
    code: facts.code,
    details: facts.details,
    requestId: facts.request_id ?? response.headers.get("x-amz-request-id") ?? "",
  });
}

async function refusalIn(response) {
  try {
    return (await response.json()).error ?? {};
  } catch {
    return {};
  }
}
