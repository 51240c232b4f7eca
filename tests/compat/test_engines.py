"""Engines that read and write tables in buckets: pyarrow, DuckDB, Polars."""

from __future__ import annotations

import pytest

from tests.compat.conftest import HERE, LARGE

PYTHON = "python/bin/python"


@pytest.fixture
def bucket(s3, name):
    """A bucket for what can neither make nor remove one."""
    s3.create_bucket(Bucket=name)
    yield name
    for entry in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


def run(client, program, bucket):
    version, *_, end = client(PYTHON)(HERE / "programs" / program, bucket).splitlines()
    assert end == "done"
    return version


def test_pyarrow(client, state, name):
    state("pyarrow", run(client, "pyarrow_life.py", name))


def test_duckdb(client, state, bucket, s3):
    state("DuckDB", run(client, "duckdb_life.py", bucket))
    found = s3.head_object(Bucket=bucket, Key="large.parquet")
    assert "-" in found["ETag"], "it was not sent in parts"


def test_polars(client, state, store, bucket, s3):
    if store.certificate:
        pytest.skip("Polars takes no certificate of one's own")
    state("Polars", run(client, "polars_life.py", bucket))
    found = s3.head_object(Bucket=bucket, Key="large.parquet")
    assert found["ContentLength"] > LARGE
