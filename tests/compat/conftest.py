"""Clients of others against real servers, over http and https."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.servers import ROOT, LiveStore

CLIENTS = ROOT / "build" / "clients"
HERE = Path(__file__).resolve().parent
NAMES = itertools.count(1)
MIB = 1024 * 1024
LARGE = 17 * MIB + 3
versions: set[tuple[str, str]] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.compat)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if versions:
        terminalreporter.section("clients")
        for client, version in sorted(versions):
            terminalreporter.write_line(f"{client:<28} {version}")


@pytest.fixture
def state() -> Callable[[str, str], None]:
    """Note a client's version for the end of the output."""

    def note(client: str, version: str) -> None:
        versions.add((client, version))

    return note


@pytest.fixture(params=["http", "https"])
def store(request: pytest.FixtureRequest) -> LiveStore:
    name = "live_store" if request.param == "http" else "secure_store"
    return request.getfixturevalue(name)


def verify(store: LiveStore) -> str | None:
    return str(store.certificate) if store.certificate else None


@pytest.fixture
def s3(store: LiveStore) -> Any:
    """The client whose word counts on what is in the store."""
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
        region_name="us-east-1",
        verify=verify(store),
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def name(s3: Any) -> Iterator[str]:
    """The name of a bucket that does not exist, before the test and after it."""
    name = f"compat-{next(NAMES)}"
    yield name
    assert name not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.fixture(scope="session")
def large_data() -> bytes:
    """More than 16 MiB, so that clients send it in parts."""
    return random.Random(17).randbytes(LARGE)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.txt"
    path.write_text("hello from a client\n")
    return path


@pytest.fixture
def large(tmp_path: Path, large_data: bytes) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(large_data)
    return path


class Client:
    """A program that `make compat` installed, with a store's address and keys."""

    def __init__(self, program: Path, store: LiveStore, folder: Path) -> None:
        self.program, self.folder = program, folder
        home = folder / "home"
        home.mkdir(exist_ok=True)
        self.environment = {**environment_of(store), "HOME": str(home)}

    def bytes(self, *arguments: object) -> bytes:
        done = subprocess.run(
            [str(self.program), *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            timeout=300,
        )
        said = (done.stdout[-4000:] + done.stderr[-4000:]).decode(errors="replace")
        assert done.returncode == 0, f"{self.program.name} {arguments}:\n{said}"
        return done.stdout

    def __call__(self, *arguments: object) -> str:
        return self.bytes(*arguments).decode()


def environment_of(store: LiveStore) -> dict[str, str]:
    """What clients read from the environment, and nothing of the user's own."""
    found = {
        "PATH": f"{CLIENTS / 'bin'}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "ENDPOINT": store.url,
        "AWS_ACCESS_KEY_ID": store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if store.certificate:
        trusted = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
        found.update(dict.fromkeys(trusted, str(store.certificate)))
    return found


@pytest.fixture
def client(store: LiveStore, tmp_path: Path) -> Callable[[str], Client]:
    """Find an installed program, or skip the test."""

    def find(name: str) -> Client:
        path = CLIENTS / name
        if not path.exists():
            pytest.skip(
                f"{path.name} is not installed; scripts/install-clients says why"
            )
        return Client(path, store, tmp_path)

    return find
