"""Clients that fall silent in mid-request hold no thread for ever."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from objectstore_site.stalls import (
    WatchedBody,
    WatchedChunks,
    cut_off_silent,
    silence,
    silent_connections,
    waits,
)
from tests.certificates import make_certificate
from tests.servers import LiveStore

BIG = 32 * 1024 * 1024
SILENT = 2
THREADS = 2


@pytest.fixture(scope="module", params=["http", "https"])
def store(request: Any, tmp_path_factory: Any) -> Iterator[LiveStore]:
    """A store of two threads that has little patience."""
    folder = tmp_path_factory.mktemp("store")
    certificate = None
    if request.param == "https":
        certificate = make_certificate(tmp_path_factory.mktemp("certificate"))
    store = LiveStore(
        folder,
        certificate=certificate,
        OBJECTSTORE_CLIENT_TIMEOUT=str(SILENT),
        OBJECTSTORE_THREADS=str(THREADS),
    )
    store.start()
    yield store
    store.stop()


@pytest.fixture
def rest(store: LiveStore) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{store.url}/v1/buckets",
        headers={"Authorization": f"Bearer {store.api_key}"},
        timeout=60,
        verify=trust(store),
    ) as client:
        client.put("/my-bucket")
        yield client


def trust(store: LiveStore) -> ssl.SSLContext:
    cafile = str(store.certificate) if store.certificate else None
    return ssl.create_default_context(cafile=cafile)


def begin(store: LiveStore, lines: str, body: bytes = b"") -> socket.socket:
    """Send the beginning of a request, and say no more."""
    wire = socket.create_connection(("127.0.0.1", store.port), timeout=60)
    if store.certificate:
        wire = trust(store).wrap_socket(wire, server_hostname="127.0.0.1")
    head = f"{lines}\nHost: store\nAuthorization: Bearer {store.api_key}\n\n"
    wire.sendall(head.replace("\n", "\r\n").encode() + body)
    return wire


def everything(wire: socket.socket) -> bytes:
    said = b""
    try:
        while chunk := wire.recv(1 << 20):
            said += chunk
    except OSError:
        # Cut off in the midst of a record.
        pass
    return said


def test_uploads_that_stall_are_refused_and_others_let_in(store, rest):
    line = (
        "PUT /v1/buckets/my-bucket/objects/stalled HTTP/1.1\n"
        "Expect: 100-continue\nContent-Length: 1000"
    )
    stalled = [begin(store, line) for _ in range(THREADS)]
    for wire in stalled:
        assert wire.recv(1000).startswith(b"HTTP/1.1 100 ")
        wire.sendall(b"only some")
    # Who is silent longest is cut off first, and the kernel counts in milliseconds.
    time.sleep(0.2)
    assert rest.put("/my-bucket/objects/k", content=b"data").status_code == 200
    for wire in stalled:
        with wire:
            said = everything(wire).decode()
        # Within TLS an end of the bytes is an end of the connection.
        assert store.certificate or said.startswith("HTTP/1.1 400 ")
        assert store.certificate or "RequestTimeout" in said
    assert rest.get("/my-bucket/objects/stalled").status_code == 404


def test_downloads_that_stall_are_cut_and_others_let_in(store, rest):
    rest.put("/my-bucket/objects/big", content=bytes(BIG))
    line = "GET /v1/buckets/my-bucket/objects/big HTTP/1.1"
    stalled = [begin(store, line) for _ in range(THREADS)]
    for wire in stalled:
        assert wire.recv(9) == b"HTTP/1.1 "
    assert rest.get("/my-bucket/objects/big").content == bytes(BIG)
    for wire in stalled:
        with wire:
            assert len(everything(wire)) < BIG


@pytest.fixture
def connected() -> Iterator[tuple[socket.socket, socket.socket, str]]:
    """Two ends of a connection to this process, and the address of who came."""
    with socket.create_server(("127.0.0.2", 0)) as listener:
        outer = socket.create_connection(
            listener.getsockname()[:2], source_address=("127.0.0.3", 0)
        )
        inner, (address, _) = listener.accept()
        with outer, inner:
            yield outer, inner, address


def ends(connection: socket.socket) -> bool:
    connection.settimeout(0.1)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


def test_who_moves_is_not_silent(connected):
    outer, inner, _ = connected
    outer.sendall(b"x")
    inner.recv(1)
    assert 0 <= silence(inner) < 60


def test_only_the_clients_side_of_connections_is_looked_at(connected):
    """A connection of ours to a database is silent, too, and stays."""
    outer, inner, address = connected
    with silent_connections(address, -1, has_output=False) as found:
        assert [one.getpeername() for one in found] == [outer.getsockname()]
    here = inner.getsockname()[0]
    with silent_connections(here, -1, has_output=False) as found:
        assert found == []


class Stalling:
    """A client that sends nothing, until somebody looks after it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def read(self, size: int) -> bytes:
        [wait] = [one for one in waits.values() if one.address == self.address]
        wait.since -= 1000
        cut_off_silent(-1)
        return b"what came before"


def test_a_wait_that_was_cut_is_a_refusal(connected):
    _, inner, address = connected
    with pytest.raises(Exception, match="socket connection") as refusal:
        WatchedBody(Stalling(address), address).read(100)
    assert refusal.value.code == "RequestTimeout"
    assert ends(inner)
    assert not waits


def test_a_trusted_proxy_is_left_alone(connected, settings):
    _, inner, address = connected
    settings.OBJECTSTORE_TRUSTED_PROXIES = [address]
    assert WatchedBody(Stalling(address), address).read(100) == b"what came before"
    assert not ends(inner)


def test_who_takes_nothing_is_told_from_who_sends_nothing(connected):
    _, inner, address = connected
    inner.setblocking(False)
    with suppress(BlockingIOError):
        while inner.send(bytes(65536)):
            pass
    with silent_connections(address, -1, has_output=True) as found:
        assert len(found) == 1
    with silent_connections(address, -1, has_output=False) as found:
        assert found == []


def test_where_no_thread_waits_nobody_is_cut_off(connected):
    _, inner, _ = connected
    cut_off_silent(-1)
    assert not ends(inner)


def test_an_answer_waits_between_its_chunks_alone():
    closed = []

    class Chunks(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    chunks = WatchedChunks(Chunks([b"a", b"b"]), "192.0.2.1")
    assert not waits
    assert next(chunks) == b"a"
    assert [wait.address for wait in waits.values()] == ["192.0.2.1"]
    assert list(chunks) == [b"b"]
    assert not waits
    chunks.close()
    assert closed == [True]
