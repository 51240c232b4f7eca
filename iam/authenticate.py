"""Who sends a request: one ordered list of ways to say so, for every dialect."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from iam import queries, signed_urls
from iam.operations import digest_of
from iam.principals import ANONYMOUS, Principal, RequestFacts
from iam.signatures import S3, SIGNED, Payload, authenticate_signature
from kernel.errors import AccessDenied, AuthenticationFailed, InvalidArgument
from kernel.http.requests import client_address, is_secure
from kernel.telemetry import traced

UNSIGNED_PAYLOAD: Payload | None = None
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticated(NamedTuple):
    """The principal of a request, and how its body was signed, if it was."""

    principal: Principal
    payload: Payload | None = UNSIGNED_PAYLOAD


@traced("authenticate")
def authenticate(request: HttpRequest, services: frozenset[str] = S3) -> Authenticated:
    """Find the principal as `named_by` does, and let the request know whose it is."""
    authenticated = named_by(request, services)
    request.principal = authenticated.principal  # type: ignore[attr-defined]
    return authenticated


def named_by(request: HttpRequest, services: frozenset[str]) -> Authenticated:
    """Find the principal, who is ANONYMOUS where the request names nobody.

    Signatures must be for one of the services.

    Raises AuthenticationFailed or one of its kinds for a name that does not hold.
    """
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    scheme = authorization.partition(" ")[0].lower()
    is_in_query = is_presigned(request)
    if authorization and is_in_query:
        raise InvalidArgument(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query "
            "parameter, Signature query string parameter or the Authorization header "
            "should be specified",
            argument_name="Authorization",
            argument_value=scheme,
        )
    if scheme in SIGNED or is_in_query:
        principal, payload = authenticate_signature(request, services)
        facts = facts_of(
            request,
            payload.authentication,
            signed_at=payload.signed_at,
            payload_hash=payload.payload_hash,
        )
        return Authenticated(principal.asking(facts), payload)
    if scheme == "bearer":
        return by_bearer_key(request, authorization[7:].strip())
    if authorization:
        raise AuthenticationFailed("This authorization scheme is not known.")
    if "HTTP_X_API_KEY" in request.META:
        return by_bearer_key(request, request.META["HTTP_X_API_KEY"])
    if "signature=" in request.META.get("QUERY_STRING", ""):
        return by_signed_url(request)
    return by_session(request) or Authenticated(ANONYMOUS.asking(facts_of(request)))


def facts_of(
    request: HttpRequest,
    authentication: str = "",
    *,
    signed_at: str = "",
    payload_hash: str = "",
) -> RequestFacts:
    """Gather what policies may ask about a request."""
    meta = request.META
    return RequestFacts(
        request_id=getattr(request, "request_id", ""),
        source_ip=client_address(meta),
        is_secure=is_secure(meta),
        user_agent=meta.get("HTTP_USER_AGENT", ""),
        referer=meta.get("HTTP_REFERER", ""),
        authentication=authentication,
        pays=meta.get("HTTP_X_AMZ_REQUEST_PAYER") == "requester",
        signed_at=signed_at,
        payload_hash=payload_hash,
    )


def by_bearer_key(request: HttpRequest, api_key: str) -> Authenticated:
    credential = queries.api_key(digest_of(api_key)) if api_key else None
    if credential is None:
        raise AuthenticationFailed()
    return Authenticated(credential.principal.asking(facts_of(request)))


def is_presigned(request: HttpRequest) -> bool:
    query = request.META.get("QUERY_STRING", "")
    return "X-Amz-Algorithm=" in query or (
        "AWSAccessKeyId=" in query and "Signature=" in query
    )


def by_signed_url(request: HttpRequest) -> Authenticated:
    """Take a signed URL at its word: it acts as the key that made it."""
    key_id = request.GET.get("key", "")
    credential = queries.api_key_by_id(key_id)
    if credential is None:
        raise AuthenticationFailed("The signed URL names no active key.")
    signed_urls.verify(
        url_secret(credential.secret),
        method=request.method or "GET",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        now=int(time.time()),
    )
    return Authenticated(credential.principal.asking(facts_of(request, "SIGNED-URL")))


def url_secret(digest: str) -> bytes:
    """Derive what a key signs URLs with: the server alone can, and only while it lives.

    The key itself is not known here, and its digest alone signs nothing.
    """
    text = b"signed url\0" + digest.encode()
    return hmac.digest(settings.SECRET_KEY.encode(), text, hashlib.sha256)


def by_session(request: HttpRequest) -> Authenticated | None:
    """Let a person who is signed in to the console use the API in the browser."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    principal = queries.principal_of_user(user)
    if principal is None:
        return None
    if request.method not in SAFE_METHODS:
        check_csrf(request)
    return Authenticated(principal.asking(facts_of(request, "SESSION")))


def check_csrf(request: HttpRequest) -> None:
    """Refuse a change that another site's page could have sent."""
    checker = CsrfViewMiddleware(no_answer)
    checker.process_request(request)
    if checker.process_view(request, no_answer, (), {}) is not None:
        raise AccessDenied("The request carries no valid CSRF token.")


def no_answer(request: HttpRequest) -> HttpResponse:
    """Stand in for the view that CSRF checking wants to know."""
    return HttpResponse(status=204)
