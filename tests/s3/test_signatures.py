"""What a signature covers, as SDKs send it: names, and headers in a presigned URL."""

from __future__ import annotations

import httpx
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@pytest.fixture
def presign(live_store):
    """Presign a URL with x-amz-* headers in its query, as the SDKs for JS and Go do."""

    def make(method, path, **hoisted):
        request = AWSRequest(method, f"{live_store.url}{path}", params=hoisted)
        keys = Credentials(live_store.access_key_id, live_store.secret_access_key)
        S3SigV4QueryAuth(keys, "s3", "us-east-1", expires=60).add_auth(request)
        return request.prepare().url

    return make


@pytest.mark.parametrize("name", ["my_key", "a-b_c", "__two"])
def test_metadata_names_keep_their_underscores(s3, s3_bucket, name):
    place = {"Bucket": s3_bucket, "Key": "key"}
    s3.put_object(**place, Body=b"x", Metadata={name: "value", "plain-one": "1"})
    kept = s3.head_object(**place)["Metadata"]
    assert kept == {name: "value", "plain-one": "1"}


def test_metadata_names_keep_their_underscores_in_presigned_urls(s3, s3_bucket):
    place = {"Bucket": s3_bucket, "Key": "key"}
    url = s3.generate_presigned_url("put_object", {**place, "Metadata": {"a_b": "1"}})
    assert httpx.put(url, headers={"x-amz-meta-a_b": "1"}).status_code == 200
    assert s3.head_object(**place)["Metadata"] == {"a_b": "1"}


HOISTED = {
    "x-amz-meta-colour": "blue",
    "x-amz-meta-a_b": "1",
    "x-amz-tagging": "team=red",
}


def test_headers_in_a_presigned_query_hold(s3, s3_bucket, presign):
    place = {"Bucket": s3_bucket, "Key": "key"}
    url = presign("PUT", f"/{s3_bucket}/key", **HOISTED)
    assert httpx.put(url.replace("blue", "red"), content=b"x").status_code == 403
    assert httpx.put(url, content=b"x").status_code == 200
    assert s3.head_object(**place)["Metadata"] == {"colour": "blue", "a_b": "1"}
    tags = s3.get_object_tagging(**place)["TagSet"]
    assert tags == [{"Key": "team", "Value": "red"}]


def test_a_checksum_in_a_presigned_query_is_not_compared(s3, s3_bucket, presign):
    place = {"Bucket": s3_bucket, "Key": "key"}
    of_nothing = {"x-amz-checksum-crc32": "AAAAAA=="}
    named = {"x-amz-sdk-checksum-algorithm": "CRC32"}
    url = presign("PUT", f"/{s3_bucket}/key", **of_nothing, **named)
    assert httpx.put(url, content=b"x").status_code == 200
    assert s3.get_object(**place)["Body"].read() == b"x"
    # Signed all the same, and compared where it comes as a header.
    assert httpx.put(url.replace("AAAAAA", "BAAAAA"), content=b"x").status_code == 403
    url = s3.generate_presigned_url(
        "put_object", {**place, "ChecksumCRC32": "AAAAAA=="}
    )
    sent = httpx.put(url, content=b"x", headers=of_nothing)
    assert sent.status_code == 400


def test_headers_in_a_query_signed_by_version_2_hold(connect, s3_bucket):
    s3 = connect(signature_version="s3")
    place = {"Bucket": s3_bucket, "Key": "key"}
    url = s3.generate_presigned_url("put_object", {**place, "Metadata": {"a": "1"}})
    assert "x-amz-meta-a=1" in url
    assert httpx.put(url, content=b"x").status_code == 200
    assert s3.head_object(**place)["Metadata"] == {"a": "1"}


def test_one_way_to_sign_is_enough(live_store, s3, s3_bucket):
    s3.put_object(Bucket=s3_bucket, Key="key", Body=b"x")
    url = s3.generate_presigned_url("get_object", {"Bucket": s3_bucket, "Key": "key"})
    request = AWSRequest("GET", url)
    keys = Credentials(live_store.access_key_id, live_store.secret_access_key)
    S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
    for header in (
        request.headers["Authorization"],
        f"Bearer {live_store.api_key}",
        "AWS a:b",
    ):
        answer = httpx.get(url, headers={"Authorization": header})
        assert answer.status_code == 400
        assert "Only one auth mechanism allowed" in answer.text


def test_conditions_in_a_presigned_query_hold(s3, s3_bucket, presign):
    url = presign("PUT", f"/{s3_bucket}/key", **{"If-None-Match": "*"})
    assert httpx.put(url, content=b"first").status_code == 200
    assert httpx.put(url, content=b"second").status_code == 412
    got = s3.get_object(Bucket=s3_bucket, Key="key")
    assert got["Body"].read() == b"first"
