"""What processes share through Redis, and what they do while it is away."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from iam import queries, shared
from iam.models import Account
from iam.operations import create_account
from iam.shared import Announcements, SharedCounters
from tests.servers import free_port


class OwnRedis:
    """A Redis server that can be killed and started anew, empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--dir", str(self.folder)),
            ],
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                shared.connect(self.url).ping()
            except shared.RedisError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no Redis: apt-get install redis-server")
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def soon(monkeypatch: Any) -> None:
    """Ask a Redis that was away again at once."""
    monkeypatch.setattr(shared, "REST", 0.0)


def test_all_count_as_one(redis: OwnRedis) -> None:
    processes = [SharedCounters(redis.url, {}) for _ in range(3)]
    added = [one.add("key", 1, 60) for one in processes]
    assert added == [True, False, False]
    assert [one.incr("key") for one in processes] == [2, 3, 4]
    assert {one.get("key") for one in processes} == {4}
    assert 0 < shared.connect(redis.url).ttl("key") <= 60


def test_each_counts_for_itself_while_redis_is_away(
    redis: OwnRedis, soon: None
) -> None:
    counters = SharedCounters(redis.url, {})
    assert counters.add("key", 1, 60)
    redis.kill()
    assert counters.incr("key") == 1
    assert counters.incr("key") == 2
    assert counters.add("other", 1, 60)
    assert counters.get("other") == 1


def test_a_counter_that_redis_lost_ends_all_the_same(
    redis: OwnRedis, soon: None
) -> None:
    counters = SharedCounters(redis.url, {})
    assert counters.add("key", 1, 60)
    redis.kill()
    redis.start()
    assert counters.incr("key") == 1
    assert shared.connect(redis.url).ttl("key") > 0


@pytest.fixture
def shares(redis: OwnRedis, settings: Any) -> None:
    settings.CACHES = {
        **settings.CACHES,
        "ratelimit": {
            "BACKEND": "iam.shared.SharedCounters",
            "LOCATION": redis.url,
        },
    }


def hears(heard: threading.Event) -> bool:
    answer = heard.wait(30)
    heard.clear()
    return answer


@pytest.mark.usefixtures("shares", "soon")
def test_others_hear_of_changes_also_after_redis_was_away(redis: OwnRedis) -> None:
    heard = threading.Event()
    Announcements(heard.set).listen()
    # Whoever begins to listen may have missed something.
    assert hears(heard)
    speaker = Announcements(lambda: None)
    speaker.announce()
    assert hears(heard)
    redis.kill()
    speaker.announce()
    redis.start()
    assert hears(heard)
    speaker.announce()
    assert hears(heard)


@pytest.mark.django_db(transaction=True)
def test_a_change_is_announced_once_it_is_durable(monkeypatch: Any) -> None:
    told: list[bool] = []
    monkeypatch.setattr(
        queries.announcements,
        "announce",
        lambda: told.append(Account.objects.filter(name="new").exists()),
    )
    with transaction.atomic():
        create_account("new", now=timezone.now())
        assert told == []
    assert told
    assert all(told)
