"""Every code of the reference's error tables, provoked over the wire."""

from __future__ import annotations

import base64
import errno
import io
import re
from datetime import datetime

import pytest
from django.core.files.storage import FileSystemStorage

from kernel.database.rows import fetch_one
from kernel.errors import InternalError

pytestmark = pytest.mark.django_db

MIB = 1024**2
BIG = b"x" * 20_000


class FullDisk(FileSystemStorage):
    """A storage whose disk is full."""

    def save(self, name, content, max_length=None):
        raise OSError(errno.ENOSPC, "No space left on device")


class BrokenDisk(FileSystemStorage):
    """A storage that fails."""

    def save(self, name, content, max_length=None):
        raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def bucket_with_object(rest):
    rest("PUT", "/my-bucket")
    rest("PUT", "/my-bucket/objects/key", b"0123456789")


@pytest.fixture
def upload(rest, bucket_with_object):
    begun = rest("POST", "/my-bucket/objects/large/uploads").json()
    return f"/my-bucket/objects/large/uploads/{begun['upload_id']}"


def refuse(answer, status, code):
    """Check the whole of the documented error format."""
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details", "request_id", "timestamp"}
    assert error["code"] == code
    assert error["message"]
    assert error["request_id"] == answer["x-amz-request-id"]
    assert datetime.strptime(error["timestamp"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
    return error


def test_invalid_request(rest):
    refuse(rest("PUT", "/my-bucket", {"nonsense": 1}), 400, "InvalidRequest")
    broken = rest("PUT", "/my-bucket", b"{", kind="application/json")
    refuse(broken, 400, "InvalidRequest")


@pytest.mark.parametrize(
    "name", ["ab", "A-Bucket", "a..b", "192.168.0.1", "a" * 64, "admin", "-ab", "ab-"]
)
def test_invalid_bucket_name(rest, name):
    error = refuse(rest("PUT", f"/{name}"), 400, "InvalidBucketName")
    assert error["details"]["bucket_name"] == name


def test_invalid_object_key(rest, bucket_with_object):
    too_long = rest("PUT", f"/my-bucket/objects/{'k' * 1025}", b"x")
    refuse(too_long, 400, "InvalidObjectKey")
    refuse(rest("PUT", "/my-bucket/objects/a%00b", b"x"), 400, "InvalidObjectKey")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/my-bucket/objects/a%00b"),
        ("DELETE", "/my-bucket/objects/a%00b"),
        ("GET", "/my-bucket/objects/key?version_id=%00"),
        ("GET", "/my%00bucket"),
        ("PUT", "/my%00bucket"),
        ("GET", "?prefix=%00"),
        ("GET", "/my-bucket/objects?prefix=%00"),
        ("GET", "/my-bucket/objects?start_after=%00"),
        ("GET", "/my-bucket/versions?key_marker=%00"),
        ("GET", "/my-bucket/uploads?key_marker=a&upload_id_marker=%00"),
        ("GET", "/my-bucket/objects/k/uploads/a%00/parts"),
    ],
)
def test_a_null_character_finds_nothing_and_fails_nothing(
    rest, bucket_with_object, method, path
):
    assert rest(method, path).status_code in {200, 400, 404}


@pytest.mark.parametrize(
    "source", ["/my-bucket/a%00b", "/my%00bucket/a", "/my-bucket/key?versionId=%00"]
)
def test_a_null_character_names_no_source(rest, bucket_with_object, source):
    answer = rest("PUT", "/my-bucket/objects/x", x_amz_copy_source=source)
    assert answer.status_code in {400, 404}


def test_missing_content_length(rest, bucket_with_object):
    answer = rest.client.put(
        "/v1/buckets/my-bucket/objects/k",
        headers=rest.headers,
        HTTP_TRANSFER_ENCODING="chunked",
        CONTENT_LENGTH="",
    )
    refuse(answer, 400, "MissingContentLength")


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_invalid_content_length(rest, bucket_with_object, length):
    answer = rest.client.put(
        "/v1/buckets/my-bucket/objects/k", headers=rest.headers, CONTENT_LENGTH=length
    )
    refuse(answer, 400, "InvalidContentLength")


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer ", "Basic eDp5"])
def test_authentication_failed(client, db, authorization):
    answer = client.get("/v1/buckets", headers={"Authorization": authorization})
    refuse(answer, 401, "AuthenticationFailed")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_access_denied(client, bucket_with_object):
    refuse(client.get("/v1/buckets/my-bucket/objects/key"), 403, "AccessDenied")
    refuse(client.get("/v1/buckets"), 403, "AccessDenied")


