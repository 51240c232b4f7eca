"""Log lines: JSON that says whose request it was, and no secret in any format."""

from __future__ import annotations

import json
import logging
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from kernel.telemetry import current
from observability.logs import JsonLines, Lines, without_secrets
from tests.observability.receiver import eventually
from tests.servers import ACCESS_KEY_ID, API_KEY, SECRET_ACCESS_KEY, LiveStore


def record(message: str, *arguments: Any, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord(
        "objectstore", logging.ERROR, __file__, 1, message, arguments, exc_info
    )


def failure(text: str) -> Any:
    try:
        raise ValueError(text)
    except ValueError:
        return sys.exc_info()


def test_a_json_line_is_one_object_with_the_exception_in_it():
    line = JsonLines().format(record("%s\nfailed", "x", exc_info=failure("why")))
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["logger"]) == ("ERROR", "objectstore")
    assert told["message"] == "x\nfailed"
    assert "ValueError: why" in told["exception"]
    assert told["time"].endswith("Z")


@pytest.fixture
def request_of(rf: Any, root: Any) -> Iterator[Any]:
    # The mounts, which name the dialects' ways to read requests.
    import_module("objectstore_site.urls")
    request = rf.get("/some-bucket/key?X-Amz-Signature=abc")
    request.request_id = "REQUEST"
    request.principal = root
    current.request = request
    yield request
    current.request = None


def test_a_line_tells_the_request_it_was_written_in(request_of, root):
    told = json.loads(JsonLines().format(record("failed")))
    assert told["request_id"] == "REQUEST"
    assert told["principal"] == root.arn
    assert told["bucket"] == "some-bucket"
    assert told["operation"] == "GetObject"


def test_a_request_that_cannot_be_read_is_logged_all_the_same():
    current.request = SimpleNamespace()
    try:
        assert json.loads(JsonLines().format(record("failed")))["message"] == "failed"
    finally:
        current.request = None


SECRETS = [
    "Authorization: Bearer abcdef-123456",
    "{'Authorization': 'Basic YWJjZGVmOjEyMzQ1Ng=='}",
    "GET /b/k?X-Amz-Signature=abcdef123456&x=1",
    "https://store/v1/b/k?key=1&signature=abcdef123456",
    "Credential=AKIA/x, SignedHeaders=host, Signature=abcdef123456",
    "X-Amz-Security-Token: abcdef123456",
    "secret_access_key='abcdef123456'",
    'password="abcdef123456"',
    "sftp://user:abcdef123456@host/folder",
    "api_key=abcdef123456",
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("form", [Lines, JsonLines])
def test_what_looks_like_a_secret_is_hidden(text, form):
    for line in (
        form().format(record(text)),
        form().format(record("failed", exc_info=failure(text))),
    ):
        for secret in ("abcdef", "YWJjZGVm"):
            assert secret not in line


def test_plain_text_stays_as_it_is():
    text = "blob 7 is damaged: the checksum differs (bucket a-b, key c/d=e)"
    assert without_secrets(text) == text


def test_this_servers_own_secrets_are_hidden_wherever_they_stand(settings):
    assert settings.SECRET_KEY not in without_secrets(f"<{settings.SECRET_KEY}>")


# On a real server


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Iterator[LiveStore]:
    folder = tmp_path_factory.mktemp("logged")
    store = LiveStore(
        folder,
        OBJECTSTORE_LOG_FORMAT="json",
        OBJECTSTORE_ACCESS_LOG=str(folder / "access.log"),
    )
    store.start()
    yield store
    store.stop()


def ask(store: LiveStore, method: str, path: str, data: bytes | None = None) -> None:
    request = urllib.request.Request(store.url + path, data=data, method=method)
    request.add_header("Authorization", f"Bearer {API_KEY}")
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as error:
        error.read()


def access_lines(store: LiveStore, path: str) -> list[dict[str, Any]]:
    file = store.folder / "access.log"

    def look() -> list[dict[str, Any]]:
        lines = file.read_text().splitlines() if file.exists() else []
        return [one for one in map(json.loads, lines) if one["path"] == path]

    return eventually(look)


def test_the_access_log_tells_each_request(store):
    ask(store, "PUT", "/logged-bucket")
    ask(store, "PUT", "/logged-bucket/caf%C3%A9", b"x" * 100)
    [line] = access_lines(store, "/logged-bucket/caf%C3%A9")
    assert line["method"] == "PUT"
    assert line["dialect"] == "s3"
    assert line["operation"] == "PutObject"
    assert line["bucket"] == "logged-bucket"
    assert line["status"] == 200
    assert line["bytes_in"] == 100
    assert line["milliseconds"] > 0
    assert line["principal"].endswith(":root")
    assert line["client"] == "127.0.0.1"
    assert len(line["request_id"]) == 16


def test_a_refusal_is_logged_with_its_operation(store):
    ask(store, "GET", "/v1/buckets/logged-bucket/objects/none?signature=abcdef")
    [line] = access_lines(store, "/v1/buckets/logged-bucket/objects/none")
    assert (line["status"], line["operation"]) == (404, "GetObject")
    assert line["bucket"] == "logged-bucket"


def test_the_servers_own_lines_are_json_too(store):
    lines = (store.folder / "server.log").read_text().splitlines()
    assert lines
    assert all(json.loads(line)["level"] for line in lines)


def test_no_log_holds_a_share_links_token(store):
    ask(store, "GET", "/-/share/token-of-a-link/download?key=a")
    [line] = access_lines(store, "/-/share/***/download")
    assert line["status"] == 404
    assert "token-of-a-link" not in (store.folder / "access.log").read_text()
    failed = "Internal Server Error: /-/share/token-of-a-link"
    assert without_secrets(failed) == "Internal Server Error: /-/share/***"


def test_no_log_holds_a_secret(store):
    ask(store, "GET", "/logged-bucket/key?X-Amz-Signature=signature-in-the-query")
    access_lines(store, "/logged-bucket/key")
    for file in store.folder.glob("*.log"):
        text = file.read_text()
        for secret in (API_KEY, SECRET_ACCESS_KEY, "signature-in-the-query"):
            assert secret not in text, file
    assert ACCESS_KEY_ID  # ids are no secrets, and may be logged


def test_errors_are_in_error_log_with_their_request(store):
    """A folder in the place of the blobs is an error that nobody expects."""
    standard = store.folder / "blobs" / "standard"
    if standard.exists():
        standard.rename(standard.with_name("aside"))
    standard.parent.mkdir(exist_ok=True)
    standard.write_text("in the way")
    ask(store, "PUT", "/logged-bucket/large", b"x" * 100_000)
    standard.unlink()
    lines = [
        json.loads(line)
        for line in (store.folder / "error.log").read_text().splitlines()
    ]
    told = next(one for one in lines if one["logger"] == "objectstore.blobs")
    assert told["operation"] == "PutObject"
    assert told["bucket"] == "logged-bucket"
    assert told["request_id"]
    assert "exception" in told
