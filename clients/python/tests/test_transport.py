"""Retries, against a small server that fails as it is told."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from objectstore import errors, transfers
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
