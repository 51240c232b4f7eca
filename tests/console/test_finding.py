"""The browser's search, filters and sorting, and what is done to many at once."""

from __future__ import annotations

import json
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from buckets.operations import create_bucket, put_bucket_versioning
from console.models import Job
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from objects.edits import Edit, changed
from objects.listings import list_objects
from objects.operations import delete_object, head_object, put_object

NOW = timezone.now()


@pytest.fixture
def store(root: Any) -> Any:
    """A bucket with a few of everything."""
    create_bucket(root, "many", now=NOW)
    for key, size, content_type, tags, days in (
        ("2025/summer.jpg", 5000, "image/jpeg", {"team": "red"}, 400),
        ("2026/report.pdf", 3000, "application/pdf", {}, 20),
        ("2026/Summer trip.jpg", 9000, "image/jpeg", {"team": "blue"}, 2),
        ("notes.txt", 10, "text/plain", {"team": "red"}, 1),
    ):
        put_object(
            root,
            "many",
            key,
            body=Body.of(b"x" * size),
            attributes=ObjectAttributes(content_type=content_type, tags=tags),
            now=NOW - timedelta(days=days),
        )
    return root


def shown(client: Client, query: str = "") -> list[str]:
    """Give the keys that the browser's page lists."""
    answer = client.get(f"/admin/buckets/many/objects/{query}")
    assert answer.status_code == 200, unescape(answer.content.decode())[:2000]
    return [one.key for one in answer.context["listed"].objects]


def keys(root: Any, bucket: str = "many", prefix: str = "") -> list[str]:
    return [row.key for row in list_objects(root, bucket, prefix=prefix).contents]


def newest_job() -> Job:
    job = Job.objects.latest("id")
    assert (job.state, job.failed_count) == ("done", 0), (job.error, job.failures)
    return job


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=summer", ["2025/summer.jpg", "2026/Summer trip.jpg"]),
        ("?q=summer&prefix=2026/", ["2026/Summer trip.jpg"]),
        ("?q=*.pdf", ["2026/report.pdf"]),
        ("?min=3+kib&max=6k", ["2025/summer.jpg"]),
        ("?type=image/", ["2025/summer.jpg", "2026/Summer trip.jpg"]),
        ("?tag=team%3Dred", ["2025/summer.jpg", "notes.txt"]),
        ("?tag=team&q=txt", ["notes.txt"]),
        ("?class=cold", []),
        (f"?min={'9' * 400}", []),
        ("?min=99999999999999t", []),
        (f"?since={(NOW - timedelta(days=3)).date()}&type=text", ["notes.txt"]),
        (f"?until={(NOW - timedelta(days=300)).date()}", ["2025/summer.jpg"]),
        ("?sort=-size&type=image", ["2026/Summer trip.jpg", "2025/summer.jpg"]),
        (
            "?sort=changed",
            ["2025/summer.jpg", "2026/report.pdf", "2026/Summer trip.jpg", "notes.txt"],
        ),
        ("?sort=-name&prefix=2026/", ["2026/report.pdf", "2026/Summer trip.jpg"]),
    ],
)
def test_the_address_says_what_is_looked_for(
    store: Any, operator: Client, query: str, expected: list[str]
) -> None:
    assert shown(operator, query) == expected


def test_ways_to_list_are_not_offered_for_what_was_found(
    store: Any, operator: Client
) -> None:
    listed, found = (
        operator.get(f"/admin/buckets/many/objects/{query}").content.decode()
        for query in ("", "?q=summer")
    )
    assert ("How to show it" in listed, "How to show it" in found) == (True, False)


@pytest.mark.parametrize(
    "query",
    [
        "?min=much",
        "?since=yesterday",
        "?sort=colour",
        "?state=lost",
        "?q=%00",
        "?at=9999-12-31T23:59-14:00",
        "?at=0001-01-01T00:00%2B14:00",
    ],
)
def test_what_cannot_be_read_is_refused_with_words(
    store: Any, operator: Client, query: str
) -> None:
    answer = operator.get(f"/admin/buckets/many/objects/{query}")
    assert answer.status_code == 400


