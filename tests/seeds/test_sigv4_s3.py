"""The SigV4 document: its credentials, its server, and what its three clients do."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess

import boto3
import httpx
import minio
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from dotenv import dotenv_values

from tests.servers import ROOT, LiveStore

MIB = 1024**2
ENV = """
MINIO_ACCESS_KEY="minioadmin"
MINIO_SECRET_KEY="minioadmin"
"""
ACCESS_KEY = SECRET_KEY = "minioadmin"
GO = ROOT / "tests" / "compat" / "minio_go"


class DocumentedStore(LiveStore):
    """A server whose first key pair is the one in the document's .env file."""

    access_key_id = ACCESS_KEY
    secret_access_key = SECRET_KEY
    said = ""

    def start(self):
        for name in ("OBJECTSTORE_ROOT_ACCESS_KEY", "OBJECTSTORE_ROOT_SECRET_KEY"):
            del self.environment[name]
        self.environment |= dotenv_values(stream=io.StringIO(ENV))
        self.manage("migrate", "--verbosity", "0")
        self.said = self.manage("bootstrap")
        self.serve()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sigv4")
    store = DocumentedStore(folder, OBJECTSTORE_ACCESS_LOG=str(folder / "access.log"))
    store.start()
    yield store
    store.stop()


@pytest.fixture
def s3(store):
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", retries={"max_attempts": 0}),
    )


@pytest.fixture
def large(tmp_path):
    """A file that every SDK sends in parts."""
    path = tmp_path / "large.bin"
    path.write_bytes(random.Random(9000).randbytes(20 * MIB + 1))
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused(caught, status, code):
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code


# Setup


def test_the_default_user_is_made_and_shown_at_the_first_start(store):
    assert "Access key   minioadmin" in store.said
    assert "Secret key   minioadmin" in store.said
    assert "minioadmin" not in store.manage("bootstrap")


def test_metadata_is_in_sqlite_and_bytes_on_the_local_disk(store, s3):
    s3.create_bucket(Bucket="on-disk")
    s3.put_object(Bucket="on-disk", Key="key", Body=b"x" * MIB)
    database = store.folder / "objectstore.sqlite3"
    assert database.read_bytes().startswith(b"SQLite format 3\0")
    sizes = [
        path.stat().st_size
        for path in (store.folder / "blobs").rglob("*")
        if path.is_file()
    ]
    assert sizes == [MIB]
    s3.delete_object(Bucket="on-disk", Key="key")
    s3.delete_bucket(Bucket="on-disk")


# Features


def test_bucket_operations(s3):
    s3.create_bucket(Bucket="buckets")
    s3.head_bucket(Bucket="buckets")
    for key in ("a/1", "a/2", "b"):
        s3.put_object(Bucket="buckets", Key=key, Body=b"x")
    page = s3.list_objects_v2(Bucket="buckets", MaxKeys=2)
    assert [one["Key"] for one in page["Contents"]] == ["a/1", "a/2"]
    rest = s3.list_objects_v2(
        Bucket="buckets", ContinuationToken=page["NextContinuationToken"]
    )
    assert [one["Key"] for one in rest["Contents"]] == ["b"]
    with pytest.raises(ClientError) as caught:
        s3.delete_bucket(Bucket="buckets")
    refused(caught, 409, "BucketNotEmpty")
    for key in ("a/1", "a/2", "b"):
        s3.delete_object(Bucket="buckets", Key=key)
    s3.delete_bucket(Bucket="buckets")
    with pytest.raises(ClientError) as caught:
        s3.head_bucket(Bucket="buckets")
    refused(caught, 404, "404")


def test_object_operations(s3):
    s3.create_bucket(Bucket="objects-of-s3")
    put = s3.put_object(Bucket="objects-of-s3", Key="key", Body=b"bytes")
    head = s3.head_object(Bucket="objects-of-s3", Key="key")
    assert (head["ContentLength"], head["ETag"]) == (5, put["ETag"])
    got = s3.get_object(Bucket="objects-of-s3", Key="key")
    assert got["Body"].read() == b"bytes"
    s3.delete_object(Bucket="objects-of-s3", Key="key")
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket="objects-of-s3", Key="key")
    refused(caught, 404, "NoSuchKey")
    s3.delete_bucket(Bucket="objects-of-s3")


