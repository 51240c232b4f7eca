"""The README's commands and code, run as they are written but for host and keys."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What starts servers or runs all the tests is proved elsewhere.
ELSEWHERE = re.compile(r"^(make|DATABASE_URL=\S+ .*make) ", re.MULTILINE)


def blocks(language):
    text = (ROOT / "README.md").read_text()
    found = [block for kind, block in BLOCK.findall(text) if kind == language]
    return [block for block in found if not ELSEWHERE.search(f"{block} ")]


def here(block, store):
    """Put this store's address and keys in the place of the README's."""
    for written, actual in {
        "http://127.0.0.1:8000": store.url,
        'api_key="osk_..."': f'api_key="{store.api_key}"',
        "KEY=osk_...": f"KEY={store.api_key}",
        '"AKIA..."': f'"{store.access_key_id}"',
        'aws_secret_access_key="..."': (
            f'aws_secret_access_key="{store.secret_access_key}"'
        ),
    }.items():
        block = block.replace(written, actual)
    return block


@pytest.fixture
def folder(tmp_path):
    with (tmp_path / "large.bin").open("wb") as large:
        large.truncate(150_000_000)
        large.seek(120_000_000)
        large.write(b"not all zeros")
    (tmp_path / "backup.tar").write_bytes(b"x" * 9_000_000)
    return tmp_path


def test_the_shell_commands_do_what_they_say(live_store, folder):
    script = "set -e\n" + "\n".join(here(one, live_store) for one in blocks("sh"))
    script = script.replace("curl ", "curl --fail-with-body -sS ")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hello world" in done.stdout
    assert done.stdout.rstrip().endswith("same")


def test_the_python_does_what_it_says(live_store, folder, monkeypatch):
    monkeypatch.chdir(folder)
    key = {"Authorization": f"Bearer {live_store.api_key}"}
    httpx.put(f"{live_store.url}/v1/buckets/my-bucket", headers=key)
    written = blocks("python")
    assert len(written) >= 2
    for block in written:
        exec(compile(here(block, live_store), "README.md", "exec"), {})  # noqa: S102