def test_the_last_day_of_all_is_a_day(store: Any, operator: Client) -> None:
    assert shown(operator, "?q=notes&until=9999-12-31") == ["notes.txt"]


def test_deleted_keys_are_found_and_brought_back(store: Any, operator: Client) -> None:
    put_bucket_versioning(store, "many", "Enabled")
    for key in ("notes.txt", "2026/report.pdf"):
        delete_object(store, "many", key, now=NOW)
    # Deleted twice, as by two who did not know of each other.
    delete_object(store, "many", "notes.txt", now=NOW)
    assert shown(operator, "?state=deleted&q=notes") == ["notes.txt"]
    operator.post("/admin/buckets/many/undelete/", {"search": "state=deleted&q=notes"})
    assert newest_job().done_count == 1
    assert shown(operator, "?state=deleted") == ["2026/report.pdf"]
    assert "notes.txt" in keys(store)


def test_headings_lead_to_both_orders_and_back(store: Any, operator: Client) -> None:
    links = []
    query = ""
    for _ in range(3):
        answer = operator.get(f"/admin/buckets/many/objects/{query}")
        query = answer.context["columns"][1].link
        links.append(query)
    assert links == ["?sort=-size", "?sort=size", "?"]


def test_chips_lead_to_the_search_without_them(store: Any, operator: Client) -> None:
    answer = operator.get("/admin/buckets/many/objects/?q=s&type=image/&sort=-size")
    links = {chip["text"]: chip["link"] for chip in answer.context["chips"]}
    assert links["name: s"] == f"?{urlencode({'type': 'image/', 'sort': '-size'})}"
    assert links["type: image/"] == "?q=s&sort=-size"
    assert answer.context["without_search"] == "?"


