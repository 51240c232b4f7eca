"""Object operations, as the API reference has them."""

from __future__ import annotations

import base64
import hashlib
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection

from tests.rest.conftest import body

pytestmark = pytest.mark.django_db

DATA = b"0123456789"
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture
def objects(rest):
    rest("PUT", "/my-bucket")
    return lambda method, path, *a, **k: rest(
        method, f"/my-bucket/objects/{path}", *a, **k
    )


def test_the_documented_upload_and_download(objects):
    stored = objects(
        "PUT",
        "path/to/file.txt",
        DATA,
        kind="text/plain",
        Content_MD5=base64.b64encode(hashlib.md5(DATA).digest()).decode(),
        Cache_Control="max-age=60",
        x_amz_meta_custom="value",
        x_amz_storage_class="cold",
    )
    assert stored.status_code == 200
    assert stored["ETag"] == f'"{MD5}"'
    facts = stored.json()
    assert set(facts) == {"object_id", "etag", "size", "version_id"}
    assert (facts["etag"], facts["size"]) == (MD5, 10)
    for method in ("GET", "HEAD"):
        answer = objects(method, "path/to/file.txt")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain"
        assert answer["Content-Length"] == "10"
        assert answer["ETag"] == f'"{MD5}"'
        assert answer["Cache-Control"] == "max-age=60"
        assert answer["x-amz-meta-custom"] == "value"
        assert answer["x-amz-storage-class"] == "cold"
        assert answer["x-amz-version-id"] == "null"
        assert answer["Last-Modified"].endswith(" GMT")
    assert body(objects("GET", "path/to/file.txt")) == DATA


@pytest.mark.parametrize(
    "key",
    [
        "a/b//c",
        "trailing/",
        "100%25",
        "%C3%BC%20x",
        "a+b&c=d",
        "uploads",
        "x/uploads/y",
    ],
)
def test_any_key_is_kept_as_it_is(rest, objects, key):
    assert objects("PUT", key, DATA).status_code == 200
    assert body(objects("GET", key)) == DATA
    assert objects("DELETE", key).status_code == 204
    assert objects("GET", key).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "data", "shown"),
    [
        ("bytes=0-4", 206, b"01234", "bytes 0-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-2", 200, DATA, None),
        ("bytes=0-1,3-4", 200, DATA, None),
    ],
)
def test_ranges(objects, asked, status, data, shown):
    objects("PUT", "key", DATA)
    answer = objects("GET", "key", Range=asked)
    assert (answer.status_code, body(answer)) == (status, data)
    assert answer.headers.get("Content-Range") == shown
    assert answer["Content-Length"] == str(len(data))


