"""Large bodies pass through a server whose memory stays small."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from objectstore import Client

from tests.servers import LiveStore

MIB = 1024**2
SIZE = int(os.environ.get("OBJECTSTORE_MEMORY_TEST_BYTES", 96 * MIB))
MOST = 200 * MIB
UPLOADS = 4

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(),
    reason="what a process holds in memory is read from Linux's /proc",
)


class Memory:
    """The most that the server's processes have held together, shared pages once."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak = 0

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.1):
            self.peak = max(self.peak, sum(map(held_by, members(self._session))))


def members(session: int) -> list[Path]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(facts[3]) == session:
            found.append(folder)
    return found


def held_by(folder: Path) -> int:
    try:
        text = (folder / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "large"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = LiveStore(tmp_path_factory.mktemp("store"))
    store.start()
    yield store
    store.stop()


def put_whole(client, bucket, key, path):
    with path.open("rb") as file:
        client.put_object(bucket, key, file)


def put_in_parts(client, bucket, key, path):
    client.upload_file(bucket, key, path)


@pytest.mark.parametrize("put", [put_whole, put_in_parts])
def test_four_large_uploads_at_once(store, source, put):
    client = Client(api_key=store.api_key, endpoint=f"{store.url}/v1")
    bucket = put.__name__.replace("_", "-")
    client.create_bucket(bucket)
    keys = [f"copy-{number}" for number in range(UPLOADS)]
    with (
        Memory(store.process.pid) as memory,
        ThreadPoolExecutor(UPLOADS) as pool,
    ):
        list(pool.map(lambda key: put(client, bucket, key, source), keys))
        digests = set(pool.map(lambda key: digest_of(client, bucket, key), keys))
    with source.open("rb") as file:
        assert digests == {hashlib.file_digest(file, "sha256").hexdigest()}
    assert 0 < memory.peak < MOST


def digest_of(client, bucket, key):
    digest = hashlib.sha256()
    for chunk in client.get_object(bucket, key).body.iter_bytes():
        digest.update(chunk)
    return digest.hexdigest()
