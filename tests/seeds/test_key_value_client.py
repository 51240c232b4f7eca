"""The key-value client's document: its blocks, and the promises of its lists."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import objectstore
import pytest
from objectstore import RestStore

QUICK_START = """
from client import RestStore

# Initialize the client
store = RestStore.create(
    base_url='http://localhost:8000',
    api_key='your-api-key'
)

# Store an object
store.put('my-key', b'Hello, World!')

# Check if an object exists
if store.exists('my-key'):
    # Retrieve an object
    data = store.get('my-key')
    print(data.decode())  # Hello, World!

# Delete an object
store.delete('my-key')

# List all objects (with automatic pagination)
for key in store.keys():
    print(key)
"""
CONTEXT_MANAGER = """
with RestStore(base_url='http://localhost:8000', api_key='your-api-key') as store:
    store.put('temp-key', b'temporary data')
    data = store.get('temp-key')
    # Connection is automatically closed after the context
"""
CONFIGURATION = """
store = RestStore(
    base_url='http://localhost:8000',
    api_key='your-api-key',
    timeout=30.0,        # Request timeout in seconds
    max_retries=3,       # Maximum number of retry attempts
    retry_delay=1.0      # Initial delay between retries (doubles after each attempt)
)
"""
ERROR_HANDLING = """
try:
    data = store.get('nonexistent-key')
except KeyError as e:
    print(f"Object not found: {e}")

try:
    for key in store.keys():
        print(key)
except NotImplementedError as e:
    print(f"Listing keys not supported: {e}")
"""


@pytest.fixture
def run(live_store, monkeypatch):
    """Run a block of the document; give what it prints and the names it leaves."""
    # The document's server lies beside a module of this name.
    monkeypatch.setitem(sys.modules, "client", objectstore)
    names: dict[str, Any] = {"RestStore": RestStore}

    def run(block, base_url=live_store.url):
        code = block.replace("http://localhost:8000", base_url)
        code = code.replace("your-api-key", live_store.api_key)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)  # noqa: S102 - the document's own
        return printed.getvalue().splitlines(), names

    return run


@pytest.fixture
def rest(live_store):
    with RestStore(live_store.url, live_store.api_key) as store:
        yield store


def test_quick_start(run, rest):
    rest.put("another", b"")
    said, _ = run(QUICK_START)
    assert said[0] == "Hello, World!"
    assert "another" in said[1:]
    assert "my-key" not in said[1:]
    assert said[1:] == sorted(said[1:])


def test_the_context_manager_closes_the_connection(run, rest):
    _, names = run(CONTEXT_MANAGER)
    assert names["data"] == b"temporary data"
    assert rest.get("temp-key") == b"temporary data"
    with pytest.raises(RuntimeError, match="closed"):
        names["store"].get("temp-key")


def test_error_handling(run, rest):
    run(CONFIGURATION)
    said, names = run(ERROR_HANDLING)
    assert said[0] == "Object not found: 'nonexistent-key'"
    assert said[1:] == list(rest.keys())
    with pytest.raises(KeyError):
        names["store"].delete("nonexistent-key")


class Failing(BaseHTTPRequestHandler):
    """A server that is busy twice and then answers; that has no listing."""

    attempts = 0

    def do_GET(self):
        type(self).attempts += 1
        if self.path == "/objects":
            self.answer(501, b"")
        elif self.attempts < 3:
            self.answer(503, b"")
        else:
            self.answer(200, b"at last")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def failing():
    handler = type("Failing", (Failing,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


def test_retries_with_a_delay_that_doubles(failing):
    url, handler = failing
    waited = []
    store = RestStore(url, "key", max_retries=3, retry_delay=1.0, sleep=waited.append)
    assert store.get("key") == b"at last"
    assert handler.attempts == 3
    assert len(waited) == 2
    assert 1.0 <= waited[0] < 1.5
    assert 2.0 <= waited[1] < 3.0


def test_a_server_without_a_listing(run, failing):
    url, _ = failing
    run(CONFIGURATION.replace("=3,", "=0,"), base_url=url)
    said, _ = run(ERROR_HANDLING.partition("\n\n")[2])
    assert said[0].startswith("Listing keys not supported: ")


# API endpoints


@pytest.fixture
def http(live_store):
    headers = {"Authorization": f"Bearer {live_store.api_key}"}
    with httpx.Client(base_url=live_store.url, headers=headers) as client:
        yield client


def test_api_endpoints(http):
    assert http.put("/objects/a/b", content=b"bytes \x00\xff").status_code == 200
    got = http.get("/objects/a/b")
    assert (got.status_code, got.content) == (200, b"bytes \x00\xff")
    head = http.head("/objects/a/b")
    assert (head.status_code, head.headers["Content-Length"]) == (200, "8")
    assert http.delete("/objects/a/b").status_code == 204
    for method in ("GET", "HEAD", "DELETE"):
        assert http.request(method, "/objects/a/b").status_code == 404


def test_listing_has_pages_and_prefixes(http):
    for number in range(5):
        http.put(f"/objects/pages/{number}", content=b"x")
    found, token = [], None
    while True:
        asked = {"prefix": "pages/", "limit": 2, "continuation_token": token or ""}
        page = http.get("/objects", params=asked).json()
        found += [one["key"] for one in page["objects"]]
        token = page["next_continuation_token"]
        if not page["is_truncated"]:
            break
    assert found == [f"pages/{number}" for number in range(5)]


def test_api_key_authentication(live_store, http):
    http.put("/objects/key", content=b"x")
    assert httpx.get(f"{live_store.url}/objects/key").status_code == 401
    named = {"X-API-Key": live_store.api_key}
    assert httpx.get(f"{live_store.url}/objects/key", headers=named).content == b"x"
    with pytest.raises(objectstore.errors.ObjectStoreError) as caught:
        RestStore(live_store.url, "your-api-key").get("key")
    assert caught.value.status == 401


def test_rate_limiting(own_store):
    headers = {"Authorization": f"Bearer {own_store.api_key}"}
    answer = httpx.get(f"{own_store.url}/objects/key", headers=headers)
    assert answer.headers["X-RateLimit-Limit"] == "5000"
