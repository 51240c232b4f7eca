"""The object browser looks back in time, and a folder goes back to that."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from console.models import Job
from console.pages.filters import moment_of
from kernel.bodies import Body
from kernel.errors import InvalidArgument
from objects.operations import delete_object, get_object, put_object

LISTS_VERSIONS = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action":'
    ' ["s3:ListBucket", "s3:ListAllMyBuckets", "s3:ListBucketVersions"],'
    ' "Resource": "*"}]}'
)
LISTS = LISTS_VERSIONS.replace(', "s3:ListBucketVersions"', "")


def put(root: Any, bucket: str, key: str, data: bytes) -> Any:
    return put_object(root, bucket, key, body=Body.of(data), now=timezone.now())


@pytest.fixture
def past(root: Any, versioned: str) -> str:
    """A bucket that has changed since the time that is given."""
    put(root, versioned, "docs/plan.txt", b"first")
    put(root, versioned, "docs/old.txt", b"gone later")
    at = datetime.now(UTC)
    # The picker knows whole seconds.
    time.sleep(1 - at.microsecond / 1e6 + 0.01)
    put(root, versioned, "docs/plan.txt", b"second")
    put(root, versioned, "docs/new.txt", b"added later")
    delete_object(root, versioned, "docs/old.txt", now=timezone.now())
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def test_a_folder_is_shown_as_it_was(
    operator: Any, root: Any, versioned: str, past: str
) -> None:
    link = f"/admin/buckets/{versioned}/objects/"
    folders = operator.get(f"{link}?at={past}").content.decode()
    assert f"?prefix=docs%2F&amp;at={quote(past)}" in folders
    text = operator.get(f"{link}?prefix=docs/&at={past}").content.decode()
    assert "old.txt" in text
    assert "new.txt" not in text
    first = root_version(root, versioned, "docs/plan.txt", b"first")
    assert f"key=docs%2Fplan.txt&amp;version={first}" in text
    assert "Bring back to this" in text
    assert ">Delete</button>" not in text
    assert "data-picks" not in text


def root_version(root: Any, bucket: str, key: str, data: bytes) -> str:
    from objects.bulk import versions_of_key

    for one in versions_of_key(root, bucket, key):
        if not one.is_delete_marker and one.size == len(data):
            return one.version_id
    raise AssertionError(key)


def test_going_back_says_first_what_it_will_do(
    operator: Any, root: Any, versioned: str, past: str
) -> None:
    link = f"/admin/buckets/{versioned}/rewind/"
    page = operator.get(f"{link}?prefix=docs/&at={past}")
    changes = page.context["changes"]
    assert (changes.deleted_count, changes.other_count, changes.added_count) == (1,) * 3
    answer = operator.post(link, {"prefix": "docs/", "at": past, "added": "hide"})
    assert answer.status_code == 302
    job = Job.objects.get()
    assert (job.kind, job.state, job.done_count, job.planned_count) == (
        ("rewind", "done", 3, 3)
    )
    assert b"gets a delete marker" in operator.get(answer["Location"]).content
    content = get_object(root, versioned, "docs/plan.txt")
    assert b"".join(content.chunks) == b"first"
    text = operator.get(f"/admin/buckets/{versioned}/objects/?prefix=docs/").content
    assert b"old.txt" in text
    assert b"new.txt" not in text


def test_what_was_added_stays_where_asked_for(
    operator: Any, versioned: str, past: str
) -> None:
    link = f"/admin/buckets/{versioned}/rewind/"
    operator.post(link, {"prefix": "", "at": past, "added": "stay"})
    text = operator.get(f"/admin/buckets/{versioned}/objects/?prefix=docs/").content
    assert b"new.txt" in text
    assert Job.objects.get().done_count == 2


def test_what_is_chosen_goes_back(
    operator: Any, root: Any, versioned: str, past: str
) -> None:
    put(root, versioned, "other/kept.txt", b"stays")
    link = f"/admin/buckets/{versioned}/rewind/"
    given = {"prefix": "docs/", "at": past, "key": ["docs/plan.txt"]}
    asked = operator.post(link, {**given, "chosen": "1"})
    changes = asked.context["changes"]
    assert (changes.deleted_count, changes.other_count, changes.added_count) == (
        0,
        1,
        0,
    )
    assert "1 chosen entry" in asked.content.decode()
    assert not Job.objects.exists()
    answer = operator.post(link, {**given, "added": "stay", "confirmed": "1"})
    assert b"1 chosen" in operator.get(answer["Location"]).content
    job = Job.objects.get()
    assert (job.state, job.done_count, job.planned_count) == ("done", 1, 1)
    content = get_object(root, versioned, "docs/plan.txt")
    assert b"".join(content.chunks) == b"first"
    listed = operator.get(f"/admin/buckets/{versioned}/objects/?prefix=docs/").content
    assert b"new.txt" in listed
    assert b"old.txt" not in listed


def test_nothing_chosen_brings_nothing_back(
    operator: Any, versioned: str, past: str
) -> None:
    given = {"prefix": "docs/", "at": past, "chosen": "1"}
    answer = operator.post(f"/admin/buckets/{versioned}/rewind/", given)
    assert answer.status_code == 400
    assert not Job.objects.exists()


def test_nothing_to_go_back_to(operator: Any, versioned: str, past: str) -> None:
    page = operator.get(f"/admin/buckets/{versioned}/rewind/?at=2099-01-01T00:00")
    assert b"Nothing has changed here since then" in page.content


def test_a_bucket_without_versions_says_why_not(operator: Any, bucket: str) -> None:
    page = operator.get(f"/admin/buckets/{bucket}/objects/")
    assert b"Rewind" not in page.content
    for typed in ("objects", "rewind"):
        past = operator.get(f"/admin/buckets/{bucket}/{typed}/?at=2026-01-01T00:00")
        assert past.status_code == 400
        assert b"keeps no versions" in past.content


def test_rights(sign_in: Any, versioned: str, past: str) -> None:
    lister = sign_in("lister", LISTS)
    link = f"/admin/buckets/{versioned}/objects/"
    assert b"Look back" not in lister.get(link).content
    assert lister.get(f"{link}?at={past}").status_code == 403
    reader = sign_in("reader", LISTS_VERSIONS)
    page = reader.get(f"{link}?at={past}")
    assert page.status_code == 200
    assert b"back to this" not in page.content
    assert b'name="key"' not in page.content
    post = reader.post(
        f"/admin/buckets/{versioned}/rewind/",
        {"prefix": "", "at": past, "added": "hide"},
    )
    assert post.status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00"])
def test_a_time_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InvalidArgument):
        moment_of(text)


def test_a_time_is_the_whole_of_its_second() -> None:
    assert moment_of("2026-05-01T10:30:59").microsecond == 999_999
    assert moment_of("2026-05-01T12:30:00+02:00").hour == 10


# In a real browser


def test_looking_back_and_going_back(
    page: Any, make_bucket: Any, live_store: Any, worker: None
) -> None:
    s3 = make_bucket("diary", is_versioned=True)
    s3.put_object(Bucket="diary", Key="notes/may.txt", Body=b"as written")
    at = datetime.now(UTC)
    time.sleep(1.1)
    s3.put_object(Bucket="diary", Key="notes/may.txt", Body=b"scribbled over")
    s3.put_object(Bucket="diary", Key="notes/junk.txt", Body=b"junk")
    page.goto("/admin/buckets/diary/objects/?prefix=notes/")
    page.get_by_role("link", name="junk.txt", exact=True).wait_for()
    page.locator("summary", has_text="Rewind").press("Enter")
    page.get_by_label("Show what was here at").fill(f"{at:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Look back").press("Enter")
    page.get_by_text("As it was on").wait_for()
    assert page.get_by_role("link", name="junk.txt", exact=True).count() == 0
    page.get_by_role("link", name="Bring this folder back").click()
    page.get_by_role("button", name="Go back to then").click()
    page.get_by_text("done", exact=True).wait_for(timeout=180_000)
    keys = s3.list_objects_v2(Bucket="diary")["Contents"]
    assert [one["Key"] for one in keys] == ["notes/may.txt"]
    body = s3.get_object(Bucket="diary", Key="notes/may.txt")["Body"].read()
    assert body == b"as written"


def test_choosing_what_comes_back(
    page: Any, make_bucket: Any, live_store: Any, worker: None
) -> None:
    s3 = make_bucket("ledger", is_versioned=True)
    for key in ("may.txt", "june.txt"):
        s3.put_object(Bucket="ledger", Key=key, Body=b"as written")
    at = datetime.now(UTC)
    time.sleep(1.1)
    for key in ("may.txt", "june.txt"):
        s3.put_object(Bucket="ledger", Key=key, Body=b"scribbled over")
    page.goto(f"/admin/buckets/ledger/objects/?at={at:%Y-%m-%dT%H:%M:%S}")
    page.check("input[name=key][value='may.txt']")
    page.get_by_text("1 selected").wait_for()
    page.get_by_role("button", name="Bring back to this").press("Enter")
    page.get_by_text("1 chosen entry").wait_for()
    page.get_by_role("button", name="Go back to then").press("Enter")
    page.get_by_text("done", exact=True).wait_for(timeout=180_000)

    def body(key: str) -> bytes:
        return bytes(s3.get_object(Bucket="ledger", Key=key)["Body"].read())

    assert (body("may.txt"), body("june.txt")) == (b"as written", b"scribbled over")
