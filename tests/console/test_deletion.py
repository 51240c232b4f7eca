"""Deleting what was chosen: the page says the truth first, then does that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from buckets.operations import create_bucket, put_bucket_versioning
from console.models import Job
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from objects import bulk
from objects.listings import list_object_versions
from objects.operations import delete_object, put_object
from objects.retention import put_object_legal_hold


def put(root: Any, bucket: str, key: str, data: bytes = b"12345", **more: Any) -> Any:
    return put_object(
        root,
        bucket,
        key,
        body=Body.of(data),
        attributes=ObjectAttributes(**more),
        now=timezone.now(),
    )


def asked(operator: Any, bucket: str, **given: Any) -> str:
    """Give the page that says what would be deleted."""
    return operator.post(f"/admin/buckets/{bucket}/delete/", given).content.decode()


def left(root: Any, bucket: str) -> list[str]:
    return [one.version_id for one in list_object_versions(root, bucket).versions]


@pytest.fixture
def locked(root: Any) -> str:
    create_bucket(root, "locked", has_object_lock=True, now=timezone.now())
    return "locked"


def test_versions_are_counted_and_weighed(
    operator: Any, root: Any, versioned: str
) -> None:
    old = put(root, versioned, "a", b"123")
    new = put(root, versioned, "a", b"1234")
    delete_object(root, versioned, "b", now=timezone.now())
    listed = list_object_versions(root, versioned).versions
    marker = next(one.version_id for one in listed if one.key == "b")
    text = asked(
        operator,
        versioned,
        version=[f"{old.version_id} a", f"{new.version_id} a", f"{marker} b"],
    )
    assert "1 current version, 1 earlier version, 1 delete marker</strong>, 7" in text
    assert "deleted for good" in text
    assert "shows again" in text


def test_markers_alone_are_not_said_to_be_lost(
    operator: Any, root: Any, versioned: str
) -> None:
    put(root, versioned, "a")
    delete_object(root, versioned, "a", now=timezone.now())
    marker = left(root, versioned)[0]
    text = asked(operator, versioned, version=f"{marker} a")
    assert "deleted for good" not in text


def test_locked_versions_are_told_before(operator: Any, root: Any, locked: str) -> None:
    held = put(root, locked, "held")
    put_object_legal_hold(root, locked, "held", is_held=True)
    text = asked(operator, locked, version=f"{held.version_id} held")
    assert "1 version is locked and will be refused" in text


def test_governance_is_bypassed_by_who_may(
    operator: Any, root: Any, locked: str
) -> None:
    kept = put(
        root,
        locked,
        "kept",
        lock_mode="GOVERNANCE",
        retain_until=timezone.now() + timedelta(days=1),
    )
    given = {"version": f"{kept.version_id} kept", "confirmed": "1"}
    page = f"/admin/buckets/{locked}/delete/"
    operator.post(page, given)
    assert left(root, locked) == [kept.version_id]
    assert 'name="bypass"' in asked(operator, locked, version=given["version"])
    operator.post(page, {**given, "bypass": "1"})
    assert left(root, locked) == []


def test_suspended_bucket_does_not_promise_an_undo(
    operator: Any, root: Any, versioned: str
) -> None:
    put_bucket_versioning(root, versioned, "Suspended")
    put(root, versioned, "folder/a")
    for given in ({"key": "folder/a"}, {"folder": "folder/"}):
        text = asked(operator, versioned, **given)
        assert "This can be undone" not in text
        assert "for good for what was written since" in text
    purge = operator.get(f"/admin/buckets/{versioned}/purge/").content.decode()
    assert "Each gets a delete marker and can be undeleted" not in purge


def test_versions_of_an_object_are_deleted_by_way_of_the_page(
    operator: Any, root: Any, versioned: str
) -> None:
    """A question in a script alone would be asked of nobody without one."""
    first = put(root, versioned, "a b", b"first")
    put(root, versioned, "a b", b"second")
    link = f"/admin/buckets/{versioned}/object/?{urlencode({'key': 'a b'})}"
    text = operator.get(link).content.decode()
    assert f'name="version" value="{first.version_id} a b"' in text
    given = {"version": f"{first.version_id} a b", "next": link}
    page = f"/admin/buckets/{versioned}/delete/"
    assert "1 earlier version" in operator.post(page, given).content.decode()
    assert len(left(root, versioned)) == 2
    gone = operator.post(page, {**given, "confirmed": "1"})
    assert gone["Location"] == link
    assert len(left(root, versioned)) == 1


def test_nothing_chosen_undeletes_nothing(
    operator: Any, root: Any, versioned: str
) -> None:
    put(root, versioned, "a")
    delete_object(root, versioned, "a", now=timezone.now())
    page = f"/admin/buckets/{versioned}/undelete/"
    assert operator.post(page, {"next": "/admin/"}).status_code == 400
    assert not Job.objects.exists()


def test_locks_that_were_not_all_counted_are_said_so(
    operator: Any, root: Any, locked: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bulk, "MOST_WEIGHED", 1)
    put(root, locked, "a")
    put(root, locked, "b")
    text = operator.get(f"/admin/buckets/{locked}/purge/").content.decode()
    assert "Locks were looked for among the first" in text
