"""Every element of a rule, carried out on real buckets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from blobs import store
from blobs.models import Blob
from buckets.access import find_bucket
from buckets.operations import delete_bucket, put_bucket_versioning
from buckets.queries import usage
from kernel.bodies import Body
from kernel.errors import NoSuchBucket
from lifecycle import queries
from lifecycle.models import LifecycleRun
from objects.models import MultipartUpload
from objects.multipart import create_multipart_upload, upload_part
from tests.lifecycle.conftest import NOW, counted, days_ago

pytestmark = pytest.mark.django_db


def test_expiration_without_versions_is_for_good(plain):
    plain.put("old", 10)
    plain.put("new", 9)
    plain.rules({"Expiration": {"Days": 9}})
    assert plain.run() == {("rule-0", "Expiration", ""): (1, 4)}
    assert plain.versions == [("new", False, "standard")]


def test_expiration_with_versions_leaves_a_marker(kept):
    kept.put("old", 10)
    kept.rules({"Expiration": {"Days": 5}})
    assert kept.run() == {("rule-0", "Expiration", ""): (1, 4)}
    assert kept.versions == [("old", True, "standard"), ("old", False, "standard")]


def test_expiration_with_versions_suspended_replaces_the_null_version(kept):
    kept.put("old", 20, b"versioned")
    put_bucket_versioning(kept.principal, kept.name, "Suspended")
    kept.put("old", 10, b"null")
    kept.rules({"Expiration": {"Days": 5}})
    kept.run()
    assert kept.versions == [("old", True, "standard"), ("old", False, "standard")]
    assert usage(find_bucket(kept.name).id).versions_size == len(b"versioned")


def test_expiration_by_date(plain):
    plain.put("new", 0)
    plain.rules({"Expiration": {"Date": "2030-03-16T00:00:00Z"}})
    assert plain.run() == {}
    plain.run(NOW + timedelta(hours=14))
    assert plain.versions == []


def test_filters_by_prefix_tag_and_size(plain):
    plain.put("logs/a", 10)
    plain.put("data/a", 10)
    plain.put("data/tagged", 10, tags={"keep": "no"})
    plain.put("data/big", 10, b"x" * 100)
    plain.put("data/big-tagged", 10, b"x" * 100, tags={"keep": "no", "more": "1"})
    tag = {"Key": "keep", "Value": "no"}
    plain.rules(
        {"ID": "prefix", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}},
        {
            "ID": "all",
            "Filter": {
                "And": {
                    "Prefix": "data/",
                    "Tags": [tag],
                    "ObjectSizeGreaterThan": 50,
                    "ObjectSizeLessThan": 101,
                }
            },
            "Expiration": {"Days": 1},
        },
    )
    assert plain.run() == {
        ("prefix", "Expiration", ""): (1, 4),
        ("all", "Expiration", ""): (1, 100),
    }
    assert plain.keys == ["data/a", "data/big", "data/tagged"]
    plain.rules({"Filter": {"Tag": tag}, "Expiration": {"Days": 1}})
    plain.run()
    assert plain.keys == ["data/a", "data/big"]
    plain.rules({"Filter": {"ObjectSizeLessThan": 50}, "Expiration": {"Days": 1}})
    plain.run()
    assert plain.keys == ["data/big"]


def test_a_disabled_rule_does_nothing(plain):
    plain.put("old", 10)
    plain.rules({"Status": "Disabled", "Expiration": {"Days": 1}})
    assert plain.run() == {}
    assert plain.keys == ["old"]


def test_noncurrent_versions_expire_by_when_they_were_replaced(kept):
    kept.put("key", 50, b"1")
    kept.put("key", 30, b"22")
    kept.put("key", 3, b"333")
    kept.rules({"NoncurrentVersionExpiration": {"NoncurrentDays": 10}})
    # The first was replaced 30 days ago, the second only 3.
    assert kept.run() == {("rule-0", "NoncurrentVersionExpiration", ""): (1, 1)}
    assert len(kept.versions) == 2


def test_newer_noncurrent_versions_stay(kept):
    for age in range(40, 30, -1):
        kept.put("key", age)
    kept.rules(
        {
            "NoncurrentVersionExpiration": {
                "NoncurrentDays": 1,
                "NewerNoncurrentVersions": 3,
            }
        }
    )
    assert kept.run() == {("rule-0", "NoncurrentVersionExpiration", ""): (6, 24)}
    assert len(kept.versions) == 4


def test_newer_noncurrent_versions_without_days(kept):
    for _ in range(5):
        kept.put("key", 0)
    kept.rules({"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 2}})
    kept.run()
    assert len(kept.versions) == 3


def test_noncurrent_delete_markers_expire_too(kept):
    kept.put("key", 40)
    kept.delete("key", 30)
    kept.put("key", 20)
    kept.rules({"NoncurrentVersionExpiration": {"NoncurrentDays": 10}})
    assert kept.run() == {("rule-0", "NoncurrentVersionExpiration", ""): (2, 4)}
    assert kept.versions == [("key", False, "standard")]


def test_a_delete_marker_goes_once_nothing_is_under_it(kept):
    kept.put("key", 40)
    kept.delete("key", 30)
    kept.put("other", 40)
    kept.delete("other", 3)
    kept.delete("alone", 1)
    kept.rules(
        {
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 10},
        }
    )
    assert kept.run() == {
        ("rule-0", "NoncurrentVersionExpiration", ""): (1, 4),
        ("rule-0", "ExpiredObjectDeleteMarker", ""): (2, 0),
    }
    assert [key for key, *_ in kept.versions] == ["other", "other"]


def test_expiration_by_days_removes_a_lone_marker_of_that_age(kept):
    kept.delete("old", 10)
    kept.delete("new", 2)
    kept.rules({"Expiration": {"Days": 5}})
    assert kept.run() == {("rule-0", "Expiration", ""): (1, 0)}
    assert [key for key, *_ in kept.versions] == ["new"]


def test_unfinished_uploads_are_aborted(plain, stored, settings):
    settings.OBJECTSTORE_MIN_PART = 1
    for key, age in (("a/old", 10), ("a/new", 1), ("b/old", 10)):
        upload = create_multipart_upload(
            plain.principal, plain.name, key, now=days_ago(age)
        )
        upload_part(
            plain.principal,
            plain.name,
            key,
            upload.upload_id,
            1,
            body=Body.of(b"part"),
            now=days_ago(age),
        )
    plain.rules(
        {
            "Filter": {"Prefix": "a/"},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 5},
        }
    )
    expected = {("rule-0", "AbortIncompleteMultipartUpload", ""): (1, 4)}
    preview = plain.preview()
    assert counted(preview.tallies) == expected
    assert preview.tallies[0].samples == [("a/old", "")]
    # Begun on the 14th, five days, rounded up: the run of the 20th.
    assert [day.date.day for day in preview.days if day.tallies] == [20]
    assert plain.run() == expected
    left = MultipartUpload.objects.values_list("key", flat=True)
    assert sorted(left) == ["a/new", "b/old"]
    store.sweep(now=NOW + timedelta(days=2))
    assert Blob.objects.filter(kind="stored").count() == 2


def test_object_lock_keeps_versions(locked):
    until = NOW + timedelta(days=3)
    locked.put("held", 40, has_legal_hold=True)
    locked.put("kept", 40, lock_mode="COMPLIANCE", retain_until=until)
    locked.put("over", 40, lock_mode="GOVERNANCE", retain_until=days_ago(1))
    for key in ("held", "kept", "over"):
        locked.put(key, 30)
    locked.rules({"NoncurrentVersionExpiration": {"NoncurrentDays": 5}})
    assert locked.run() == {("rule-0", "NoncurrentVersionExpiration", ""): (1, 4)}
    assert [key for key, *_ in locked.versions] == ["held"] * 2 + ["kept"] * 2 + [
        "over"
    ]
    locked.run(until)
    assert [key for key, *_ in locked.versions] == ["held"] * 2 + ["kept", "over"]


def test_a_locked_current_version_is_hidden_and_kept(locked):
    locked.put("key", 40, has_legal_hold=True)
    locked.rules({"Expiration": {"Days": 5}})
    locked.run()
    assert [marker for _, marker, _ in locked.versions] == [True, False]


def test_the_rule_that_fell_due_first_is_named(plain):
    plain.put("key", 40)
    plain.rules(
        {"ID": "late", "Expiration": {"Days": 20}},
        {"ID": "early", "Expiration": {"Days": 10}},
    )
    assert plain.run() == {("early", "Expiration", ""): (1, 4)}


@pytest.mark.parametrize("shelf", ["plain", "kept"])
def test_a_second_run_changes_nothing(shelf, request):
    shelf = request.getfixturevalue(shelf)
    for number in range(30):
        shelf.put(f"key-{number % 10}", 60 - number)
    shelf.rules(
        {
            "Expiration": {"Days": 32},
            "Transitions": [{"Days": 1, "StorageClass": "cold"}],
        },
        {"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 1}},
    )
    assert shelf.run()
    left, held = shelf.versions, usage(find_bucket(shelf.name).id)
    assert shelf.run() == {}
    assert (shelf.versions, usage(find_bucket(shelf.name).id)) == (left, held)
    assert LifecycleRun.objects.count() == 2


def test_what_changed_since_it_was_looked_at_is_left_alone(plain, monkeypatch):
    from lifecycle import operations

    plain.put("key", 10)
    plain.rules({"Expiration": {"Days": 1}})
    decide = operations.decide

    def overtaken(*arguments):
        found = decide(*arguments)
        plain.put("key", 0, b"new")
        return found

    monkeypatch.setattr(operations, "decide", overtaken)
    assert plain.run() == {}
    assert plain.keys == ["key"]


def test_a_run_goes_on_where_it_was_cut_off(plain, monkeypatch):
    from lifecycle import operations

    monkeypatch.setattr(operations, "VERSIONS_AT_ONCE", 3)
    for number in range(20):
        plain.put(f"key-{number:02}", 10)
    plain.rules({"Expiration": {"Days": 1}})
    seen = []
    advance = operations.Runner.advance

    def cut_off(self, cursor, count):
        advance(self, cursor, count)
        seen.append(cursor)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(operations.Runner, "advance", cut_off)
        with pytest.raises(KeyboardInterrupt):
            operations.run_lifecycle(plain.name, now=NOW)
    run = LifecycleRun.objects.get()
    assert (run.finished_at, run.cursor, run.versions_seen) == (None, "key-08", 9)
    assert len(plain.keys) == 11
    assert plain.run() == {("rule-0", "Expiration", ""): (20, 80)}
    run.refresh_from_db()
    assert (run.versions_seen, LifecycleRun.objects.count()) == (20, 1)
    assert plain.keys == []


def test_new_rules_begin_a_run_anew(plain):
    plain.put("key", 10)
    plain.rules({"Expiration": {"Days": 100}})
    LifecycleRun.objects.create(
        bucket_id=find_bucket(plain.name).id,
        rules=[],
        started_at=NOW,
        updated_at=NOW,
        cursor="zzz",
    )
    plain.rules({"Expiration": {"Days": 1}})
    assert plain.run() == {("rule-0", "Expiration", ""): (1, 4)}
    assert LifecycleRun.objects.filter(finished_at=None).count() == 0


def test_each_bucket_is_run_once_a_day(plain, kept):
    from lifecycle.operations import buckets_to_run

    plain.rules({"Expiration": {"Days": 1}})
    assert buckets_to_run(NOW) == [plain.name]
    plain.run()
    assert buckets_to_run(NOW) == []
    assert buckets_to_run(NOW + timedelta(hours=14)) == [plain.name]


def test_a_run_that_has_its_worker_is_left_to_it(plain):
    from lifecycle.operations import buckets_to_run

    plain.rules({"Expiration": {"Days": 1}})
    LifecycleRun.objects.create(
        bucket_id=find_bucket(plain.name).id, rules=[], started_at=NOW, updated_at=NOW
    )
    assert buckets_to_run(NOW + timedelta(minutes=14)) == []
    assert buckets_to_run(NOW + timedelta(minutes=16)) == [plain.name]


def test_a_clock_that_was_ahead_keeps_no_bucket_from_its_run(plain):
    from lifecycle.operations import buckets_to_run, is_done

    plain.put("old", 10)
    plain.rules({"Expiration": {"Days": 5}})
    plain.run(NOW + timedelta(days=4000))
    assert buckets_to_run(NOW) == [plain.name]
    assert not is_done(plain.name, NOW)
    LifecycleRun.objects.update(finished_at=None)
    assert buckets_to_run(NOW) == [plain.name]


def test_a_bucket_that_is_deleted_meanwhile_has_no_run(plain, monkeypatch):
    plain.rules({"Expiration": {"Days": 1}})
    open_run = queries.open_run

    def too_late(*arguments):
        delete_bucket(plain.principal, plain.name, now=NOW)
        return open_run(*arguments)

    monkeypatch.setattr(queries, "open_run", too_late)
    with pytest.raises(NoSuchBucket):
        plain.run()
    assert not LifecycleRun.objects.exists()


def test_the_command_goes_on_with_other_buckets_where_one_is_stopped(
    plain, kept, monkeypatch, capsys
):
    from lifecycle import operations

    for shelf in (plain, kept):
        shelf.rules({"Expiration": {"Days": 1}})
    run_lifecycle = operations.run_lifecycle

    def stopped(name, **times):
        if name == min(plain.name, kept.name):
            raise operations.RunStoppedError("key: full")
        return run_lifecycle(name, **times)

    monkeypatch.setattr(operations, "run_lifecycle", stopped)
    with pytest.raises(CommandError, match="key: full"):
        call_command("lifecycle_run")
    assert max(plain.name, kept.name) in capsys.readouterr().out


def test_a_bucket_that_is_not_there_is_an_error(plain, capsys):
    plain.rules({"Expiration": {"Days": 1}})
    with pytest.raises(CommandError, match="there is no bucket nope"):
        call_command("lifecycle_run", "nope", plain.name)
    assert f"{plain.name}: " in capsys.readouterr().out


def test_the_time_between_runs_is_one():
    with pytest.raises(CommandError, match="--every"):
        call_command("lifecycle_run", every=-1.0)


def test_a_message_that_waited_for_another_runs_nothing_twice(plain):
    from lifecycle import tasks

    plain.rules({"Expiration": {"Days": 1}})
    assert tasks.run_bucket(bucket_name=plain.name) is not None
    assert tasks.run_bucket(bucket_name=plain.name) is None
    assert LifecycleRun.objects.count() == 1
