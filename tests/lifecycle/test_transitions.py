"""Transitions move bytes, check them, and lose none whatever happens."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages

from blobs import store
from blobs.models import Blob
from kernel.bodies import Body
from kernel.results import CUSTOMER, CompletedPart, CustomerKey, ObjectAttributes
from lifecycle import housekeeping, integrity, operations, transitions
from lifecycle.models import LifecycleRun
from objects.copies import CopySource, copy_object
from objects.multipart import (
    complete_multipart_upload,
    create_multipart_upload,
    upload_part,
)
from objects.operations import get_object, head_object, put_object
from tests.lifecycle.conftest import NOW, days_ago

pytestmark = pytest.mark.django_db

TO_COLD = {"Transitions": [{"Days": 5, "StorageClass": "cold"}]}


def files_of(storage_class: str) -> list[Path]:
    root = Path(storages[storage_class].location)
    return [path for path in root.rglob("*") if path.is_file()]


def read(shelf, key: str, **options) -> bytes:
    return b"".join(get_object(shelf.principal, shelf.name, key, **options).chunks)


SIZES = {"small": 128 * 1024 - 1, "large": 128 * 1024}


@pytest.mark.parametrize(
    ("minimum", "storage_class", "filter_", "moved"),
    [
        ({}, "cold", {}, {"small", "large"}),
        ("all_storage_classes_128K", "cold", {}, {"large"}),
        ("all_storage_classes_128K", "archive", {}, {"large"}),
        ("varies_by_storage_class", "cold", {}, {"large"}),
        ("varies_by_storage_class", "archive", {}, {"small", "large"}),
        (
            "all_storage_classes_128K",
            "cold",
            {"ObjectSizeGreaterThan": 1},
            {"small", "large"},
        ),
        (
            "all_storage_classes_128K",
            "cold",
            {"And": {"Prefix": "s", "ObjectSizeLessThan": 2**30}},
            {"small"},
        ),
    ],
)
def test_small_objects_stay_unless_a_filter_names_a_size(
    plain, minimum, storage_class, filter_, moved
):
    for key, size in SIZES.items():
        plain.put(key, 10, bytes(size))
    rule = {"Transitions": [{"Days": 5, "StorageClass": storage_class}]}
    stated = {"TransitionDefaultMinimumObjectSize": minimum} if minimum else {}
    plain.rules({**rule, "Filter": filter_ or {"Prefix": ""}}, **stated)
    (tally,) = plain.preview().tallies
    assert tally.count == len(moved)
    plain.run()
    assert {key for key, _, where in plain.versions if where == storage_class} == moved


def test_small_versions_stay_when_they_are_replaced(kept):
    for age in (20, 10):
        for key, size in SIZES.items():
            kept.put(key, age, bytes(size))
    move = {"NoncurrentDays": 1, "StorageClass": "cold"}
    kept.rules(
        {"NoncurrentVersionTransitions": [move]},
        TransitionDefaultMinimumObjectSize="all_storage_classes_128K",
    )
    kept.run()
    assert [key for key, _, where in kept.versions if where == "cold"] == ["large"]


def sweep() -> None:
    store.sweep(now=NOW + timedelta(days=2))


def test_bytes_really_move(plain, stored):
    before = plain.put("key", 10, b"some bytes")
    plain.put("new", 1)
    plain.rules(TO_COLD)
    assert plain.run() == {("rule-0", "Transition", "cold"): (1, 10)}
    assert plain.versions == [("key", False, "cold"), ("new", False, "standard")]
    assert [path.read_bytes() for path in files_of("cold")] == [b"some bytes"]
    assert read(plain, "key") == b"some bytes"
    after = head_object(plain.principal, plain.name, "key").info
    assert (after.etag, after.version_id) == (before.etag, before.version_id)
    assert after.created_at == before.created_at
    sweep()
    assert [path.read_bytes() for path in files_of("standard")] == [b"data"]
    assert Blob.objects.filter(state="live").count() == 2
    assert Blob.objects.count() == 2


def test_small_objects_change_class_where_they_are(plain):
    plain.put("key", 10)
    plain.rules(TO_COLD)
    plain.run()
    assert plain.versions == [("key", False, "cold")]
    assert list(Blob.objects.values_list("kind", "storage_class")) == [
        ("inline", "cold")
    ]
    assert read(plain, "key") == b"data"


def test_an_object_uploaded_in_parts_keeps_its_parts(plain, stored, settings):
    settings.OBJECTSTORE_MIN_PART = 1
    upload = create_multipart_upload(
        plain.principal, plain.name, "key", now=days_ago(10)
    )
    parts = [
        upload_part(
            plain.principal,
            plain.name,
            "key",
            upload.upload_id,
            number,
            body=Body.of(bytes([number]) * size),
            now=days_ago(10),
        )
        for number, size in ((3, 7), (5, 11), (9, 13))
    ]
    complete_multipart_upload(
        plain.principal,
        plain.name,
        "key",
        upload.upload_id,
        [CompletedPart(part.part_number, part.etag) for part in parts],
        now=days_ago(10),
    )
    whole = read(plain, "key")
    plain.rules(TO_COLD)
    assert plain.run() == {("rule-0", "Transition", "cold"): (1, 31)}
    sweep()
    assert files_of("standard") == []
    assert sorted(path.stat().st_size for path in files_of("cold")) == [7, 11, 13]
    assert read(plain, "key") == whole
    assert read(plain, "key", part_number=2) == bytes([5]) * 11
    assert read(plain, "key", byte_range="bytes=5-20") == whole[5:21]
    assert not Blob.objects.exclude(state="live").exists()
    assert not Blob.objects.exclude(storage_class="cold").exists()


def test_versions_that_share_bytes_move_one_by_one(plain, stored):
    plain.put("old", 10, b"shared")
    copy_object(
        plain.principal, CopySource(plain.name, "old"), plain.name, "new", now=NOW
    )
    plain.rules(TO_COLD)
    plain.run()
    sweep()
    assert plain.versions == [("new", False, "standard"), ("old", False, "cold")]
    assert read(plain, "new") == read(plain, "old") == b"shared"


@pytest.mark.parametrize("inline_max", [0, 16_384])
@pytest.mark.parametrize("algorithm", ["AES256", "aws:kms", CUSTOMER])
def test_sealed_bytes_move_as_they_are(plain, settings, algorithm, inline_max):
    settings.OBJECTSTORE_INLINE_MAX = inline_max
    secret = CustomerKey(bytes(32), "md5 of it") if algorithm == CUSTOMER else None
    encryption = {"algorithm": algorithm}
    if secret is not None:
        encryption |= {"customer_algorithm": "AES256", "key_md5": secret.md5}
    put_object(
        plain.principal,
        plain.name,
        "key",
        body=Body.of(b"sealed" * 30_000),
        attributes=ObjectAttributes(encryption=encryption),
        customer_key=secret,
        now=days_ago(10),
    )
    plain.put("small", 10, b"small", encryption={"algorithm": "AES256"})
    plain.rules(TO_COLD)
    assert plain.run() == {("rule-0", "Transition", "cold"): (2, 180_005)}
    sweep()
    assert files_of("standard") == []
    assert read(plain, "key", customer_key=secret) == b"sealed" * 30_000
    assert read(plain, "small") == b"small"
    assert housekeeping.scrub(now=NOW).damaged == 0


def test_noncurrent_versions_move_by_their_own_rule(kept, stored):
    for age in (40, 30, 20, 1):
        kept.put("key", age)
    kept.rules(
        {
            "NoncurrentVersionTransitions": [
                {
                    "NoncurrentDays": 5,
                    "NewerNoncurrentVersions": 1,
                    "StorageClass": "cold",
                },
                {"NoncurrentDays": 25, "StorageClass": "archive"},
            ]
        }
    )
    kept.run()
    assert [name for _, _, name in kept.versions] == [
        "standard",
        "standard",
        "cold",
        "archive",
    ]


def test_the_colder_class_wins_and_nothing_moves_back(plain, stored):
    plain.put("both", 40)
    plain.put("archived", 40, storage_class="archive")
    plain.rules(
        {
            "Transitions": [
                {"Days": 30, "StorageClass": "archive"},
                {"Days": 5, "StorageClass": "cold"},
            ]
        }
    )
    assert plain.run() == {("rule-0", "Transition", "archive"): (1, 4)}
    assert {name for _, _, name in plain.versions} == {"archive"}


def test_transition_goes_before_a_delete_marker_and_deletion_before_transition(
    plain, kept, stored
):
    for shelf in (plain, kept):
        shelf.put("key", 40)
        shelf.rules({"Expiration": {"Days": 5}}, TO_COLD)
    assert plain.run() == {("rule-0", "Expiration", ""): (1, 4)}
    assert kept.run() == {
        ("rule-1", "Transition", "cold"): (1, 4),
        ("rule-0", "Expiration", ""): (1, 4),
    }
    assert kept.versions == [("key", True, "standard"), ("key", False, "cold")]


def test_damaged_bytes_stay_where_they_are(plain, stored):
    plain.put("bad", 10, b"what was stored")
    plain.put("good", 10)
    (path,) = [path for path in files_of("standard") if path.stat().st_size == 15]
    path.chmod(0o600)
    path.write_bytes(b"what is there !")
    plain.rules(TO_COLD)
    assert plain.run() == {("rule-0", "Transition", "cold"): (1, 4)}
    assert plain.versions == [("bad", False, "standard"), ("good", False, "cold")]
    run = LifecycleRun.objects.get()
    assert run.failures == 1
    assert run.error.startswith("bad: ")
    sweep()
    assert path.read_bytes() == b"what is there !"
    assert len(files_of("cold")) == 1


def test_a_copy_that_does_not_read_back_is_not_trusted(plain, stored, monkeypatch):
    plain.put("key", 10)
    plain.rules(TO_COLD)
    monkeypatch.setattr(integrity, "md5_of", lambda blob: "another")
    assert plain.run() == {}
    monkeypatch.undo()
    sweep()
    assert (files_of("cold"), read(plain, "key")) == ([], b"data")


def test_a_storage_that_is_down_stops_the_run_and_the_next_goes_on(
    plain, stored, monkeypatch
):
    monkeypatch.setattr(operations, "VERSIONS_AT_ONCE", 5)
    for number in range(30):
        plain.put(f"key-{number:02}", 10)
    plain.rules(TO_COLD)
    save = storages["cold"].save
    saved = []

    def fail_after_seven(name, content, **options):
        if len(saved) == 7:
            raise ConnectionError("no answer")
        saved.append(name)
        return save(name, content, **options)

    with monkeypatch.context() as patched:
        patched.setattr(storages["cold"], "save", fail_after_seven)
        with pytest.raises(operations.RunStoppedError):
            operations.run_lifecycle(plain.name, now=NOW)
    assert [name for _, _, name in plain.versions].count("cold") == 7
    assert plain.run()[("rule-0", "Transition", "cold")][0] > 7
    plain.run()
    assert {name for _, _, name in plain.versions} == {"cold"}
    sweep()
    assert (len(files_of("cold")), files_of("standard")) == (30, [])


@pytest.mark.parametrize("step", ["switch_blob", "add_outcome"])
def test_cut_off_in_the_switch_nothing_is_lost(plain, stored, monkeypatch, step):
    from lifecycle import queries

    plain.put("key", 10)
    plain.rules(TO_COLD)

    def die(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(queries, step, die)
        with pytest.raises(KeyboardInterrupt):
            operations.run_lifecycle(plain.name, now=NOW)
    assert plain.versions == [("key", False, "standard")]
    assert read(plain, "key") == b"data"
    assert plain.run() == {("rule-0", "Transition", "cold"): (1, 4)}
    sweep()
    assert (len(files_of("cold")), files_of("standard")) == (1, [])
    assert read(plain, "key") == b"data"


def test_a_version_overwritten_meanwhile_is_left_alone(plain, stored, monkeypatch):
    plain.put("key", 10, b"old")
    plain.rules(TO_COLD)
    copy_bytes = transitions.copy_bytes

    def overtaken(*arguments):
        copied = copy_bytes(*arguments)
        plain.put("key", 0, b"new")
        return copied

    monkeypatch.setattr(transitions, "copy_bytes", overtaken)
    assert plain.run() == {}
    sweep()
    assert (read(plain, "key"), files_of("cold")) == (b"new", [])
    assert os.path.basename(files_of("standard")[0])


def test_a_storage_that_is_full_keeps_nothing_from_expiring(plain, stored, monkeypatch):
    for number in range(operations.MOST_FAILURES + 2):
        plain.put(f"moving-{number:02}", 10)
    plain.put("over", 400, storage_class="cold")
    plain.rules(
        {"Filter": {"Prefix": "moving-"}, **TO_COLD},
        {"Filter": {"Prefix": "over"}, "Expiration": {"Days": 365}},
    )

    def is_full(name, content, **options):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(storages["cold"], "save", is_full)
    with pytest.raises(operations.RunStoppedError):
        operations.run_lifecycle(plain.name, now=NOW)
    assert "over" not in plain.keys
    assert LifecycleRun.objects.get().failures == operations.MOST_FAILURES


def test_what_is_behind_lost_bytes_is_moved_all_the_same(plain, stored):
    for number in range(operations.MOST_FAILURES + 2):
        plain.put(f"lost-{number:02}", 10)
    for path in files_of("standard"):
        path.unlink()
    plain.put("whole", 10)
    plain.rules(TO_COLD)
    with pytest.raises(operations.RunStoppedError):
        operations.run_lifecycle(plain.name, now=NOW)
    plain.run()
    assert [key for key, _, name in plain.versions if name == "cold"] == ["whole"]
    run = LifecycleRun.objects.get()
    assert run.failures == operations.MOST_FAILURES + 2
