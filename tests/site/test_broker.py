"""The embedded broker, whose messages are files on a disk that may be full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

import objectstore_site.celery  # noqa: F401 - it names the transport
from objectstore_site import broker


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    options = {f"data_folder_{way}": str(tmp_path) for way in ("in", "out")}
    options |= {"control_folder": str(tmp_path / "control")}
    with Connection("filesystem://localhost", transport_options=options) as made:
        yield made


def test_a_message_that_a_crash_cut_short_is_passed_over(
    connection: Connection, tmp_path: Path
) -> None:
    for name, data in (("1_a", b""), ("2_b", b'{"body": "ca')):
        (tmp_path / f"{name}.jobs.msg").write_bytes(data)
    with connection.SimpleQueue("jobs") as queue:
        queue.put({"whole": True})
        message = queue.get(timeout=5)
        assert message.payload == {"whole": True}
        message.ack()
        with pytest.raises(Empty):
            queue.get(block=False)


def test_a_message_that_does_not_fit_on_the_disk_leaves_nothing(
    connection: Connection, tmp_path: Path, monkeypatch: Any
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # The transport remembers bindings: each test has a queue of its own.
    with connection.SimpleQueue("others") as queue:
        with monkeypatch.context() as full:
            full.setattr(broker.os, "replace", fail)
            with pytest.raises(ChannelError, match="No space left"):
                queue.put({"whole": True})
        assert [one.name for one in tmp_path.iterdir() if one.is_file()] == []
        assert queue.qsize() == 0
