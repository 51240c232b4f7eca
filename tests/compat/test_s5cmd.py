"""s5cmd, which copies many files at once."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def s5cmd(client, store, state):
    program = client("bin/s5cmd")
    state("s5cmd", program("version").strip())

    def run(*arguments):
        return program("--endpoint-url", store.url, *arguments)

    return run


def test_a_whole_life(s5cmd, name, small, large, large_data, tmp_path):
    s5cmd("mb", f"s3://{name}")
    s5cmd("cp", small, f"s3://{name}/folder/small.txt")
    assert s5cmd("cat", f"s3://{name}/folder/small.txt") == small.read_text()
    s5cmd("cp", "--part-size", 5, large, f"s3://{name}/large")
    s5cmd("cp", "--part-size", 5, f"s3://{name}/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large_data
    assert "folder/small.txt" in s5cmd("ls", f"s3://{name}/*")
    assert str(len(large_data)) in s5cmd("du", f"s3://{name}/large")
    s5cmd("cp", f"s3://{name}/large", f"s3://{name}/copy")
    s5cmd("mv", f"s3://{name}/copy", f"s3://{name}/moved")
    s5cmd("cp", f"s3://{name}/moved", tmp_path / "moved")
    assert (tmp_path / "moved").read_bytes() == large_data
    s5cmd("rm", f"s3://{name}/*")
    s5cmd("rb", f"s3://{name}")


def test_many_files(s5cmd, name, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    here.mkdir()
    for number in range(200):
        (here / f"{number}.txt").write_text(str(number))
        # Listings tell whole seconds: a file of this second would count as newer.
        os.utime(here / f"{number}.txt", (1_700_000_000, 1_700_000_000))
    s5cmd("mb", f"s3://{name}")
    s5cmd("sync", f"{here}/", f"s3://{name}/many/")
    s5cmd("cp", f"s3://{name}/many/*", f"{back}/")
    assert {path.name: path.read_text() for path in back.iterdir()} == {
        f"{number}.txt": str(number) for number in range(200)
    }
    assert s5cmd("sync", f"{here}/", f"s3://{name}/many/") == ""
    s5cmd("rm", f"s3://{name}/*")
    s5cmd("rb", f"s3://{name}")


def test_versions(s5cmd, name, small, tmp_path):
    s5cmd("mb", f"s3://{name}")
    s5cmd("bucket-version", "--set", "Enabled", f"s3://{name}")
    s5cmd("cp", small, f"s3://{name}/key")
    first = s5cmd("ls", "--all-versions", f"s3://{name}/key").split()[-1]
    (tmp_path / "second").write_text("second")
    s5cmd("cp", tmp_path / "second", f"s3://{name}/key")
    s5cmd("rm", f"s3://{name}/key")
    old = s5cmd("cat", "--version-id", first, f"s3://{name}/key")
    assert old == small.read_text()
    s5cmd("rm", "--all-versions", f"s3://{name}/*")
    s5cmd("rb", f"s3://{name}")
