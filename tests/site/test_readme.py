"""The README's commands for large files, run as they are written but for the host."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.site.documents import examples, here


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with (tmp_path / "large.bin").open("wb") as large:
        large.truncate(150_000_000)
        large.seek(120_000_000)
        large.write(b"not all zeros")
    return tmp_path


def test_a_large_file_goes_up_whole_and_in_parts(live_store: Any, folder: Path) -> None:
    blocks = [one.code for one in examples("README.md") if one.heading == "Large files"]
    bucket = "curl -X PUT http://127.0.0.1:8000/v1/buckets/my-bucket -H"
    begin = f'export KEY=osk_...\n{bucket} "Authorization: Bearer $KEY" || true\n'
    script = here("\n".join([begin, *blocks]), live_store)
    script = script.replace("curl ", "curl --fail-with-body -sS ")
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(blocks) == 2
    assert done.stdout.rstrip().endswith("same")
