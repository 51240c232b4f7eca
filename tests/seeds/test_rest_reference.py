"""The REST API reference, section by section, in its own order and words."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import socket
import subprocess
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import objectstore
import pytest

from kernel import errors
from tests.servers import ROOT

MIB = 1024**2
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ETAG = re.compile(r'"[0-9a-f]{32}"')
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"

CREATE_BUCKET = """
{
  "region": "us-west-1",
  "storage_class": "standard",
  "versioning": {
    "enabled": true
  },
  "lifecycle": {
    "rules": [
      {
        "id": "transition-to-cold",
        "status": "enabled",
        "transitions": [
          {
            "days": 30,
            "storage_class": "cold"
          }
        ]
      }
    ]
  },
  "cors": {
    "rules": [
      {
        "allowed_origins": ["*"],
        "allowed_methods": ["GET", "PUT", "POST"],
        "allowed_headers": ["*"],
        "max_age_seconds": 3600
      }
    ]
  }
}
"""
IAM_POLICY = """
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:PutObject"],
      "Resource": "arn:aws:s3:::my-bucket/*"
    }
  ]
}
"""


@pytest.fixture(scope="module")
def my_bucket(http):
    """The reference's bucket, with what its Create Bucket asks for."""
    created = http.put(
        "/buckets/my-bucket",
        content=CREATE_BUCKET,
        headers={"Content-Type": "application/json"},
    )
    assert created.status_code == 201, created.text
    yield created.json()
    page = http.get("/buckets/my-bucket/versions").json()
    for one in page["versions"]:
        http.delete(
            f"/buckets/my-bucket/objects/{one['key']}",
            params={"version_id": one["version_id"]},
        )
    assert http.delete("/buckets/my-bucket").status_code == 204


@pytest.fixture
def objects(http, my_bucket):
    """Send a request about an object of my-bucket."""

    def send(method, key, **options):
        return http.request(method, f"/buckets/my-bucket/objects/{key}", **options)

    return send


def is_time(text):
    return bool(TIME.fullmatch(text)) and datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    return error


# S3 compatibility


def test_s3_style_urls_are_aliases(http, my_bucket, objects):
    assert http.put("/my-bucket/alias.txt", content=b"text").status_code == 200
    assert objects("GET", "alias.txt").content == b"text"
    assert http.get("/my-bucket/alias.txt").content == b"text"
    listed = http.get("/my-bucket?list-type=2")
    assert "<Key>alias.txt</Key>" in listed.text
    assert http.delete("/my-bucket/alias.txt").status_code == 204
    assert objects("GET", "alias.txt").status_code == 404


# Authentication


def test_an_api_key_in_the_authorization_header(http, my_bucket):
    assert http.get("/buckets/my-bucket").status_code == 200
    wrong = {"Authorization": "Bearer your-api-key-here"}
    refused(http.get("/buckets/my-bucket", headers=wrong), 401, "AuthenticationFailed")


def test_signed_urls(http, objects):
    objects("PUT", "file.txt", content=b"text")
    signed = objects("POST", "file.txt/signed-url", json={"expires_in": 60}).json()
    assert {"signature", "expires"} <= set(httpx.URL(signed["url"]).params)
    assert abs(signed["expires"] - time.time() - 60) < 30
    assert httpx.get(signed["url"]).content == b"text"
    past = httpx.URL(signed["url"]).copy_set_param("expires", "1640995200")
    refused(httpx.get(past), 401, "AuthenticationFailed")
    guessed = httpx.URL(signed["url"]).copy_set_param("signature", "abc123")
    refused(httpx.get(guessed), 401, "AuthenticationFailed")


def test_an_iam_policy_allows_what_it_says_and_no_more(live_store, http, my_bucket):
    live_store.manage("create_user", "root", "john", "--policy", IAM_POLICY)
    key = "johns-own-api-key-of-the-reference"
    live_store.manage(
        "create_key", "root", "--user", "john", "--kind", "bearer", "--api-key", key
    )
    john = {"headers": {"Authorization": f"Bearer {key}"}}
    path = "/buckets/my-bucket/objects/johns"
    assert http.put(path, content=b"text", **john).status_code == 200
    assert http.get(path, **john).content == b"text"
    refused(http.delete(path, **john), 403, "AccessDenied")
    refused(http.get("/buckets/my-bucket/objects", **john), 403, "AccessDenied")


