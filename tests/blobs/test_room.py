"""Room that is kept free on disks: who stores is refused, who deletes is not."""

from __future__ import annotations

import math
import shutil
from collections import namedtuple

import pytest
from django.core.checks import run_checks
from django.db import connection

from blobs import room
from kernel.errors import InsufficientStorage

GIB = 1024**3
MIB = 1024**2
Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def disk(monkeypatch):
    """Give a function that says how much is free on every disk."""
    room.forget()
    asked = []

    def has(free, total=100 * GIB):
        def disk_usage(folder):
            asked.append(folder)
            return Usage(total, total - free, free)

        monkeypatch.setattr(shutil, "disk_usage", disk_usage)
        return asked

    yield has
    room.forget()


def later(monkeypatch):
    """Let more than a second pass."""
    soon = room.time.monotonic() + 1.5
    monkeypatch.setattr(room.time, "monotonic", lambda: soon)


def test_what_is_kept_free_is_a_twentieth_of_a_small_disk(settings):
    settings.OBJECTSTORE_MIN_FREE_BYTES = 128 * MIB
    assert room.kept_free(4 * GIB) == 128 * MIB
    assert room.kept_free(100 * MIB) == 5 * MIB


def test_bytes_that_would_take_from_it_are_refused(disk):
    disk(free=129 * MIB)
    room.check_room("standard", MIB)
    with pytest.raises(InsufficientStorage):
        room.check_room("standard", MIB + 1)


def test_what_was_taken_is_not_there_twice(disk, monkeypatch):
    disk(free=129 * MIB)
    room.take_room("standard", MIB)
    with pytest.raises(InsufficientStorage):
        room.take_room("standard", 1)
    disk(free=131 * MIB)
    later(monkeypatch)
    room.take_room("standard", 2 * MIB)


def test_a_disk_is_asked_once_a_second(disk, monkeypatch):
    asked = disk(free=GIB)
    for _ in range(100):
        room.take_room("standard", 1)
    assert len(asked) == 1
    later(monkeypatch)
    room.take_room("standard", 1)
    assert len(asked) == 2


def test_nothing_is_kept_free_where_settings_say_so(disk, settings):
    settings.OBJECTSTORE_MIN_FREE_BYTES = 0
    disk(free=0)
    room.take_room("standard", GIB)


def test_a_storage_elsewhere_has_no_disk(disk, settings):
    disk(free=0)
    memory = {"BACKEND": "blobs.storage.MemoryBlobStorage"}
    settings.STORAGES = {**settings.STORAGES, "cold": memory}
    room.take_room("cold", GIB)


def test_a_folder_that_cannot_be_looked_at_is_left_to_those_who_write(monkeypatch):
    def fail(folder):
        raise OSError("stale file handle")

    room.forget()
    monkeypatch.setattr(shutil, "disk_usage", fail)
    assert room.spare_in_class("standard") == math.inf


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's file alone")
def test_pages_that_deletes_left_in_the_database_are_room(disk):
    disk(free=100 * MIB)
    before = room.spare_in_database()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE of_this_test (data BLOB)")
        cursor.execute("INSERT INTO of_this_test VALUES (zeroblob(40000000))")
        assert room.spare_in_database() <= before
        cursor.execute("DROP TABLE of_this_test")
    assert before < 0 < room.spare_in_database()


def test_more_than_the_disk_allows_is_warned_of(monkeypatch, settings):
    asked = 10**18
    settings.OBJECTSTORE_MIN_FREE_BYTES = asked
    assert "blobs.W002" not in {one.id for one in run_checks()}
    monkeypatch.setenv("OBJECTSTORE_MIN_FREE_BYTES", str(asked))
    (message,) = [one for one in run_checks() if one.id == "blobs.W002"]
    assert "twentieth" in message.msg


@pytest.mark.parametrize("asked", [-1, "128 MiB", None])
def test_what_is_no_number_of_bytes_is_an_error(settings, asked):
    settings.OBJECTSTORE_MIN_FREE_BYTES = asked
    assert "blobs.E005" in {one.id for one in run_checks()}
