"""The WSGI application that Granian serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.db import connection
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters

from kernel.http.requests import RECEIVED_PATH
from kernel.http.responses import AT_HAND, ObjectResponse, PlainResponse
from kernel.kept_settings import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")
django.setup(set_prefix=False)

from objectstore_site.middleware import RequestFrame, is_for_browser  # noqa: E402
from objectstore_site.refusals import AnswerFirst, is_cut_off  # noqa: E402
from objectstore_site.stalls import WatchedBody, WatchedChunks, watch  # noqa: E402
from objectstore_site.stopping import end_with_parent  # noqa: E402

BODILESS = frozenset({"GET", "HEAD"})


class StoreRequest(WSGIRequest):
    """A request whose query is UTF-8, whatever the charset of an object in its body."""

    def __init__(self, environ: dict[str, Any]) -> None:
        """Do what Django does, where the path has nothing to decode: 4 us less."""
        path: str = environ["PATH_INFO"]
        is_plain = path.isascii() and path.startswith("/")
        if not is_plain or environ.get("SCRIPT_NAME") or settings.FORCE_SCRIPT_NAME:
            super().__init__(environ)
            return
        self.environ = self.META = environ
        self.path = self.path_info = path
        self.method = environ["REQUEST_METHOD"].upper()
        self._set_content_type_params(environ)
        self._read_started = False
        self.resolver_match = None

    @cached_property
    def _stream(self) -> LimitedStream:  # type: ignore[override]
        """Make what Django reads a body through, which the wire dialects do not."""
        length = self.environ.get("CONTENT_LENGTH", "")
        return LimitedStream(
            self.environ["wsgi.input"], int(length) if length.isdecimal() else 0
        )

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        stated = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        self.content_type, self.content_params = stated


class Application(WSGIHandler):
    """Django's handler for browser pages; the frame alone for the wire dialects.

    No middleware but the frame acts on a wire dialect, and on SQLite there is no
    connection to look after, so what Django does around a view (signals, script
    prefix, handler layers, what closing a response sends) is left out: 30 us of a
    GET's 110.
    """

    request_class = StoreRequest

    def __init__(self) -> None:
        super().__init__()
        self._frame = RequestFrame(self.get_response)
        self._needs_signals = connection.vendor != "sqlite"

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        environ[RECEIVED_PATH] = environ.get("PATH_INFO", "")
        address = environ.get("REMOTE_ADDR", "")
        if may_have_body(environ):
            environ["wsgi.input"] = WatchedBody(environ["wsgi.input"], address)
        request = StoreRequest(environ)
        if self._needs_signals or is_for_browser(request):
            # Django decodes the path in place; read again, it would be another key.
            environ["PATH_INFO"] = environ[RECEIVED_PATH]
            response: Any = super().__call__(environ, start_response)
            chunks = response
        else:
            response = self._frame(request)
            chunks = chunks_of(response)
            # Past the mapping, which looks each name up again: 3 us less.
            headers = list(response.headers._store.values())
            start_response(f"{response.status_code} {response.reason_phrase}", headers)
        if is_cut_off(environ, response):
            return AnswerFirst(environ, chunks)
        if is_at_hand(response):
            return chunks
        return WatchedChunks(chunks, address)


def chunks_of(response: Any) -> Iterable[bytes]:
    if isinstance(response, ObjectResponse):
        return response.chunks
    if isinstance(response, PlainResponse):
        return response._container
    return response if response.streaming else [response.content]


def may_have_body(environ: dict[str, Any]) -> bool:
    """Tell whether anything may be read; over HTTP/2 no header need say so."""
    return (
        environ["REQUEST_METHOD"] not in BODILESS
        or "CONTENT_LENGTH" in environ
        or "HTTP_TRANSFER_ENCODING" in environ
    )


def is_at_hand(response: Any) -> bool:
    """Tell whether an answer is one piece: the server then takes it without waiting."""
    if isinstance(response, ObjectResponse):
        return isinstance(response.chunks, AT_HAND)
    return not getattr(response, "streaming", True)


application = Application()
end_with_parent()
if settings.CLIENT_TIMEOUT:
    watch(settings.CLIENT_TIMEOUT)
