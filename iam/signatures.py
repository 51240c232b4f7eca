"""AWS signatures on Django requests: find the key, verify, say what is signed."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from iam import queries, sigv2, sigv4
from iam.principals import Principal
from iam.sigv4 import SignedRequest, SigningContext
from kernel.errors import InvalidAccessKeyId, InvalidRequest
from kernel.http.requests import raw_path

# The schemes of the Authorization header that are signatures, in lower case.
SIGNED = frozenset({"aws4-hmac-sha256", "aws"})
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
FRAMED = "STREAMING-"
SIGNED_FRAMES = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Payload:
    """How a signed request's body is covered by its signature."""

    authentication: str
    payload_hash: str = UNSIGNED_PAYLOAD
    context: SigningContext | None = None

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
    request: HttpRequest, service: str = "s3"
) -> tuple[Principal, Payload]:
    """Verify the signature of a request, by header or query, version 4 or 2.

    Raises InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed and what
    else the versions' own modules raise.
    """
    signed = signed_request(request)
    credential = sigv4.parse_authorization(signed)
    if credential is None:
        return by_version_2(signed)
    key = find_key(credential.access_key_id)
    context = sigv4.verify(signed, credential, key.secret, now=timezone.now())
    kind = "PRESIGNED" if credential.is_presigned else "AWS4-HMAC-SHA256"
    return key.principal, Payload(kind, credential.payload_hash, context)


def by_version_2(signed: SignedRequest) -> tuple[Principal, Payload]:
    if not settings.OBJECTSTORE_SIGV2:
        raise InvalidRequest(
            "The authorization mechanism you have provided is not supported. Please "
            "use AWS4-HMAC-SHA256."
        )
    credential = sigv2.parse_authorization(signed)
    if credential is None:
        raise InvalidRequest("The signature of this request cannot be read.")
    key = find_key(credential.access_key_id)
    sigv2.verify(signed, credential, key.secret, now=timezone.now())
    return key.principal, Payload("AWS")


def find_key(access_key_id: str) -> queries.Credential:
    found = queries.access_key(access_key_id)
    if found is None:
        raise InvalidAccessKeyId(aws_access_key_id=access_key_id)
    return found


def signed_request(request: HttpRequest) -> SignedRequest:
    """Gather the plain facts that signatures are made of."""
    return SignedRequest(
        method=request.method or "GET",
        raw_path=raw_path(request),
        query=request.META.get("QUERY_STRING", ""),
        headers=headers_of(request),
        virtual_host_bucket=getattr(request, "virtual_host_bucket", ""),
    )


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Give the headers by lower-case name, as the server received them."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in request.META.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if request.META.get(name):
            headers[name.replace("_", "-").lower()] = request.META[name]
    return headers
