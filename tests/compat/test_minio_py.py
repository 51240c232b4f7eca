"""minio-py, MinIO's SDK for Python."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Callable
from pathlib import Path

import minio
import pytest
import urllib3
from minio.commonconfig import ENABLED, ComposeSource, CopySource
from minio.deleteobjects import DeleteObject
from minio.versioningconfig import VersioningConfig

from tests.compat.conftest import MIB, verify
from tests.servers import LiveStore


@pytest.fixture
def mc(store: LiveStore, state: Callable[[str, str], None]) -> minio.Minio:
    state("minio-py", minio.__version__)
    return minio.Minio(
        store.url.partition("//")[2],
        access_key=store.access_key_id,
        secret_key=store.secret_access_key,
        secure=bool(store.certificate),
        http_client=urllib3.PoolManager(ca_certs=verify(store), retries=False),
    )


def keys(mc: minio.Minio, bucket: str, **options: object) -> list[str]:
    return [entry.object_name for entry in mc.list_objects(bucket, **options)]


def read(mc: minio.Minio, bucket: str, key: str, **options: object) -> bytes:
    answer = mc.get_object(bucket, key, **options)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def test_a_whole_life(mc, store, name, small, large, large_data, tmp_path):
    mc.make_bucket(name)
    mc.fput_object(name, "folder/small ü", str(small), metadata={"colour": "blue"})
    found = mc.stat_object(name, "folder/small ü")
    assert found.size == small.stat().st_size
    assert found.metadata["x-amz-meta-colour"] == "blue"
    mc.fput_object(name, "large", str(large), part_size=5 * MIB)
    mc.put_object(name, "stream", io.BytesIO(large_data), -1, part_size=5 * MIB)
    mc.fget_object(name, "large", str(tmp_path / "back"))
    assert Path(tmp_path / "back").read_bytes() == large_data
    assert read(mc, name, "stream") == large_data
    assert (
        read(mc, name, "large", offset=6 * MIB, length=100)
        == (large_data[6 * MIB : 6 * MIB + 100])
    )
    assert sorted(keys(mc, name)) == ["folder/", "large", "stream"]
    assert keys(mc, name, prefix="folder/") == ["folder/small ü"]
    assert keys(mc, name, recursive=True, use_api_v1=True) == [
        "folder/small ü",
        "large",
        "stream",
    ]
    mc.copy_object(name, "copy", CopySource(name, "folder/small ü"))
    assert read(mc, name, "copy") == small.read_bytes()
    mc.compose_object(
        name, "composed", [ComposeSource(name, "large"), ComposeSource(name, "copy")]
    )
    assert read(mc, name, "composed") == large_data + small.read_bytes()
    link = mc.presigned_get_object(name, "copy")
    if not store.certificate:
        with urllib.request.urlopen(link) as answer:
            assert answer.read() == small.read_bytes()
    everything = [DeleteObject(key) for key in keys(mc, name, recursive=True)]
    assert list(mc.remove_objects(name, everything)) == []
    mc.remove_bucket(name)
    assert not mc.bucket_exists(name)


def test_versions(mc, name):
    mc.make_bucket(name)
    mc.set_bucket_versioning(name, VersioningConfig(ENABLED))
    first = mc.put_object(name, "key", io.BytesIO(b"one"), 3).version_id
    mc.put_object(name, "key", io.BytesIO(b"two"), 3)
    mc.remove_object(name, "key")
    assert read(mc, name, "key", version_id=first) == b"one"
    listed = list(mc.list_objects(name, include_version=True))
    assert len(listed) == 3
    assert sum(entry.is_delete_marker for entry in listed) == 1
    everything = [DeleteObject(entry.object_name, entry.version_id) for entry in listed]
    assert list(mc.remove_objects(name, everything)) == []
    mc.remove_bucket(name)
