"""What a request asks for, in the words of its dialect: for counters and logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernel.http.errors import dialect_of

UNKNOWN = "Unknown"
REST_BUCKETS = "/v1/buckets/"


@dataclass(frozen=True, slots=True)
class Asked:
    """The operation's name, one of a closed set, and the bucket it is about."""

    operation: str = UNKNOWN
    bucket: str = ""


Reader = Callable[[Any], Asked]
_readers: dict[str, Reader] = {}


def reads_requests_of(dialect: str) -> Callable[[Reader], Reader]:
    """Register how to tell what a dialect's request asks for, from its URL alone."""

    def register(reader: Reader) -> Reader:
        _readers[dialect] = reader
        return reader

    return register


def asked_by(request: Any) -> Asked:
    """Read what a request asks for, also one that was refused before its view."""
    try:
        return _readers.get(dialect_of(request), asked_by_route)(request)
    except Exception:
        # Whatever is wrong with the request has been answered already.
        return Asked()


def asked_by_route(request: Any) -> Asked:
    match = getattr(request, "resolver_match", None)
    operation = getattr(request, "operation", UNKNOWN)
    if match is not None:
        return Asked(operation, match.kwargs.get("bucket_name", ""))
    # The hottest path is not resolved.
    if request.path_info.startswith(REST_BUCKETS):
        return Asked(operation, request.path_info.split("/")[3])
    return Asked(operation)
