"""Errors on the wire: which dialect a request speaks, and how it hears a refusal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions as rest
from rest_framework.response import Response

from kernel import errors
from kernel.errors import ObjectStoreError
from kernel.http.responses import http_date
from kernel.kept_settings import settings

logger = logging.getLogger("objectstore")

JSON_MOUNTS = (
    *("/v1/buckets", "/v1/iam/", "/v1/shares", "/v1/schema"),
    *("/objects", "/kv/", "/docs", "/-/"),
)


def dialect_of(request: HttpRequest) -> str:
    """Name the dialect by the mount: console, rest, keyvalue or s3."""
    stated = getattr(request, "dialect", "")
    if stated:
        return str(stated)
    if getattr(request, "urlconf", None) is not None:
        return "s3"
    path = request.path_info
    if path.startswith("/admin/"):
        return "console"
    if path == "/objects" or path.startswith(("/objects/", "/kv/")):
        return "keyvalue"
    if path.startswith(JSON_MOUNTS):
        return "rest"
    return "keyvalue" if settings.OBJECTSTORE_ROOT_DIALECT == "kv" else "s3"


Renderer = Callable[[HttpRequest, ObjectStoreError], HttpResponse]
_renderers: dict[str, Renderer] = {}


def renders_errors_of(dialect: str) -> Callable[[Renderer], Renderer]:
    """Register how a dialect writes errors; REST's JSON serves those that do not."""

    def register(renderer: Renderer) -> Renderer:
        _renderers[dialect] = renderer
        return renderer

    return register


def render_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer in the request's dialect; what is not a refusal is logged, not shown."""
    refusal = as_refusal(request, error)
    response = _renderers.get(dialect_of(request), render_json)(request, refusal)
    if request.method == "HEAD" or refusal.status == 304:
        response.content = b""
    return response


def as_refusal(request: HttpRequest, error: Exception) -> ObjectStoreError:
    """Translate what Django and DRF raise; anything else is an InternalError."""
    if isinstance(error, ObjectStoreError):
        return error
    for kind, refusal in TRANSLATED.items():
        if isinstance(error, kind):
            return refusal()
    request_id = getattr(request, "request_id", "")
    logger.error("request %s failed", request_id, exc_info=error)
    if isinstance(error, DATABASE_IS_AWAY) or lacks_tables(error):
        return errors.ServiceUnavailable("The database does not answer.")
    return errors.InternalError()


# A server that is down, starts or ends; a connection that broke. On SQLite also a
# database that has not been migrated.
DATABASE_IS_AWAY = (OperationalError, InterfaceError)
# PostgreSQL's codes for a table and for a column that is not there.
NOT_MIGRATED = frozenset({"42P01", "42703"})


def lacks_tables(error: Exception) -> bool:
    """Tell whether PostgreSQL waits for its tables, as before `manage.py migrate`."""
    code = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, ProgrammingError) and code in NOT_MIGRATED


TRANSLATED: dict[type[Exception], Callable[[], ObjectStoreError]] = {
    # PostgreSQL compares and stores no null character; SQLite finds nothing by it.
    DataError: lambda: errors.InvalidArgument(
        "A value of the request holds what the store cannot keep."
    ),
    Http404: lambda: errors.InvalidRequest("There is nothing at this path."),
    PermissionDenied: errors.AccessDenied,
    RequestDataTooBig: errors.EntityTooLarge,
    rest.ParseError: errors.MalformedJSON,
    rest.NotAcceptable: errors.NotAcceptable,
    rest.UnsupportedMediaType: errors.UnsupportedMediaType,
    rest.NotAuthenticated: errors.AuthenticationFailed,
    rest.PermissionDenied: errors.AccessDenied,
}


def render_json(request: HttpRequest, error: ObjectStoreError) -> HttpResponse:
    response = JsonResponse(json_error(request, error), status=error.status_in_rest)
    add_headers(response, error)
    return response


def render_rest_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: the same body, through DRF's own renderers."""
    request = context["request"]._request
    if isinstance(error, rest.ValidationError):
        refusal = invalid_json(error)
    elif isinstance(error, rest.MethodNotAllowed):
        allowed = context["view"].allowed_methods
        refusal = errors.MethodNotAllowed(
            method=request.method, allow=", ".join(allowed)
        )
    else:
        refusal = as_refusal(request, error)
    has_body = refusal.status_in_rest != 304
    response = Response(
        json_error(request, refusal) if has_body else None,
        status=refusal.status_in_rest,
    )
    add_headers(response, refusal)
    return response


def invalid_json(error: rest.ValidationError) -> ObjectStoreError:
    return errors.MalformedJSON(
        "The request is not of the documented form.", fields=error.detail
    )


def json_error(request: HttpRequest, error: ObjectStoreError) -> dict[str, Any]:
    """Give the error body of the API reference, "Error Format"."""
    return {
        "error": {
            "code": error.code_in_rest,
            "message": error.text_in_rest,
            "details": rest_details(error.details),
            "request_id": getattr(request, "request_id", ""),
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    }


# What is called otherwise than in S3.
ARGUMENTS = {
    "continuation-token": "continuation_token",
    "partNumber": "part_number",
    "version-id-marker": "version_id_marker",
    "versionId": "version_id",
}


def rest_details(details: dict[str, object]) -> dict[str, object]:
    """Write an error's details, with arguments named as the client named them."""
    written = {name: plain(value) for name, value in details.items()}
    if "argument_name" in written:
        name = str(written["argument_name"])
        written["argument_name"] = ARGUMENTS.get(name, name)
    return written


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def add_headers(response: Any, error: ObjectStoreError) -> None:
    """Add what HTTP wants beside the body (RFC 9110: 401, 405, 416, 429, 304)."""
    details = error.details
    if error.status_in_rest == 401:
        response["WWW-Authenticate"] = "Bearer"
    if "retry_after" in details:
        response["Retry-After"] = str(details["retry_after"])
    if isinstance(error, errors.InvalidRange):
        response["Content-Range"] = f"bytes */{details.get('actual_object_size', '*')}"
    if isinstance(error, errors.NotModified):
        add_validators(response, details)
    if details.get("allow"):
        response["Allow"] = str(details["allow"])
    if error.status in {404, 405} and details.get("is_delete_marker"):
        response["x-amz-delete-marker"] = "true"


def add_validators(response: Any, details: dict[str, Any]) -> None:
    """Add what a cache needs to go on with its copy (RFC 9110, 15.4.5)."""
    response["ETag"] = f'"{details["etag"]}"'
    response["Last-Modified"] = http_date(details["last_modified"])
    for name in ("Cache-Control", "Expires"):
        if name in details["headers"]:
            response[name] = details["headers"][name]
