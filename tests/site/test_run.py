"""`run` ends whole, whatever becomes of the terminal that it was started in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.servers import ROOT, free_port

SECONDS = 60


class Running:
    """`manage.py run` in a process group of its own, and what it says in a pipe."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        plain = {k: v for k, v in os.environ.items() if "OBJECTSTORE" not in k}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--port", str(port)],
            cwd=ROOT,
            env={**plain, "OBJECTSTORE_DATA_DIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

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
