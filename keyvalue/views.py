"""The key-value dialects: plain views, since each of them is a hot path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from iam.authenticate import Authenticated, authenticate
from iam.payloads import request_body
from iam.queries import first_root
from iam.rate_limits import OperationClass, count, count_guess
from kernel.bodies import Body
from kernel.errors import (
    AuthenticationFailed,
    EntityTooLarge,
    InvalidArgument,
    InvalidObjectKey,
    InvalidRequest,
    MethodNotAllowed,
    NoSuchBucket,
    NoSuchKey,
    ObjectStoreError,
)
from kernel.http.drf import rest_time
from kernel.http.operations import UNKNOWN, Asked, reads_requests_of
from kernel.http.queries import conditions_of, whole_number
from kernel.http.requests import client_address, is_loopback
from kernel.http.responses import json_response, object_headers, object_response
from kernel.kept_settings import settings
from kernel.names import check_kv_key
from kernel.results import ObjectAttributes, ObjectInfo, ObjectSummary
from keyvalue import operations
from objects.listings import list_objects
from objects.operations import delete_object, get_object, head_object, put_object

# The strict server's values (its document: "maximum length of 1024 bytes").
MOST_VALUE_BYTES = 1024
# Where the strict dialect keeps its keys, beside those of /objects.
STRICT_PREFIX = "kv/"
MOST_LISTED = 1000

CLASSES = {
    "GET": OperationClass.OBJECT_GET,
    "HEAD": OperationClass.OBJECT_GET,
    "PUT": OperationClass.OBJECT_PUT,
    "DELETE": OperationClass.OBJECT_DELETE,
}
# What no operation is asked by counts as well.
OTHER = OperationClass.BUCKET
View = Callable[..., HttpResponseBase]


def admitted(operation: OperationClass | None = None) -> Callable[[View], View]:
    """Authenticate and count a request before the view sees it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def admit(request: HttpRequest, **named: str) -> HttpResponseBase:
            request.dialect = "keyvalue"  # type: ignore[attr-defined]
            try:
                authenticated = authenticate(request)
                if authenticated.principal.is_anonymous:
                    authenticated = local_operator(request, authenticated)
            except ObjectStoreError:
                count_guess(request, "keyvalue")
                raise
            limited = operation or CLASSES.get(request.method or "")
            count(request, authenticated.principal, "keyvalue", limited or OTHER)
            if limited is None:
                raise MethodNotAllowed(method=request.method, allow=", ".join(CLASSES))
            request.operation = name_of(limited, request.method)  # type: ignore[attr-defined]
            return view(request, authenticated, **named)

        # As csrf_exempt does, without its layer.
        admit.csrf_exempt = True  # type: ignore[attr-defined]
        return admit

    return decorate


NAMES = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
}


def name_of(operation: OperationClass, method: str | None) -> str:
    """Name the operation as AWS does."""
    if operation is OperationClass.LIST:
        return "ListObjectsV2"
    return NAMES.get(method or "", UNKNOWN)


@reads_requests_of("keyvalue")
def asked_by(request: HttpRequest) -> Asked:
    """Read what is asked; the bucket is the caller's, once it is known who calls."""
    stated = getattr(request, "operation", UNKNOWN)
    principal = getattr(request, "principal", None)
    if principal is None or principal.account_id is None:
        return Asked(stated)
    return Asked(stated, operations.find_bucket_name(principal) or "")


def local_operator(request: HttpRequest, asked: Authenticated) -> Authenticated:
    """Let who is on this machine act without a key, where settings say so."""
    is_local = is_loopback(client_address(request.META))
    if not (settings.OBJECTSTORE_KV_ANONYMOUS and is_local):
        raise AuthenticationFailed("An API key is required.")
    root = first_root()
    if root is None:
        raise AuthenticationFailed("There is no account yet.")
    request.principal = root  # type: ignore[attr-defined]
    return Authenticated(root.asking(asked.principal.facts))


@admitted(OperationClass.LIST)
def list_keys(request: HttpRequest, asked: Authenticated) -> HttpResponseBase:
    """List keys: `prefix`, `limit` and `continuation_token`, in byte order."""
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(method=request.method, allow="GET, HEAD")
    limit = listing_limit(request)
    bucket = operations.find_bucket_name(asked.principal)
    if bucket is None:
        return JsonResponse(page_of([], ""))
    try:
        listing = list_objects(
            asked.principal,
            bucket,
            prefix=request.GET.get("prefix", ""),
            max_keys=limit,
            token=request.GET.get("continuation_token", ""),
            after=request.GET.get("start_after", ""),
        )
    except NoSuchBucket:
        operations.forget_bucket(asked.principal)
        return JsonResponse(page_of([], ""))
    return JsonResponse(page_of(listing.contents, listing.next_token))


