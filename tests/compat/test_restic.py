"""restic, which keeps encrypted backups in a bucket."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def restic(client, store, state, name):
    program = client("bin/restic-debian")
    state("restic-debian", program("version").split()[1])
    program.environment |= {
        "RESTIC_REPOSITORY": f"s3:{store.url}/{name}/backups",
        "RESTIC_PASSWORD": "a password",
        "RESTIC_CACHE_DIR": str(program.folder / "cache"),
    }
    return program


def test_a_whole_life(restic, s3, name, small, large, large_data, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    here.mkdir()
    small.rename(here / small.name)
    large.rename(here / large.name)
    restic("init")
    restic("backup", here)
    (here / small.name).write_text("changed")
    restic("backup", here)
    snapshots = json.loads(restic("snapshots", "--json"))
    assert len(snapshots) == 2
    restic("check", "--read-data")
    restic("restore", snapshots[0]["id"], "--target", back)
    restored = back / here.relative_to("/")
    assert (restored / large.name).read_bytes() == large_data
    assert (restored / small.name).read_text() == "hello from a client\n"
    restic("forget", "--keep-last", 1, "--prune")
    assert len(json.loads(restic("snapshots", "--json"))) == 1
    restic("check", "--read-data")
    # restic made the bucket, but leaves its removal to others.
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page["Contents"]:
            s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)