# Bucket operations


def test_create_bucket(my_bucket):
    assert set(my_bucket) == {"bucket_name", "region", "created_at", "bucket_id"}
    assert my_bucket["bucket_name"] == "my-bucket"
    assert my_bucket["region"] == "us-west-1"
    assert is_time(my_bucket["created_at"])
    assert my_bucket["bucket_id"]


def test_list_buckets(http, my_bucket):
    http.put("/buckets/my-bucket-1", json={"region": "us-west-1"})
    http.put(
        "/buckets/my-bucket-2", json={"region": "us-east-1", "storage_class": "cold"}
    )
    page = http.get("/buckets", params={"limit": 1000}).json()
    assert set(page) == {"buckets", "is_truncated", "next_continuation_token"}
    assert (page["is_truncated"], page["next_continuation_token"]) == (False, None)
    found = {one["name"]: one for one in page["buckets"]}
    one, two = found["my-bucket-1"], found["my-bucket-2"]
    assert set(one) == {"name", "region", "created_at", "storage_class"}
    assert (one["region"], one["storage_class"]) == ("us-west-1", "standard")
    assert (two["region"], two["storage_class"]) == ("us-east-1", "cold")
    assert is_time(one["created_at"])

    first = http.get("/buckets", params={"limit": 1}).json()
    assert first["is_truncated"]
    token = first["next_continuation_token"]
    rest = http.get(
        "/buckets", params={"continuation_token": token, "limit": 1000}
    ).json()
    names = [one["name"] for one in first["buckets"] + rest["buckets"]]
    assert names == [one["name"] for one in page["buckets"]]
    refused(http.get("/buckets", params={"limit": 1001}), 400, "InvalidRequest")
    for name in ("my-bucket-1", "my-bucket-2"):
        assert http.delete(f"/buckets/{name}").status_code == 204


def test_get_bucket_details(http, my_bucket, objects):
    before = http.get("/buckets/my-bucket").json()
    objects("PUT", "counted", content=b"x" * 1024)
    details = http.get("/buckets/my-bucket").json()
    assert details["bucket_name"] == "my-bucket"
    assert details["region"] == "us-west-1"
    assert details["created_at"] == my_bucket["created_at"]
    assert details["storage_class"] == "standard"
    assert details["versioning"] == {"enabled": True}
    assert details["object_count"] == before["object_count"] + 1
    assert details["total_size"] == before["total_size"] + 1024
    (rule,) = details["lifecycle"]["rules"]
    assert (rule["id"], rule["status"]) == ("transition-to-cold", "enabled")
    assert rule["transitions"] == [{"days": 30, "storage_class": "cold"}]
    assert details["cors"] == {
        "rules": [
            {
                "allowed_origins": ["*"],
                "allowed_methods": ["GET", "PUT", "POST"],
                "allowed_headers": ["*"],
                "max_age_seconds": 3600,
            }
        ]
    }


def test_delete_bucket(http, my_bucket, objects):
    objects("PUT", "kept", content=b"")
    refused(http.delete("/buckets/my-bucket"), 409, "BucketNotEmpty")
    http.put("/buckets/to-be-deleted")
    gone = http.delete("/buckets/to-be-deleted")
    assert (gone.status_code, gone.content) == (204, b"")
    refused(http.delete("/buckets/to-be-deleted"), 404, "BucketNotFound")


# Object operations


