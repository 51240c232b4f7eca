"""boto3, the AWS SDK for Python."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

from tests.compat.conftest import MIB

PARTS = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB)


@pytest.fixture
def bucket(s3: Any, name: str, state: Any) -> Any:
    state("boto3", boto3.__version__)
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(
                Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"]
            )
    s3.delete_bucket(Bucket=name)


def test_small_and_large(s3, bucket, large, large_data, tmp_path):
    s3.put_object(Bucket=bucket, Key="folder/small ü", Body=b"hello")
    assert s3.get_object(Bucket=bucket, Key="folder/small ü")["Body"].read() == b"hello"
    s3.upload_file(str(large), bucket, "large", Config=PARTS)
    s3.download_file(bucket, "large", str(tmp_path / "back"), Config=PARTS)
    assert Path(tmp_path / "back").read_bytes() == large_data
    got = s3.get_object(Bucket=bucket, Key="large", Range="bytes=6000000-6000099")
    assert got["Body"].read() == large_data[6000000:6000100]
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copy", Config=PARTS)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == large_data
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [entry["Key"] for entry in listed["Contents"]] == ["copy", "large"]
    assert [entry["Prefix"] for entry in listed["CommonPrefixes"]] == ["folder/"]


@pytest.mark.parametrize(
    "algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]
)
def test_parts_with_checksums(s3, bucket, large, large_data, algorithm):
    s3.upload_file(
        str(large),
        bucket,
        "large",
        ExtraArgs={"ChecksumAlgorithm": algorithm},
        Config=PARTS,
    )
    got = s3.get_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    assert got["Body"].read() == large_data
    assert got[f"Checksum{algorithm}"]


def test_versions(s3, bucket):
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    first = s3.put_object(Bucket=bucket, Key="key", Body=b"one")["VersionId"]
    s3.put_object(Bucket=bucket, Key="key", Body=b"two")
    s3.delete_object(Bucket=bucket, Key="key")
    old = s3.get_object(Bucket=bucket, Key="key", VersionId=first)
    assert old["Body"].read() == b"one"
    listed = s3.list_object_versions(Bucket=bucket)
    assert len(listed["Versions"]) == 2
    assert len(listed["DeleteMarkers"]) == 1


def test_a_link(s3, store, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"hello")
    link = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "key"}
    )
    trust = store.certificate and ssl.create_default_context(cafile=store.certificate)
    with urllib.request.urlopen(link, context=trust) as answer:
        assert answer.read() == b"hello"
