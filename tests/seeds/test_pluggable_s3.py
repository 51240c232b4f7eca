"""The document of a pluggable S3 API: its endpoints, its stores, its interface.

What is a class of the application there is a setting here: a storage is named where
the document hands an instance to create_app.
"""

from __future__ import annotations

import json

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers import ROOT, LiveStore
from tests.storages.gitlab_server import GitLabServer


def client_of(store):
    """What the document's end-to-end tests make of S3_ENDPOINT_URL."""
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def s3(live_store):
    return client_of(live_store)


@pytest.fixture
def bucket(s3):
    """An empty bucket; whatever is in it afterwards goes with it."""
    s3.create_bucket(Bucket="pluggable")
    yield "pluggable"
    for one in s3.list_objects_v2(Bucket="pluggable").get("Contents", []):
        s3.delete_object(Bucket="pluggable", Key=one["Key"])
    s3.delete_bucket(Bucket="pluggable")


# Quick start


def test_swagger_ui_is_at_docs(live_store):
    page = httpx.get(f"{live_store.url}/docs")
    assert page.status_code == 200
    assert "swagger-ui" in page.text
    schema = httpx.get(f"{live_store.url}/v1/schema").text
    assert "/v1/buckets/{bucket_name}/objects/{key}" in schema


# API endpoints


def test_api_endpoints(live_store):
    """The seven lines, with the bearer key, which needs no signature."""
    headers = {"Authorization": f"Bearer {live_store.api_key}"}
    with httpx.Client(base_url=live_store.url, headers=headers) as http:
        assert http.put("/seven-lines").status_code == 200
        assert "<Name>seven-lines</Name>" in http.get("/").text
        assert http.put("/seven-lines/a/key", content=b"bytes").status_code == 200
        assert "<Key>a/key</Key>" in http.get("/seven-lines").text
        assert http.get("/seven-lines/a/key").content == b"bytes"
        assert http.delete("/seven-lines/a/key").status_code == 204
        assert http.delete("/seven-lines").status_code == 204
        assert http.get("/seven-lines").status_code == 404


# Built-in stores


def a_life_in(store):
    """Put, read, overwrite and delete; give what is left where the bytes are."""
    s3 = client_of(store)
    s3.create_bucket(Bucket="life")
    data = b"0123456789" * 10_000
    s3.put_object(Bucket="life", Key="key", Body=data)
    assert s3.get_object(Bucket="life", Key="key")["Body"].read() == data
    part = s3.get_object(Bucket="life", Key="key", Range="bytes=99995-")
    assert part["Body"].read() == b"56789"
    s3.put_object(Bucket="life", Key="key", Body=b"other")
    assert s3.get_object(Bucket="life", Key="key")["Body"].read() == b"other"


@pytest.fixture
def start(tmp_path):
    """Start a store whose objects, small ones too, are kept where `location` says."""
    started = []

    def start(location):
        store = LiveStore(
            tmp_path,
            OBJECTSTORE_STORAGE_STANDARD=location,
            OBJECTSTORE_INLINE_MAX="0",
        )
        started.append(store)
        store.start()
        return store

    yield start
    for store in started:
        store.stop()


def test_the_store_in_memory(start, tmp_path):
    a_life_in(start("memory://"))
    assert not (tmp_path / "blobs" / "standard").exists()


def test_the_store_in_gitlab(start):
    gitlab = GitLabServer()
    try:
        a_life_in(start(gitlab.location()))
        assert b"other" in gitlab.files.values()
    finally:
        gitlab.stop()


# Custom stores


def test_a_store_of_ones_own(start, tmp_path):
    options = json.dumps({"folder": str(tmp_path / "own")})
    a_life_in(start(f"tests.seeds.named_storage.NamedStorage {options}"))
    kept = [path.read_bytes() for path in (tmp_path / "own").iterdir()]
    assert b"other" in kept


def test_every_method_of_the_interface(s3, bucket):
    named = {"Bucket": bucket, "Key": "key"}
    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    put = s3.put_object(**named, Body=b"data", ContentType="text/x-own")
    got = s3.get_object(**named)
    assert (got["Body"].read(), got["ContentType"]) == (b"data", "text/x-own")
    head = s3.head_object(**named)
    assert (head["ContentLength"], head["ETag"]) == (4, put["ETag"])
    s3.delete_object(**named)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(**named)


@pytest.fixture
def keys(s3, bucket):
    found = ["a/1", "a/2", "b", "c d", "e"]
    for key in found:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    return found


def names(page):
    return [one["Key"] for one in page.get("Contents", [])]


def test_list_objects(s3, bucket, keys):
    assert names(s3.list_objects(Bucket=bucket)) == keys
    page = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert ([one["Prefix"] for one in page["CommonPrefixes"]], names(page)) == (
        ["a/"],
        ["b"],
    )
    assert page["IsTruncated"]
    rest = s3.list_objects(Bucket=bucket, Delimiter="/", Marker=page["NextMarker"])
    assert names(rest) == ["c d", "e"]
    assert names(s3.list_objects(Bucket=bucket, Prefix="a/")) == ["a/1", "a/2"]


def test_list_objects_v2(s3, bucket, keys):
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=2)
    assert (names(page), page["KeyCount"]) == (["a/1", "a/2"], 2)
    rest = s3.list_objects_v2(
        Bucket=bucket, ContinuationToken=page["NextContinuationToken"]
    )
    assert names(rest) == ["b", "c d", "e"]
    assert names(s3.list_objects_v2(Bucket=bucket, StartAfter="b")) == ["c d", "e"]
    folded = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="a/")
    assert names(folded) == ["a/1", "a/2"]
    assert names(s3.list_objects_v2(Bucket=bucket, EncodingType="url"))[3] == "c%20d"


def test_the_named_exceptions(s3, bucket):
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="no-such-bucket")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="no-such-key")


def test_the_licence_is_apache_2():
    assert (
        "Apache License\n                           Version 2.0"
        in (ROOT / "LICENSE").read_text()
    )