def test_a_lister_is_not_offered_tags_or_deleted_keys(store: Any, sign_in: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": "*",
    }
    client = sign_in(
        "lister", json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    page = client.get("/admin/buckets/many/objects/?q=summer").content.decode()
    assert 'name="tag"' not in page
    assert 'value="deleted"' not in page
    assert "edit-objects" not in page
    for query in ("?tag=team", "?state=deleted"):
        answer = client.get(f"/admin/buckets/many/objects/{query}")
        assert answer.status_code == 403
    refused = client.post(
        "/admin/buckets/many/edit-objects/",
        {"search": "", "confirmed": "1", "tags": "a=b"},
    )
    assert refused.status_code == 403
    assert not Job.objects.exists()


def test_delete_of_all_that_match_says_first_how_much(
    store: Any, operator: Client
) -> None:
    form = {"search": "q=summer&prefix="}
    page = operator.post("/admin/buckets/many/delete/", form).content.decode()
    assert "All that match “name: summer” in the bucket" in unescape(page)
    assert "2 objects" in page
    assert len(keys(store)) == 4
    operator.post("/admin/buckets/many/delete/", {**form, "confirmed": "1"})
    assert keys(store) == ["2026/report.pdf", "notes.txt"]
    job = newest_job()
    assert (job.planned_count, job.done_count, job.done_size) == (2, 2, 14_000)


@pytest.mark.parametrize("kind", ["copy", "move"])
def test_all_that_match_go_to_a_folder_of_the_same_bucket(
    store: Any, operator: Client, kind: str
) -> None:
    operator.post(
        "/admin/buckets/many/transfer/",
        {
            "search": "q=*.jpg",
            "kind": kind,
            "confirmed": "1",
            "bucket": "many",
            "target": "2025/pictures/",
        },
    )
    newest_job()
    new = ["2025/pictures/2025/summer.jpg", "2025/pictures/2026/Summer trip.jpg"]
    assert keys(store, prefix="2025/pictures/") == new
    old = [key for key in keys(store) if key not in new and key.endswith(".jpg")]
    assert len(old) == (2 if kind == "copy" else 0)


def test_edit_changes_what_it_says_and_nothing_else(
    store: Any, operator: Client
) -> None:
    preview = operator.post("/admin/buckets/many/edit-objects/", {"search": "tag=team"})
    assert preview.context["matches"].count == 3
    form = {
        "confirmed": "1",
        "key": ["notes.txt"],
        "folder": ["2026/"],
        "tags": "project=moon",
        "tags_gone": "team",
        "metadata": "owner=ada",
        "cache_control": "no-store",
        "storage_class": "cold",
    }
    operator.post("/admin/buckets/many/edit-objects/", form)
    job = newest_job()
    assert (job.planned_count, job.done_count) == (3, 3)
    told = unescape(operator.get(f"/admin/jobs/{job.pk}/").content.decode())
    assert "2026/, notes.txt" in told
    assert (
        "Cache-Control: no-store; metadata owner = ada; tag team taken away;"
        " tag project = moon; class cold" in told
    )
    for key in ("notes.txt", "2026/report.pdf", "2026/Summer trip.jpg"):
        info = head_object(store, "many", key).info
        assert info.tags == {"project": "moon"}
        assert info.metadata == {"owner": "ada"}
        assert info.headers == {"Cache-Control": "no-store"}
        assert info.storage_class == "cold"
    assert head_object(store, "many", "notes.txt").info.content_type == "text/plain"
    assert head_object(store, "many", "notes.txt").info.size == 10
    left = head_object(store, "many", "2025/summer.jpg").info
    assert (left.tags, left.storage_class) == ({"team": "red"}, "standard")


def test_edit_of_tags_alone_makes_no_version(store: Any, operator: Client) -> None:
    put_bucket_versioning(store, "many", "Enabled")
    before = head_object(store, "many", "notes.txt").info.version_id
    form = {"search": "q=notes", "confirmed": "1", "tags": "a=b"}
    operator.post("/admin/buckets/many/edit-objects/", form)
    newest_job()
    info = head_object(store, "many", "notes.txt").info
    assert (info.version_id, info.tags) == (before, {"team": "red", "a": "b"})


def test_edit_that_cannot_be_is_refused_in_the_form(
    store: Any, operator: Client
) -> None:
    for fields, words in (
        ({}, "Say what is to be different."),
        ({"tags": "aws:x=1"}, "tag"),
        ({"tags": "no sign"}, "name=value"),
        ({"hold": "on"}, "Say what is to be different."),
    ):
        form = {"search": "", "confirmed": "1", **fields}
        answer = operator.post("/admin/buckets/many/edit-objects/", form)
        assert answer.status_code == 400, fields
        assert words in unescape(answer.content.decode()), fields
    assert not Job.objects.exists()


def test_locks_are_put_on_many_and_found(root: Any, operator: Client) -> None:
    create_bucket(root, "many", has_object_lock=True, now=NOW)
    for key in ("a/1", "a/2", "b"):
        put_object(root, "many", key, body=Body.of(b"x"), now=NOW)
    until = NOW + timedelta(days=9)
    form = {
        "search": "prefix=a/",
        "confirmed": "1",
        "mode": "GOVERNANCE",
        "until": until.strftime("%Y-%m-%dT%H:%M"),
        "hold": "on",
    }
    operator.post("/admin/buckets/many/edit-objects/", form)
    assert newest_job().done_count == 2
    info = head_object(root, "many", "a/1").info
    assert (info.lock_mode, info.has_legal_hold) == ("GOVERNANCE", True)
    assert shown(operator, "?state=locked") == ["a/1", "a/2"]
    lift = {"search": "state=locked", "confirmed": "1", "hold": "off"}
    operator.post("/admin/buckets/many/edit-objects/", lift)
    newest_job()
    assert not head_object(root, "many", "a/1").info.has_legal_hold


def test_an_edit_outlives_its_request_as_facts() -> None:
    edit = Edit(
        tags={"a": "b", "c": None},
        lock_mode="GOVERNANCE",
        retain_until=NOW,
        has_legal_hold=False,
    )
    assert Edit.of(json.loads(json.dumps(edit.as_facts()))) == edit
    assert Edit().says_nothing
    assert not edit.says_nothing
    assert changed({"a": "1", "c": "2", "d": "3"}, edit.tags) == {"a": "b", "d": "3"}
