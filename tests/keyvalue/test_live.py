"""The key-value dialects on the production server."""

from __future__ import annotations

import httpx
import pytest

from tests.servers import LiveStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def http(live_store):
    headers = {"Authorization": f"Bearer {live_store.api_key}"}
    with httpx.Client(base_url=live_store.url, headers=headers) as client:
        yield client


def test_a_path_that_is_not_utf8_is_refused(http):
    answer = http.put("/objects/%FF", content=b"x")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidObjectKey"


def test_a_percent_sign_is_a_character_like_any_other(http):
    assert http.put("/objects/%25FF", content=b"x").status_code == 200
    assert http.get("/objects/%25FF").content == b"x"


def test_a_large_value_streams_both_ways(http):
    data = bytes(range(256)) * 40_000
    assert http.put("/objects/large", content=data).status_code == 200
    assert http.get("/objects/large").content == data


def test_a_body_whose_length_is_not_declared_is_refused(http):
    answer = http.put("/objects/chunked", content=iter([b"some", b"bytes"]))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "MissingContentLength"
    assert http.get("/objects/chunked").status_code == 404


def test_values_outlive_the_server(tmp_path):
    store = LiveStore(tmp_path)
    store.start()
    headers = {"X-API-Key": store.api_key}
    stored = httpx.put(f"{store.url}/kv/foo", content=b"hello world!", headers=headers)
    assert stored.status_code == 200
    store.kill()
    store.serve()
    assert httpx.get(f"{store.url}/kv/foo", headers=headers).content == b"hello world!"
    store.stop()