def test_conditions(objects):
    etag = objects("PUT", "key", DATA)["ETag"]
    past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT"
    for headers, status in (
        ({"If_Match": etag}, 200),
        ({"If_Match": '"other"'}, 412),
        ({"If_None_Match": etag}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_Modified_Since": past}, 200),
        ({"If_Unmodified_Since": past}, 412),
        ({"If_Unmodified_Since": future}, 200),
    ):
        assert objects("GET", "key", **headers).status_code == status, headers
    unchanged = objects("GET", "key", If_None_Match=etag)
    assert (unchanged.content, unchanged["ETag"]) == (b"", etag)


def test_response_overrides(objects):
    objects("PUT", "key", DATA)
    answer = objects(
        "GET",
        "key?response-content-type=text/csv"
        "&response-content-disposition=attachment%3B%20filename%3Da.csv",
    )
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"] == "attachment; filename=a.csv"


def test_versions(rest, objects):
    rest("PUT", "/my-bucket/versioning", {"enabled": True})
    first = objects("PUT", "key", b"1").json()["version_id"]
    second = objects("PUT", "key", b"2").json()["version_id"]
    assert body(objects("GET", f"key?version_id={first}")) == b"1"
    deleted = objects("DELETE", "key")
    assert deleted["x-amz-delete-marker"] == "true"
    assert objects("GET", "key").status_code == 404
    versions = rest("GET", "/my-bucket/versions").json()["versions"]
    assert [one["version_id"] for one in versions] == [
        deleted["x-amz-version-id"],
        second,
        first,
    ]
    assert [one["is_delete_marker"] for one in versions] == [True, False, False]
    gone = objects("DELETE", f"key?version_id={second}")
    assert (gone["x-amz-delete-marker"], gone["x-amz-version-id"]) == ("false", second)


def test_the_documented_listing(rest, objects):
    for key in ("logs/2025/07/06/app.log", "logs/2025/07/05/a", "logs/x", "other"):
        objects("PUT", key, DATA)
    page = rest("GET", "/my-bucket/objects?prefix=logs/&delimiter=/&fetch_owner=true")
    facts = page.json()
    assert set(facts) == {
        "bucket_name",
        "prefix",
        "delimiter",
        "max_keys",
        "is_truncated",
        "contents",
        "common_prefixes",
        "next_continuation_token",
    }
    assert facts["common_prefixes"] == [{"prefix": "logs/2025/"}]
    (only,) = facts["contents"]
    assert set(only) == {
        "key",
        "size",
        "etag",
        "last_modified",
        "storage_class",
        "owner",
    }
    assert (only["key"], only["etag"], only["size"]) == ("logs/x", MD5, 10)
    assert set(only["owner"]) == {"id", "display_name"}


def test_listing_pages_and_starts_after(rest, objects):
    for number in range(5):
        objects("PUT", f"key-{number}", DATA)
    seen, token = [], ""
    while True:
        page = rest(
            "GET", f"/my-bucket/objects?limit=2&continuation_token={token}"
        ).json()
        seen += [one["key"] for one in page["contents"]]
        token = page["next_continuation_token"]
        if not page["is_truncated"]:
            break
    assert seen == [f"key-{number}" for number in range(5)]
    later = rest("GET", "/my-bucket/objects?start_after=key-3").json()
    assert [one["key"] for one in later["contents"]] == ["key-4"]
    assert "owner" not in later["contents"][0]


@pytest.mark.parametrize("text", ["a%00b", "a%0Ab", "a%0D%0Ab", "a%7Fb"])
def test_an_override_that_no_header_can_hold_is_refused(objects, text):
    objects("PUT", "key", DATA)
    answer = objects("GET", f"key?response-content-disposition={text}")
    assert answer.status_code == 400


def test_an_empty_override_changes_nothing(objects):
    objects("PUT", "key", DATA, kind="text/plain")
    answer = objects("GET", "key?response-content-type=")
    assert answer["Content-Type"] == "text/plain"


def test_copies(rest, objects):
    objects("PUT", "source", DATA, kind="text/plain", x_amz_meta_a="1")
    copied = objects("PUT", "copy", x_amz_copy_source="/my-bucket/source")
    assert set(copied.json()) == {"etag", "last_modified", "version_id"}
    assert objects("HEAD", "copy")["x-amz-meta-a"] == "1"
    objects(
        "PUT",
        "replaced",
        x_amz_copy_source="my-bucket/source",
        x_amz_metadata_directive="REPLACE",
        x_amz_meta_b="2",
    )
    answer = objects("HEAD", "replaced")
    assert answer["x-amz-meta-b"] == "2"
    assert "x-amz-meta-a" not in answer.headers


def test_a_copy_is_made_of_the_source_that_is_meant(objects):
    objects("PUT", "source", DATA)
    source = {"x_amz_copy_source": "/my-bucket/source"}
    other = objects("PUT", "copy", **source, x_amz_copy_source_if_match='"other"')
    assert other.status_code == 412
    assert objects("HEAD", "copy").status_code == 404
    etag = objects("HEAD", "source")["ETag"]
    meant = objects("PUT", "copy", **source, x_amz_copy_source_if_match=etag)
    assert meant.status_code == 200


def test_the_last_page_of_uploads_names_no_next(rest, objects):
    for key in ("a", "b"):
        objects("POST", f"{key}/uploads")
    page = rest("GET", "/my-bucket/uploads?limit=1").json()
    assert (page["is_truncated"], page["next_key_marker"]) == (True, "a")
    after = f"key_marker=a&upload_id_marker={page['next_upload_id_marker']}"
    last = rest("GET", f"/my-bucket/uploads?limit=1&{after}").json()
    assert [one["object_key"] for one in last["uploads"]] == ["b"]
    assert not last["is_truncated"]
    assert last["next_key_marker"] is last["next_upload_id_marker"] is None


def test_deleting_many(rest, objects):
    for key in ("a", "b", "c"):
        objects("PUT", key, DATA)
    outcome = rest(
        "POST", "/my-bucket/delete", {"objects": [{"key": "a"}, {"key": "b"}]}
    ).json()
    assert [one["key"] for one in outcome["deleted"]] == ["a", "b"]
    assert outcome["errors"] == []
    left = rest("GET", "/my-bucket/objects").json()["contents"]
    assert [one["key"] for one in left] == ["c"]


def test_a_signed_url_opens_one_object_for_a_while(rest, objects, client):
    objects("PUT", "ü/key", DATA)
    signed = objects("POST", "ü/key/signed-url", {"expires_in": 60}).json()
    parts = urlsplit(signed["url"])
    path = f"{parts.path}?{parts.query}"
    assert body(client.get(path)) == DATA
    assert client.put(path, b"changed").status_code == 401
    assert client.get(path.replace("key?", "other?")).status_code == 401
    assert client.get(path + "&version_id=null").status_code == 401
    expired = path.replace(f"expires={signed['expires']}", "expires=1")
    assert client.get(expired).status_code == 401


@pytest.mark.parametrize("key", ["a/../b", "./a", "a/.", "..", "a/.../.b"])
def test_a_signed_url_of_lone_dots_is_not_shortened_by_clients(objects, client, key):
    objects("PUT", key, DATA)
    url = objects("POST", f"{key}/signed-url", {}).json()["url"]
    path = httpx.URL(url).raw_path.decode()
    assert path == url.removeprefix("http://testserver")
    assert body(client.get(path)) == DATA


def test_who_comes_with_an_expired_url_is_told_the_rate(objects, client, monkeypatch):
    monkeypatch.setattr("objects.views.time", SimpleNamespace(time=lambda: 0))
    signed = urlsplit(objects("POST", "key/signed-url", {}).json()["url"])
    expired = client.get(f"{signed.path}?{signed.query}")
    assert expired.status_code == 403
    assert "X-RateLimit-Limit" in expired


@pytest.mark.parametrize("path", ["/v1/buckets/my-bucket/objects/key", "/objects/key"])
def test_who_comes_in_two_ways_is_told_the_rate(rest, client, path):
    twice = client.get(f"{path}?X-Amz-Algorithm=x", headers=rest.headers)
    assert twice.status_code == 400
    assert "X-RateLimit-Limit" in twice


def test_the_documented_multipart_upload(rest, objects, settings):
    settings.OBJECTSTORE_MIN_PART = 5
    begun = objects("POST", "large-file.zip/uploads", kind="application/zip").json()
    assert set(begun) == {"upload_id", "bucket_name", "object_key"}
    path = f"large-file.zip/uploads/{begun['upload_id']}"
    parts = []
    for number, data in ((1, b"first"), (2, b"2")):
        sent = objects("PUT", f"{path}/parts/{number}", data)
        assert set(sent.json()) == {"etag", "part_number", "size"}
        assert sent["ETag"] == f'"{sent.json()["etag"]}"'
        parts.append({"part_number": number, "etag": sent.json()["etag"]})
    listed = objects("GET", f"{path}/parts?limit=1").json()
    assert listed["is_truncated"]
    assert listed["next_part_number_marker"] == 1
    assert set(listed["parts"][0]) == {"part_number", "etag", "size", "last_modified"}
    open_uploads = rest("GET", "/my-bucket/uploads").json()["uploads"]
    assert [one["object_key"] for one in open_uploads] == ["large-file.zip"]
    done = objects("POST", f"{path}/complete", {"parts": parts}).json()
    assert done["location"] == "/buckets/my-bucket/objects/large-file.zip"
    assert done["size"] == 6
    assert done["etag"].endswith("-2")
    assert body(objects("GET", "large-file.zip")) == b"first2"


def test_an_aborted_upload_is_gone(objects):
    begun = objects("POST", "key/uploads").json()
    path = f"key/uploads/{begun['upload_id']}"
    assert objects("DELETE", path).status_code == 204
    again = objects("DELETE", path)
    assert again.json()["error"]["code"] == "UploadNotFound"


def test_queries_stay_within_their_budget(rest, objects, django_assert_max_num_queries):
    objects("PUT", "key", DATA)
    with django_assert_max_num_queries(2):
        objects("GET", "key")
    with django_assert_max_num_queries(2):
        objects("HEAD", "key")
    # Beside the four statements of a PUT: the test's savepoint, made and released,
    # and on PostgreSQL the lock that lets one writer of a key in at a time.
    with django_assert_max_num_queries(6 + (connection.vendor == "postgresql")):
        objects("PUT", "new-key", DATA)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("=?UTF-8?B?S8O2bG4=?=", "=?UTF-8?Q?K=C3=B6ln?="),
        ("=?ISO-8859-1?Q?K=F6ln?=", "=?UTF-8?Q?K=C3=B6ln?="),
        ("=?utf-8?q?in_ASCII?=", "in ASCII"),
        ("=?no-such-charset?Q?K?=", "=?no-such-charset?Q?K?="),
        ("=?unicode_escape?Q?=5Cud800?=", "=?unicode_escape?Q?=5Cud800?="),
        ("=?UTF-8?B?S?=", "=?UTF-8?B?S?="),
        ("1 =? 2", "1 =? 2"),
    ],
)
def test_encoded_words_are_decoded_before_they_are_kept(rest, sent, told):
    """AWS, "Working with object metadata": decoded as per RFC 2047 before storing."""
    rest("PUT", "/my-bucket")
    rest("PUT", "/my-bucket/objects/key", DATA, **{"x-amz-meta-town": sent})
    assert rest("HEAD", "/my-bucket/objects/key")["x-amz-meta-town"] == told


def test_encoded_words_bring_no_control_characters(rest):
    rest("PUT", "/my-bucket")
    sent = {"x-amz-meta-town": "=?UTF-8?Q?a=0D=0ASet-Cookie:_b?="}
    answer = rest("PUT", "/my-bucket/objects/key", DATA, **sent)
    assert answer.status_code == 400


def test_metadata_that_is_not_ascii_comes_back_encoded(rest):
    """AWS sends back RFC 2047 words for what HTTP headers cannot carry."""
    rest("PUT", "/my-bucket")
    sent = {"x-amz-meta-town": "Köln".encode().decode("latin-1")}
    rest("PUT", "/my-bucket/objects/key", DATA, **sent)
    head = rest("HEAD", "/my-bucket/objects/key")
    assert head["x-amz-meta-town"] == "=?UTF-8?Q?K=C3=B6ln?="
