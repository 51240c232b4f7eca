"""What others do between a job's or a request's reading and its writing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from blobs import queries as blob_queries
from blobs.models import Blob
from buckets.operations import put_bucket_versioning
from kernel.bodies import Body
from kernel.errors import (
    AccessDenied,
    NoSuchKey,
    OperationAborted,
    RestoreAlreadyInProgress,
)
from kernel.results import ObjectAttributes
from lifecycle import operations, restores, transitions
from lifecycle.models import LifecycleOutcome
from objects import copies, retention
from objects import restores as objects_restores
from objects.listings import list_object_versions
from objects.models import ObjectVersion, RestoreJob
from objects.operations import delete_object, put_object
from objects.restores import restore_object
from objects.retention import put_object_legal_hold, put_object_retention
from tests.lifecycle.conftest import NOW, Shelf, days_ago

ARCHIVED = ObjectAttributes(storage_class="archive")
EXPIRE = {
    "Expiration": {"ExpiredObjectDeleteMarker": True},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
}
side_by_side = pytest.mark.skipif(
    "connection.vendor == 'sqlite'", reason="SQLite lets one writer in at a time"
)


def first(monkeypatch: Any, module: Any, name: str, happens: Callable[[], Any]) -> None:
    """Let something happen once, right after the module's function has returned."""
    function, left = getattr(module, name), [happens]

    def and_then(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        if left:
            left.pop()()
        return result

    monkeypatch.setattr(module, name, and_then)


def together(number: int, work: Callable[[], Any]) -> list[Any]:
    """Do the same in several threads; give what each returned or raised."""
    outcomes: list[Any] = []

    def run() -> None:
        try:
            outcomes.append(work())
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db
def test_a_write_in_the_place_of_an_expired_marker_is_kept(kept: Shelf) -> None:
    """The bucket is suspended, so the write takes the marker away."""
    kept.put("key", age=9)
    rules = operations.rule_set(kept.rules(EXPIRE))
    put_bucket_versioning(kept.principal, kept.name, "Suspended")
    kept.delete("key", age=5)
    run = operations.run_lifecycle(kept.name, now=days_ago(8))
    bucket = operations.find_bucket(kept.name)
    assert run is not None
    worker = operations.Runner(bucket, rules, run, NOW, lambda: NOW)
    batches = operations.queries.batches(
        bucket.id, bucket.versioning, rules, horizon=NOW, size=10
    )
    decisions = [
        # As `decide` gives them for a marker that the run itself is about to add.
        one._replace(version=one.version._replace(id=0))
        if one.version.is_delete_marker
        else one
        for batch in batches
        for versions in batch.keys
        for one in operations.decide(rules, versions, bucket.versioning, NOW)
    ]
    assert [bool(one.version.is_delete_marker) for one in decisions] == [False, True]
    kept.put("key", age=0, data=b"new")
    worker.carry_out(decisions)
    assert kept.keys == ["key"]


@pytest.mark.django_db
def test_bytes_that_go_while_they_are_copied_stop_no_run(
    plain: Shelf, monkeypatch: Any
) -> None:
    plain.put("key", age=9)
    plain.put("other", age=9)
    plain.rules(
        {"Filter": {}, "Transitions": [{"Days": 1, "StorageClass": "cold"}]},
    )
    first(monkeypatch, blob_queries, "get", lambda: plain.delete("key", age=0))
    assert plain.run() == {("rule-0", "Transition", "cold"): (1, 4)}


@pytest.mark.django_db
def test_a_copy_whose_whole_was_given_up_is_given_up(plain: Shelf) -> None:
    whole = transitions.add_pending_composite(
        blob_queries.BlobInfo(0, "composite", "", "", 0, None, None), "cold", NOW
    )
    blob_queries.discard_pending(whole, NOW)
    part_blob = blob_queries.add_inline("standard", 1, b"x", "", NOW)
    original = blob_queries.add_composite("standard", NOW)
    part = transitions.Part.objects.create(
        whole_id=original, number=1, blob_id=part_blob, size=1, created_at=NOW
    )
    with pytest.raises(transitions.ServiceUnavailable):
        transitions.copy_part(part, whole, "cold", lambda: NOW)


@pytest.mark.django_db
def test_of_two_restores_at_once_one_is_told_of_the_other(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put_object(
        root,
        bucket,
        "key",
        body=Body.of(b"x" * 20_000),
        attributes=ARCHIVED,
        now=timezone.now(),
    )

    def restore(days: int) -> Any:
        now = timezone.now()
        return restore_object(root, bucket, "key", days=days, now=now)

    first(monkeypatch, objects_restores, "find_object", lambda: restore(2))
    with pytest.raises(RestoreAlreadyInProgress):
        restore(9)
    assert RestoreJob.objects.get().days == 2


@side_by_side
@pytest.mark.django_db(transaction=True)
def test_many_restores_side_by_side_make_one_copy(
    root: Any, bucket: str, monkeypatch: Any, stored: None
) -> None:
    put_object(
        root,
        bucket,
        "key",
        body=Body.of(b"bytes"),
        attributes=ARCHIVED,
        now=timezone.now(),
    )
    all_have_read = threading.Barrier(4)
    find = objects_restores.find_object

    def find_with_others(*arguments: Any, **options: Any) -> Any:
        found = find(*arguments, **options)
        all_have_read.wait(timeout=30)
        return found

    monkeypatch.setattr(objects_restores, "find_object", find_with_others)
    now = timezone.now()
    outcomes = together(
        4, lambda: restore_object(root, bucket, "key", days=2, now=now)[1]
    )
    refused = [one for one in outcomes if isinstance(one, RestoreAlreadyInProgress)]
    assert (outcomes.count(False), len(refused)) == (1, 3)

    due = timezone.now() + timedelta(days=1)
    done = together(
        3, lambda: restores.carry_out_restores(restores.due_jobs(due), now=due).made
    )
    assert sorted(done) == [0, 0, 1]
    live = Blob.objects.filter(state="live")
    assert sorted(live.values_list("storage_class", flat=True)) == [
        "archive",
        "standard",
    ]


@side_by_side
@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_bucket_do_each_thing_once(
    root: Any, versioned: str
) -> None:
    shelf = Shelf(root, versioned)
    for number in range(150):
        shelf.put(f"old/{number:03}", age=9)
        shelf.put(f"cold/{number:03}", age=9)
    shelf.rules(
        {"Filter": {"Prefix": "old/"}, "Expiration": {"Days": 1}},
        {
            "Filter": {"Prefix": "cold/"},
            "Transitions": [{"Days": 1, "StorageClass": "cold"}],
        },
    )
    outcomes = together(
        3, lambda: operations.run_lifecycle(shelf.name, now=NOW) is not None
    )
    assert outcomes == [True] * 3
    counts = LifecycleOutcome.objects.values_list("action", "count", "size")
    assert sorted(counts) == [("Expiration", 150, 600), ("Transition", 150, 600)]
    moved = ObjectVersion.objects.filter(key__startswith="cold/")
    assert set(moved.values_list("storage_class", flat=True)) == {"cold"}
    assert Blob.objects.filter(kind="inline").count() == 300


@pytest.mark.django_db
def test_retention_that_another_has_just_lengthened_is_not_shortened(
    locked: Shelf, monkeypatch: Any
) -> None:
    locked.put("key", age=0)
    root, now = locked.principal, timezone.now()

    def protect(days: int) -> None:
        put_object_retention(
            root,
            locked.name,
            "key",
            "COMPLIANCE",
            now + timedelta(days=days),
            now=now,
        )

    first(monkeypatch, retention, "find_object", lambda: protect(30))
    with pytest.raises(AccessDenied):
        protect(1)


@pytest.mark.django_db
def test_what_has_just_been_deleted_cannot_be_held(
    locked: Shelf, monkeypatch: Any
) -> None:
    locked.put("key", age=0)
    root, name = locked.principal, locked.name
    (version,) = list_object_versions(root, name).versions

    def delete() -> None:
        delete_object(
            root, name, "key", version_id=version.version_id, now=timezone.now()
        )

    first(monkeypatch, retention, "find_object", delete)
    with pytest.raises(NoSuchKey):
        put_object_legal_hold(root, name, "key", is_held=True)


@pytest.mark.django_db
def test_a_rename_names_no_bytes_that_a_transition_has_just_left(
    plain: Shelf, monkeypatch: Any, stored: None
) -> None:
    plain.put("key", age=9)
    plain.rules(
        {"Filter": {}, "Transitions": [{"Days": 1, "StorageClass": "cold"}]},
    )
    first(monkeypatch, copies, "find_source", plain.run)
    with pytest.raises(OperationAborted):
        copies.rename_object(plain.principal, plain.name, "key", "other", now=NOW)
    assert plain.keys == ["key"]
    copies.rename_object(plain.principal, plain.name, "key", "other", now=NOW)
    assert Blob.objects.filter(state="live").count() == 1


@pytest.mark.django_db
def test_versioning_that_was_turned_on_during_a_run_keeps_versions(
    plain: Shelf, monkeypatch: Any
) -> None:
    plain.put("key", age=9)
    plain.rules({"Filter": {}, "Expiration": {"Days": 1}})

    def turn_on() -> None:
        put_bucket_versioning(plain.principal, plain.name, "Enabled")

    first(monkeypatch, operations, "find_bucket", turn_on)
    assert plain.run() == {("rule-0", "Expiration", ""): (1, 4)}
    assert [is_marker for _, is_marker, _ in plain.versions] == [True, False]