def listing_limit(request: HttpRequest) -> int:
    limit = whole_number(request.GET, "limit")
    if limit is None:
        return MOST_LISTED
    if not 1 <= limit <= MOST_LISTED:
        raise InvalidArgument(
            f"limit must be from 1 to {MOST_LISTED}.",
            argument_name="limit",
            argument_value=str(limit),
        )
    return limit


def page_of(rows: list[ObjectSummary], next_token: str) -> dict[str, Any]:
    return {
        "objects": [
            {
                "key": row.key,
                "size": row.size,
                "etag": row.etag,
                "last_modified": rest_time(row.created_at),
            }
            for row in rows
        ],
        "is_truncated": bool(next_token),
        "next_continuation_token": next_token or None,
    }


@admitted()
def one_object(
    request: HttpRequest, asked: Authenticated, key: str
) -> HttpResponseBase:
    """Store, fetch, look at or delete one key."""
    if not key:
        raise InvalidObjectKey(key=key)
    if request.method == "PUT":
        return stored(key, put(request, asked, key))
    if request.method == "DELETE":
        return delete(request, asked, key)
    return get(request, asked, key)


@admitted()
def one_value(request: HttpRequest, asked: Authenticated, key: str) -> HttpResponseBase:
    """The strict dialect: short plain keys, short UTF-8 values."""
    check_kv_key(key)
    kept_as = STRICT_PREFIX + key
    try:
        if request.method == "PUT":
            value = strict_value(request, asked)
            return stored(key, put(request, asked, kept_as, value))
        if request.method == "DELETE":
            return delete(request, asked, kept_as)
        return get(request, asked, kept_as)
    except NoSuchKey as error:
        error.details["key"] = key
        raise


def strict_value(request: HttpRequest, asked: Authenticated) -> Body:
    """Read a value of at most 1,024 bytes that is UTF-8."""
    body = request_body(request, asked.payload)
    if body.length > MOST_VALUE_BYTES:
        raise EntityTooLarge(
            proposed_size=body.length, max_size_allowed=MOST_VALUE_BYTES
        )
    data = body.read_all(MOST_VALUE_BYTES)
    try:
        data.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The value is not UTF-8.") from None
    return Body.of(data)


def put(
    request: HttpRequest, asked: Authenticated, key: str, body: Body | None = None
) -> ObjectInfo:
    now = datetime.now(UTC)
    body = body or request_body(request, asked.payload)
    attributes = ObjectAttributes(content_type=request.META.get("CONTENT_TYPE", ""))

    def write(bucket: str) -> ObjectInfo:
        return put_object(
            asked.principal,
            bucket,
            key,
            body=body,
            attributes=attributes,
            conditions=conditions_of(request.META),
            now=now,
        )

    bucket = operations.find_bucket_name(asked.principal)
    try:
        return write(bucket or operations.make_bucket(asked.principal, now))
    except NoSuchBucket:
        # The bucket went away; what was read of the body is given back.
        operations.forget_bucket(asked.principal)
        return write(operations.make_bucket(asked.principal, now))


def stored(key: str, info: ObjectInfo) -> HttpResponse:
    """Answer a PUT, naming the key as the client does."""
    document: dict[str, str | int] = {"key": key, "size": info.size, "etag": info.etag}
    return json_response(document, {"ETag": f'"{info.etag}"'})


def get(request: HttpRequest, asked: Authenticated, key: str) -> HttpResponseBase:
    bucket = operations.find_bucket_name(asked.principal)
    if bucket is None:
        raise NoSuchKey(key=key)
    is_head = request.method == "HEAD"
    read = head_object if is_head else get_object
    try:
        content = read(
            asked.principal,
            bucket,
            key,
            byte_range=request.META.get("HTTP_RANGE"),
            conditions=conditions_of(request.META),
        )
    except NoSuchBucket:
        operations.forget_bucket(asked.principal)
        raise NoSuchKey(key=key) from None
    return object_response(content, object_headers(content.info), is_head=is_head)


def delete(request: HttpRequest, asked: Authenticated, key: str) -> HttpResponseBase:
    """Delete a key. Unlike S3, deleting what is not there is 404."""
    bucket = operations.find_bucket_name(asked.principal)
    if bucket is None:
        raise NoSuchKey(key=key)
    try:
        head_object(asked.principal, bucket, key)
        delete_object(
            asked.principal,
            bucket,
            key,
            conditions=conditions_of(request.META),
            now=datetime.now(UTC),
        )
    except NoSuchBucket:
        operations.forget_bucket(asked.principal)
        raise NoSuchKey(key=key) from None
    return HttpResponse(status=204)
