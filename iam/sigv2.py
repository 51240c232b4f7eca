"""AWS Signature Version 2, for old clients (AWS, "Signing and authenticating REST
requests"). Pure, as `iam.sigv4` is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from iam.sigv4 import MOST_SKEW, TIMESTAMP, SignedRequest
from kernel.errors import (
    AccessDenied,
    AuthorizationHeaderMalformed,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
)

# The query parameters that are part of the resource that is signed.
SUBRESOURCES = frozenset(
    {
        "accelerate",
        "acl",
        "cors",
        "defaultObjectAcl",
        "delete",
        "encryption",
        "lifecycle",
        "location",
        "logging",
        "notification",
        "partNumber",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "object-lock",
        "legal-hold",
        "retention",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    }
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request says of its version 2 signature."""

    access_key_id: str
    signature: str
    expires: str = ""

    @property
    def is_presigned(self) -> bool:
        return bool(self.expires)


def parse_authorization(request: SignedRequest) -> Credential | None:
    """Read the signature from the header `AWS id:signature` or from the query."""
    header = request.headers.get("authorization", "")
    if header.startswith("AWS "):
        access_key_id, colon, signature = header[4:].strip().rpartition(":")
        if not colon or not access_key_id or not signature:
            raise AuthorizationHeaderMalformed()
        return Credential(access_key_id, signature)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if "AWSAccessKeyId" not in query or "Signature" not in query:
        return None
    if not re.fullmatch("[0-9]{1,12}", query.get("Expires", "")):
        raise AccessDenied(
            "Query-string authentication requires the Signature, Expires and "
            "AWSAccessKeyId parameters"
        )
    return Credential(query["AWSAccessKeyId"], query["Signature"], query["Expires"])


def verify(
    request: SignedRequest,
    credential: Credential,
    secret: str,
    *,
    now: datetime,
    max_skew: timedelta = MOST_SKEW,
) -> None:
    """Check a signature.

    Raises SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied when expired or
    without a date.
    """
    check_time(request, credential, now, max_skew)
    texts = [string_to_sign(request, credential, path) for path in paths(request)]
    given = credential.signature.encode()
    signatures = [signature_of(text, secret).encode() for text in texts]
    if not any(hmac.compare_digest(one, given) for one in signatures):
        text = texts[0]
        raise SignatureDoesNotMatch(
            aws_access_key_id=credential.access_key_id,
            string_to_sign=text,
            signature_provided=credential.signature,
            string_to_sign_bytes=text.encode().hex(" "),
        )


def signature_of(text: str, secret: str) -> str:
    """Sign a text: base64 of HMAC-SHA1."""
    digest = hmac.new(
        secret.encode(), text.encode(), hashlib.sha1
    ).digest()  # the algorithm is AWS's
    return base64.b64encode(digest).decode()


def check_time(
    request: SignedRequest, credential: Credential, now: datetime, max_skew: timedelta
) -> None:
    if credential.is_presigned:
        if now.timestamp() > int(credential.expires):
            ends = datetime.fromtimestamp(int(credential.expires), UTC)
            raise AccessDenied("Request has expired", expires=ends, server_time=now)
        return
    signed_at = request_time(request)
    if signed_at is None:
        raise AccessDenied(
            "AWS authentication requires a valid Date or x-amz-date header"
        )
    if abs(now - signed_at) > max_skew:
        raise RequestTimeTooSkewed(
            request_time=signed_at,
            server_time=now,
            max_allowed_skew_milliseconds=int(max_skew.total_seconds() * 1000),
        )


def request_time(request: SignedRequest) -> datetime | None:
    text = request.headers.get("x-amz-date", request.headers.get("date", ""))
    try:
        date = parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    else:
        return date if date > EPOCH else None
    try:
        return datetime.strptime(text, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def paths(request: SignedRequest) -> list[str]:
    """Give the paths that may have been signed: botocore ends a bucket's in a slash."""
    path = request.raw_path or "/"
    if request.virtual_host_bucket:
        return [f"/{request.virtual_host_bucket}{path}"]
    return [path, path + "/"] if path.count("/") == 1 and path != "/" else [path]


def string_to_sign(request: SignedRequest, credential: Credential, path: str) -> str:
    headers = request.headers
    date = "" if "x-amz-date" in headers else headers.get("date", "")
    lines = (
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        credential.expires or date,
    )
    resource = canonical_resource(request, path)
    return "\n".join(lines) + "\n" + amz_headers(request) + resource


def amz_headers(request: SignedRequest) -> str:
    return "".join(
        f"{name}:{' '.join(value.split())}\n"
        for name, value in sorted(request.headers.items())
        if name.startswith("x-amz-")
    )


def canonical_resource(request: SignedRequest, path: str) -> str:
    named = sorted(
        (name, value, "=" in field)
        for field in request.query.split("&")
        for name, value in parse_qsl(field, keep_blank_values=True)
        if name in SUBRESOURCES
    )
    if not named:
        return path
    shown = (f"{name}={value}" if has else name for name, value, has in named)
    return f"{path}?{'&'.join(shown)}"
