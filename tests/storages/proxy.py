"""A reverse proxy before an S3 engine: it notes what was asked, and can fail."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    range: str
    size: int


@dataclass(frozen=True, slots=True)
class Status:
    """Answer this instead of asking the engine."""

    status: int
    code: str = "ServiceUnavailable"


@dataclass(frozen=True, slots=True)
class Cut:
    """Hang up after so many bytes of the engine's answer."""

    after: int


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Ask the engine, but hang up instead of answering."""


type Fault = Status | Cut | LoseAnswer


class Proxy:
    """Listens on loopback; `faults` are used up one by one, by the next requests."""

    def __init__(self, engine_port: int) -> None:
        self.engine_port = engine_port
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        # While set, every request meets this.
        self.fault: Fault | None = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next_fault(self) -> Fault | None:
        return self.faults.pop(0) if self.faults else self.fault

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def handler_of(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def go(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            proxy.asked.append(
                Asked(self.command, self.path, self.headers.get("Range", ""), size)
            )
            fault = proxy.next_fault()
            if isinstance(fault, Status):
                self.refuse(fault)
                return
            answer, data = self.ask_engine(body)
            if isinstance(fault, LoseAnswer):
                self.close_connection = True
                return
            self.give(answer, data, fault.after if fault else len(data))

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = go

        def refuse(self, fault: Status) -> None:
            text = f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>"
            body = b"" if self.command == "HEAD" else text.encode()
            self.send_response(fault.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def ask_engine(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
            engine = http.client.HTTPConnection("127.0.0.1", proxy.engine_port)
            engine.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    engine.putheader(name, value)
            engine.endheaders(body)
            answer = engine.getresponse()
            data = answer.read()
            engine.close()
            return answer, data

        def give(
            self, answer: http.client.HTTPResponse, data: bytes, after: int
        ) -> None:
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") or str(len(data))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(data[:after])
            self.close_connection = after < len(data)

    return Handler


def sizes(asked: list[Asked], wanted: Callable[[Asked], bool]) -> list[int]:
    return [one.size for one in asked if wanted(one)]
