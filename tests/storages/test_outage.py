"""The storage stops: what is elsewhere goes on, nothing is lost, all comes back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import httpx
import pytest

from tests.servers import LiveStore
from tests.storages.engines import KEY, SECRET, SeaweedFS

SMALL = b"s" * 1000
LARGE = os.urandom(400_000)
PREFIX = "outage"
# The server's threads; twice as many requests come at once.
THREADS = 8
# What the server is told to wait for a storage, and what its clients wait for it.
TIMEOUT = 4
PATIENCE = 60
RECOVERS_WITHIN = 60

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SeaweedFS]:
    folder = tmp_path / "engine"
    folder.mkdir()
    engine = SeaweedFS(folder)
    engine.start()
    yield engine
    engine.thaw()
    engine.kill()


@pytest.fixture
def live(tmp_path: Path, engine: SeaweedFS) -> Iterator[LiveStore]:
    """A store whose class `cold` is the engine, and `standard` a local folder."""
    live = LiveStore(
        tmp_path / "store",
        OBJECTSTORE_STORAGE_COLD=engine.location(PREFIX),
        OBJECTSTORE_STORAGE_TIMEOUT=str(TIMEOUT),
        OBJECTSTORE_THREADS=str(THREADS),
        OBJECTSTORE_FREE_GRACE_SECONDS="0",
    )
    (tmp_path / "store").mkdir()
    live.start()
    yield live
    live.stop()


@pytest.fixture
def http(live: LiveStore) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {live.api_key}"}
    base = f"{live.url}/v1/buckets/bucket"
    assert httpx.put(base, headers=headers).status_code == 201
    with httpx.Client(base_url=base, headers=headers, timeout=PATIENCE) as http:
        yield http


def put(
    http: httpx.Client, key: str, data: bytes, where: str = "cold"
) -> httpx.Response:
    headers = {"x-amz-storage-class": where}
    return http.put(f"/objects/{key}", content=data, headers=headers)


def get(http: httpx.Client, key: str, **headers: str) -> httpx.Response:
    return http.get(f"/objects/{key}", headers=headers)


def is_unavailable(answer: httpx.Response) -> bool:
    return (
        answer.status_code == 503
        and answer.json()["error"]["code"] == "ServiceUnavailable"
    )


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + RECOVERS_WITHIN
    while not is_so():
        assert time.monotonic() < end, "it did not recover"
        time.sleep(0.2)


def files_in(engine: SeaweedFS) -> set[str]:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{engine.port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    found = client.list_objects_v2(Bucket=engine.bucket, Prefix=PREFIX)
    return {one["Key"] for one in found.get("Contents", [])}


@pytest.mark.parametrize("way", ["killed", "frozen"])
def test_an_outage(
    live: LiveStore, http: httpx.Client, engine: SeaweedFS, way: str
) -> None:
    for key, data, where in (
        ("inline", SMALL, "cold"),
        ("near", LARGE, "standard"),
        ("far", LARGE, "cold"),
        ("doomed", LARGE, "cold"),
    ):
        assert put(http, key, data, where).status_code == 200
    assert len(files_in(engine)) == 2

    stop, start = {
        "killed": (engine.kill, engine.start),
        "frozen": (engine.freeze, engine.thaw),
    }[way]
    stop()

    with ThreadPoolExecutor(2 * THREADS) as pool:
        answers = list(pool.map(lambda _: get(http, "far"), range(2 * THREADS)))
    assert all(is_unavailable(answer) for answer in answers)
    # While threads wait for the storage in vain, others are there for the rest.
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(get, http, "far") for _ in range(20)]
        for _ in range(10):
            assert get(http, "inline").content == SMALL
            assert get(http, "near").content == LARGE
            assert get(http, "near", Range="bytes=5-9").content == LARGE[5:10]
        assert all(is_unavailable(answer.result()) for answer in waiting)
    assert is_unavailable(put(http, "refused", LARGE))
    assert put(http, "small", SMALL).status_code == 200
    assert put(http, "another", LARGE, "standard").status_code == 200
    assert http.head("/objects/far").status_code == 200
    assert http.delete("/objects/doomed").status_code == 204
    listed = {one["key"] for one in http.get("/objects").json()["contents"]}
    assert listed == {"inline", "near", "far", "small", "another"}
    assert httpx.get(f"{live.url}/-/ready").status_code == 200
    # Bytes that cannot be deleted now stay on the list.
    live.manage("sweep")

    start()

    wait_for(lambda: get(http, "far").status_code == 200)
    assert get(http, "far").content == LARGE
    wait_for(lambda: put(http, "new", LARGE).status_code == 200)
    assert get(http, "new").content == LARGE
    wait_for(lambda: bool(live.manage("sweep")) and len(files_in(engine)) == 2)
    for key in ("far", "new"):
        assert http.delete(f"/objects/{key}").status_code == 204
    # Not even the upload that was refused has left bytes behind.
    wait_for(lambda: bool(live.manage("sweep")) and not files_in(engine))


def test_nothing_that_was_acknowledged_is_lost(
    live: LiveStore, http: httpx.Client, engine: SeaweedFS
) -> None:
    acknowledged: dict[str, bytes] = {}
    is_over = threading.Event()

    def write(writer: int) -> int:
        refused = 0
        number = 0
        while not is_over.is_set():
            number += 1
            key, data = f"{writer}-{number}", os.urandom(100_000 + number)
            if put(http, key, data).status_code == 200:
                acknowledged[key] = data
            else:
                refused += 1
        return refused

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        for wanted in (20, 40):
            wait_for(lambda wanted=wanted: len(acknowledged) >= wanted)
            engine.kill()
            wait_for(lambda: is_unavailable(put(http, "probe", LARGE)))
            engine.start()
        is_over.set()
        assert sum(one.result() for one in writers) > 0
    wait_for(lambda: put(http, "probe", LARGE).status_code == 200)
    for key, data in acknowledged.items():
        assert get(http, key).content == data
    listed = {one["key"] for one in http.get("/objects").json()["contents"]}
    assert listed == {*acknowledged, "probe"}
    for key in listed:
        assert http.delete(f"/objects/{key}").status_code == 204
    wait_for(lambda: bool(live.manage("sweep")) and not files_in(engine))
