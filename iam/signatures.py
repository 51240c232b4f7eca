"""AWS signatures on Django requests: find the key, verify, say what is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest

from iam import queries, sessions, sigv2, sigv4
from iam.principals import Principal
from iam.sigv4 import Credential, SignedRequest, SigningContext
from kernel.checksums import ChecksumAlgorithm
from kernel.errors import (
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    EntityTooLarge,
    InvalidAccessKeyId,
    InvalidRequest,
    XAmzContentSHA256Mismatch,
)
from kernel.http.requests import SPELLINGS, meta_name, raw_path

# The schemes of the Authorization header that are signatures, in lower case.
SIGNED = frozenset({"aws4-hmac-sha256", "aws"})
# The services that a signature can be for: S3's dialect, and the query API's.
S3 = frozenset({"s3"})
QUERY_API = frozenset({"iam", "sts"})
TOKEN = "x-amz-security-token"  # noqa: S105 - a header's name
# A call of the query API: policies have 20 KiB at most.
MOST_CALL_BYTES = 1024 * 1024
CONDITIONS = frozenset({"if-match", "if-none-match"})
# What a presigned URL says of itself.
QUERY_ALONE = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-content-sha256",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }
)
# The SDK for JavaScript puts the checksum of no bytes at all into its URLs for uploads;
# AWS signs checksums of a query, and does not compare them.
NOT_COMPARED = frozenset(one.header for one in ChecksumAlgorithm)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
FRAMED = "STREAMING-"
SIGNED_FRAMES = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class Payload(NamedTuple):
    """How a signed request's body is covered by its signature."""

    authentication: str
    payload_hash: str = UNSIGNED_PAYLOAD
    context: SigningContext | None = None

    @property
    def signed_at(self) -> str:
        """When it was signed, as version 4 writes it; version 2's is not kept."""
        return self.context.timestamp if self.context else ""

    @property
    def is_framed(self) -> bool:
        """Tell whether the body comes in aws-chunked frames."""
        return self.payload_hash.startswith(FRAMED)

    @property
    def signing(self) -> SigningContext | None:
        """What each frame's signature is verified with, where frames are signed."""
        is_signed = self.payload_hash.startswith(SIGNED_FRAMES)
        return self.context if is_signed else None

    @property
    def sha256(self) -> str:
        """The digest that was signed, or "" where the body is not covered by one."""
        is_digest = not self.is_framed and self.payload_hash != UNSIGNED_PAYLOAD
        return self.payload_hash if is_digest else ""


def authenticate_signature(
    request: HttpRequest, services: frozenset[str] = S3
) -> tuple[Principal, Payload]:
    """Verify the signature of a request, by header or query, version 4 or 2.

    Raises InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed and what
    else the versions' own modules raise; InvalidToken and ExpiredToken for temporary
    credentials.
    """
    signed = signed_request(request)
    credential = sigv4.parse_authorization(signed)
    if credential is None:
        if services is QUERY_API:
            # It would cover neither the form that says what to do, nor the service.
            raise InvalidRequest("Calls of IAM and STS are signed by version 4.")
        return by_version_2(request, signed)
    check_service(credential, services)
    key = find_key(credential.access_key_id, credential.session_token)
    if services is QUERY_API:
        credential = with_body_digest(credential, request)
    context = sigv4.verify(signed, credential, key.secret, now=datetime.now(UTC))
    if credential.is_presigned:
        take_hoisted(request)
    kind = "PRESIGNED" if credential.is_presigned else "AWS4-HMAC-SHA256"
    return key.principal, Payload(kind, credential.payload_hash, context)


def by_version_2(
    request: HttpRequest, signed: SignedRequest
) -> tuple[Principal, Payload]:
    if not settings.OBJECTSTORE_SIGV2:
        raise InvalidRequest(
            "The authorization mechanism you have provided is not supported. Please "
            "use AWS4-HMAC-SHA256."
        )
    credential = sigv2.parse_authorization(signed)
    if credential is None:
        raise InvalidRequest("The signature of this request cannot be read.")
    token = session_token_of(signed)
    if token or credential.is_presigned:
        told = {TOKEN: token} if token else {}
        signed = signed._replace(
            headers={**hoisted(signed.query), **told, **signed.headers}
        )
    key = find_key(credential.access_key_id, token)
    sigv2.verify(signed, credential, key.secret, now=datetime.now(UTC))
    if credential.is_presigned:
        take_hoisted(request)
    return key.principal, Payload("AWS-PRESIGNED" if credential.is_presigned else "AWS")