def test_upload_object(objects):
    data = b"x" * 1024
    answer = objects(
        "PUT",
        "documented",
        content=data,
        headers={
            "Content-Type": "text/plain",
            "Content-MD5": base64.b64encode(hashlib.md5(data).digest()).decode(),
            "Cache-Control": "max-age=60",
            "x-amz-meta-custom": "value",
            "x-amz-storage-class": "standard",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    stored = answer.json()
    assert set(stored) == {"object_id", "etag", "size", "version_id"}
    assert stored["etag"] == hashlib.md5(data).hexdigest()
    assert answer.headers["ETag"] == f'"{stored["etag"]}"'
    assert stored["size"] == 1024
    assert stored["object_id"]
    assert stored["version_id"]
    nothing = objects("PUT", "empty", content=b"")
    assert nothing.headers["ETag"] == f'"{EMPTY_MD5}"'


@pytest.mark.parametrize("storage_class", ["standard", "cold", "archive"])
def test_the_documented_storage_classes(objects, storage_class):
    headers = {"x-amz-storage-class": storage_class}
    assert objects("PUT", storage_class, content=b"", headers=headers).is_success
    head = objects("HEAD", storage_class)
    assert head.headers["x-amz-storage-class"] == storage_class


def test_wrong_content_md5_is_refused(objects):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    answer = objects("PUT", "damaged", content=b"x", headers={"Content-MD5": wrong})
    assert answer.status_code == 400
    assert objects("GET", "damaged").status_code == 404


@pytest.fixture
def custom(objects):
    """An object of 1,024 bytes with one line of metadata; give its first version."""
    headers = {
        "Content-Type": "application/octet-stream",
        "x-amz-meta-custom": "value",
    }
    return objects("PUT", "custom", content=bytes(range(256)) * 4, headers=headers)


def check_documented_headers(answer, stored):
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == "1024"
    assert answer.headers["ETag"] == stored.headers["ETag"]
    assert answer.headers["Last-Modified"].endswith(" GMT")
    assert parsedate_to_datetime(answer.headers["Last-Modified"])
    assert answer.headers["x-amz-meta-custom"] == "value"
    assert answer.headers["x-amz-storage-class"] == "standard"
    assert answer.headers["x-amz-version-id"] == stored.json()["version_id"]


def test_download_object(objects, custom):
    answer = objects("GET", "custom")
    check_documented_headers(answer, custom)
    assert answer.content == bytes(range(256)) * 4
    objects("PUT", "custom", content=b"newer")
    version_id = custom.json()["version_id"]
    older = objects("GET", "custom", params={"version_id": version_id})
    check_documented_headers(older, custom)
    assert objects("GET", "custom").content == b"newer"


def test_response_overrides(objects, custom):
    answer = objects(
        "GET",
        "custom",
        params={
            "response-content-type": "text/csv",
            "response-content-disposition": 'attachment; filename="a.csv"',
        },
    )
    assert answer.headers["Content-Type"] == "text/csv"
    disposition = answer.headers["Content-Disposition"]
    assert disposition == 'attachment; filename="a.csv"'


def test_partial_content(objects, custom):
    answer = objects("GET", "custom", headers={"Range": "bytes=0-511"})
    assert answer.status_code == 206
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == "512"
    assert answer.headers["Content-Range"] == "bytes 0-511/1024"
    assert answer.headers["ETag"] == custom.headers["ETag"]
    assert answer.content == bytes(range(256)) * 2


def test_conditional_requests(objects, custom):
    etag = custom.headers["ETag"]
    past, future = "Tue, 01 Jan 2019 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for headers, status in (
        ({"If-Match": etag}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": past}, 200),
        ({"If-Unmodified-Since": past}, 412),
        ({"If-Unmodified-Since": future}, 200),
    ):
        assert objects("GET", "custom", headers=headers).status_code == status, headers
    modified = objects("HEAD", "custom").headers["Last-Modified"]
    unchanged = objects("GET", "custom", headers={"If-Modified-Since": modified})
    assert unchanged.status_code == 304


def test_get_object_metadata(objects, custom):
    answer = objects("HEAD", "custom")
    check_documented_headers(answer, custom)
    assert answer.content == b""


def test_list_objects(http, objects):
    for key in (
        "logs/2025/07/06/app.log",
        "logs/2025/07/05/app.log",
        "logs/2025/07/04/app.log",
        "logs/direct.log",
    ):
        objects("PUT", key, content=b"x" * 2048)
    path = "/buckets/my-bucket/objects"
    page = http.get(
        path, params={"prefix": "logs/", "delimiter": "/", "fetch_owner": "true"}
    ).json()
    assert set(page) == {
        "bucket_name",
        "prefix",
        "delimiter",
        "max_keys",
        "is_truncated",
        "contents",
        "common_prefixes",
        "next_continuation_token",
    }
    assert page["bucket_name"] == "my-bucket"
    assert (page["prefix"], page["delimiter"]) == ("logs/", "/")
    assert page["max_keys"] == 1000
    assert (page["is_truncated"], page["next_continuation_token"]) == (False, None)
    assert page["common_prefixes"] == [{"prefix": "logs/2025/"}]
    (row,) = page["contents"]
    assert row["key"] == "logs/direct.log"
    assert row["size"] == 2048
    assert row["etag"] == hashlib.md5(b"x" * 2048).hexdigest()
    assert is_time(row["last_modified"])
    assert row["storage_class"] == "standard"
    assert set(row["owner"]) == {"id", "display_name"}

    days = http.get(path, params={"prefix": "logs/2025/07/", "delimiter": "/"}).json()[
        "common_prefixes"
    ]
    assert [one["prefix"][-3:-1] for one in days] == ["04", "05", "06"]
    without = http.get(path, params={"prefix": "logs/"}).json()
    assert "owner" not in without["contents"][0]

    first = http.get(path, params={"prefix": "logs/", "limit": 1}).json()
    assert first["is_truncated"]
    token = first["next_continuation_token"]
    second = http.get(
        path, params={"prefix": "logs/", "limit": 1, "continuation_token": token}
    ).json()
    after = {"prefix": "logs/", "start_after": first["contents"][0]["key"], "limit": 1}
    assert http.get(path, params=after).json()["contents"] == second["contents"]


def test_delete_object(objects, custom):
    marked = objects("DELETE", "custom")
    assert (marked.status_code, marked.content) == (204, b"")
    assert marked.headers["x-amz-delete-marker"] == "true"
    version_id = custom.json()["version_id"]
    gone = objects("DELETE", "custom", params={"version_id": version_id})
    assert gone.status_code == 204
    assert gone.headers["x-amz-delete-marker"] == "false"
    assert gone.headers["x-amz-version-id"] == version_id
    lost = objects("GET", "custom", params={"version_id": version_id})
    refused(lost, 404, "ObjectNotFound")


def test_copy_object(http, objects, custom):
    http.put("/buckets/dest-bucket")
    copied = http.put(
        "/buckets/dest-bucket/objects/dest-key",
        headers={
            "x-amz-copy-source": "/my-bucket/custom",
            "x-amz-copy-source-version-id": custom.json()["version_id"],
            "x-amz-metadata-directive": "COPY",
        },
    )
    assert copied.status_code == 200
    assert set(copied.json()) == {"etag", "last_modified", "version_id"}
    assert copied.json()["etag"] == custom.json()["etag"]
    assert is_time(copied.json()["last_modified"])
    copy = http.get("/buckets/dest-bucket/objects/dest-key")
    assert copy.content == bytes(range(256)) * 4
    assert copy.headers["x-amz-meta-custom"] == "value"
    objects(
        "PUT",
        "replaced",
        headers={
            "x-amz-copy-source": "/my-bucket/custom",
            "x-amz-metadata-directive": "REPLACE",
            "x-amz-meta-other": "new",
        },
    )
    replaced = objects("HEAD", "replaced").headers
    assert replaced["x-amz-meta-other"] == "new"
    assert "x-amz-meta-custom" not in replaced
    http.delete("/buckets/dest-bucket/objects/dest-key")
    assert http.delete("/buckets/dest-bucket").status_code == 204


# Multipart upload


def begin(objects, key="large-file.zip", **headers):
    return objects("POST", f"{key}/uploads", headers=headers).json()["upload_id"]


def test_multipart_upload(objects):
    begun = objects(
        "POST",
        "large-file.zip/uploads",
        headers={
            "Content-Type": "application/zip",
            "x-amz-meta-author": "john",
            "x-amz-storage-class": "cold",
        },
    )
    assert begun.status_code == 200
    facts = begun.json()
    assert set(facts) == {"upload_id", "bucket_name", "object_key"}
    assert facts["bucket_name"] == "my-bucket"
    assert facts["object_key"] == "large-file.zip"
    upload = f"large-file.zip/uploads/{facts['upload_id']}"

    part = b"p" * 5242880
    digest = base64.b64encode(hashlib.md5(part).digest()).decode()
    sent = objects(
        "PUT", f"{upload}/parts/1", content=part, headers={"Content-MD5": digest}
    )
    etag = hashlib.md5(part).hexdigest()
    assert sent.status_code == 200
    assert sent.headers["ETag"] == f'"{etag}"'
    assert sent.json() == {"etag": etag, "part_number": 1, "size": 5242880}
    objects("PUT", f"{upload}/parts/2", content=part)

    listed = objects("GET", f"{upload}/parts").json()
    assert listed["upload_id"] == facts["upload_id"]
    assert listed["bucket_name"] == "my-bucket"
    assert listed["object_key"] == "large-file.zip"
    assert (listed["is_truncated"], listed["next_part_number_marker"]) == (False, None)
    assert [one["part_number"] for one in listed["parts"]] == [1, 2]
    one = listed["parts"][0]
    assert set(one) == {"part_number", "etag", "size", "last_modified"}
    assert (one["etag"], one["size"]) == (etag, 5242880)
    assert is_time(one["last_modified"])
    page = objects("GET", f"{upload}/parts", params={"limit": 1}).json()
    assert (page["is_truncated"], page["next_part_number_marker"]) == (True, 1)
    rest = objects("GET", f"{upload}/parts", params={"part_number_marker": 1}).json()
    assert [one["part_number"] for one in rest["parts"]] == [2]

    done = objects(
        "POST",
        f"{upload}/complete",
        json={
            "parts": [
                {"part_number": 1, "etag": etag},
                {"part_number": 2, "etag": etag},
            ]
        },
    )
    assert done.status_code == 200
    completed = done.json()
    assert completed["location"] == "/buckets/my-bucket/objects/large-file.zip"
    assert completed["bucket_name"] == "my-bucket"
    assert completed["object_key"] == "large-file.zip"
    assert completed["size"] == 10485760
    assert completed["etag"].endswith("-2")
    assert completed["version_id"]
    got = objects("GET", "large-file.zip")
    assert got.content == part * 2
    assert got.headers["Content-Type"] == "application/zip"
    assert got.headers["x-amz-meta-author"] == "john"
    assert got.headers["x-amz-storage-class"] == "cold"


def test_abort_multipart_upload(objects):
    upload = f"large-file.zip/uploads/{begin(objects)}"
    objects("PUT", f"{upload}/parts/1", content=b"x")
    aborted = objects("DELETE", upload)
    assert (aborted.status_code, aborted.content) == (204, b"")
    refused(objects("GET", f"{upload}/parts"), 404, "UploadNotFound")


def test_multipart_errors(objects):
    missing = f"large/uploads/{'A' * 43}"
    refused(objects("PUT", f"{missing}/parts/1", content=b""), 404, "UploadNotFound")
    upload = f"large/uploads/{begin(objects, 'large')}"
    for number in (0, 10_001):
        sent = objects("PUT", f"{upload}/parts/{number}", content=b"x")
        refused(sent, 400, "InvalidPartNumber")
    etag = objects("PUT", f"{upload}/parts/1", content=b"small").json()["etag"]
    objects("PUT", f"{upload}/parts/2", content=b"small")
    short = {"parts": [{"part_number": n, "etag": etag} for n in (1, 2)]}
    done = objects("POST", f"{upload}/complete", json=short)
    refused(done, 400, "InvalidPartSize")
    other = {"parts": [{"part_number": 1, "etag": "part1-etag"}]}
    done = objects("POST", f"{upload}/complete", json=other)
    refused(done, 400, "InvalidPart")
    assert objects("DELETE", upload).status_code == 204


# Error responses


def test_error_format(http):
    answer = http.get("/buckets/non-existent-bucket")
    error = refused(answer, 404, "BucketNotFound")
    assert set(error) == {"code", "message", "details", "request_id", "timestamp"}
    assert error["message"] == "The specified bucket does not exist"
    assert error["details"] == {"bucket_name": "non-existent-bucket"}
    assert error["request_id"]
    assert is_time(error["timestamp"])


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("PUT", "/x", {"json": {"nonsense": 1}}, 400, "InvalidRequest"),
        ("PUT", "/NOT_A_NAME", {}, 400, "InvalidBucketName"),
        ("PUT", f"/my-bucket/objects/{'k' * 1025}", {}, 400, "InvalidObjectKey"),
        (
            "PUT",
            "/my-bucket/objects/k",
            {"content": iter([b"x"])},
            400,
            "MissingContentLength",
        ),
        (
            "GET",
            "",
            {"headers": {"Authorization": "Bearer x"}},
            401,
            "AuthenticationFailed",
        ),
        ("GET", "/no-such-bucket", {}, 404, "BucketNotFound"),
        ("GET", "/my-bucket/objects/no-such-key", {}, 404, "ObjectNotFound"),
        ("PATCH", "/my-bucket", {}, 405, "MethodNotAllowed"),
        ("PUT", "/my-bucket", {}, 409, "BucketAlreadyExists"),
        (
            "PUT",
            "/my-bucket/objects/custom",
            {"headers": {"If-None-Match": "*"}, "content": b"x"},
            412,
            "PreconditionFailed",
        ),
        (
            "GET",
            "/my-bucket/objects/custom",
            {"headers": {"Range": "bytes=9999-"}},
            416,
            "InvalidRange",
        ),
    ],
)
def test_common_error_codes(http, custom, method, path, options, status, code):
    name = "/xyz" if path == "/x" else path
    refused(http.request(method, f"/buckets{name}", **options), status, code)


