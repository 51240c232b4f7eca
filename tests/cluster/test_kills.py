"""kill -9 of every program in turn while clients write: nothing that was said is lost.

What is killed is started again as systemd and Compose do; the rest comes by itself.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import pytest

from tests.cluster.cluster import DAY, Cluster
from tests.cluster.services import Service
from tests.cluster.test_scenarios import eventually
from tests.storages.engines import KEY, SECRET

WRITERS = 6
# Inline, in one request to the storage, and in parts.
SIZES = [100, 4096, 16_384, 16_385, 70_000, 400_000, 9_000_000]
Say = Callable[[str], None]


class Writer(threading.Thread):
    """Writes, deletes and reads its own keys, and remembers what was acknowledged."""

    def __init__(self, http: httpx.Client, prefix: str, seed: int) -> None:
        super().__init__()
        self.http = http
        self.prefix = prefix
        self.random = random.Random(seed)
        # By key: the digests that a reader may find; None is no object.
        self.possible: dict[str, set[str | None]] = {}
        self.answers: Counter[int | str] = Counter()
        self.wrong: list[str] = []
        self.ends = threading.Event()

    def run(self) -> None:
        while not self.ends.is_set():
            key = f"{self.prefix}/{self.random.randrange(20)}"
            if self.random.random() < 0.3:
                self.read_once(key)
            else:
                self.write_once(key)

    def write_once(self, key: str) -> None:
        deletes = self.random.random() < 0.15
        data = b"" if deletes else self.random.randbytes(self.random.choice(SIZES))
        wanted = None if deletes else hashlib.md5(data).hexdigest()
        before = self.possible.get(key, {None})
        self.possible[key] = {*before, wanted}
        try:
            answer = self.http.request(
                "DELETE" if deletes else "PUT", key, content=data
            )
        except httpx.HTTPError as error:
            self.answers[type(error).__name__] += 1
            return
        self.answers[answer.status_code] += 1
        if answer.is_success or (deletes and answer.status_code == 404):
            self.possible[key] = {wanted}
        elif answer.status_code < 500:
            self.wrong.append(f"{key}: {answer.status_code} {answer.text[:300]}")

    def read_once(self, key: str) -> None:
        try:
            answer = self.http.get(key)
        except httpx.HTTPError as error:
            self.answers[type(error).__name__] += 1
            return
        if answer.status_code < 500:
            self.check(key, answer)

    def check(self, key: str, answer: httpx.Response) -> None:
        found = None
        if answer.status_code == 200:
            found = hashlib.md5(answer.content).hexdigest()
        elif answer.status_code != 404:
            self.wrong.append(f"{key}: read {answer.status_code} {answer.text[:300]}")
            return
        if found not in self.possible.get(key, {None}):
            self.wrong.append(f"{key}: what is read was never written")
        self.possible[key] = {found}


@pytest.fixture
def writers(cluster: Cluster, free_key: str, bucket: str) -> Iterator[list[Writer]]:
    with httpx.Client(
        base_url=f"{cluster.url}/v1/buckets/{bucket}/objects/",
        headers={"Authorization": f"Bearer {free_key}"},
        timeout=120,
    ) as http:
        yield [Writer(http, f"w{n}", n) for n in range(WRITERS)]


@contextmanager
def writing(writers: list[Writer]) -> Iterator[Counter[int | str]]:
    """Let all write meanwhile, and check afterwards all that was acknowledged."""
    answers = Counter[int | str]()
    for writer in writers:
        writer.start()
    try:
        eventually(lambda: all(writer.answers[200] > 2 for writer in writers))
        yield answers
        # All recovers: each writer is heard again.
        before = [writer.answers[200] for writer in writers]
        eventually(
            lambda: all(
                writer.answers[200] > count + 2
                for writer, count in zip(writers, before, strict=True)
            )
        )
    finally:
        for writer in writers:
            writer.ends.set()
        for writer in writers:
            writer.join()
    for writer in writers:
        for key in list(writer.possible):
            writer.check(key, writer.http.get(key))
        answers += writer.answers
    assert [line for writer in writers for line in writer.wrong] == []


def said(answers: Counter[int | str]) -> str:
    """Sum up what clients were answered."""
    good = sum(count for code, count in answers.items() if code in (200, 204, 404))
    others = {
        str(code): n for code, n in answers.items() if code not in (200, 204, 404)
    }
    return f"{good} answers, refused or cut off: {others or 'none'}"


def test_web_processes_are_killed(
    cluster: Cluster, writers: list[Writer], say: Say
) -> None:
    with writing(writers) as answers:
        for web in cluster.webs:
            restarts = web.restarts
            web.kill()
            eventually(lambda web=web, was=restarts: web.restarts > was)
            web.wait_until_ready()
        # Also only the process that the server has forked for the work.
        cluster.webs[0].kill_child()
        time.sleep(2)
    say(f"killed each web process: {said(answers)}")


def test_redis_is_killed(
    cluster: Cluster, writers: list[Writer], bucket: str, say: Say
) -> None:
    headers = {"Authorization": f"Bearer {cluster.api_key}"}
    with writing(writers) as answers, httpx.Client(headers=headers) as limited:
        cluster.redis.hold_down()
        for _ in range(10):
            # Counted by each process for itself as long as Redis is away.
            answer = limited.get(f"{cluster.url}/v1/buckets/{bucket}/objects/none")
            assert answer.status_code == 404
            assert "X-RateLimit-Remaining" in answer.headers
        cluster.redis.start()
        cluster.redis.wait_until_ready()
    assert not [code for code in answers if code not in (200, 204, 404)]
    say(f"killed Redis: {said(answers)}; limits were counted on")


def test_the_storage_is_killed(
    cluster: Cluster, writers: list[Writer], rest: httpx.Client, bucket: str, say: Say
) -> None:
    at = f"/v1/buckets/{bucket}/objects"
    small, large = os.urandom(4096), os.urandom(100_000)
    assert rest.put(f"{at}/small", content=small).is_success
    assert rest.put(f"{at}/large", content=large).is_success
    with writing(writers) as answers:
        cluster.seaweedfs.hold_down()
        for _ in range(3):
            assert rest.get(f"{at}/small").content == small
            assert rest.put(f"{at}/small", content=small).is_success
            assert rest.get(f"{at}/large").status_code == 503
            assert rest.put(f"{at}/large", content=large).status_code == 503
        cluster.seaweedfs.start()
        cluster.seaweedfs.wait_until_ready()
        eventually(lambda: rest.get(f"{at}/large").status_code == 200)
    assert rest.get(f"{at}/large").content == large
    say(f"killed the storage: {said(answers)}; small objects were read and written on")


def test_the_database_is_killed(
    cluster: Cluster, writers: list[Writer], say: Say
) -> None:
    with writing(writers) as answers:
        restarts = cluster.postgresql.restarts
        cluster.postgresql.kill()
        eventually(lambda: cluster.postgresql.restarts > restarts)
        cluster.postgresql.wait_until_ready()
    assert 500 not in answers
    say(f"killed PostgreSQL: {said(answers)}")


def test_workers_are_killed_amid_transitions(
    cluster: Cluster, rest: httpx.Client, s3: Any, bucket: str, say: Say
) -> None:
    count = 400
    data = {f"{n:03}": os.urandom(20_000) for n in range(count)}
    for key, content in data.items():
        url = f"/v1/buckets/{bucket}/objects/{key}"
        assert rest.put(url, content=content).is_success
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "down",
                    "Status": "Enabled",
                    "Filter": {"ObjectSizeGreaterThan": 0},
                    "Transitions": [{"Days": 1, "StorageClass": "cold"}],
                }
            ]
        },
    )

    def moved() -> int:
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
        return sum(one["StorageClass"] == "STANDARD_IA" for one in listed)

    kills = 0
    for place in (1, count // 2):
        eventually(lambda place=place: moved() >= place, within=12 * DAY)
        for service in (*cluster.workers, cluster.beat):
            kill_and_wait(service)
            kills += 1
    eventually(lambda: moved() == count, within=18 * DAY)
    for key, content in data.items():
        assert rest.get(f"/v1/buckets/{bucket}/objects/{key}").content == content
    say(f"killed workers and schedule {kills} times: {count} objects moved, whole")


def kill_and_wait(service: Service) -> None:
    restarts = service.restarts
    service.kill()
    eventually(lambda: service.restarts > restarts)
    service.wait_until_ready()


def test_at_the_end_bytes_and_rows_name_each_other(cluster: Cluster, say: Say) -> None:
    swept = cluster.manage("sweep", "--grace", "0").strip()
    paths = cluster.evaluate(
        "import json; from blobs.models import Blob;"
        "print(json.dumps([f'{c}/{p}' for c, p in"
        " Blob.objects.filter(kind='stored').values_list('storage_class', 'path')]))"
    )
    assert isinstance(paths, list)
    assert stored_keys(cluster) == set(paths)
    unnamed = cluster.evaluate(
        "from blobs.models import Blob;"
        "print(Blob.objects.exclude(state='live').count())"
    )
    assert unnamed == 0
    assert "all counters are right" in cluster.manage("verify_counters")
    say(f"at the end: {swept}; {len(paths)} files are left, one for each row")


def stored_keys(cluster: Cluster) -> set[str]:
    """List what is in the storage, but for what its own readiness test left there."""
    engine = cluster.engine
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{engine.port}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=engine.bucket)
    found = {one["Key"] for page in pages for one in page.get("Contents", [])}
    return found - {"ready"}
