"""/objects as the key-value document has it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers(api_key):
    return {"Authorization": f"Bearer {api_key}"}


def put(client, headers, path, data=b"value", **more):
    return client.put(
        path,
        data=data,
        content_type=more.pop("content_type", "text/plain"),
        headers={**headers, **more},
    )


def read(response):
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    "key", ["my-key", "a/b//c", "100%25", "%C3%BC", "a+b", "trailing/", "%F0%9F%98%80"]
)
def test_a_key_is_stored_fetched_and_deleted(client, headers, key):
    path = f"/objects/{key}"
    assert put(client, headers, path, b"Hello, World!").status_code == 200
    fetched = client.get(path, headers=headers)
    assert read(fetched) == b"Hello, World!"
    assert fetched["Content-Type"] == "text/plain"
    assert client.head(path, headers=headers)["Content-Length"] == "13"
    assert client.delete(path, headers=headers).status_code == 204
    assert client.get(path, headers=headers).status_code == 404


def test_what_is_not_there_is_404_in_the_reference_format(client, headers):
    for method in (client.get, client.delete):
        answer = method("/objects/nothing", headers=headers)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "ObjectNotFound"
    assert client.head("/objects/nothing", headers=headers).content == b""


def test_listing_pages_through_a_prefix(client, headers):
    for key in ("a/1", "a/2", "a/3", "b"):
        put(client, headers, f"/objects/{key}")
    seen, token = [], ""
    while True:
        page = client.get(
            "/objects",
            {"prefix": "a/", "limit": 2, "continuation_token": token},
            headers=headers,
        ).json()
        seen += [one["key"] for one in page["objects"]]
        token = page["next_continuation_token"]
        if not page["is_truncated"]:
            break
    assert seen == ["a/1", "a/2", "a/3"]


def test_an_empty_store_lists_nothing(client, headers):
    page = client.get("/objects", headers=headers).json()
    assert page == {
        "objects": [],
        "is_truncated": False,
        "next_continuation_token": None,
    }


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1"])
def test_a_limit_out_of_bounds(client, headers, limit):
    put(client, headers, "/objects/key")
    answer = client.get("/objects", {"limit": limit}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidRequest"


def test_either_header_carries_the_key(client, api_key):
    headers = {"X-API-Key": api_key}
    assert put(client, headers, "/objects/key").status_code == 200
    assert client.get("/objects/key", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}]
)
def test_without_a_key_nothing_is_given(client, api_key, headers):
    for answer in (
        client.get("/objects/key", headers=headers),
        client.get("/objects", headers=headers),
        put(client, headers, "/objects/key"),
    ):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "AuthenticationFailed"
        assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("clock")
def test_every_answer_tells_the_rate(client, headers, settings):
    settings.OBJECTSTORE_RATE_LIMITS = {
        **settings.OBJECTSTORE_RATE_LIMITS,
        "object_get": "2/m",
    }
    answers = [client.get("/objects/nothing", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2]["X-RateLimit-Limit"] == "2"
    assert answers[2]["X-RateLimit-Window"] == "60"
    assert 1 <= int(answers[2]["Retry-After"]) <= 60
    assert answers[2].json()["error"]["code"] == "TooManyRequests"


def test_ranges_and_conditions_hold_here_too(client, headers):
    etag = put(client, headers, "/objects/key", b"0123456789")["ETag"]
    part = client.get("/objects/key", headers={**headers, "Range": "bytes=2-4"})
    assert (part.status_code, read(part)) == (206, b"234")
    same = client.get("/objects/key", headers={**headers, "If-None-Match": etag})
    assert same.status_code == 304
    again = put(client, headers, "/objects/key", **{"If-None-Match": "*"})
    assert again.status_code == 412


def test_a_key_is_deleted_only_as_the_one_that_is_meant(client, headers):
    etag = put(client, headers, "/objects/key")["ETag"]
    other = {**headers, "If-Match": '"other"'}
    assert client.delete("/objects/key", headers=other).status_code == 412
    meant = {**headers, "If-Match": etag}
    assert client.delete("/objects/key", headers=meant).status_code == 204


def test_a_copy_that_is_current_keeps_its_type_and_length(client, headers):
    etag = put(client, headers, "/objects/key")["ETag"]
    for ask in (client.get, client.head):
        current = ask("/objects/key", headers={**headers, "If-None-Match": etag})
        assert current.status_code == 304
        assert "Content-Type" not in current
        assert "Content-Length" not in current


def test_accounts_do_not_see_each_others_keys(client, headers, other_root):
    from django.utils import timezone

    from iam.models import Identity
    from iam.operations import create_api_key

    identity = Identity.objects.get(pk=other_root.identity_id)
    other = create_api_key(identity, now=timezone.now()).api_key
    theirs = {"Authorization": f"Bearer {other}"}
    put(client, headers, "/objects/key", b"ours")
    assert client.get("/objects/key", headers=theirs).status_code == 404
    put(client, theirs, "/objects/key", b"theirs")
    assert read(client.get("/objects/key", headers=headers)) == b"ours"


def test_a_deleted_bucket_is_made_again(client, headers, root):
    from django.utils import timezone

    from buckets.operations import delete_bucket

    put(client, headers, "/objects/key")
    client.delete("/objects/key", headers=headers)
    delete_bucket(root, "key-value", now=timezone.now())
    assert client.get("/objects/key", headers=headers).status_code == 404
    assert put(client, headers, "/objects/key").status_code == 200


def test_no_key_is_no_key_of_this_dialect(client, headers):
    for answer in (
        put(client, headers, "/objects/"),
        client.get("/objects/", headers=headers),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "InvalidObjectKey"
