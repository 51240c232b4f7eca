"""One way to the server for every request: pooled, timed, repeated where it may be."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from io import SEEK_END, TextIOBase
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from objectstore.errors import TransportError, error_of

REPEATED = frozenset({429, 500, 502, 503, 504})
# Refusals of a server that has done nothing, and failures to reach one.
UNDONE = frozenset({429, 503})
UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CHUNK = 1024 * 1024
LONGEST_DELAY = 60.0


class Transport:
    """Send requests to one server.

    Connection errors and the statuses in REPEATED are tried again up to `max_retries`
    times, after delays that double from `retry_delay` seconds, or after the
    Retry-After that the server asks for. What makes something new at each time is
    tried again only where the server cannot have done it.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float,
        max_retries: int,
        retry_delay: float,
        sleep: Callable[[float], None] = time.sleep,
        http: httpx.Client | None = None,
    ) -> None:
        self._base = checked_url(base_url).rstrip("/")
        # Bodies are given as they are stored: a proxy must not compress them.
        self._headers = {
            "Authorization": f"Bearer {checked_key(api_key)}",
            "Accept-Encoding": "identity",
        }
        self._max_retries = max_retries
        self._retry_delay = retry_delay
        self._sleep = sleep
        self._http = http or httpx.Client(
            timeout=timeout, limits=httpx.Limits(max_connections=32)
        )

    def close(self) -> None:
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Any = None,
        json: Any = None,
        is_streamed: bool = False,
        makes_new: bool = False,
    ) -> httpx.Response:
        """Send a request; raise what its refusal means.

        With `is_streamed` the answer's body is left unread, for the caller to close.
        A DELETE whose first answer was lost may find nothing at the second: it is done.
        """
        parameters = {
            name: str(value)
            for name, value in (query or {}).items()
            if value is not None
        }
        start, size = (0, 0) if content is None else measure(content)
        length = {} if content is None else {"Content-Length": str(size)}
        may_be_done = False
        for attempt in range(self._max_retries + 1):
            request = self._http.build_request(
                method,
                self._base + path,
                params=parameters or None,
                headers=encoded({**self._headers, **dict(headers or {}), **length}),
                content=pieces(content, start, size),
                json=json,
            )
            is_last = attempt == self._max_retries
            try:
                response = self._http.send(request, stream=True)
                if not (is_streamed and response.is_success):
                    response.read()
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
                raise ValueError(f"{method} {path} cannot be sent: {error}") from error
            except httpx.TransportError as error:
                is_unreached = isinstance(error, UNREACHED)
                if is_last or (makes_new and not is_unreached):
                    raise TransportError(f"{method} {path}: {error}") from error
                may_be_done = may_be_done or not is_unreached
                self._sleep(self._delay(attempt))
                continue
            status = response.status_code
            if response.is_success:
                return response
            if method == "DELETE" and status == 404 and may_be_done:
                return response
            repeated = UNDONE if makes_new else REPEATED
            if is_last or status not in repeated:
                raise error_of(response)
            may_be_done = may_be_done or status not in UNDONE
            self._sleep(asked_delay(response) or self._delay(attempt))
        raise AssertionError("the last attempt returns or raises")

    def may_try_again(self, attempt: int) -> bool:
        """Wait as before a request's next attempt; tell whether there is one."""
        if attempt >= self._max_retries:
            return False
        self._sleep(self._delay(attempt))
        return True

    def _delay(self, attempt: int) -> float:
        """Double at each attempt; a little chance keeps clients from moving in step."""
        delay = self._retry_delay * 2.0**attempt
        return min(delay * random.uniform(1.0, 1.1), LONGEST_DELAY)  # noqa: S311


def checked_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError(f"{text!r} is not a URL: it begins with https:// or http://")
    return text


def checked_key(api_key: str) -> str:
    """Give the key without the line end of the file that it was read from."""
    key = api_key.strip()
    if not key or not key.isprintable():
        raise ValueError("the API key is empty or holds control characters")
    return key


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Write headers as UTF-8."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def asked_delay(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), LONGEST_DELAY) if text.isdecimal() else 0.0


def measure(content: Any) -> tuple[int, int]:
    """Give where the reading of a body starts, and how many bytes it has."""
    if isinstance(content, bytes | bytearray | memoryview):
        return 0, memoryview(content).nbytes
    if isinstance(content, TextIOBase):
        raise TypeError("the file gives text: open it in binary mode")
    if not hasattr(content, "seekable") or not content.seekable():
        raise ValueError(
            "the body must be bytes or a file that can seek; "
            "upload_stream takes one that cannot"
        )
    start = content.tell()
    end = content.seek(0, SEEK_END)
    content.seek(start)
    return start, max(end - start, 0)


def pieces(content: Any, start: int, size: int) -> Any:
    if content is None or isinstance(content, bytes):
        return content
    if isinstance(content, bytearray | memoryview):
        return bytes(content)
    content.seek(start)
    return read_pieces(content, size)


def read_pieces(file: Any, size: int) -> Iterator[bytes]:
    """Read so many bytes of a file, also when it has grown since it was measured."""
    while size:
        piece = file.read(min(CHUNK, size))
        if not piece:
            raise OSError(f"the file ended {size} bytes early: it changed meanwhile")
        size -= len(piece)
        yield piece


def segment(name: str) -> str:
    """Percent-encode a name or id, which is one segment of a path.

    An empty one, or a slash in it, would lead to something else than what is meant.
    """
    if not name or "/" in name:
        raise ValueError(f"{name!r} is not a name: it is empty or holds a slash")
    return quoted(name)


def quoted(text: str) -> str:
    """Percent-encode a key as UTF-8; slashes stay.

    A dot between slashes is encoded, or the URL would be taken for a shorter one.
    """
    segments = [
        segment.replace(".", "%2E") if segment in {".", ".."} else segment
        for segment in quote(text, safe="/~").split("/")
    ]
    return "/".join(segments)