def test_bucket_not_found(rest):
    for method, path in (
        ("GET", "/non-existent-bucket"),
        ("DELETE", "/non-existent-bucket"),
        ("GET", "/non-existent-bucket/objects"),
        ("GET", "/non-existent-bucket/objects/key"),
        ("POST", "/non-existent-bucket/objects/key/uploads"),
    ):
        error = refuse(rest(method, path), 404, "BucketNotFound")
        assert error["details"] == {"bucket_name": "non-existent-bucket"}


def test_object_not_found(rest, bucket_with_object):
    refuse(rest("GET", "/my-bucket/objects/nothing"), 404, "ObjectNotFound")
    version = "/my-bucket/objects/key?version_id=" + "0" * 32
    refuse(rest("GET", version), 404, "ObjectNotFound")
    assert rest("HEAD", "/my-bucket/objects/nothing").content == b""


def test_method_not_allowed(rest, bucket_with_object):
    refuse(rest("PATCH", "/my-bucket/objects/key"), 405, "MethodNotAllowed")
    refuse(rest("POST", "/my-bucket"), 405, "MethodNotAllowed")


def test_bucket_already_exists(rest, bucket_with_object):
    refuse(rest("PUT", "/my-bucket"), 409, "BucketAlreadyExists")


def test_bucket_not_empty(rest, bucket_with_object):
    refuse(rest("DELETE", "/my-bucket"), 409, "BucketNotEmpty")


def test_precondition_failed(rest, bucket_with_object):
    path = "/my-bucket/objects/key"
    refuse(rest("GET", path, If_Match='"x"'), 412, "PreconditionFailed")
    refuse(rest("PUT", path, b"y", If_None_Match="*"), 412, "PreconditionFailed")


def test_invalid_range(rest, bucket_with_object):
    answer = rest("GET", "/my-bucket/objects/key", Range="bytes=10-")
    refuse(answer, 416, "InvalidRange")
    assert answer["Content-Range"] == "bytes */10"


@pytest.mark.usefixtures("clock")
def test_too_many_requests(rest, bucket_with_object, settings):
    settings.OBJECTSTORE_RATE_LIMITS = {
        **settings.OBJECTSTORE_RATE_LIMITS,
        "list": "1/m",
    }
    path = "/my-bucket/objects"
    assert rest("GET", path)["X-RateLimit-Remaining"] == "0"
    answer = rest("GET", path)
    error = refuse(answer, 429, "TooManyRequests")
    assert re.fullmatch(
        r"Rate limit exceeded\. Please retry after \d+ seconds\.", error["message"]
    )
    assert answer["X-RateLimit-Limit"] == "1"
    assert answer["X-RateLimit-Window"] == "60"
    assert int(answer["X-RateLimit-Reset"]) > 1_700_000_000
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_internal_error_tells_nothing(rest, bucket_with_object, monkeypatch, caplog):
    def fail(*arguments, **named):
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr("objects.operations.queries.open_version", fail)
    answer = rest("GET", "/my-bucket/objects/key")
    error = refuse(answer, 500, "InternalError")
    assert error["message"] == InternalError.message
    assert b"secret" not in answer.content
    assert error["request_id"] in caplog.text


@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM not_yet", "SELECT not_yet FROM buckets_bucket"]
)
def test_a_database_that_is_not_migrated_is_away(rest, monkeypatch, statement):
    """Upgrades begin with the database, and web servers may be there before it."""

    def fail(*given, **more):
        fetch_one(statement, [])

    monkeypatch.setattr("buckets.access.queries.get", fail)
    refuse(rest("GET", "/my-bucket"), 503, "ServiceUnavailable")


def test_not_implemented(rest, bucket_with_object):
    answer = rest("PUT", "/my-bucket/objects/key", b"x", If_None_Match='"etag"')
    refuse(answer, 501, "NotImplemented")


