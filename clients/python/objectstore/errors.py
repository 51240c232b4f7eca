"""What can go wrong, as a tree:

ObjectStoreError
├── TransportError            the server did not answer
├── ClientError               4xx: the request must change
│   ├── AuthenticationFailed  401
│   ├── AccessDenied          403
│   ├── NotFound              404
│   │   ├── BucketNotFound
│   │   ├── ObjectNotFound
│   │   └── UploadNotFound
│   ├── Conflict              409
│   ├── PreconditionFailed    412
│   ├── InvalidRange          416
│   └── TooManyRequests       429
├── NotModified               304: the copy at hand is current
└── ServerError               5xx: trying again may help
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class ObjectStoreError(Exception):
    """Any failure of a request; `code` is the server's, "" where it sent none."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        details: Mapping[str, Any] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.details = dict(details or {})
        self.request_id = request_id

    def __str__(self) -> str:
        named = f"{self.code}: {self.message}" if self.code else self.message
        return f"{named} (request {self.request_id})" if self.request_id else named


class TransportError(ObjectStoreError):
    """The server was not reached, the connection broke, or spoilt what it brought."""


class NotModified(ObjectStoreError):
    """The object has not changed since the copy that the condition describes."""


class ClientError(ObjectStoreError):
    """The server refused the request; sending it again will not help."""


class AuthenticationFailed(ClientError):
    """The API key is missing, unknown, disabled or expired."""


class AccessDenied(ClientError):
    """The API key may not do this."""


class NotFound(ClientError):
    """What the request names is not there."""


class BucketNotFound(NotFound):
    """No bucket has this name."""


class ObjectNotFound(NotFound):
    """No object has this key, or no version this id."""


class UploadNotFound(NotFound):
    """The multipart upload is unknown, completed or aborted."""


class Conflict(ClientError):
    """The state of the bucket or object does not allow it."""


class PreconditionFailed(ClientError):
    """A condition of the request does not hold."""


class InvalidRange(ClientError):
    """The range starts past the end of the object."""


class TooManyRequests(ClientError):
    """The rate limit is used up, also after the retries."""


class ServerError(ObjectStoreError):
    """The server failed; trying again may help."""


BY_CODE: dict[str, type[ObjectStoreError]] = {
    kind.__name__: kind
    for kind in (
        AuthenticationFailed,
        AccessDenied,
        BucketNotFound,
        ObjectNotFound,
        UploadNotFound,
        PreconditionFailed,
        InvalidRange,
        TooManyRequests,
    )
}
BY_STATUS: dict[int, type[ObjectStoreError]] = {
    304: NotModified,
    401: AuthenticationFailed,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    416: InvalidRange,
    429: TooManyRequests,
}


def error_of(response: httpx.Response) -> ObjectStoreError:
    """Make the exception of a refusal; the body must have been read."""
    facts = facts_of(response)
    code = str(facts.get("code", ""))
    kind = BY_CODE.get(code) or BY_STATUS.get(response.status_code)
    if kind is None:
        kind = ServerError if response.status_code >= 500 else ClientError
    return kind(
        str(facts.get("message") or response.reason_phrase),
        status=response.status_code,
        code=code,
        details=facts.get("details") or {},
        request_id=facts.get("request_id")
        or response.headers.get("x-amz-request-id", ""),
    )


def facts_of(response: httpx.Response) -> dict[str, Any]:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}
