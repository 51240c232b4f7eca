"""Cross-origin requests: preflights, and the headers on answers (AWS, "CORS").

A bucket's CORS configuration holds for the S3 and the REST dialect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from buckets import queries
from buckets.configurations import Configuration, configurations_of
from buckets.cors import find_rule
from kernel.errors import AccessForbidden, BadRequest

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def preflight(http: HttpRequest, bucket_name: str) -> HttpResponse:
    """Answer OPTIONS, which comes without credentials.

    Raises BadRequest without an origin or method, AccessForbidden where no rule
    allows what is asked.
    """
    meta = http.META
    origin = meta.get("HTTP_ORIGIN", "")
    method = meta.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
    if not origin:
        raise BadRequest("Insufficient information. Origin request header needed.")
    named = meta.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    headers = [one.strip().lower() for one in named.split(",") if one.strip()]
    document = configuration(bucket_name)
    if document is None:
        is_there = queries.get(bucket_name) is not None
        raise AccessForbidden(
            "CORSResponse: CORS is not enabled for this bucket."
            if is_there
            else "CORSResponse: Bucket not found",
            method=method or "OPTIONS",
            resource_type="BUCKET",
        )
    if not method:
        raise BadRequest("Invalid Access-Control-Request-Method: null")
    rule = find_rule(document, origin, method, headers)
    if rule is None:
        raise AccessForbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because "
            "the evalution of Origin, request method / Access-Control-Request-Method "
            "or Access-Control-Request-Headers are not whitelisted by the resource's "
            "CORS spec.",
            method=method,
            resource_type="OBJECT",
        )
    response = HttpResponse(status=200)
    del response.headers["Content-Type"]
    add_rule(response, rule, origin, headers)
    return response


def configuration(bucket_name: str) -> Mapping[str, Any] | None:
    bucket = queries.get(bucket_name)
    if bucket is None:
        return None
    found: Mapping[str, Any] | None = configurations_of(bucket.configurations_text).get(
        Configuration.CORS
    )
    return found


def add_headers(
    http: HttpRequest, bucket_name: str, response: HttpResponseBase
) -> None:
    """Say on an answer to whom a browser may show it."""
    origin = http.META.get("HTTP_ORIGIN")
    document = configuration(bucket_name) if origin and bucket_name else None
    if origin is None or document is None:
        return
    stated = http.META.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
    rule = find_rule(document, origin, stated or http.method or "GET")
    if rule is not None:
        add_rule(response, rule, origin, ())


def add_rule(
    response: HttpResponseBase,
    rule: Mapping[str, Any],
    origin: str,
    headers: Sequence[str],
) -> None:
    is_everyone = "*" in rule["AllowedOrigins"]
    facts = {
        "Access-Control-Allow-Origin": "*" if is_everyone else origin,
        "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
        "Access-Control-Allow-Headers": ", ".join(headers),
        "Access-Control-Expose-Headers": ", ".join(rule.get("ExposeHeaders", ())),
        "Access-Control-Max-Age": rule.get("MaxAgeSeconds"),
        "Access-Control-Allow-Credentials": None if is_everyone else "true",
        "Vary": VARY,
    }
    for name, value in facts.items():
        if value not in (None, ""):
            response.headers[name] = str(value)
