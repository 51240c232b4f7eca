"""The AWS CLI, version 1 from PyPI and version 2 from Debian."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

PROGRAMS = ["aws", "aws-debian"]


@pytest.fixture(params=PROGRAMS)
def aws(request, client, store, state):
    program = client(f"bin/{request.param}")
    state(request.param, program("--version").split()[0])

    def run(*arguments):
        return program("--endpoint-url", store.url, *arguments)

    run.program = program
    return run


def test_a_whole_life(aws, store, name, small, large, large_data, tmp_path):
    aws("s3", "mb", f"s3://{name}")
    aws("s3", "cp", small, f"s3://{name}/folder/small ü.txt")
    assert aws("s3", "cp", f"s3://{name}/folder/small ü.txt", "-") == small.read_text()
    aws("s3", "cp", large, f"s3://{name}/large")
    aws("s3", "cp", f"s3://{name}/large", tmp_path / "back")
    assert Path(tmp_path / "back").read_bytes() == large_data
    listed = aws("s3", "ls", "--recursive", f"s3://{name}")
    assert [line.split(maxsplit=3)[3] for line in listed.splitlines()] == [
        "folder/small ü.txt",
        "large",
    ]
    assert "PRE folder/" in aws("s3", "ls", f"s3://{name}")
    wanted = ("--bucket", name, "--key", "large", "--range", "bytes=6000000-6000099")
    aws("s3api", "get-object", *wanted, tmp_path / "piece")
    assert Path(tmp_path / "piece").read_bytes() == large_data[6000000:6000100]
    aws("s3", "cp", f"s3://{name}/large", f"s3://{name}/copy")
    aws("s3", "mv", f"s3://{name}/copy", f"s3://{name}/moved")
    aws("s3", "cp", f"s3://{name}/moved", tmp_path / "back")
    assert Path(tmp_path / "back").read_bytes() == large_data
    if not store.certificate:
        link = aws("s3", "presign", f"s3://{name}/folder/small ü.txt").strip()
        with urllib.request.urlopen(link) as answer:
            assert answer.read() == small.read_bytes()
    aws("s3", "rb", "--force", f"s3://{name}")


def test_a_folder_is_kept_the_same(aws, name, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    for number in range(30):
        path = here / f"folder {number % 3}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    aws("s3", "mb", f"s3://{name}")
    aws("s3", "sync", here, f"s3://{name}")
    (here / "folder 0" / "0.txt").unlink()
    aws("s3", "sync", "--delete", here, f"s3://{name}")
    aws("s3", "sync", f"s3://{name}", back)
    assert {path.relative_to(back) for path in back.rglob("*.txt")} == {
        path.relative_to(here) for path in here.rglob("*.txt")
    }
    assert aws("s3", "sync", here, f"s3://{name}") == ""
    aws("s3", "rb", "--force", f"s3://{name}")


def test_versions(aws, name, tmp_path):
    key = ("--bucket", name, "--key", "key")
    aws("s3api", "create-bucket", "--bucket", name)
    status = ("--versioning-configuration", "Status=Enabled")
    aws("s3api", "put-bucket-versioning", "--bucket", name, *status)
    put = []
    for text in ("one", "two"):
        body = tmp_path / text
        body.write_text(text)
        put.append(json.loads(aws("s3api", "put-object", *key, "--body", body)))
    aws("s3api", "delete-object", *key)
    first = put[0]["VersionId"]
    aws("s3api", "get-object", *key, "--version-id", first, tmp_path / "old")
    assert (tmp_path / "old").read_text() == "one"
    listed = json.loads(aws("s3api", "list-object-versions", "--bucket", name))
    entries = listed["Versions"] + listed["DeleteMarkers"]
    assert len(entries) == 3
    doomed = {
        "Objects": [
            {name: entry[name] for name in ("Key", "VersionId")} for entry in entries
        ]
    }
    aws("s3api", "delete-objects", "--bucket", name, "--delete", json.dumps(doomed))
    aws("s3api", "delete-bucket", "--bucket", name)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_checksums(aws, name, small, tmp_path, algorithm):
    aws("s3", "mb", f"s3://{name}")
    key = ("--bucket", name, "--key", "key")
    aws("s3api", "put-object", *key, "--body", small, "--checksum-algorithm", algorithm)
    mode = ("--checksum-mode", "ENABLED")
    got = json.loads(aws("s3api", "get-object", *key, *mode, tmp_path / "back"))
    assert got[f"Checksum{algorithm}"]
    assert (tmp_path / "back").read_bytes() == small.read_bytes()
    aws("s3", "rb", "--force", f"s3://{name}")
