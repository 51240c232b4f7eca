"""Answers and refusals of the query API, in the XML of IAM and STS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from kernel.errors import (
    AuthenticationFailed,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    EntityTooLarge,
    ExpiredToken,
    InternalError,
    InvalidAccessKeyId,
    InvalidToken,
    NotImplemented,
    ObjectStoreError,
    RequestTimeTooSkewed,
)
from kernel.http.errors import renders_errors_of
from s3api.xml import DECLARATION, element


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the query API."""

    version: str
    namespace: str


IAM = Service("2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/")
STS = Service("2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/")
SERVICES = {one.version: one for one in (IAM, STS)}

# What these services call otherwise than S3 (AWS, "Common errors").
CODES: dict[type[ObjectStoreError], tuple[str, int]] = {
    AuthenticationFailed: ("InvalidClientTokenId", 403),
    AuthorizationHeaderMalformed: ("IncompleteSignature", 400),
    AuthorizationQueryParametersError: ("IncompleteSignature", 400),
    EntityTooLarge: ("RequestEntityTooLarge", 413),
    ExpiredToken: ("ExpiredToken", 403),
    InternalError: ("InternalFailure", 500),
    InvalidAccessKeyId: ("InvalidClientTokenId", 403),
    InvalidToken: ("InvalidClientTokenId", 403),
    NotImplemented: ("NotImplemented", 501),
    RequestTimeTooSkewed: ("RequestExpired", 400),
}
TEXTS = {
    "InvalidClientTokenId": "The security token included in the request is invalid.",
    "ExpiredToken": "The security token included in the request is expired",
}


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping whose names are data: written as entries of a key and a value."""

    facts: Mapping[str, Any]


def written(name: str, value: Any) -> str:
    """Write mappings, lists of members, times and texts; nothing for None."""
    if isinstance(value, Entries):
        pairs = ({"key": k, "value": v} for k, v in value.facts.items())
        return f"<{name}>{''.join(written('entry', one) for one in pairs)}</{name}>"
    if isinstance(value, Mapping):
        return f"<{name}>{content(value)}</{name}>"
    if isinstance(value, list | tuple):
        members = "".join(written("member", one) for one in value)
        return f"<{name}>{members}</{name}>"
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return element(name, value)


def content(facts: Mapping[str, Any]) -> str:
    return "".join(written(name, value) for name, value in facts.items())


def answer(
    request_id: str, service: Service, action: str, result: Mapping[str, Any] | None
) -> HttpResponse:
    """Answer a call; one without a result is answered with its request's id."""
    shown = "" if result is None else written(f"{action}Result", result)
    metadata = written("ResponseMetadata", {"RequestId": request_id})
    name = f"{action}Response"
    return xml(
        f'<{name} xmlns="{service.namespace}">{shown}{metadata}</{name}>', request_id
    )


def xml(text: str, request_id: str, status: int = 200) -> HttpResponse:
    response = HttpResponse(DECLARATION + text, content_type="text/xml", status=status)
    response.headers["x-amzn-RequestId"] = request_id
    return response


@renders_errors_of("query")
def render_refusal(request: HttpRequest, error: ObjectStoreError) -> HttpResponse:
    """Write <ErrorResponse>."""
    request_id = getattr(request, "request_id", "")
    code, status = CODES.get(type(error), (error.code, error.status))
    facts = {
        "Type": "Receiver" if status >= 500 else "Sender",
        "Code": code,
        "Message": TEXTS.get(code, error.text),
    }
    shown = written("Error", facts) + written("RequestId", request_id)
    # Before the form is read, it is not known whose refusal it is.
    namespace = getattr(request, "query_service", STS).namespace
    return xml(
        f'<ErrorResponse xmlns="{namespace}">{shown}</ErrorResponse>',
        request_id,
        status,
    )
