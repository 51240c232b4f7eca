"""Run the documents' own commands and code, with this store's host and keys."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import LiveStore

Shell = Callable[..., str]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run shell commands in a folder of their own; give what they print."""

    def run(commands: str, **environment: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", commands],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def http(live_store: LiveStore) -> Iterator[httpx.Client]:
    """The reference's base URL with its Authorization header."""
    headers = {"Authorization": f"Bearer {live_store.api_key}"}
    with httpx.Client(base_url=f"{live_store.url}/v1", headers=headers) as client:
        yield client


@pytest.fixture(scope="module")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A server as it comes, with the documented rate limits."""
    folder = tmp_path_factory.mktemp("own")
    store = LiveStore(folder, OBJECTSTORE_RATE_LIMITED_DIALECTS="rest,keyvalue")
    store.start()
    yield store
    store.stop()
