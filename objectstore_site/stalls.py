"""Clients that fall silent in mid-request are cut off.

A thread waits for each client that is sending a body or taking an answer, and a
process has few: those who vanished would keep everybody out. The server has no timeout
for bodies, so a thread of ours asks the kernel since when nothing has passed on a
connection (Linux: tcp(7), TCP_INFO). A client that is slow, yet moves, is waited for.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import sys
import termios
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging import getLogger
from operator import itemgetter
from threading import get_ident
from time import monotonic, sleep
from typing import Any

from kernel.errors import RequestTimeout
from kernel.http.requests import is_trusted_proxy

logger = getLogger(__name__)

DESCRIPTORS = "/proc/self/fd"
# Of Linux' struct tcp_info: milliseconds since data were sent, an acknowledgement was
# sent, data came, an acknowledgement came.
LAST_MOVES = struct.Struct("=4I")
LAST_MOVES_AT = 44
TCP_INFO_SIZE = LAST_MOVES_AT + LAST_MOVES.size


@dataclass(slots=True)
class Wait:
    """What a thread does for its client: since when, and which way the bytes go."""

    address: str
    is_upload: bool
    since: float
    is_cut: bool = False


# By thread.
waits: dict[int, Wait] = {}


class WatchedBody:
    """A request's stream. `read` raises RequestTimeout when its client was cut off."""

    __slots__ = ("_address", "_stream")

    def __init__(self, stream: Any, address: str) -> None:
        self._stream = stream
        self._address = address

    def read(self, *size: int) -> bytes:
        thread = get_ident()
        wait = waits[thread] = Wait(self._address, True, monotonic())
        try:
            chunk: bytes = self._stream.read(*size)
        finally:
            del waits[thread]
        if wait.is_cut:
            raise RequestTimeout()
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class WatchedChunks:
    """An answer's chunks: from one to the next, the thread waits for the client."""

    __slots__ = ("_address", "_chunks", "_source", "_thread")

    def __init__(self, source: Iterable[bytes], address: str) -> None:
        self._source = source
        self._chunks = iter(source)
        self._address = address
        self._thread = get_ident()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        waits.pop(self._thread, None)
        chunk = next(self._chunks)
        waits[self._thread] = Wait(self._address, False, monotonic())
        return chunk

    def close(self) -> None:
        waits.pop(self._thread, None)
        close = getattr(self._source, "close", None)
        if close is not None:
            close()


def watch(timeout: int) -> None:
    """Begin to cut off who is silent for `timeout` seconds, where it can be told."""
    if hasattr(socket, "TCP_INFO") and os.path.isdir(DESCRIPTORS):
        threading.Thread(target=keep_watch, args=(timeout,), daemon=True).start()


def keep_watch(timeout: int) -> None:
    while True:
        sleep(timeout / 4)
        try:
            cut_off_silent(timeout)
        except Exception:
            logger.exception("Clients that stall could not be looked for.")


def cut_off_silent(timeout: int) -> None:
    """End the connections of clients that threads have waited for too long.

    Which connection of an address is whose cannot be told: as many are ended as threads
    wait, those that were silent longest first. One that only waited for a next request
    is no loss.
    """
    for (address, is_upload), its_waits in overdue(timeout).items():
        with silent_connections(address, timeout, has_output=not is_upload) as found:
            chosen = found[: len(its_waits)]
            if len(chosen) == len(its_waits):
                for wait in its_waits:
                    wait.is_cut = True
            for connection in chosen:
                # Who only sent nothing can still be told so.
                with suppress(OSError):
                    connection.shutdown(
                        socket.SHUT_RD if is_upload else socket.SHUT_RDWR
                    )
                logger.info("Cut off %s: silent for %s seconds.", address, timeout)


def overdue(timeout: int) -> dict[tuple[str, bool], list[Wait]]:
    """Give the waits that began too long ago, by address and way of the bytes."""
    late = monotonic() - timeout
    found: dict[tuple[str, bool], list[Wait]] = {}
    for wait in waits.copy().values():
        if wait.since < late and not is_trusted_proxy(wait.address):
            found.setdefault((wait.address, wait.is_upload), []).append(wait)
    return found


@contextmanager
def silent_connections(
    address: str, timeout: int, *, has_output: bool
) -> Iterator[list[socket.socket]]:
    """Give a client's connections on which nothing moves, the longest silent first.

    `has_output`: those with bytes that it does not take, else those without.
    """
    sockets = list(open_sockets())
    try:
        ports = {one.getsockname()[1] for one in sockets if is_listening(one)}
        silences = [
            (silence(one), one)
            for one in sockets
            if is_client(one, address, ports) and has_output == bool(output_of(one))
        ]
        silences.sort(key=itemgetter(0), reverse=True)
        yield [one for seconds, one in silences if seconds > timeout]
    finally:
        for one in sockets:
            one.close()


def is_client(one: socket.socket, address: str, ports: set[int]) -> bool:
    """Tell who came from an address; a database may be there too, whom we went to."""
    try:
        return one.getpeername()[0] == address and one.getsockname()[1] in ports
    except OSError:
        return False


def output_of(connection: socket.socket) -> int:
    """Give how many bytes were sent that the client has not acknowledged."""
    count = fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(count, sys.byteorder)


def open_sockets() -> Iterator[socket.socket]:
    """Give a handle of its own on each TCP socket of this process."""
    for name in os.listdir(DESCRIPTORS):
        with suppress(OSError):
            descriptor = os.dup(int(name))
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                continue
            one = socket.socket(fileno=descriptor)
            is_internet = one.family in (socket.AF_INET, socket.AF_INET6)
            if is_internet and one.type == socket.SOCK_STREAM:
                yield one
            else:
                one.close()


def is_listening(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def silence(connection: socket.socket) -> float:
    """Tell for how many seconds nothing has moved on a connection.

    A client that takes nothing acknowledges still; one that is gone is still sent to.
    """
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
    sent, _, received, acknowledged = LAST_MOVES.unpack_from(info, LAST_MOVES_AT)
    return min(received, max(sent, acknowledged)) / 1000
