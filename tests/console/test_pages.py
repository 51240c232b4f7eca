"""Every page opens, for those who may, with what it is for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from buckets.configurations import Configuration
from buckets.operations import create_bucket
from console.settings.registry import BY_SLUG, SETTINGS
from console.templatetags.console import nearness
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from objects.operations import delete_object, put_object

PAGES = [
    "",
    "buckets/",
    "create-bucket/",
    "users/",
    "create-user/",
    "groups/",
    "policies/",
    "create-policy/",
    "simulator/",
    "keys/",
    "create-key/",
    "jobs/",
    "audit/",
    "auth/user/",
    "django_celery_beat/periodictask/",
]
BUCKET_PAGES = [
    "",
    "objects/",
    "objects/?show=deleted",
    "objects/?show=versions",
    "objects/?flat=1",
    "objects/?prefix=folder/",
    "object/?key=folder/note.txt",
    "object/?key=gone.txt",
    "unfinished/",
    "purge/",
    "purge/?prefix=folder/",
    "undelete/",
    "lifecycle/",
    *(f"settings/{slug}/" for slug in BY_SLUG),
]


def put(root: Any, bucket: str, key: str, data: bytes = b"data", kind: str = "") -> Any:
    return put_object(
        root,
        bucket,
        key,
        body=Body.of(data),
        attributes=ObjectAttributes(content_type=kind),
        now=timezone.now(),
    )


@pytest.fixture
def filled(root: Any, versioned: str) -> str:
    put(root, versioned, "folder/note.txt", b"hello", "text/plain")
    put(root, versioned, "gone.txt")
    delete_object(root, versioned, "gone.txt", now=timezone.now())
    return versioned


@pytest.mark.parametrize("path", PAGES)
def test_page_opens(operator: Any, path: str) -> None:
    response = operator.get(f"/admin/{path}")
    assert response.status_code == 200
    assert b"Object store" in response.content


@pytest.mark.parametrize("path", BUCKET_PAGES)
def test_bucket_page_opens(operator: Any, filled: str, path: str) -> None:
    response = operator.get(f"/admin/buckets/{filled}/{path}")
    assert response.status_code == 200
    assert filled.encode() in response.content


def test_lifecycle_preview_counts_and_names_what_is_due(
    operator: Any, root: Any, filled: str
) -> None:
    rule = {
        "ID": "notes",
        "Status": "Enabled",
        "Filter": {"Prefix": "folder/"},
        "Expiration": {"Days": 3},
    }
    document = json.dumps({"Rules": [rule]})
    operator.post(
        f"/admin/buckets/{filled}/settings/lifecycle/",
        {"as_json": "1", "document": document},
    )
    response = operator.get(f"/admin/buckets/{filled}/lifecycle/")
    (day,) = response.context_data["days"]
    assert (day.count, day.size) == (1, 5)
    assert b"delete (rule notes)" in response.content


def test_every_configuration_has_a_page() -> None:
    assert {setting.kind for setting in SETTINGS} >= set(Configuration)


def test_login_is_asked_for(client: Any, db: Any) -> None:
    response = client.get("/admin/buckets/")
    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")


def test_login_page_lets_in(client: Any, operator: Any) -> None:
    given = {"username": "operator", "password": "secret"}
    response = client.post("/admin/login/", given)
    assert response.status_code == 302
    assert response.url == "/admin/"


def test_sign_in_without_identity_stays_outside(
    client: Any, django_user_model: Any, db: Any
) -> None:
    client.force_login(django_user_model.objects.create_superuser("nobody"))
    assert client.get("/admin/buckets/").status_code == 302


def test_pages_say_what_may_run_in_them(operator: Any) -> None:
    policy = operator.get("/admin/buckets/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_refusal_is_a_page(operator: Any) -> None:
    response = operator.get("/admin/buckets/there-is-none/objects/")
    assert response.status_code == 404
    assert b"NoSuchBucket" in response.content


def test_search_finds_buckets_people_and_pages(operator: Any, root: Any) -> None:
    create_bucket(root, "photos-of-users", now=timezone.now())
    response = operator.get("/admin/search/", {"s": "users"})
    assert b"photos-of-users" in response.content
    assert b"/admin/users/" in response.content


def test_search_goes_into_a_bucket(operator: Any, bucket: str) -> None:
    response = operator.get("/admin/search/", {"s": f"{bucket}/a/b"})
    assert f"/admin/buckets/{bucket}/objects/?prefix=a%2Fb".encode() in response.content


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(days=2, seconds=-5), "in 2 days"),
        (timedelta(days=1, hours=23), "in 1 day, 23 hours"),
        (timedelta(minutes=5), "in 5 minutes"),
        (timedelta(seconds=20), "within a minute"),
        (timedelta(days=-2), "2 days ago"),
    ],
)
def test_times_are_as_near_as_they_are_said_to_be(
    monkeypatch: Any, ahead: timedelta, said: str
) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert nearness(now + ahead).replace("\xa0", " ") == said
