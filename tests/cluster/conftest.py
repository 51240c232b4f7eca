"""One cluster for all scenarios, and clients that speak to it through nginx."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.cluster.cluster import Cluster, missing_programs

NAMES = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/cluster/" in str(item.path):
            item.add_marker("cluster")


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line past pytest's capturing: what was done is what people read."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def print_line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"    {text}", flush=True)

    return print_line


@pytest.fixture(scope="session")
def cluster(say: Callable[[str], None]) -> Iterator[Cluster]:
    missing = missing_programs()
    if missing:
        pytest.skip(f"these are missing: apt-get install {' '.join(missing)}")
    with Cluster() as started:
        say(f"started {', '.join(one.name for one in started.services)}")
        yield started


@pytest.fixture(scope="session")
def free_key(cluster: Cluster) -> str:
    """An API key without rate limits, for those who write a lot."""
    return new_api_key(cluster, "--no-rate-limit")


def new_api_key(cluster: Cluster, *options: str) -> str:
    made = cluster.manage("create_key", "root", "--kind", "bearer", *options)
    return str(json.loads(made)["api_key"])


def s3_client(url: str, cluster: Cluster, keys: tuple[str, str] | None = None) -> Any:
    key_id, secret = keys or (cluster.access_key_id, cluster.secret_access_key)
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def s3(cluster: Cluster) -> Any:
    """boto3, through nginx."""
    return s3_client(cluster.url, cluster)


@pytest.fixture
def s3_of_each(cluster: Cluster) -> list[Any]:
    """boto3 at each web process, past nginx."""
    return [s3_client(cluster.web_url(n), cluster) for n in (1, 2, 3)]


@pytest.fixture
def rest(cluster: Cluster, free_key: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {free_key}"}
    with httpx.Client(base_url=cluster.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def new_bucket(s3: Any) -> Callable[[], str]:
    def make() -> str:
        name = f"bucket-{next(NAMES)}"
        s3.create_bucket(Bucket=name)
        return name

    return make


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    return new_bucket()


def in_threads(count: int, run: Callable[[int], Any]) -> list[Any]:
    """Run a function of its number in threads at once; give results in order."""
    results: list[Any] = [None] * count
    errors: list[BaseException] = []

    def one(number: int) -> None:
        try:
            results[number] = run(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
