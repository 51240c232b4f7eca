"""A refused upload behind a proxy: the answer comes first, then the rest is taken."""

from __future__ import annotations

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from objectstore_site import refusals
from objectstore_site.wsgi import Application

pytestmark = pytest.mark.usefixtures("connection_kept")

SIZE = 3_000_000


@pytest.fixture(params=[True, False], ids=["layers", "frame alone"])
def refuse(request: Any, bucket: str) -> Any:
    """Send an upload that nobody may make, and give its input and its answer."""
    application = Application()
    application._needs_signals = request.param

    def send(address: str) -> tuple[io.BytesIO, Any]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": f"/v1/buckets/{bucket}/objects/key",
            "REMOTE_ADDR": address,
            "SERVER_SOFTWARE": "Granian",
            "CONTENT_LENGTH": str(SIZE),
            "HTTP_AUTHORIZATION": "Bearer nobody's",
            "wsgi.input": io.BytesIO(b"x" * SIZE),
        }
        body = environ["wsgi.input"]
        setup_testing_defaults(environ)
        status: list[str] = []
        answer = application(environ, lambda line, headers: status.append(line))
        assert status[0].startswith("401")
        return body, answer

    return send


def test_a_proxy_gets_its_answer_before_its_upload_is_taken(
    refuse: Any, settings: Any
) -> None:
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["10.0.0.0/8"]
    body, answer = refuse("10.0.0.7")
    chunks = iter(answer)
    assert b"AuthenticationFailed" in next(chunks)
    assert body.tell() == 0
    assert list(chunks) == []
    assert body.tell() == SIZE
    answer.close()


def test_no_more_is_taken_than_clients_send_unasked(
    refuse: Any, settings: Any, monkeypatch: Any
) -> None:
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["10.0.0.0/8"]
    monkeypatch.setattr(refusals, "MOST_TAKEN", 1_000_000)
    body, answer = refuse("10.0.0.7")
    assert b"AuthenticationFailed" in b"".join(answer)
    assert body.tell() == 1_000_000


def test_others_are_hung_up_on(refuse: Any, settings: Any) -> None:
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["10.0.0.0/8"]
    body, answer = refuse("192.0.2.1")
    assert b"AuthenticationFailed" in b"".join(answer)
    assert body.tell() == 0
