"""Uploads from the browser: the body is streamed into the store, part by part.

Same origin, the session's principal, and Django's CSRF token in a header. A file in
parts can be gone on with after a reload: its parts are listed, and only the missing
ones are sent.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from console.pages.base import Endpoint
from console.pages.browser import check_key
from console.pages.jobs import whole_number
from iam.payloads import request_body
from kernel.conditions import NO_CONDITIONS, Conditions
from kernel.errors import InvalidArgument, MalformedJSON
from kernel.results import CompletedPart, ObjectAttributes, ObjectInfo
from objects import multipart
from objects.operations import put_object
from objects.taken import taken_keys

MOST_JSON = 2 * 1024 * 1024
# 10,000 parts of this size make 156 GiB; larger files get larger parts.
PART_SIZE = 16 * 1024 * 1024
MOST_PARTS = 10_000


def part_size_for(size: int) -> int:
    """Choose parts so that a file of this size needs at most 10,000."""
    part = max(PART_SIZE, settings.OBJECTSTORE_MIN_PART)
    while part * MOST_PARTS < size:
        part *= 2
    return part


def stored(info: ObjectInfo) -> JsonResponse:
    return JsonResponse(
        {"key": info.key, "version_id": info.version_id, "etag": info.etag}
    )


def conditions_for(request: Any) -> Conditions:
    """Say what is to happen where the key is taken: nothing, or overwrite it."""
    if request.GET.get("if") == "absent":
        return Conditions(if_none_match="*")
    return NO_CONDITIONS


class Upload(Endpoint):
    """One file in one request; and, before it, which of many are there already."""

    def post(self, request: Any, name: str) -> HttpResponse:
        """Tell which of the keys are taken, and a free name for each."""
        keys = listed_keys(request)
        return JsonResponse({"taken": taken_keys(self.principal, name, keys)})

    def put(self, request: Any, name: str) -> HttpResponse:
        info = put_object(
            self.principal,
            name,
            check_key(request.GET.get("key", "")),
            body=request_body(request),
            attributes=ObjectAttributes(content_type=request.GET.get("type", "")),
            conditions=conditions_for(request),
            now=timezone.now(),
        )
        return stored(info)


class PartedUpload(Endpoint):
    """A file in parts: begin, send a part, list parts, complete, give up."""

    def post(self, request: Any, name: str) -> HttpResponse:
        """Begin an upload, or complete one that the query names."""
        key = check_key(request.GET.get("key", ""))
        upload_id = request.GET.get("upload_id", "")
        if upload_id:
            return self.complete(request, name, key, upload_id)
        begun = multipart.create_multipart_upload(
            self.principal,
            name,
            key,
            attributes=ObjectAttributes(content_type=request.GET.get("type", "")),
            now=timezone.now(),
        )
        size = number_in(request, "size")
        return JsonResponse(
            {"upload_id": begun.upload_id, "part_size": part_size_for(size)}
        )

    def put(self, request: Any, name: str) -> HttpResponse:
        part = multipart.upload_part(
            self.principal,
            name,
            check_key(request.GET.get("key", "")),
            request.GET.get("upload_id", ""),
            number_in(request, "part"),
            body=request_body(request),
            now=timezone.now(),
        )
        return JsonResponse({"part": part.part_number, "etag": part.etag})

    def get(self, request: Any, name: str) -> HttpResponse:
        """List the parts that have arrived, a page of them at a time."""
        listing = multipart.list_parts(
            self.principal,
            name,
            check_key(request.GET.get("key", "")),
            request.GET.get("upload_id", ""),
            part_number_marker=number_in(request, "after"),
        )
        return JsonResponse(
            {
                "parts": [
                    {"part": one.part_number, "etag": one.etag, "size": one.size}
                    for one in listing.parts
                ],
                "next": listing.next_part_number_marker if listing.is_truncated else 0,
            }
        )

    def delete(self, request: Any, name: str) -> HttpResponseBase:
        multipart.abort_multipart_upload(
            self.principal,
            name,
            check_key(request.GET.get("key", "")),
            request.GET.get("upload_id", ""),
            now=timezone.now(),
        )
        return HttpResponse(status=204)

    def complete(
        self, request: Any, name: str, key: str, upload_id: str
    ) -> HttpResponse:
        info = multipart.complete_multipart_upload(
            self.principal,
            name,
            key,
            upload_id,
            listed_parts(request),
            conditions=conditions_for(request),
            now=timezone.now(),
        )
        return stored(info)


def number_in(request: Any, name: str) -> int:
    """Read a number of the address; nothing: 0. Raises InvalidArgument."""
    found = whole_number(request.GET.get(name, "") or "0")
    if found is None:
        raise InvalidArgument(f"{name} is a whole number.")
    return found


def listed_keys(request: Any) -> list[str]:
    """Read ["key", ...]. Raises MalformedJSON."""
    try:
        keys = json.loads(request_body(request).read_all(MOST_JSON))
    except ValueError:
        keys = None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise MalformedJSON("The list of keys cannot be read.")
    return keys


def listed_parts(request: Any) -> list[CompletedPart]:
    """Read [{"part", "etag"}]. Raises MalformedJSON."""
    data = request_body(request).read_all(MOST_JSON)
    try:
        return [
            CompletedPart(int(one["part"]), str(one["etag"]))
            for one in json.loads(data)
        ]
    except (ValueError, KeyError, TypeError):
        raise MalformedJSON("The list of parts cannot be read.") from None
