"""Scrub, counters, and the records that go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from blobs import store
from blobs.models import Blob
from buckets.access import find_bucket
from buckets.models import BucketUsage
from buckets.queries import usage
from kernel.bodies import Body
from kernel.results import AES256, CompletedPart
from lifecycle import housekeeping, queries
from lifecycle.models import Damage, LifecycleRun
from objects.models import MultipartUpload
from objects.multipart import (
    complete_multipart_upload,
    create_multipart_upload,
    upload_part,
)
from tests.lifecycle.conftest import NOW, days_ago

pytestmark = pytest.mark.django_db


def file_of(size: int) -> Path:
    root = Path(storages["standard"].location)
    (path,) = [
        one for one in root.rglob("*") if one.is_file() and one.stat().st_size == size
    ]
    return path


def test_a_scrub_finds_changed_and_missing_bytes_and_keeps_them(plain, stored):
    plain.put("whole", 1, b"1")
    plain.put("changed", 1, b"22")
    plain.put("missing", 1, b"333")
    path = file_of(2)
    path.chmod(0o600)
    path.write_bytes(b"2x")
    file_of(3).unlink()
    done = housekeeping.scrub(now=NOW)
    assert (done.blobs, done.size, done.damaged, done.is_finished) == (3, 6, 2, True)
    problems = sorted(Damage.objects.values_list("problem", flat=True))
    assert any("MD5 is" in one for one in problems)
    assert any("No such file" in one for one in problems)
    assert path.exists()
    path.write_bytes(b"22")
    assert housekeeping.scrub(now=NOW).damaged == 1
    assert Damage.objects.count() == 1


def test_a_scrub_reads_small_objects_and_parts(plain, settings):
    settings.OBJECTSTORE_MIN_PART = 1
    plain.put("small", 1, b"1")
    upload = create_multipart_upload(
        plain.principal, plain.name, "key", now=days_ago(1)
    )
    settings.OBJECTSTORE_INLINE_MAX = 0
    upload_part(
        plain.principal,
        plain.name,
        "key",
        upload.upload_id,
        1,
        body=Body.of(b"22"),
        now=days_ago(1),
    )
    done = housekeeping.scrub(now=NOW)
    assert (done.blobs, done.size, done.damaged) == (2, 3, 0)


def test_a_bounded_scrub_goes_on_where_it_stopped(plain, stored, monkeypatch):
    monkeypatch.setattr(housekeeping, "BLOBS_AT_ONCE", 2)
    for number in range(5):
        plain.put(f"key-{number}", 1, b"x" * 10)
    sizes = [housekeeping.scrub(now=NOW, most_bytes=15).size for _ in range(3)]
    assert sizes == [20, 20, 10]
    assert housekeeping.scrub(now=NOW).size == 50


def test_a_scrub_by_hand_reads_what_an_open_pass_has_read_before(
    plain, stored, monkeypatch, capsys
):
    monkeypatch.setattr(housekeeping, "BLOBS_AT_ONCE", 1)
    plain.put("first", 1, b"1")
    plain.put("second", 1, b"22")
    assert housekeeping.scrub(now=NOW, most_bytes=1).size == 1
    path = file_of(1)
    path.unlink()
    with pytest.raises(CommandError, match="1 blobs are damaged"):
        call_command("scrub")
    said = capsys.readouterr().out
    assert "2 blobs read" in said
    assert f"bucket {plain.name}, object 'first'" in said
    path.write_bytes(b"1")
    call_command("scrub")
    assert not Damage.objects.exists()


def test_what_no_key_opens_any_more_stops_no_scrub_and_no_run(plain, stored, settings):
    plain.put("sealed", 10, b"1", encryption={"algorithm": AES256})
    plain.put("plain", 10, b"22")
    settings.OBJECTSTORE_SEALING_KEYS = ["another"]
    done = housekeeping.scrub(now=NOW)
    assert (done.blobs, done.damaged, done.is_finished) == (2, 1, True)
    assert "No sealing key" in Damage.objects.get().problem
    plain.rules({"Transitions": [{"Days": 1, "StorageClass": "cold"}]})
    plain.run()
    assert plain.versions == [
        ("plain", False, "cold"),
        ("sealed", False, "standard"),
    ]


def test_damage_is_told_by_what_the_bytes_are_of(plain, stored, settings):
    settings.OBJECTSTORE_MIN_PART = 1
    place = plain.principal, plain.name, "in parts"
    upload = create_multipart_upload(*place, now=NOW)
    part = upload_part(*place, upload.upload_id, 1, body=Body.of(b"22"), now=NOW)
    blob_id = Blob.objects.get(kind="stored").pk
    assert queries.places_of(blob_id) == [
        f"bucket {plain.name}, unfinished upload of 'in parts'"
    ]
    parts = [CompletedPart(1, part.etag)]
    complete_multipart_upload(*place, upload.upload_id, parts, now=NOW)
    (told,) = queries.places_of(blob_id)
    assert told.startswith(f"bucket {plain.name}, object 'in parts', version ")


def test_counters_are_verified_and_repaired(plain, kept, capsys):
    plain.put("key", 1)
    kept.put("key", 2)
    kept.put("key", 1)
    kept.delete("key", 0)
    assert housekeeping.verify_counters() == []
    held = usage(find_bucket(kept.name).id)
    bucket_id = find_bucket(kept.name).id
    BucketUsage.objects.filter(bucket_id=bucket_id, shard=0).update(
        versions_size=F("versions_size") + 777, markers_count=F("markers_count") - 1
    )
    found = housekeeping.verify_counters()
    assert {(one.bucket_name, one.counter) for one in found} == {
        (kept.name, "versions_size"),
        (kept.name, "markers_count"),
    }
    with pytest.raises(CommandError):
        call_command("verify_counters")
    call_command("verify_counters", "--repair")
    assert "repaired" in capsys.readouterr().out
    assert usage(bucket_id) == held
    call_command("verify_counters")


def test_old_outcomes_and_runs_are_forgotten(plain, settings):
    settings.OBJECTSTORE_MIN_PART = 1
    for key, age in (("old", 20), ("new", 1)):
        upload = create_multipart_upload(
            plain.principal, plain.name, key, now=days_ago(age)
        )
        part = upload_part(
            plain.principal,
            plain.name,
            key,
            upload.upload_id,
            1,
            body=Body.of(b"part"),
            now=days_ago(age),
        )
        complete_multipart_upload(
            plain.principal,
            plain.name,
            key,
            upload.upload_id,
            [CompletedPart(1, part.etag)],
            now=days_ago(age),
        )
    create_multipart_upload(plain.principal, plain.name, "open", now=days_ago(500))
    plain.rules({"Expiration": {"Days": 1000}})
    plain.run(days_ago(91))
    plain.run(days_ago(1))
    purged = housekeeping.purge_records(now=NOW)
    assert purged == housekeeping.Purged(uploads=1, expired_uploads=0, runs=1)
    left = MultipartUpload.objects.values_list("key", flat=True)
    assert sorted(left) == ["new", "open"]
    assert LifecycleRun.objects.get().started_at == days_ago(1)
    assert plain.keys == ["new", "old"]


def test_unfinished_uploads_expire_where_settings_say_so(plain, stored, settings):
    settings.OBJECTSTORE_UPLOAD_EXPIRES_SECONDS = 7 * 24 * 3600
    for key, age in (("old", 8), ("new", 6)):
        place = (plain.principal, plain.name, key)
        upload_id = create_multipart_upload(*place, now=days_ago(age)).upload_id
        upload_part(*place, upload_id, 1, body=Body.of(b"part"), now=days_ago(age))
    assert housekeeping.purge_records(now=NOW).expired_uploads == 1
    assert housekeeping.purge_records(now=NOW).expired_uploads == 0
    assert MultipartUpload.objects.get().key == "new"
    store.sweep(now=NOW, free_grace=timedelta())
    assert file_of(4).exists()


def test_the_commands_say_what_they_did(plain, stored, capsys, tmp_path):
    plain.put("key", 4000, b"12345")
    plain.rules({"ID": "tidy", "Expiration": {"Days": 1}})
    call_command("lifecycle_preview", plain.name)
    shown = capsys.readouterr().out
    assert "tidy: Expiration: 1, 5 bytes" in shown
    assert "    key null" in shown
    given = tmp_path / "rules.json"
    given.write_text(
        '{"rules": [{"id": "other", "status": "enabled",'
        ' "transitions": [{"days": 3, "storage_class": "cold"}]}]}'
    )
    call_command("lifecycle_preview", plain.name, rules=given)
    assert "other: Transition to cold: 1, 5 bytes" in capsys.readouterr().out
    call_command("lifecycle_run")
    assert "tidy: Expiration: 1, 5 bytes" in capsys.readouterr().out
    assert plain.keys == []
    call_command("lifecycle_run")
    assert capsys.readouterr().out == ""
    with pytest.raises(CommandError):
        call_command("lifecycle_preview", "no-such-bucket")
    call_command("scrub")


def test_the_jobs_of_the_schedule_are_there(plain, settings, monkeypatch):
    from django.utils.module_loading import import_string

    from lifecycle import tasks

    names = [one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()]
    for name in names:
        assert import_string(name).name == name
    assert {name for name in names if name.startswith("lifecycle.")} == {
        "lifecycle.tasks.start_lifecycle",
        "lifecycle.tasks.start_restores",
        "lifecycle.tasks.scrub_blobs",
        "lifecycle.tasks.verify_bucket_counters",
        "lifecycle.tasks.purge_records",
    }
    sent = []
    monkeypatch.setattr(tasks.run_bucket, "delay", lambda **sent_: sent.append(sent_))
    plain.put("key", 0)
    plain.rules({"Expiration": {"Date": "2020-01-01"}})
    assert tasks.start_lifecycle() == 1
    assert sent == [{"bucket_name": plain.name}]
    run_id = tasks.run_bucket(**sent[0])
    assert LifecycleRun.objects.get(pk=run_id).finished_at - NOW < timedelta(days=1)
    assert plain.keys == []
    assert tasks.start_lifecycle() == 0
    assert tasks.run_bucket(bucket_name="no-such-bucket") is None


def test_a_storage_that_does_not_answer_is_no_damage(plain, stored, monkeypatch):
    plain.put("first", 1, b"1")
    plain.put("second", 1, b"22")

    def is_down(self, *arguments):
        raise ConnectionError("no route to the storage")

    kind = type(storages["standard"])
    with monkeypatch.context() as broken:
        broken.setattr(kind, "open_range", is_down)
        broken.setattr(kind, "exists", is_down)
        done = housekeeping.scrub(now=NOW)
    assert (done.damaged, done.is_finished) == (0, False)
    assert not Damage.objects.exists()
    done = housekeeping.scrub(now=NOW)
    assert (done.blobs, done.damaged, done.is_finished) == (2, 0, True)


def test_a_scrub_goes_on_beside_a_class_that_does_not_answer(
    plain, stored, settings, capsys
):
    plain.put("far", 1, b"1", storage_class="cold")
    plain.put("near", 1, b"22")
    settings.OBJECTSTORE_STORAGE_CLASSES = ["standard"]
    done = housekeeping.scrub(now=NOW)
    assert (done.blobs, done.damaged, done.unanswered) == (1, 0, ("cold",))
    with pytest.raises(CommandError, match="cold"):
        call_command("scrub")


def test_one_file_that_never_answers_stops_no_scrub(plain, stored, monkeypatch):
    plain.put("stuck", 1, b"1")
    plain.put("whole", 1, b"22")
    path = Blob.objects.earliest("pk").path
    kind = type(storages["standard"])
    open_range, exists = kind.open_range, kind.exists

    def open_others(self, name, *arguments):
        if name == path:
            raise ConnectionError("no answer")
        return open_range(self, name, *arguments)

    def ask_others(self, name):
        if name == path:
            raise ConnectionError("no answer")
        return exists(self, name)

    monkeypatch.setattr(kind, "open_range", open_others)
    monkeypatch.setattr(kind, "exists", ask_others)
    done = housekeeping.scrub(now=NOW)
    assert (done.blobs, done.damaged, done.is_finished) == (2, 1, True)


def test_a_small_object_that_is_damaged_can_be_deleted(plain):
    plain.put("small", 1, b"1")
    Blob.objects.update(data=b"2")
    assert housekeeping.scrub(now=NOW).damaged == 1
    plain.delete("small", 0)
    connection.check_constraints()
    assert not queries.damages().exists()
    housekeeping.scrub(now=NOW)
    assert not Damage.objects.exists()


def test_damage_of_what_was_deleted_is_told_no_more(plain, stored):
    plain.put("large", 1, b"1")
    file_of(1).unlink()
    with pytest.raises(CommandError, match="1 blobs are damaged"):
        call_command("scrub")
    plain.delete("large", 0)
    call_command("scrub")
    assert not queries.damages().exists()
