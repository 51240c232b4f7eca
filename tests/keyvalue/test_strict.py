"""The strict key-value server: its keys, its values, its persistence."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["/kv/", "/"])
def mount(request, settings, api_key):
    """Serve the dialect at its mount, and at the root without keys."""
    if request.param == "/":
        settings.ROOT_URLCONF = "tests.keyvalue.root_urls"
        settings.OBJECTSTORE_KV_ANONYMOUS = True
        return "/", {}
    return "/kv/", {"Authorization": f"Bearer {api_key}"}


def put(client, path, data, headers):
    return client.put(
        path, data=data, content_type="application/octet-stream", headers=headers
    )


def test_the_documents_curl_lines(client, mount):
    root, headers = mount
    assert put(client, f"{root}foo", b"hello world!", headers).status_code == 200
    answer = client.get(f"{root}foo", headers=headers)
    assert b"".join(answer.streaming_content) == b"hello world!"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Length"] == "12"
    assert client.get(f"{root}qux", headers=headers).status_code == 404
    assert client.delete(f"{root}foo", headers=headers).status_code == 204
    assert client.get(f"{root}foo", headers=headers).status_code == 404


@pytest.mark.parametrize("key", ["a", "Z9", "a" * 255])
def test_keys_within_the_rules(client, mount, key):
    root, headers = mount
    assert put(client, root + key, b"x", headers).status_code == 200


@pytest.mark.parametrize("key", ["a" * 256, "a-b", "a_b", "a/b", "%C3%BC", "a%20b"])
def test_keys_outside_the_rules(client, mount, key):
    root, headers = mount
    answer = put(client, root + key, b"x", headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidObjectKey"


def test_values_have_their_limits(client, mount):
    root, headers = mount
    assert put(client, f"{root}k", b"x" * 1024, headers).status_code == 200
    too_long = put(client, f"{root}k", b"x" * 1025, headers)
    assert too_long.json()["error"]["code"] == "EntityTooLarge"
    not_text = put(client, f"{root}k", b"\xff\xfe", headers)
    assert not_text.json()["error"]["code"] == "InvalidRequest"
    answer = client.get(f"{root}k", headers=headers)
    assert b"".join(answer.streaming_content) == b"x" * 1024


def test_without_a_key_only_this_machine_is_served(client, settings, account):
    settings.OBJECTSTORE_KV_ANONYMOUS = True
    here = client.get("/kv/foo", REMOTE_ADDR="127.0.0.1")
    assert here.status_code == 404
    away = client.get("/kv/foo", REMOTE_ADDR="192.0.2.1")
    assert away.status_code == 401
    settings.OBJECTSTORE_KV_ANONYMOUS = False
    assert client.get("/kv/foo", REMOTE_ADDR="127.0.0.1").status_code == 401


def test_serving_everyone_without_keys_is_an_error(settings):
    from keyvalue.apps import check_anonymous_is_local

    settings.OBJECTSTORE_KV_ANONYMOUS = True
    settings.SERVER_HOST = "0.0.0.0"  # noqa: S104 - what the check refuses
    assert [one.id for one in check_anonymous_is_local()] == ["keyvalue.E001"]
    settings.SERVER_HOST = "127.0.0.1"
    assert check_anonymous_is_local() == []


def test_a_key_is_named_as_the_client_names_it(client, mount):
    root, headers = mount
    assert put(client, f"{root}foo", b"x", headers).json()["key"] == "foo"
    missing = client.get(f"{root}qux", headers=headers)
    assert missing.json()["error"]["details"] == {"key": "qux"}


def test_no_key_is_no_key_of_this_dialect(client, mount):
    root, headers = mount
    for path in {root, root.rstrip("/") or "/"}:
        answer = put(client, path, b"x", headers)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "InvalidObjectKey"


def test_a_refused_method_is_told_which_are_allowed(client, mount):
    root, headers = mount
    answer = client.post(f"{root}foo", headers=headers)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, PUT, DELETE"
    assert answer["X-RateLimit-Limit"] == "100"
