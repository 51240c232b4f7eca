"""Retries, against a small server that fails as it is told."""

from __future__ import annotations

import hashlib
import io
import threading
from array import array
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from objectstore import Client, errors, transfers
from objectstore.body import CHUNK
from objectstore.keyvalue import RestStore
from objectstore.transport import Transport, quoted


class FailingServer(ThreadingHTTPServer):
    """Answers with the planned statuses in turn, then 200; keeps what it was sent."""

    def __init__(self, *plan):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan = list(plan)
        self.bodies = []
        self.headers = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.server.headers.append(self.headers)
        length = int(self.headers.get("Content-Length", 0))
        self.server.bodies.append(self.rfile.read(length))
        planned = self.server.plan.pop(0) if self.server.plan else 200
        if planned == "cut":
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut")
            return
        if planned == "hang up":
            self.close_connection = True
            return
        status, headers = planned if isinstance(planned, tuple) else (planned, {})
        self.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(*plan):
        server = FailingServer(*plan)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def delays():
    return []


def transport(server, delays, **options):
    settings = {"timeout": 5.0, "max_retries": 3, "retry_delay": 1.0, **options}
    return Transport(server.url, "key", sleep=delays.append, **settings)


@pytest.mark.parametrize("failure", [500, 502, 503, 504, "hang up", "cut"])
def test_what_may_pass_is_tried_again_with_delays_that_double(serve, delays, failure):
    server = serve(failure, failure, failure)
    answer = transport(server, delays).send("PUT", "/x", content=b"body")
    assert answer.status_code == 200
    assert server.bodies == [b"body"] * 4
    assert [round(delay) for delay in delays] == [1, 2, 4]


def test_the_server_may_say_how_long_to_wait(serve, delays):
    server = serve((429, {"Retry-After": "7"}))
    transport(server, delays).send("GET", "/x")
    assert delays == [7.0]


def test_after_the_last_attempt_the_failure_is_raised(serve, delays):
    server = serve(*[503] * 9)
    with pytest.raises(errors.ServerError) as failure:
        transport(server, delays, max_retries=2).send("GET", "/x")
    assert failure.value.status == 503
    assert len(server.bodies) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 416])
def test_a_refusal_is_not_tried_again(serve, delays, status):
    server = serve(status)
    with pytest.raises(errors.ClientError):
        transport(server, delays).send("GET", "/x")
    assert len(server.bodies) == 1


def test_a_file_is_sent_again_from_where_it_stood(serve, delays):
    server = serve(503)
    file = io.BytesIO(b"skipped and sent")
    file.seek(8)
    transport(server, delays).send("PUT", "/x", content=file)
    assert server.bodies == [b"and sent", b"and sent"]


def test_a_server_that_is_not_there(delays):
    unreachable = Transport(
        "http://127.0.0.1:1",
        "key",
        timeout=1.0,
        max_retries=1,
        retry_delay=1.0,
        sleep=delays.append,
    )
    with pytest.raises(errors.TransportError):
        unreachable.send("GET", "/x")
    assert len(delays) == 1


@pytest.mark.parametrize("status", [404, 405, 501])
def test_listing_that_is_not_there_says_so(serve, status):
    server = serve(status)
    with (
        RestStore(server.url, "key", max_retries=0) as store,
        pytest.raises(NotImplementedError),
    ):
        list(store.keys())


@pytest.mark.parametrize(
    ("key", "path"),
    [("a/b", "a/b"), ("../x", "%2E%2E/x"), ("ä", "%C3%A4"), ("a+b", "a%2Bb")],
)
def test_keys_are_percent_encoded(key, path):
    assert quoted(key) == path


def test_metadata_is_sent_as_utf_8(serve, delays):
    server = serve()
    transport(server, delays).send("PUT", "/x", headers={"x-amz-meta-author": "Zoë"})
    sent = server.headers[0]["x-amz-meta-author"]
    assert sent.encode("latin-1").decode() == "Zoë"


def test_an_answer_that_breaks_off_is_a_transport_error(serve, delays):
    server = serve("cut")
    with pytest.raises(errors.TransportError):
        transport(server, delays, max_retries=0).send("GET", "/x")


@pytest.mark.parametrize("failure", [500, 502, 504, "hang up", "cut"])
def test_what_may_have_been_made_is_not_made_again(serve, delays, failure):
    server = serve(failure)
    with pytest.raises(errors.ObjectStoreError):
        transport(server, delays).send("POST", "/iam/keys", json={}, makes_new=True)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_cannot_have_been_made_is_asked_for_again(serve, delays, status):
    server = serve(status)
    transport(server, delays).send("POST", "/iam/keys", json={}, makes_new=True)
    assert len(server.bodies) == 2


@pytest.mark.parametrize("failure", [500, "hang up"])
def test_a_deletion_whose_answer_was_lost_is_done(serve, delays, failure):
    server = serve(failure, 404)
    transport(server, delays).send("DELETE", "/x")
    assert len(server.bodies) == 2


@pytest.mark.parametrize("plan", [[404], [503, 404]])
def test_a_deletion_that_finds_nothing_says_so(serve, delays, plan):
    server = serve(*plan)
    with pytest.raises(errors.NotFound):
        transport(server, delays).send("DELETE", "/x")


