"""The WSGI application: the same keys with Django's layers around it and without."""

from __future__ import annotations

import gc
import io
import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from objectstore_site.wsgi import Application

pytestmark = pytest.mark.usefixtures("connection_kept")

KEYS = ["plain", "ü", "ÿ/é", "鍵/🔑", "a b", "%FC", "per%cent"]


@pytest.fixture(params=[True, False], ids=["layers", "frame alone"])
def send(request, api_key, bucket):
    """Send a request as a server does: the path is bytes, each one a character."""
    application = Application()
    application._needs_signals = request.param

    def send_to(
        method: str, path: str, data: bytes = b"", *, query: str = "", kind: str = ""
    ) -> tuple[str, bytes]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/v1/buckets/{bucket}{path}".encode().decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(data)),
            "HTTP_AUTHORIZATION": f"Bearer {api_key}",
            "wsgi.input": io.BytesIO(data),
        }
        setup_testing_defaults(environ)
        status: list[str] = []
        answer = application(environ, lambda line, headers: status.append(line))
        return status[0], b"".join(answer)

    return send_to


@pytest.mark.parametrize("key", KEYS)
def test_a_key_stays_the_key_it_was(send, key):
    status, _ = send("PUT", f"/objects/{key}", b"data")
    assert status == "200 OK"
    assert send("GET", f"/objects/{key}") == ("200 OK", b"data")
    _, listing = send("GET", "/objects")
    assert [one["key"] for one in json.loads(listing)["contents"]] == [key]


@pytest.mark.parametrize("charset", ["hex", "undefined", "latin-1", "none"])
def test_the_charset_of_a_body_is_not_that_of_the_query(send, charset):
    kind = f"text/plain; charset={charset}"
    assert send("PUT", "/objects/ü", b"data", kind=kind)[0] == "200 OK"
    status, listing = send("GET", "/objects", query="prefix=%C3%BC", kind=kind)
    assert status == "200 OK"
    assert [one["key"] for one in json.loads(listing)["contents"]] == ["ü"]


# What a browser's pages may leave; programs' requests come by the thousand.
@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("PUT", "/objects/key", b"x" * 100_000),
        ("GET", "/objects/key", b""),
        ("GET", "/objects", b""),
        ("GET", "/objects/none", b""),
        ("PUT", "/tags", b'{"tags": {"a": "b"}}'),
    ],
)
def test_a_request_leaves_nothing_for_the_collector(send, method, path, data):
    """Cycles would hold a body's buffers until the collector's rarest round."""
    send("PUT", "/objects/key", b"x" * 100_000)
    send(method, path, data)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        send(method, path, data)
        gc.collect()
        left = {type(one).__name__ for one in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert not left & {"WSGIRequest", "Request", "BytesIO", "LimitedStream", "Body"}
