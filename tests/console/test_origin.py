"""An uploaded page has no origin where it would share the console's."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from buckets.operations import create_bucket
from console.pages.buckets import open_to_public
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from objects.operations import put_object

ACTIVE = [
    *("text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "application/xml"),
    # Lists, of which browsers take the last; and what they guess.
    *("image/png,text/html", "text/plain; a=b, text/html", "html", "unknown/unknown"),
    "multipart/x-mixed-replace; boundary=x",
]


@pytest.fixture
def published(root: Any) -> str:
    name = create_bucket(root, "published", now=timezone.now()).name
    open_to_public(root, name)
    return name


def put(root: Any, bucket: str, kind: str) -> None:
    put_object(
        root,
        bucket,
        "page",
        body=Body.of(b"<script>1</script>"),
        attributes=ObjectAttributes(content_type=kind),
        now=timezone.now(),
    )


@pytest.mark.parametrize("kind", ACTIVE)
def test_over_s3(client: Any, root: Any, published: str, kind: str) -> None:
    put(root, published, kind)
    policy = client.get(f"/{published}/page").headers["Content-Security-Policy"]
    assert policy.startswith("sandbox")
    assert "allow-same-origin" not in policy


def test_over_rest_for_who_is_signed_in(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "text/html")
    answer = operator.get(f"/v1/buckets/{bucket}/objects/page")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


def test_plain_bytes_stay_as_they_are(client: Any, root: Any, published: str) -> None:
    put(root, published, "text/plain")
    headers = client.get(f"/{published}/page").headers
    assert "Content-Security-Policy" not in headers


def test_host_of_its_own_needs_no_guard(
    client: Any, root: Any, published: str, settings: Any
) -> None:
    settings.OBJECTSTORE_S3_HOSTS = ["files.example"]
    put(root, published, "text/html")
    headers = client.get(
        f"/{published}/page", headers={"host": "files.example"}
    ).headers
    assert "Content-Security-Policy" not in headers