def sent_raw(store, head, body=b""):
    """Send what no HTTP library would, and give the status line and the body."""
    with socket.create_connection(("127.0.0.1", store.port), timeout=30) as wire:
        wire.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        wire.shutdown(socket.SHUT_WR)
        said = b""
        while chunk := wire.recv(65536):
            said += chunk
    return said.decode()


def test_an_incomplete_body_is_not_stored(live_store, objects):
    sent_raw(
        live_store,
        "PUT /v1/buckets/my-bucket/objects/cut HTTP/1.1\nHost: store\n"
        f"Authorization: Bearer {live_store.api_key}\nContent-Length: 100",
        b"only some",
    )
    refused(objects("GET", "cut"), 404, "ObjectNotFound")


def test_an_invalid_content_length_is_400(live_store, my_bucket):
    said = sent_raw(
        live_store,
        "PUT /v1/buckets/my-bucket/objects/k HTTP/1.1\nHost: store\n"
        f"Authorization: Bearer {live_store.api_key}\nContent-Length: many",
    )
    assert said.startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.InvalidContentLength, "InvalidContentLength", 400),
        (errors.IncompleteBody, "IncompleteBody", 400),
        (errors.InternalError, "InternalError", 500),
        (errors.NotImplemented, "NotImplemented", 501),
        (errors.ServiceUnavailable, "ServiceUnavailable", 503),
        (errors.InsufficientStorage, "InsufficientStorage", 507),
    ],
)
def test_codes_that_no_healthy_server_sends(error, code, status):
    assert (error().code_in_rest, error().status_in_rest) == (code, status)


