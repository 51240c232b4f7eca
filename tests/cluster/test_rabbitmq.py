"""RabbitMQ in Redis's place as the broker: by its URL alone."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.services import Service
from tests.cluster.test_scenarios import eventually
from tests.servers import ROOT, LiveStore, free_port

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
RULES = {
    "rules": [
        {
            "id": "move",
            "status": "enabled",
            "transitions": [{"date": "2020-01-01", "storage_class": "cold"}],
        }
    ]
}
COUNT = 200


def listens(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=1).close()


def environment_of(folder: Path, port: int, mapper_port: int) -> dict[str, str]:
    """Tell RabbitMQ to keep to its folder and ports."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"test-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
    }


@pytest.fixture
def broker() -> Iterator[str]:
    """RabbitMQ on a free port, with its port mapper, both in a folder of their own."""
    if not PROGRAM.exists():
        pytest.skip("this is missing: apt-get install rabbitmq-server")
    folder = Path(tempfile.mkdtemp(prefix="rabbitmq-"))
    user = "rabbitmq" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    port, mapper_port = free_port(), free_port()
    environment = environment_of(folder, port, mapper_port)
    epmd = shutil.which("epmd")
    assert epmd is not None
    services = [
        Service(
            name,
            command,
            folder,
            lambda at=at: listens(at),
            environment=environment,
            user=user,
            working_folder=folder,
        )
        for name, command, at in (
            ("epmd", [epmd], mapper_port),
            ("rabbitmq", [str(PROGRAM)], port),
        )
    ]
    try:
        for service in services:
            service.start()
            service.wait_until_ready()
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        for service in reversed(services):
            service.stop()
        shutil.rmtree(folder)


@pytest.fixture
def store(tmp_path: Path, broker: str) -> Iterator[LiveStore]:
    folder = tmp_path / "store"
    folder.mkdir()
    store = LiveStore(
        folder,
        CELERY_BROKER_URL=broker,
        OBJECTSTORE_INLINE_MAX="0",
        OBJECTSTORE_LIFECYCLE_DAY_SECONDS="5",
    )
    store.start()
    yield store
    store.stop()


@pytest.fixture
def worker(tmp_path: Path, store: LiveStore) -> Iterator[Service]:
    """One worker that also keeps the schedule."""
    celery = [sys.executable, "-m", "celery", "-A", "objectstore_site"]
    schedule = ["--beat", "--schedule", str(tmp_path / "schedule")]
    worker = Service(
        "worker",
        [*celery, "worker", "--concurrency=1", "--loglevel=info", *schedule],
        tmp_path,
        lambda: None,
        environment=store.environment,
        working_folder=ROOT,
    )
    worker.start()
    yield worker
    worker.stop()


def test_jobs_are_sent_through_rabbitmq_and_outlive_their_worker(
    store: LiveStore, worker: Service
) -> None:
    headers = {"Authorization": f"Bearer {store.api_key}"}
    with httpx.Client(base_url=f"{store.url}/v1/buckets", headers=headers) as http:
        assert http.put("/moved").is_success
        for number in range(COUNT):
            path = f"/moved/objects/{number}"
            assert http.put(path, content=os.urandom(20_000)).is_success
        assert http.put("/moved/lifecycle", json=RULES).is_success

        def moved() -> int:
            listed = http.get("/moved/objects", params={"limit": 1000}).json()
            return sum(one["storage_class"] == "cold" for one in listed["contents"])

        eventually(lambda: moved() > 0)
        worker.kill()
        eventually(lambda: moved() == COUNT, within=90)
    assert worker.restarts == 1
