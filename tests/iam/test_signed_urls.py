"""Signed URLs: what they open, until when, and that nothing in them can be changed."""

from __future__ import annotations

import time
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iam.signed_urls import sign_query, verify
from kernel.errors import AccessDenied, AuthenticationFailed, ObjectStoreError

SECRET = b"secret"
PATH = "/v1/buckets/bucket/objects/ü key"
EXPIRES = 1_000


def signed(method: str = "GET", **parameters: str) -> str:
    wanted = {"key": "AKEY1", "expires": str(EXPIRES), **parameters}
    return sign_query(SECRET, method=method, path=PATH, parameters=wanted)


def check(query: str, *, method: str = "GET", path: str = PATH, now: int = 0) -> None:
    verify(SECRET, method=method, path=path, query=query, now=now)


def test_it_opens_until_the_second_it_names():
    check(signed(), now=EXPIRES - 1)
    for now in (EXPIRES, EXPIRES + 1):
        with pytest.raises(AccessDenied, match="expired") as refusal:
            check(signed(), now=now)
        assert refusal.value.details["expires"] == str(EXPIRES)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": PATH + "2"},
        {"query": signed().replace("expires=1000", "expires=9999")},
        {"query": signed() + "&expires=9999"},
        {"query": signed() + "&version_id=null"},
        {"query": signed() + "&signature=" + "0" * 64},
        {"query": signed().replace("signature=", "signature=0")},
        {"query": "key=AKEY1&expires=1000"},
        {"query": ""},
    ],
)
def test_what_was_changed_opens_nothing(change):
    with pytest.raises(AuthenticationFailed):
        check(**{"query": signed(), **change})


def test_a_url_for_reading_may_be_asked_for_its_head():
    check(signed("GET"), method="HEAD")
    with pytest.raises(AuthenticationFailed):
        check(signed("PUT"), method="HEAD")


def test_the_order_of_parameters_does_not_matter():
    pairs = parse_qsl(signed(version_id="null"))
    check(urlencode(pairs[::-1]))


@pytest.mark.parametrize("expires", ["", "soon", "-1", "1e9", "²", "9" * 5000])
def test_an_expiry_that_cannot_be_read(expires):
    query = signed(expires=expires)
    with pytest.raises(AuthenticationFailed, match="when it expires"):
        check(query)


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_query_is_refused_by_name(garbage, expires):
    for query in (garbage, f"signature={garbage}", f"expires={expires}&signature=0"):
        with pytest.raises(ObjectStoreError):
            check(query)


@pytest.mark.django_db
def test_over_the_wire_it_ends_when_it_says(client, api_key, bucket, monkeypatch):
    headers = {"Authorization": f"Bearer {api_key}"}
    path = f"/v1/buckets/{bucket}/objects/key"
    client.put(path, b"data", headers=headers)
    answer = client.post(
        f"{path}/signed-url",
        {"expires_in": 60},
        content_type="application/json",
        headers=headers,
    ).json()
    parts = urlsplit(answer["url"])
    url = f"{parts.path}?{parts.query}"
    at = SimpleNamespace(time=time.time)
    monkeypatch.setattr("iam.authenticate.time", at)
    assert client.get(url).status_code == 200
    at.time = lambda: answer["expires"]
    refused = client.get(url)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "AccessDenied"


@pytest.mark.django_db
def test_it_ends_with_the_key_that_made_it(client, api_key, bucket):
    from iam.models import ApiKey

    headers = {"Authorization": f"Bearer {api_key}"}
    path = f"/v1/buckets/{bucket}/objects/key"
    client.put(path, b"data", headers=headers)
    answer = client.post(
        f"{path}/signed-url", {}, content_type="application/json", headers=headers
    ).json()
    parts = urlsplit(answer["url"])
    ApiKey.objects.all().delete()
    assert client.get(f"{parts.path}?{parts.query}").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [0, -1, 604_801, "soon"])
def test_how_long_it_may_last(client, api_key, bucket, seconds):
    answer = client.post(
        f"/v1/buckets/{bucket}/objects/key/signed-url",
        {"expires_in": seconds},
        content_type="application/json",
        headers={"Authorization": f"Bearer {api_key}"},
    )
    assert answer.status_code == 400