# Rate limiting


@pytest.fixture(scope="module")
def limited(own_store):
    headers = {"Authorization": f"Bearer {own_store.api_key}"}
    with httpx.Client(base_url=f"{own_store.url}/v1", headers=headers) as client:
        client.put("/buckets/my-bucket")
        yield client


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", "/buckets/my-bucket/objects/file.txt", 5000),
        ("PUT", "/buckets/my-bucket/objects/file.txt", 1000),
        ("DELETE", "/buckets/my-bucket/objects/file.txt", 1000),
        ("GET", "/buckets/my-bucket", 100),
        ("GET", "/buckets/my-bucket/objects", 500),
    ],
)
def test_rate_limits(limited, method, path, limit):
    headers = limited.request(method, path).headers
    assert headers["X-RateLimit-Limit"] == str(limit)
    assert 0 <= int(headers["X-RateLimit-Remaining"]) < limit
    assert headers["X-RateLimit-Window"] == "60"
    left = int(headers["X-RateLimit-Reset"]) - time.time()
    assert -5 <= left <= 65
    counts = {
        limited.request(method, path).headers["X-RateLimit-Remaining"] for _ in range(3)
    }
    assert len(counts) > 1, "nothing is counted"


def test_rate_limit_exceeded(limited):
    """A window may end in between: then the next hundred and one use it up."""
    for _ in range(203):
        answer = limited.get("/buckets/my-bucket")
        if answer.status_code == 429:
            break
    error = refused(answer, 429, "TooManyRequests")
    wait = answer.headers["Retry-After"]
    assert 1 <= int(wait) <= 60
    assert answer.headers["X-RateLimit-Limit"] == "100"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert int(answer.headers["X-RateLimit-Reset"])
    message = f"Rate limit exceeded. Please retry after {wait} seconds."
    assert error["message"] == message
    assert error["request_id"]


