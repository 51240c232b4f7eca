"""A full disk: writes are refused with 507, all else goes on, and life does after."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

import httpx
import pytest

from blobs.room import ASKED_EVERY
from tests.servers import LiveStore

MIB = 1024**2
DISK = 48 * MIB
SMALL = b"s" * 4096
LARGE = os.urandom(MIB)
MOST_WRITES = 2000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 48 MiB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that this test fills")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here, so no disk can be filled")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def store(small_disk: Path) -> Iterator[LiveStore]:
    store = LiveStore(small_disk, OBJECTSTORE_FREE_GRACE_SECONDS="0")
    store.start()
    yield store
    store.stop()


@pytest.fixture
def http(store: LiveStore) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {store.api_key}"}
    base = f"{store.url}/v1/buckets/full"
    assert httpx.put(base, headers=headers).status_code == 201
    with httpx.Client(base_url=base, headers=headers, timeout=60) as http:
        yield http


def fill(folder: Path) -> Path:
    """Take all the space that is left."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (MIB, 1):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                write_forever(file, b"x" * size)
    return ballast


def write_forever(file: RawIOBase, chunk: bytes) -> None:
    while True:
        file.write(chunk)


def put_until_refused(http: httpx.Client, name: str, data: bytes) -> httpx.Response:
    """Use up what the database still has of its own space."""
    for number in range(MOST_WRITES):
        answer = http.put(f"/objects/{name}-{number}", content=data)
        if answer.status_code != 200:
            return answer
    raise AssertionError("the disk never became full")


def refused(answer: httpx.Response) -> bool:
    return (
        answer.status_code == 507
        and answer.json()["error"]["code"] == "InsufficientStorage"
    )


def listed(http: httpx.Client) -> set[str]:
    return {one["key"] for one in http.get("/objects").json()["contents"]}


@pytest.mark.slow
def test_a_full_disk_refuses_writes_and_nothing_else(
    store: LiveStore, small_disk: Path, http: httpx.Client
) -> None:
    assert http.put("/objects/small", content=SMALL).status_code == 200
    assert http.put("/objects/large", content=LARGE).status_code == 200
    ballast = fill(small_disk)

    assert refused(http.put("/objects/another", content=LARGE))
    assert refused(put_until_refused(http, "more", SMALL))
    assert refused(http.put("/objects/large", content=SMALL * 4))
    before = listed(http)
    assert {"small", "large"} <= before
    assert "another" not in before
    for _ in range(3):
        assert http.get("/objects/small").content == SMALL
        assert http.get("/objects/large").content == LARGE
        assert httpx.get(f"{store.url}/-/live").status_code == 200

    ballast.unlink()
    time.sleep(ASKED_EVERY)
    assert http.put("/objects/another", content=LARGE).status_code == 200
    assert http.put("/objects/small-again", content=SMALL).status_code == 200
    assert http.delete("/objects/small").status_code == 204
    assert http.get("/objects/another").content == LARGE
    assert listed(http) == (before | {"another", "small-again"}) - {"small"}


@pytest.mark.slow
def test_a_store_on_a_disk_that_is_nearly_full_starts_and_reads(
    store: LiveStore, small_disk: Path, http: httpx.Client
) -> None:
    assert http.put("/objects/large", content=LARGE).status_code == 200
    store.stop()
    ballast = fill(small_disk)
    # SQLite needs a little room to open a database at all.
    os.truncate(ballast, ballast.stat().st_size - MIB // 2)
    store.serve()
    assert http.get("/objects/large").content == LARGE
    assert refused(http.put("/objects/another", content=LARGE))
    ballast.unlink()
    time.sleep(ASKED_EVERY)
    assert http.put("/objects/another", content=LARGE).status_code == 200


@pytest.mark.slow
def test_a_body_that_does_not_fit_leaves_nothing_behind(
    store: LiveStore, small_disk: Path, http: httpx.Client
) -> None:
    for _ in range(5):
        assert refused(http.put("/objects/huge", content=b"h" * (DISK + 1)))
    blobs = small_disk / "blobs" / "standard"
    assert [one for one in blobs.rglob("*") if one.is_file()] == []
    assert http.put("/objects/large", content=LARGE).status_code == 200


@pytest.mark.slow
def test_a_store_that_was_filled_can_be_emptied_through_its_own_door(
    store: LiveStore, small_disk: Path, http: httpx.Client
) -> None:
    """No upload takes the last of the disk, which deleting needs."""
    s3 = f"{store.url}/full"
    last = put_until_refused(http, "key", LARGE * 4)
    assert refused(last)
    assert shutil.disk_usage(small_disk).free > MIB
    assert refused(http.put("/objects/small", content=SMALL * 256))
    large = httpx.put(f"{s3}/key", content=LARGE * 4, headers=http.headers)
    assert (large.status_code, "<Code>InsufficientStorage</Code>" in large.text) == (
        507,
        True,
    )
    keys = listed(http)
    assert len(keys) > 5
    assert httpx.get(f"{store.url}/-/ready").status_code == 200
    for key in keys:
        assert http.get(f"/objects/{key}").content == LARGE * 4
        assert http.delete(f"/objects/{key}").status_code == 204
    store.manage("sweep")
    time.sleep(ASKED_EVERY)
    # The database's log has grown by as much as one of them.
    for key in list(keys)[:-2]:
        assert http.put(f"/objects/{key}", content=LARGE * 4).status_code == 200
