"""kill -9 in the midst of transitions: all is readable, moved, and nothing is left."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.servers import ROOT, LiveStore

OBJECTS = int(os.environ.get("OBJECTSTORE_KILL_TRANSITIONS", "150"))
KILLS = 4
RULES = {
    "rules": [
        {
            "id": "move",
            "status": "enabled",
            "transitions": [{"date": "2020-01-01", "storage_class": "cold"}],
        }
    ]
}


def data_of(number: int) -> bytes:
    return random.Random(number).randbytes(2000 + number)


def run_and_kill(store: LiveStore, chance: random.Random) -> None:
    """Kill a worker some time after it has begun to move."""
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "lifecycle_run", "moved"],
        cwd=ROOT,
        env=store.environment,
        stdout=subprocess.DEVNULL,
    )
    before = moved_count(store)
    while worker.poll() is None and moved_count(store) == before:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.15))
    worker.send_signal(signal.SIGKILL)
    worker.wait()


def moved_count(store: LiveStore) -> int:
    with sqlite3.connect(store.folder / "objectstore.sqlite3", timeout=30) as database:
        return int(
            database.execute(
                "SELECT count(*) FROM objects_objectversion"
                " WHERE storage_class = 'cold'"
            ).fetchone()[0]
        )


@pytest.mark.slow
@pytest.mark.skipif(
    "DATABASE_URL" in os.environ, reason="it looks into the SQLite file"
)
def test_transitions_survive_kills(tmp_path: Path) -> None:
    store = LiveStore(
        tmp_path, OBJECTSTORE_INLINE_MAX="0", OBJECTSTORE_FREE_GRACE_SECONDS="0"
    )
    store.start()
    headers = {"Authorization": f"Bearer {store.api_key}"}
    with httpx.Client(base_url=f"{store.url}/v1/buckets", headers=headers) as http:
        assert http.put("/moved", json={"lifecycle": RULES}).status_code == 201
        for number in range(OBJECTS):
            path = f"/moved/objects/key-{number}"
            assert http.put(path, content=data_of(number)).is_success
        chance = random.Random(1)
        for _ in range(KILLS):
            run_and_kill(store, chance)
        cut_off = moved_count(store)
        store.manage("lifecycle_run", "moved")
        for number in range(OBJECTS):
            answer = http.get(f"/moved/objects/key-{number}")
            assert answer.content == data_of(number)
        (run,) = http.get("/moved/lifecycle/runs").json()["runs"]
    store.stop()
    assert 0 < cut_off <= OBJECTS
    assert [(one["rule_id"], one["count"]) for one in run["actions"]] == [
        ("move", OBJECTS)
    ]
    assert moved_count(store) == OBJECTS
    store.manage("sweep", "--grace", "0")
    assert files_in(tmp_path / "blobs" / "standard") == 0
    assert files_in(tmp_path / "blobs" / "cold") == OBJECTS


def files_in(folder: Path) -> int:
    return sum(one.is_file() for one in folder.rglob("*"))