# SDK examples


def test_the_python_example(live_store, http, my_bucket, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file.txt").write_bytes(b"some text\n" * 10_000)

    client = objectstore.Client(
        api_key=live_store.api_key,
        endpoint=f"{live_store.url}/v1",
    )

    # Upload object
    with open("file.txt", "rb") as f:
        response = client.put_object(
            bucket="my-bucket",
            key="path/to/file.txt",
            body=f,
            content_type="text/plain",
            metadata={"author": "john"},
        )

    print(f"Object uploaded with ETag: {response['etag']}")

    # Download object
    response = client.get_object(bucket="my-bucket", key="path/to/file.txt")

    with open("downloaded.txt", "wb") as f:
        f.write(response["body"])

    assert Path("downloaded.txt").read_bytes() == Path("file.txt").read_bytes()
    etag = hashlib.md5(Path("file.txt").read_bytes()).hexdigest()
    assert capsys.readouterr().out == f"Object uploaded with ETag: {etag}\n"
    head = client.head_object("my-bucket", "path/to/file.txt")
    assert (head.content_type, head.metadata) == ("text/plain", {"author": "john"})
    client.close()


JAVASCRIPT = """
const ObjectStore = require('@objectstore/client');

const client = new ObjectStore({
  apiKey: 'your-api-key',
  endpoint: 'https://api.objectstore.example.com/v1'
});

(async () => {
const fileBuffer = require('fs').readFileSync('file.txt');
// Upload object
const uploadResponse = await client.putObject({
  bucket: 'my-bucket',
  key: 'path/to/file.txt',
  body: fileBuffer,
  contentType: 'text/plain',
  metadata: { author: 'john' }
});

console.log('Object uploaded with ETag:', uploadResponse.etag);

// Download object
const downloadResponse = await client.getObject({
  bucket: 'my-bucket',
  key: 'path/to/file.txt'
});

const buffer = await downloadResponse.body.buffer();
if (!buffer.equals(fileBuffer)) throw new Error('other bytes came back');
})();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_javascript_example(live_store, my_bucket, shell, tmp_path):
    package = ROOT / "clients" / "javascript"
    subprocess.run(["node", "build.js"], cwd=package, check=True)
    (tmp_path / "node_modules" / "@objectstore").mkdir(parents=True)
    (tmp_path / "node_modules" / "@objectstore" / "client").symlink_to(package)
    (tmp_path / "file.txt").write_bytes(b"some text\n" * 10_000)
    (tmp_path / "example.js").write_text(here(JAVASCRIPT, live_store))
    etag = hashlib.md5((tmp_path / "file.txt").read_bytes()).hexdigest()
    assert shell("node example.js") == f"Object uploaded with ETag: {etag}\n"


CURL = r"""
# Create bucket
curl -X PUT "https://api.objectstore.example.com/v1/buckets/my-bucket" \
  -H "Authorization: Bearer your-api-key" \
  -H "Content-Type: application/json" \
  -d '{"region": "us-west-1"}'

# Upload object
curl -X PUT "https://api.objectstore.example.com/v1/buckets/my-bucket/objects/file.txt" \
  -H "Authorization: Bearer your-api-key" \
  -H "Content-Type: text/plain" \
  --data-binary @file.txt

# Download object
curl -X GET "https://api.objectstore.example.com/v1/buckets/my-bucket/objects/file.txt" \
  -H "Authorization: Bearer your-api-key" \
  -o downloaded-file.txt

# List objects
curl -X GET "https://api.objectstore.example.com/v1/buckets/my-bucket/objects?prefix=logs/" \
  -H "Authorization: Bearer your-api-key"
"""  # noqa: E501 - as it is written there


def here(text, store):
    """Put this store's address and key in the place of the document's."""
    text = text.replace("https://api.objectstore.example.com", store.url)
    return text.replace("your-api-key", store.api_key)


def test_the_curl_examples(live_store, shell, tmp_path):
    (tmp_path / "file.txt").write_text("text\n")
    commands = here(CURL, live_store).replace("my-bucket", "curl-bucket")
    said = shell(commands.replace("curl ", "curl --fail-with-body -sS "))
    assert '"bucket_name":"curl-bucket"' in said
    assert '"region":"us-west-1"' in said
    assert hashlib.md5(b"text\n").hexdigest() in said
    assert '"contents":[]' in said
    assert (tmp_path / "downloaded-file.txt").read_text() == "text\n"