def use_storage(settings, tmp_path, name):
    settings.STORAGES = {
        **settings.STORAGES,
        "standard": {
            "BACKEND": f"{__name__}.{name}",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }


def test_service_unavailable(rest, bucket_with_object, settings, tmp_path):
    use_storage(settings, tmp_path, "BrokenDisk")
    answer = rest("PUT", "/my-bucket/objects/key", BIG)
    refuse(answer, 503, "ServiceUnavailable")


def test_insufficient_storage_and_reading_goes_on(
    rest, bucket_with_object, settings, tmp_path
):
    use_storage(settings, tmp_path, "FullDisk")
    refuse(rest("PUT", "/my-bucket/objects/key", BIG), 507, "InsufficientStorage")
    answer = rest("GET", "/my-bucket/objects/key")
    assert b"".join(answer.streaming_content) == b"0123456789"


def test_upload_not_found(rest, bucket_with_object):
    path = "/my-bucket/objects/large/uploads/no-such-upload"
    parts = {"parts": [{"part_number": 1, "etag": "x"}]}
    refuse(rest("PUT", f"{path}/parts/1", b"x"), 404, "UploadNotFound")
    refuse(rest("GET", f"{path}/parts"), 404, "UploadNotFound")
    refuse(rest("POST", f"{path}/complete", parts), 404, "UploadNotFound")


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1"])
def test_invalid_part_number(rest, upload, number):
    answer = rest("PUT", f"{upload}/parts/{number}", b"x")
    refuse(answer, 400, "InvalidPartNumber")


def test_invalid_part_size(rest, upload):
    parts = [
        {
            "part_number": number,
            "etag": rest("PUT", f"{upload}/parts/{number}", b"x").json()["etag"],
        }
        for number in (1, 2)
    ]
    answer = rest("POST", f"{upload}/complete", {"parts": parts})
    refuse(answer, 400, "InvalidPartSize")


def test_invalid_part(rest, upload):
    rest("PUT", f"{upload}/parts/1", b"x")
    wrong = {"parts": [{"part_number": 1, "etag": "0" * 32}]}
    refuse(rest("POST", f"{upload}/complete", wrong), 400, "InvalidPart")


def test_incomplete_body(rest, bucket_with_object):
    answer = rest.client.generic(
        "PUT",
        "/v1/buckets/my-bucket/objects/k",
        b"short",
        headers=rest.headers,
        CONTENT_LENGTH="100",
        **{"wsgi.input": io.BytesIO(b"short")},
    )
    refuse(answer, 400, "IncompleteBody")
    assert rest("GET", "/my-bucket/objects/k").status_code == 404


def test_a_wrong_digest(rest, bucket_with_object):
    wrong = base64.b64encode(b"x" * 16).decode()
    answer = rest("PUT", "/my-bucket/objects/k", b"data", Content_MD5=wrong)
    refuse(answer, 400, "BadDigest")
    assert rest("GET", "/my-bucket/objects/k").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "", "GET, HEAD, OPTIONS"),
        ("PATCH", "/my-bucket", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("POST", "/my-bucket/objects/key", "GET, HEAD, PUT, DELETE, OPTIONS"),
        ("DELETE", "/my-bucket/objects", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_refused_method_is_told_which_are_allowed(
    rest, bucket_with_object, method, path, allowed
):
    answer = rest(method, path)
    error = refuse(answer, 405, "MethodNotAllowed")
    assert set(answer["Allow"].split(", ")) == set(allowed.split(", "))
    assert error["details"] == {"method": method, "allow": answer["Allow"]}
    assert answer["X-RateLimit-Limit"] == "100"


@pytest.mark.parametrize(
    "path", ["/", "/my-bucket/", "/my-bucket/nonsense", "/my-bucket/objects/"]
)
def test_a_path_that_means_nothing_is_refused_as_rest_does(
    rest, bucket_with_object, path
):
    answer = rest("GET", path)
    refuse(answer, 400, "InvalidRequest")
    assert answer["X-RateLimit-Limit"] == "100"


def test_json_sent_as_a_form_is_an_invalid_request(rest):
    form = "application/x-www-form-urlencoded"
    answer = rest("PUT", "/my-bucket", b'{"region": "us-west-1"}', kind=form)
    refuse(answer, 400, "InvalidRequest")


def test_options_of_a_bucket_with_cors_rules_is_answered(rest):
    rule = {"allowed_origins": ["*"], "allowed_methods": ["GET"]}
    assert rest("PUT", "/my-bucket", {"cors": {"rules": [rule]}}).status_code == 201
    assert rest("OPTIONS", "/my-bucket").status_code == 200


def test_a_copy_that_is_current_is_told_what_caches_need(rest):
    rest("PUT", "/my-bucket")
    rest("PUT", "/my-bucket/objects/key", b"x", cache_control="max-age=60")
    whole = rest("HEAD", "/my-bucket/objects/key")
    current = rest("GET", "/my-bucket/objects/key", if_none_match=whole["ETag"])
    assert (current.status_code, current.content) == (304, b"")
    for name in ("ETag", "Last-Modified", "Cache-Control"):
        assert current[name] == whole[name]
    assert current["X-RateLimit-Limit"] == "5000"
    # A cache would take them for those of its copy.
    for name in ("Content-Type", "Content-Length"):
        assert name not in current


def test_no_content_has_no_type(rest, bucket_with_object):
    gone = rest("DELETE", "/my-bucket/objects/key")
    assert gone.status_code == 204
    assert "Content-Type" not in gone


@pytest.mark.parametrize(
    ("path", "argument"),
    [
        ("/my-bucket/objects?continuation_token=none", "continuation_token"),
        ("/my-bucket/objects/key?version_id=none", "version_id"),
        ("/my-bucket/objects?limit=0", "limit"),
    ],
)
def test_an_argument_is_named_as_the_client_named_it(
    rest, bucket_with_object, path, argument
):
    error = refuse(rest("GET", path), 400, "InvalidRequest")
    assert error["details"]["argument_name"] == argument


HALF_A_PAIR = b"\\ud800"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("", b'{"%s": 1}'),
        (
            "/cors",
            b'{"rules": [{"id": "%s", "allowed_origins": ["*"],'
            b' "allowed_methods": ["GET"]}]}',
        ),
        (
            "/lifecycle",
            b'{"rules": [{"id": "%s", "status": "enabled",'
            b' "expiration": {"days": 1}}]}',
        ),
        ("/tags", b'{"tags": {"%s": "value"}}'),
        ("/policy", b'{"Id": "%s", "Version": "2012-10-17", "Statement": []}'),
    ],
)
def test_text_that_is_no_unicode_is_refused(rest, bucket_with_object, path, data):
    """Once kept, it could never be given back."""
    asked = data % HALF_A_PAIR
    answer = rest("PUT", f"/my-bucket{path}", asked, kind="application/json")
    refuse(answer, 400, "InvalidRequest")
    assert rest("GET", "/my-bucket").status_code == 200