def test_bodies_are_asked_for_as_they_are_stored(serve, delays):
    server = serve()
    transport(server, delays).send("GET", "/x")
    assert server.headers[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("value", ["text", 5, None])
def test_a_value_is_bytes(serve, value):
    server = serve()
    with RestStore(server.url, "key") as store, pytest.raises(TypeError):
        store.put("key", value)
    assert server.bodies == []


class GoneServer:
    def abort_multipart_upload(self, *upload):
        raise errors.TransportError("there is no server any more")


def test_what_broke_an_upload_is_what_is_told():
    def unreadable():
        raise OSError("the disk is gone")

    plan = transfers.Plan(1, 1, transfers.Attributes())
    with pytest.raises(OSError, match="the disk is gone"):
        transfers.finish(
            GoneServer(), ("bucket", "key", "id"), iter([unreadable]), plan, aborts=True
        )


class Changing(io.BytesIO):
    """A file that somebody else writes to, or cuts, after its first read."""

    def __init__(self, data, change):
        super().__init__(data)
        self.change = change

    def read(self, size=-1):
        data = super().read(size)
        place = self.tell()
        self.change(self)
        self.seek(place)
        return data


def test_a_file_that_grows_is_sent_as_it_was_measured(serve, delays):
    server = serve()
    growing = Changing(b"x" * 100, lambda file: file.seek(0, 2) and file.write(b"more"))
    transport(server, delays).send("PUT", "/x", content=growing)
    assert server.bodies == [b"x" * 100]


def test_a_file_that_shrinks_says_so(serve, delays):
    size = 3 * 1024**2
    shrinking = Changing(b"x" * size, lambda file: file.truncate(1024**2))
    with pytest.raises(OSError, match="ended 2097152 bytes early"):
        transport(serve(), delays).send("PUT", "/x", content=shrinking)
    assert delays == []


def test_the_bytes_of_a_view_are_counted_not_its_items(serve, delays):
    server = serve()
    view = memoryview(array("I", [1, 2, 3]))
    transport(server, delays).send("PUT", "/x", content=view)
    assert server.bodies == [view.tobytes()]


def test_a_file_of_text_is_refused_in_words(serve, delays, tmp_path):
    (tmp_path / "text").write_text("text")
    server = serve()
    with (
        (tmp_path / "text").open() as file,
        pytest.raises(TypeError, match="binary mode"),
    ):
        transport(server, delays).send("PUT", "/x", content=file)
    assert server.bodies == []


@pytest.mark.parametrize("text", ["with\nline", " spaces "])
def test_what_cannot_be_sent_is_not_tried_again(serve, delays, text):
    with pytest.raises(ValueError, match="cannot be sent"):
        transport(serve(), delays).send("PUT", "/x", headers={"x-amz-meta-a": text})
    assert delays == []


def test_a_keys_line_end_is_not_sent(serve, delays):
    server = serve()
    Transport(server.url, "secret\n", timeout=5.0, max_retries=0, retry_delay=1.0).send(
        "GET", "/x"
    )
    assert server.headers[0]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("api_key", ["", " ", "two\nlines"])
def test_a_key_that_cannot_be_one_is_not_repeated_in_the_complaint(api_key):
    with pytest.raises(ValueError, match="the API key is empty or holds control") as it:
        RestStore("http://127.0.0.1:1", api_key)
    assert "two" not in str(it.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "localhost:8000/v1", "http://"])
def test_an_address_is_a_url(url):
    with pytest.raises(ValueError, match="is not a URL"):
        RestStore(url, "key")


def test_none_is_no_body(serve):
    server = serve()
    with Client(api_key="key", endpoint=server.url) as client:
        with pytest.raises(TypeError):
            client.put_object("bucket", "key", None)
        with pytest.raises(TypeError):
            client.upload_part("bucket", "key", "id", 1, None)
    assert server.bodies == []


class BreakingHandler(BaseHTTPRequestHandler):
    """Gives an object a chunk at a time, and breaks off after each."""

    protocol_version = "HTTP/1.1"
    data = bytes(range(251)) * 3200

    def do_HEAD(self):
        self.begin(0)

    def do_GET(self):
        asked = self.headers.get("Range", "bytes=0-")
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.begin(start)
        self.wfile.write(self.data[start : start + CHUNK])
        self.close_connection = True

    def begin(self, start):
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.data) - start))
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
            )
        self.send_header("ETag", f'"{hashlib.md5(self.data).hexdigest()}"')
        self.send_header("Last-Modified", "Fri, 06 Jul 2025 10:30:00 GMT")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def breaking():
    server = ThreadingHTTPServer(("127.0.0.1", 0), BreakingHandler)
    server.ranges = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_download_that_breaks_off_goes_on_where_it_ended(breaking, tmp_path):
    with Client(api_key="key", endpoint=breaking.url, retry_delay=0.001) as client:
        client.download_file("bucket", "key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BreakingHandler.data
    assert breaking.ranges == [f"bytes={CHUNK * n}-" for n in range(4)]


def test_a_download_is_given_up_after_the_last_attempt(breaking, tmp_path):
    with (
        Client(
            api_key="key", endpoint=breaking.url, max_retries=1, retry_delay=0.001
        ) as client,
        pytest.raises(errors.TransportError, match="broke off"),
    ):
        client.download_file("bucket", "key", tmp_path / "file")
    (part,) = tmp_path.iterdir()
    assert part.read_bytes() == BreakingHandler.data[: 2 * CHUNK]


def test_a_body_that_breaks_off_leaves_no_file(breaking, tmp_path):
    with Client(api_key="key", endpoint=breaking.url) as client:
        body = client.get_object("bucket", "key").body
        with pytest.raises(errors.TransportError):
            body.save_to(tmp_path / "file")
    assert not list(tmp_path.iterdir())