def session_token_of(signed: SignedRequest) -> str:
    """Read the token of a version 2 signature; in a query it is signed as a header."""
    query = dict(parse_qsl(signed.query)) if TOKEN in signed.query else {}
    return signed.headers.get(TOKEN, "") or query.get(TOKEN, "")


def check_service(credential: Credential, services: frozenset[str]) -> None:
    """Refuse what was signed for another service than the one that answers."""
    if credential.service in services:
        return
    kind = (
        AuthorizationQueryParametersError
        if credential.is_presigned
        else AuthorizationHeaderMalformed
    )
    wanted = " or ".join(f'"{one}"' for one in sorted(services))
    raise kind(
        "The authorization header is malformed; incorrect service "
        f'"{credential.service[:64]}". This endpoint belongs to {wanted}.'
    )


def with_body_digest(credential: Credential, request: HttpRequest) -> Credential:
    """Add what services other than S3 sign without stating it: the body's digest.

    Raises EntityTooLarge, and XAmzContentSHA256Mismatch for another digest that is
    stated. The body is kept for the one who answers.
    """
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not length.isdecimal() or int(length) > MOST_CALL_BYTES:
        raise EntityTooLarge(max_size_allowed=MOST_CALL_BYTES)
    digest = hashlib.sha256(request.body).hexdigest()
    is_stated = request.META.get("HTTP_X_AMZ_CONTENT_SHA256") is not None
    if is_stated and credential.payload_hash != digest:
        raise XAmzContentSHA256Mismatch()
    return credential._replace(payload_hash=digest)


def find_key(access_key_id: str, session_token: str = "") -> queries.Credential:
    """Find a key pair, or a session by its token.

    Raises InvalidAccessKeyId, or InvalidToken and ExpiredToken.
    """
    if session_token:
        return sessions.credential(access_key_id, session_token)
    found = queries.access_key(access_key_id)
    if found is None:
        raise InvalidAccessKeyId(aws_access_key_id=access_key_id)
    return found


def signed_request(request: HttpRequest) -> SignedRequest:
    """Gather the plain facts that signatures are made of."""
    query = request.META.get("QUERY_STRING", "")
    headers = headers_of(request)
    authorization = headers.get("authorization", "")
    # What follows the credential's scope names the headers.
    if "_" in authorization.partition("aws4_request")[2] or "_" in query:
        names = sigv4.signed_names(authorization, query) or hoisted(query)
        respell(headers, request, names)
    return SignedRequest(
        method=request.method or "GET",
        raw_path=raw_path(request),
        query=query,
        headers=headers,
        virtual_host_bucket=getattr(request, "virtual_host_bucket", ""),
    )


def respell(
    headers: dict[str, str], request: HttpRequest, names: Iterable[str]
) -> None:
    """Name headers as they were signed: WSGI takes "_" and "-" for the same.

    What is spelled so is noted for those who keep the names of metadata.
    """
    for name in names:
        told = name.replace("_", "-")
        if told != name and told in headers:
            headers[name] = headers.pop(told)
            request.META.setdefault(SPELLINGS, {})[meta_name(name)] = name


def hoisted(query: str) -> dict[str, str]:
    """Give the x-amz-* headers that a presigned URL carries in its query.

    SDKs put them there so that who uses the URL need not send them.
    """
    if "x-amz-" not in query.lower():
        return {}
    pairs = parse_qsl(query, keep_blank_values=True)
    return {
        name.lower(): value
        for name, value in pairs
        if name.lower().startswith("x-amz-") and name.lower() not in QUERY_ALONE
    }


def take_hoisted(request: HttpRequest) -> None:
    """Let what a verified URL says in its query hold as headers; sent ones win."""
    query = request.META.get("QUERY_STRING", "")
    headers = {
        name: value
        for name, value in hoisted(query).items()
        if name not in NOT_COMPARED
    }
    if "X-Amz-SignedHeaders=" in query:
        # Version 2 leaves them out of what it signs.
        headers |= {
            name.lower(): value
            for name, value in parse_qsl(query)
            if name.lower() in CONDITIONS
        }
    for name, value in headers.items():
        place = meta_name(name)
        if place not in request.META:
            request.META[place] = value
            if "_" in name:
                request.META.setdefault(SPELLINGS, {})[place] = name


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Give the headers by lower-case name, as the server received them."""
    headers = {
        header_name(name[5:]): value
        for name, value in request.META.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if request.META.get(name):
            headers[header_name(name)] = request.META[name]
    return headers


@lru_cache(maxsize=256)
def header_name(name: str) -> str:
    return name.replace("_", "-").lower()