def test_a_document_whose_length_is_not_declared_is_not_taken_for_none(rest):
    refuse(
        rest("PUT", "/my-bucket", kind="application/json", transfer_encoding="chunked"),
        400,
        "MissingContentLength",
    )
    assert rest("GET", "/my-bucket").status_code == 404


@pytest.mark.parametrize("path", ["/cors", "/lifecycle"])
def test_who_sends_json_is_told_of_json(rest, bucket_with_object, path):
    error = refuse(
        rest("PUT", f"/my-bucket{path}", {"rules": [{}]}), 400, "InvalidRequest"
    )
    assert "JSON" in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("PUT", "/public-access-block", {"block_public_acl": True}),
        ("PUT", "/tags", {"tags": {}, "more": {}}),
        ("POST", "/objects/key/signed-url", {"expires": 60}),
        ("POST", "/delete", {"objects": [{"key": "key", "versionId": "null"}]}),
        ("POST", "/delete", {"objects": [{"key": "key"}], "quiet": True}),
    ],
)
def test_a_field_that_is_not_known_is_not_passed_over(
    rest, bucket_with_object, method, path, document
):
    """What was meant by it would be left out in silence."""
    refuse(rest(method, f"/my-bucket{path}", document), 400, "InvalidRequest")
    assert rest("HEAD", "/my-bucket/objects/key").status_code == 200