def test_multipart_uploads(s3):
    s3.create_bucket(Bucket="multipart")
    named = {"Bucket": "multipart", "Key": "large"}
    upload = s3.create_multipart_upload(**named)["UploadId"]
    parts = []
    for number, part in enumerate((b"p" * 5 * MIB, b"end"), 1):
        sent = s3.upload_part(**named, UploadId=upload, PartNumber=number, Body=part)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    done = s3.complete_multipart_upload(
        **named, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    assert done["ETag"].endswith('-2"')
    assert s3.get_object(**named)["Body"].read() == b"p" * 5 * MIB + b"end"
    given_up = s3.create_multipart_upload(**named)["UploadId"]
    s3.upload_part(**named, UploadId=given_up, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**named, UploadId=given_up)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="multipart")
    s3.delete_object(**named)
    s3.delete_bucket(Bucket="multipart")


def signed(store, method, path, secret=SECRET_KEY):
    request = AWSRequest(method, store.url + path, {"x-amz-content-sha256": EMPTY})
    SigV4Auth(Credentials(ACCESS_KEY, secret), "s3", "us-east-1").add_auth(request)
    return dict(request.headers)


EMPTY = hashlib.sha256(b"").hexdigest()


def test_signatures_are_checked(store):
    right = signed(store, "GET", "/")
    assert right["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=minioadmin/")
    assert httpx.get(store.url, headers=right).status_code == 200
    for headers in (
        signed(store, "GET", "/", secret="other"),
        signed(store, "GET", "/another-path"),
        signed(store, "DELETE", "/"),
    ):
        answer = httpx.get(store.url, headers=headers)
        assert answer.status_code == 403
        assert "<Code>SignatureDoesNotMatch</Code>" in answer.text
    assert httpx.get(store.url).status_code == 403


# How to test: create a large file, upload it, download it, verify it, clean up


def test_boto3_client(s3, large, tmp_path):
    s3.create_bucket(Bucket="boto-bucket")
    s3.upload_file(str(large), "boto-bucket", "large.bin")
    s3.download_file("boto-bucket", "large.bin", str(tmp_path / "back"))
    assert digest(tmp_path / "back") == digest(large)
    s3.delete_object(Bucket="boto-bucket", Key="large.bin")
    s3.delete_bucket(Bucket="boto-bucket")


def test_minio_client(store, large, tmp_path):
    client = minio.Minio(
        store.url.removeprefix("http://"),
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        secure=False,
    )
    assert not client.bucket_exists("minio-bucket")
    client.make_bucket("minio-bucket")
    client.fput_object("minio-bucket", "large.bin", str(large), part_size=5 * MIB)
    client.fget_object("minio-bucket", "large.bin", str(tmp_path / "back"))
    assert digest(tmp_path / "back") == digest(large)
    client.remove_object("minio-bucket", "large.bin")
    client.remove_bucket("minio-bucket")


def go(*arguments, **environment):
    return subprocess.run(
        ["go", *arguments],
        cwd=GO,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_minio_client_in_go(store):
    if go("list", "-deps", ".").returncode:
        pytest.skip("the modules are not here: make compat fetches them")
    done = go(
        "run",
        "main.go",
        "go-bucket",
        ENDPOINT=store.url,
        AWS_ACCESS_KEY_ID=ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        TRAILERS="no",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"


def test_the_log_shows_the_requests(store, s3, large):
    s3.create_bucket(Bucket="logged")
    s3.upload_file(str(large), "logged", "large.bin")
    s3.get_object(Bucket="logged", Key="large.bin")["Body"].read()
    s3.delete_object(Bucket="logged", Key="large.bin")
    s3.delete_bucket(Bucket="logged")
    log = (store.folder / "access.log").read_text()
    for method in ("GET", "PUT", "POST", "DELETE"):
        assert f'"{method} /logged/large.bin" 20' in log
