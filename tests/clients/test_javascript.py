"""The JavaScript client's own tests, run by node against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "javascript"
NODE = shutil.which("node")
OLDEST = 20

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def run(*arguments, **environment):
    return subprocess.run(
        ["node", *arguments],
        cwd=CLIENT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def built():
    major = int(run("--version").stdout.lstrip("v").split(".")[0])
    if major < OLDEST:
        pytest.skip(f"node is older than {OLDEST}")
    done = run("build.js")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "name", sorted(path.name for path in (CLIENT / "tests").glob("*.test.js"))
)
def test_the_javascript_client(live_store, name):
    done = run(
        "--test",
        f"tests/{name}",
        OBJECTSTORE_URL=live_store.url,
        OBJECTSTORE_API_KEY=live_store.api_key,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
