"""Numbers are exact over threads and processes, living, ended and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from observability import ledger
from observability.counters import STARTED, Counters
from observability.families import process_in_flight
from observability.ledger import read_all
from tests.servers import ROOT

COUNT = """
import os, sys, time
from pathlib import Path
from observability.counters import Counters
counters = Counters(Path(sys.argv[1]))
counters.swept(int(sys.argv[2]), 10)
print("counted", flush=True)
sys.stdin.read()
"""


def counting(folder: Path, blobs: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT, str(folder), str(blobs)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_living_and_ended_processes_are_summed_and_none_twice(tmp_path):
    first, second = counting(tmp_path, 1), counting(tmp_path, 20)
    assert read_all(tmp_path).total()["sweeps",] == [2, 21, 20]
    end(first)
    second.send_signal(signal.SIGKILL)
    end(second)
    third = counting(tmp_path, 300)
    for _ in range(3):
        assert read_all(tmp_path).total()["sweeps",] == [3, 321, 30]
    assert len(list(tmp_path.glob("*.numbers"))) == 1
    assert len(read_all(tmp_path).living) == 1
    end(third)


def test_a_crash_between_folding_and_removing_counts_nothing_twice(
    tmp_path, monkeypatch
):
    end(counting(tmp_path, 7))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", fail)
        with pytest.raises(OSError, match="crash"):
            read_all(tmp_path)
    assert list(tmp_path.glob("*.numbers"))
    assert read_all(tmp_path).total()["sweeps",] == [1, 7, 10]
    assert not list(tmp_path.glob("*.numbers"))
    assert json.loads((tmp_path / "ended.json").read_text())["files"] == []


def fail(*_: object, **__: object) -> None:
    raise OSError("crash")


def test_no_count_is_lost_between_threads(tmp_path):
    counters = Counters(tmp_path)
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def count() -> None:
        for _ in range(20_000):
            counters.swept(1, 2)

    try:
        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switching)
    assert read_all(tmp_path).total()["sweeps",] == [160_000, 160_000, 320_000]


def test_a_forked_child_counts_for_itself(tmp_path):
    counters = Counters(tmp_path)
    counters.swept(1, 0)
    child = os.fork()
    if child == 0:
        counters.swept(10, 0)
        os._exit(0)
    os.waitpid(child, 0)
    counters.swept(100, 0)
    numbers = read_all(tmp_path)
    assert numbers.total()["sweeps",] == [3, 111, 0]
    assert len(numbers.living) == 1


def test_what_died_in_mid_request_is_not_in_flight(tmp_path):
    counters = Counters(tmp_path)
    counters.begin_requests()[0] += 3
    numbers = read_all(tmp_path)
    assert [process_in_flight(one) for one in numbers.living] == [3]
    assert numbers.ended.get(STARTED) is None


@pytest.mark.parametrize("obstacle", ["a file in the way", "a full disk"])
def test_where_no_file_can_be_kept_counting_harms_nobody(
    tmp_path, monkeypatch, obstacle
):
    folder = tmp_path / "metrics"
    if obstacle == "a full disk":
        monkeypatch.setattr(ledger.os, "posix_fallocate", fail)
    else:
        folder.write_text("")
    Counters(folder).swept(1, 1)
    assert not list(tmp_path.glob("**/*.numbers"))


def test_a_full_file_counts_on_in_memory(tmp_path):
    counters = Counters(tmp_path)
    for number in range(20_000):
        counters.cells(("series", str(number)), 2)[0] += 1
    kept = read_all(tmp_path).total()
    assert 1000 < len(kept) < 20_000
    assert set(map(tuple, kept.values())) == {(1.0, 0.0)}
