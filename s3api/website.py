"""Website endpoints: {bucket}.{website domain}, read by everyone's browser.

AWS, "Hosting a static website" and "Website endpoints". Each bucket is an origin of
its own, apart from the console's.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from buckets.access import find_bucket
from buckets.configurations import Configuration, configurations_of
from buckets.website import find_redirect
from iam.authenticate import facts_of
from iam.principals import ANONYMOUS, Principal
from kernel.errors import (
    AccessDenied,
    InvalidRange,
    MethodNotAllowed,
    NoSuchKey,
    NoSuchWebsiteConfiguration,
    NotModified,
    ObjectStoreError,
)
from kernel.http.errors import add_headers, as_refusal
from kernel.http.queries import conditions_of
from kernel.http.requests import UNRESERVED, is_secure
from kernel.http.responses import object_headers, object_response
from kernel.names import REDIRECT
from objects import operations


def is_website(host: str) -> bool:
    """Tell whether a host is a bucket's website."""
    return bool(bucket_of(host))


def bucket_of(host: str) -> str:
    name = host.partition(":")[0].lower()
    for domain in settings.OBJECTSTORE_WEBSITE_DOMAINS:
        if name.endswith(f".{domain}"):
            return name[: -len(domain) - 1]
    return ""


@csrf_exempt
def answer(http: HttpRequest) -> HttpResponseBase:
    """Answer with the page, a redirect, the error document, or a plain error page."""
    principal = ANONYMOUS.asking(facts_of(http))
    name = bucket_of(http.META.get("HTTP_HOST", ""))
    try:
        if http.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(method=http.method, allow="GET, HEAD")
        document = website_of(name)
    except Exception as error:
        return error_page(http, as_refusal(http, error))
    try:
        return page(http, principal, name, document)
    except Exception as error:
        refusal = as_refusal(http, error)
        return (
            into_folder(http, principal, name, document, refusal)
            or redirect_for(http, document, refusal.status)
            or error_document(http, principal, name, document, refusal)
            or error_page(http, refusal)
        )


def website_of(name: str) -> Mapping[str, Any]:
    bucket = find_bucket(name)
    document: Mapping[str, Any] | None = configurations_of(
        bucket.configurations_text
    ).get(Configuration.WEBSITE)
    if document is None:
        raise NoSuchWebsiteConfiguration(bucket_name=name)
    return document


def page(
    http: HttpRequest, principal: Principal, name: str, document: Mapping[str, Any]
) -> HttpResponseBase:
    redirected = redirect_for(http, document)
    if redirected is not None:
        return redirected
    key = http.path_info[1:]
    if not key or key.endswith("/"):
        key += document["IndexDocument"]["Suffix"]
    return read(http, principal, name, key)


def read(
    http: HttpRequest, principal: Principal, name: str, key: str, status: int = 200
) -> HttpResponseBase:
    is_head = http.method == "HEAD"
    is_page = status == 200
    operation = operations.head_object if is_head else operations.get_object
    content = operation(
        principal,
        name,
        key,
        byte_range=http.META.get("HTTP_RANGE") if is_page else None,
        **({"conditions": conditions_of(http.META)} if is_page else {}),
    )
    headers = object_headers(content.info)
    target = headers.pop(REDIRECT, "")
    if target and is_page:
        return moved(301, target)
    response = object_response(content, headers, is_head=is_head)
    if not is_page:
        response.status_code = status
    return response


def redirect_for(
    http: HttpRequest, document: Mapping[str, Any], status: int | None = None
) -> HttpResponseBase | None:
    found = find_redirect(document, http.path_info[1:], status)
    if found is None:
        return None
    code, protocol, host, key = found
    scheme = protocol or ("https" if is_secure(http.META) else "http")
    host = host or http.META.get("HTTP_HOST", "")
    return moved(code, f"{scheme}://{host}/{quote(key, safe=UNRESERVED)}")


def moved(code: int, target: str) -> HttpResponse:
    response = HttpResponse(status=code)
    response.headers["Location"] = target
    return response


def into_folder(
    http: HttpRequest,
    principal: Principal,
    name: str,
    document: Mapping[str, Any],
    refusal: ObjectStoreError,
) -> HttpResponseBase | None:
    """Send /folder on to /folder/ where that has an index."""
    key = http.path_info[1:]
    if not isinstance(refusal, (NoSuchKey, AccessDenied)) or not key:
        return None
    if key.endswith("/") or "IndexDocument" not in document:
        return None
    index = f"{key}/{document['IndexDocument']['Suffix']}"
    try:
        operations.head_object(principal, name, index)
    except ObjectStoreError:
        return None
    return moved(302, f"/{quote(key, safe=UNRESERVED)}/")


def error_document(
    http: HttpRequest,
    principal: Principal,
    name: str,
    document: Mapping[str, Any],
    refusal: ObjectStoreError,
) -> HttpResponseBase | None:
    key = document.get("ErrorDocument", {}).get("Key")
    if not key or not 400 <= refusal.status < 500 or isinstance(refusal, InvalidRange):
        return None
    try:
        return read(http, principal, name, key, refusal.status)
    except ObjectStoreError:
        return None


def error_page(http: HttpRequest, refusal: ObjectStoreError) -> HttpResponse:
    """Write an error as AWS's website endpoints do: a page without a script."""
    title = f"{refusal.status} {refusal.code}"
    rows = {
        "Code": refusal.code,
        "Message": refusal.text,
        "RequestId": getattr(http, "request_id", ""),
        "Time": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    listed = "".join(f"<li>{name}: {escape(one)}</li>" for name, one in rows.items())
    content = (
        f"<!doctype html><html><head><title>{escape(title)}</title></head>"
        f"<body><h1>{escape(title)}</h1><ul>{listed}</ul></body></html>"
    )
    is_empty = http.method == "HEAD" or isinstance(refusal, NotModified)
    response = HttpResponse("" if is_empty else content, status=refusal.status)
    add_headers(response, refusal)
    return response
