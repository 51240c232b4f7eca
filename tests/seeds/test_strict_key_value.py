"""The strict key-value document: its curl lines in its order, and its rules."""

from __future__ import annotations

import re
import shutil
import threading

import httpx
import pytest

from tests.servers import LiveStore

WRITE = (
    "curl -i -X PUT 'http://localhost:3000/foo'"
    " -H 'Content-Type: application/octet-stream' --data-binary 'hello world!'"
)
FETCH = "curl -i 'http://localhost:3000/foo'"
FETCH_MISSING = "curl -i 'http://localhost:3000/qux'"
DELETE = "curl -i -X DELETE 'http://localhost:3000/foo'"
# What differs between servers: who it is, the day, and how connections are kept.
PASSING = re.compile(r"^(server|date|connection): ", re.IGNORECASE)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The server of `make run-kv`, on a port of its own."""
    store = LiveStore(
        tmp_path_factory.mktemp("strict"),
        OBJECTSTORE_ROOT_DIALECT="kv",
        OBJECTSTORE_KV_ANONYMOUS="true",
    )
    store.start()
    yield store
    store.stop()


@pytest.fixture
def curl(store, shell):
    """Run one of the document's lines; give status, headers and body."""

    def run(line):
        said = shell(line.replace("http://localhost:3000", store.url) + " -s")
        head, _, body = said.partition("\n\n")
        status, *headers = head.splitlines()
        return status, headers, body

    return run


@pytest.fixture
def http(store):
    with httpx.Client(base_url=store.url) as client:
        yield client


def test_the_curl_lines(curl):
    assert curl(WRITE)[0] == "HTTP/1.1 200 OK"
    status, _, body = curl(FETCH)
    assert (status, body) == ("HTTP/1.1 200 OK", "hello world!")
    assert curl(FETCH_MISSING)[0] == "HTTP/1.1 404 Not Found"
    assert curl(DELETE)[0].startswith("HTTP/1.1 204")
    assert curl(FETCH)[0] == "HTTP/1.1 404 Not Found"


def test_add_stop_start_and_fetch(store, curl):
    assert curl(WRITE)[0] == "HTTP/1.1 200 OK"
    store.stop()
    store.serve()
    status, headers, body = curl(FETCH)
    assert (status, body) == ("HTTP/1.1 200 OK", "hello world!")
    lines = {one.lower() for one in headers if not PASSING.match(one)}
    assert {"content-type: application/octet-stream", "content-length: 12"} <= lines


def test_acknowledged_writes_outlive_a_kill(store, http):
    written = {f"key{number}": f"value {number}" for number in range(20)}
    for key, value in written.items():
        assert http.put(f"/{key}", content=value).is_success
    store.kill()
    store.serve()
    with httpx.Client(base_url=store.url) as again:
        assert {key: again.get(f"/{key}").text for key in written} == written


@pytest.mark.parametrize(
    "key", ["a", "Z", "0", "azAZ09", "k" * 255, "objects", "docs", "kv", "v1", "admin"]
)
def test_keys_that_are_allowed(http, key):
    assert http.put(f"/{key}", content=b"x").status_code == 200
    assert http.get(f"/{key}").content == b"x"


@pytest.mark.parametrize("key", ["", "k" * 256, "a-b", "a_b", "a.b", "a/b", "%C3%A4"])
def test_keys_that_are_not(http, key):
    assert 400 <= http.put(f"/{key}", content=b"x").status_code < 500
    assert 400 <= http.get(f"/{key}").status_code < 500


def test_values_are_utf_8_of_up_to_1024_bytes(http):
    for value in (b"", "grüße ✓".encode(), b"v" * 1024):
        assert http.put("/value", content=value).status_code == 200
        assert http.get("/value").content == value
    for value in (b"v" * 1025, b"\xff\xfe"):
        assert http.put("/value", content=value).status_code == 400
    assert http.get("/value").content == b"v" * 1024


def test_many_clients_write_one_key_at_once(store):
    """Each sees a value that one of them wrote whole."""
    values = [str(number) * 1000 for number in range(8)]
    seen, failures = [], []

    def work(value):
        with httpx.Client(base_url=store.url) as client:
            for _ in range(10):
                if not client.put("/shared", content=value).is_success:
                    failures.append(value)
                seen.append(client.get("/shared").text)

    threads = [threading.Thread(target=work, args=(one,)) for one in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(seen) == 80
    assert set(seen) <= set(values)


def test_errors_are_reported_in_a_file_of_their_own(tmp_path):
    """A disk that cannot be written is answered with a code, and told of there."""
    store = LiveStore(
        tmp_path,
        OBJECTSTORE_ROOT_DIALECT="kv",
        OBJECTSTORE_KV_ANONYMOUS="true",
        OBJECTSTORE_INLINE_MAX="0",
    )
    store.start()
    try:
        shutil.rmtree(tmp_path / "blobs")
        (tmp_path / "blobs").write_text("no folder can be made here")
        assert httpx.put(f"{store.url}/foo", content=b"x").status_code == 503
        assert "NotADirectoryError" in (tmp_path / "error.log").read_text()
        assert httpx.get(f"{store.url}/foo").status_code == 404
    finally:
        store.stop()
