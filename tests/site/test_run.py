"""`run` ends whole, whatever becomes of the terminal that it was started in."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from honcho.printer import Message

from objectstore_site.management.commands.run import SECONDS_FOR_JOBS, Lines
from objectstore_site.stopping import SECONDS_TO_DRAIN
from tests.servers import ROOT, LiveStore, free_port

SECONDS = 60
# For a slow machine to begin a request.
SECONDS_TO_BEGIN = 3
KEY = "bearer-key-of-the-tests-of-run"


class Running:
    """`manage.py run` in a process group of its own, and what it says in a pipe."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        plain = {k: v for k, v in os.environ.items() if "OBJECTSTORE" not in k}
        # Where the tests run under nohup, what they start would not hear it either.
        heard = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--port", str(port)],
            cwd=ROOT,
            env={
                **plain,
                "OBJECTSTORE_DATA_DIR": str(folder),
                "OBJECTSTORE_ROOT_API_KEY": KEY,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        signal.signal(signal.SIGHUP, heard)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/live").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until(self, answers: bool) -> None:
        end = time.monotonic() + SECONDS
        while self.answers() is not answers:
            assert time.monotonic() < end
            time.sleep(0.2)

    def tell(self, number: int) -> int:
        """Signal the group, as a terminal does, and give the exit code."""
        os.killpg(self.process.pid, number)
        code = self.process.wait(SECONDS)
        self.wait_until(answers=False)
        return code

    def kill(self) -> None:
        """Kill `run` itself and nothing that it has started."""
        self.process.kill()
        self.process.wait(SECONDS)


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    yield one
    for process in [one.process.pid, *below(one.process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    one.process.wait(SECONDS)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    one.wait_until(answers=True)
    family = [one.process.pid, *below(one.process.pid)]
    yield one
    for process in family:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    one.process.wait(SECONDS)


def below(process: int) -> list[int]:
    """Give the processes that one has started, and those that they have."""
    said = subprocess.run(
        ["pgrep", "--parent", str(process)], capture_output=True, check=False
    )
    children = [int(line) for line in said.stdout.split()]
    return children + [one for child in children for one in below(child)]


def test_a_terminal_that_is_closed_stops_all(running: Running) -> None:
    assert running.tell(signal.SIGHUP) == 143


def test_ctrl_c_stops_what_is_only_starting(starting: Running) -> None:
    assert starting.process.stdout is not None
    while b"started (pid=" not in starting.process.stdout.readline():
        assert starting.process.poll() is None
    os.kill(starting.process.pid, signal.SIGINT)
    assert starting.process.wait(SECONDS) == 130
    assert b"Traceback" not in starting.process.stdout.read()


def test_a_line_that_a_signal_interrupts_does_not_keep_all_from_stopping() -> None:
    class Interrupted(io.RawIOBase):
        said = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            if not self.said:
                self.said = bytes(data)
                lines.write(line("Stopping"))
            return len(data)

    raw = Interrupted()
    lines = Lines(io.TextIOWrapper(io.BufferedWriter(raw)), prefix=False)
    lines.write(line("web started"))
    assert raw.said == b"web started\n"


def line(text: str) -> Message:
    return Message("line", text, datetime.now(UTC), "system", None)


def test_ctrl_c_stops_all_where_nobody_reads_any_more(running: Running) -> None:
    assert running.process.stdout is not None
    running.process.stdout.close()
    assert running.tell(signal.SIGINT) == 130


def test_what_run_has_started_ends_where_run_is_killed(running: Running) -> None:
    family = below(running.process.pid)
    running.kill()
    running.wait_until(answers=False)
    end = time.monotonic() + SECONDS
    while any(lives(process) for process in family):
        assert time.monotonic() < end
        time.sleep(0.2)


def lives(process: int) -> bool:
    """Tell whether a process runs; one that nobody has asked after has ended."""
    said = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)],
        capture_output=True,
        check=False,
        text=True,
    )
    return said.stdout.strip()[:1] not in ("", "Z")


class Upload:
    """An upload that has begun, and that nobody goes on with."""

    def __init__(self, url: str, key: str) -> None:
        address = httpx.URL(url)
        self.socket = socket.create_connection((address.host, address.port or 80))
        head = f"PUT /v1/buckets/slow/objects/key HTTP/1.1\r\nHost: {address.host}\r\n"
        bearer = f"Authorization: Bearer {key}\r\nContent-Length: 4\r\n\r\n"
        self.socket.sendall((head + bearer).encode() + b"ha")

    def ends(self) -> int:
        self.socket.sendall(b"lf")
        return int(self.socket.recv(100).split()[1])


@pytest.fixture
def upload(running: Running) -> Upload:
    headers = {"Authorization": f"Bearer {KEY}"}
    made = httpx.put(f"{running.url}/v1/buckets/slow", headers=headers)
    assert made.status_code == 201
    return Upload(running.url, KEY)


def test_ctrl_c_lets_an_upload_end(running: Running, upload: Upload) -> None:
    time.sleep(SECONDS_TO_BEGIN)
    running.process.send_signal(signal.SIGINT)
    # Longer than jobs have.
    time.sleep(SECONDS_FOR_JOBS + 4)
    assert upload.ends() == 200
    assert running.process.wait(SECONDS) == 130
    assert running.process.stdout is not None
    assert b"requests under way have" in running.process.stdout.read()


def test_another_ctrl_c_ends_all_at_once(running: Running, upload: Upload) -> None:
    time.sleep(SECONDS_TO_BEGIN)
    running.process.send_signal(signal.SIGINT)
    time.sleep(6)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(SECONDS_TO_DRAIN / 2) == 130


def test_another_ctrl_c_ends_serve_at_once(tmp_path: Path) -> None:
    store = LiveStore(tmp_path)
    store.start()
    headers = {"Authorization": f"Bearer {store.api_key}"}
    assert httpx.put(f"{store.url}/v1/buckets/slow", headers=headers).status_code == 201
    upload = Upload(store.url, store.api_key)
    time.sleep(SECONDS_TO_BEGIN)
    assert store.process is not None
    store.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        store.process.wait(3)
    store.process.send_signal(signal.SIGINT)
    store.process.wait(SECONDS_TO_DRAIN / 2)
    upload.socket.close()
    said = (tmp_path / "server.log").read_text()
    assert "Requests under way have" in said


def test_workers_end_where_the_main_process_is_killed(tmp_path: Path) -> None:
    store = LiveStore(tmp_path)
    store.start()
    assert store.process is not None
    workers = below(store.process.pid)
    assert workers
    store.process.kill()
    store.process.wait(SECONDS)
    end = time.monotonic() + SECONDS
    while any(lives(worker) for worker in workers):
        assert time.monotonic() < end
        time.sleep(0.2)
    store.serve()
    store.stop()
