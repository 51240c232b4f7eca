"""Who is let into one folder of a bucket works there as others do in a bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.models import Job
from kernel.bodies import Body
from objects.listings import list_objects
from objects.operations import put_object

LISTS = {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::BUCKET",
    "Condition": {"StringLike": {"s3:prefix": "in/*"}},
}
WORKS = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    "Resource": "arn:aws:s3:::BUCKET/in/*",
}
KEYS = ("in/a.txt", "in/sub/b.txt", "out/c.txt")


@pytest.fixture
def ada(sign_in: Any, root: Any, bucket: str) -> Client:
    for key in KEYS:
        put_object(root, bucket, key, body=Body.of(b"data"), now=timezone.now())
    document = {"Version": "2012-10-17", "Statement": [LISTS, WORKS]}
    client: Client = sign_in("ada", json.dumps(document).replace("BUCKET", bucket))
    return client


def test_folder_offers_what_may_be_done_in_it(ada: Client, bucket: str) -> None:
    page = f"/admin/buckets/{bucket}/objects/"
    assert ada.get(page).status_code == 403
    shown = ada.get(f"{page}?prefix=in/").content.decode()
    for words in (
        "New folder",
        "Upload",
        "Purge everything under",
        "Share this folder",
    ):
        assert words in shown
    assert f"/admin/buckets/{bucket}/settings/" not in shown
    assert "os-tabs" not in shown


@pytest.mark.parametrize(
    "chosen", [{"key": "in/a.txt"}, {"folder": "in/sub/"}, {"search": "prefix=in/&q=a"}]
)
@pytest.mark.parametrize("act", ["delete", "transfer", "edit-objects", "store-zip"])
def test_what_is_chosen_in_the_folder_can_be_worked_on(
    ada: Client, bucket: str, act: str, chosen: dict[str, str]
) -> None:
    assert ada.post(f"/admin/buckets/{bucket}/{act}/", chosen).status_code == 200


def test_chosen_are_deleted(ada: Client, root: Any, bucket: str) -> None:
    page = f"/admin/buckets/{bucket}/delete/"
    for key in ("in/a.txt", "out/c.txt"):
        ada.post(page, {"key": key, "confirmed": "1"})
    left = [one.key for one in list_objects(root, bucket).contents]
    assert left == ["in/sub/b.txt", "out/c.txt"]


@pytest.mark.parametrize("chosen", [{"key": "out/c.txt"}, {"folder": "out/"}])
@pytest.mark.parametrize("act", ["delete", "edit-objects", "store-zip"])
def test_what_lies_elsewhere_is_told_nothing_of(
    ada: Client, bucket: str, act: str, chosen: dict[str, str]
) -> None:
    assert ada.post(f"/admin/buckets/{bucket}/{act}/", chosen).status_code == 403


def test_folder_is_purged(ada: Client, bucket: str) -> None:
    page = f"/admin/buckets/{bucket}/purge/"
    assert ada.get(f"{page}?prefix=in/").status_code == 200
    assert ada.get(f"{page}?prefix=out/").status_code == 403
    given = {"prefix": "in/", "scope": "current", "bucket_name": bucket}
    assert ada.post(page, given).status_code == 302
    assert Job.objects.get().failed_count == 0


def test_preview_asks_for_no_right_to_versions(ada: Client, bucket: str) -> None:
    page = f"/admin/buckets/{bucket}/object/?key=in/a.txt"
    assert ada.get(page).context_data["preview"].text == "data"


def test_folder_is_found_by_its_name(ada: Client, bucket: str) -> None:
    def found(text: str) -> bytes:
        return ada.get("/admin/search/", {"s": text}).content

    assert b"Open here" in found(f"{bucket}/in/")
    assert b"Open here" not in found(f"{bucket}/out/")
    assert b"Open here" not in found("none/in/")


def test_way_up_leads_to_ones_own_page(ada: Client) -> None:
    assert ada.get("/admin/buckets/").headers["Location"] == "/admin/mine/"


def crumbs_of(client: Client, address: str) -> list[tuple[str, bool]]:
    """Give the folders on the way to a page, and whether each is a link."""
    context = client.get(address).context_data
    crumbs = context["crumbs"] if "crumbs" in context else context["ways"].crumbs
    return [(one.name, bool(one.link)) for one in crumbs]


@pytest.mark.parametrize(
    "address", ["objects/?prefix=in/sub/", "object/?key=in/sub/b.txt"]
)
def test_crumbs_lead_only_where_one_may_go(
    ada: Client, operator: Client, bucket: str, address: str
) -> None:
    page = f"/admin/buckets/{bucket}/{address}"
    crumbs = crumbs_of(ada, page)
    assert crumbs == [(bucket, False), ("in", True), ("sub", True)]
    text = ada.get(page).content.decode()
    assert '?prefix=in%2F">in</a>' in text
    assert f'title="You may not list this">{bucket}</span>' in text
    assert all(is_link for _, is_link in crumbs_of(operator, page))


def test_crumbs_keep_to_what_is_shown(ada: Client, sign_in: Any, bucket: str) -> None:
    """Who may list the bucket, but versions of a folder alone, sees so."""
    versions = {**LISTS, "Action": "s3:ListBucketVersions"}
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [versions, lists]}
    eve = sign_in("eve", json.dumps(document).replace("BUCKET", bucket))
    page = f"/admin/buckets/{bucket}/objects/?prefix=in/"
    assert crumbs_of(eve, page) == [(bucket, True), ("in", True)]
    assert crumbs_of(eve, f"{page}&show=versions") == [(bucket, False), ("in", True)]


def test_crumbs_cost_no_query_each(
    ada: Client, bucket: str, django_assert_num_queries: Any
) -> None:
    page = f"/admin/buckets/{bucket}/objects/?prefix="
    ada.get(f"{page}in/")
    with CaptureQueriesContext(connection) as few:
        ada.get(f"{page}in/")
    with django_assert_num_queries(len(few)):
        ada.get(f"{page}in/a/b/c/d/e/f/")
