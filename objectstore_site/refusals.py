"""Refusals of uploads behind a proxy: what was not read is taken after the answer.

A server that hangs up on a proxy in mid-upload is a broken one to it: nginx answers 502
in place of the refusal, and leaves the process alone for a while. So the answer goes
first, and what still comes is taken and forgotten until the proxy, which has the
answer, hangs up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http.response import HttpResponseBase

from kernel.bodies import CHUNK
from kernel.http.requests import is_trusted_proxy

# A proxy hangs up long before; clients that send all first send parts of this size.
MOST_TAKEN = 128 * 1024 * 1024


def is_cut_off(environ: dict[str, Any], response: Any) -> bool:
    """Tell whether a proxy may still be sending what nobody will read."""
    return (
        # A file that the server sends itself is no refusal.
        isinstance(response, HttpResponseBase)
        and response.status_code >= 400
        and response.headers.get("Connection") == "close"
        and is_trusted_proxy(environ.get("REMOTE_ADDR", ""))
    )


class AnswerFirst:
    """A response's chunks; then the rest of the request is read."""

    def __init__(self, environ: dict[str, Any], chunks: Iterable[bytes]) -> None:
        self._environ = environ
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        take_rest(self._environ["wsgi.input"].read)

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


def take_rest(read: Callable[[int], bytes]) -> None:
    left = MOST_TAKEN
    try:
        while left > 0 and (chunk := read(min(CHUNK, left))):
            left -= len(chunk)
    except OSError:
        # The proxy has its answer.
        return
