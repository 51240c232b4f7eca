"""RestoreObject: copies of archived bytes, made and removed by jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone

from blobs import store
from blobs.models import Blob
from kernel.bodies import Body
from kernel.errors import InvalidObjectState, RestoreAlreadyInProgress
from kernel.results import CompletedPart, ObjectAttributes
from lifecycle import restores, tasks
from objects import restores as objects_restores
from objects.models import RestoreJob
from objects.multipart import (
    complete_multipart_upload,
    create_multipart_upload,
    upload_part,
)
from objects.operations import delete_object, get_object, head_object, put_object
from objects.restores import restore_object

pytestmark = pytest.mark.django_db

DATA = b"kept for long"
ARCHIVED = ObjectAttributes(storage_class="archive")


class Archive:
    """One archived object, its restores and its readers."""

    def __init__(self, principal: Any, bucket_name: str) -> None:
        self.place = (principal, bucket_name, "key")

    def put(self, **options: Any) -> None:
        put_object(
            *self.place,
            body=Body.of(DATA),
            attributes=ARCHIVED,
            now=timezone.now(),
            **options,
        )

    def restore(self, days: int = 2, tier: str = "Standard", **later: float) -> bool:
        now = timezone.now() + timedelta(**later)
        _, was_open = restore_object(*self.place, days=days, tier=tier, now=now)
        return was_open

    def read(self, byte_range: str | None = None) -> bytes:
        return b"".join(get_object(*self.place, byte_range=byte_range).chunks)

    def work(self, **later: float) -> restores.RestoresDone:
        now = timezone.now() + timedelta(**later)
        return restores.carry_out_restores(restores.due_jobs(now), now=now)


@pytest.fixture
def archive(root: Any, bucket: str, stored: None) -> Archive:
    made = Archive(root, bucket)
    made.put()
    return made


def files_of(storage_class: str) -> list[Path]:
    folder = Path(storages[storage_class].location)
    return [one for one in folder.rglob("*") if one.is_file()]


def sweep_all() -> None:
    store.sweep(
        now=timezone.now() + timedelta(days=9),
        free_grace=timedelta(),
        pending_grace=timedelta(),
    )


def test_the_job_makes_a_copy_that_is_read_until_its_days_are_over(archive):
    with pytest.raises(InvalidObjectState):
        archive.read()
    assert archive.restore(days=2) is False
    with pytest.raises(InvalidObjectState):
        archive.read()
    with pytest.raises(RestoreAlreadyInProgress):
        archive.restore()
    assert archive.work() == restores.RestoresDone(made=1)
    (in_archive,) = files_of("archive")
    in_archive.rename(in_archive.with_suffix(".away"))
    assert archive.read() == DATA
    assert archive.read("bytes=5-7") == b"for"
    assert archive.work() == restores.RestoresDone()
    assert len(files_of("standard")) == 1
    assert archive.work(days=1) == restores.RestoresDone()
    assert archive.work(days=3) == restores.RestoresDone(removed=1)
    with pytest.raises(InvalidObjectState):
        archive.read()
    sweep_all()
    assert files_of("standard") == []
    assert Blob.objects.count() == 1
    assert RestoreJob.objects.count() == 0


def test_tiers_are_begun_when_they_are_due(archive, settings):
    settings.OBJECTSTORE_RESTORE_SECONDS = {
        "Expedited": 60,
        "Standard": 3600,
        "Bulk": 7200,
    }
    archive.restore(tier="Bulk")
    assert archive.work(seconds=3700) == restores.RestoresDone()
    assert archive.work(seconds=7300) == restores.RestoresDone(made=1)


def test_another_restore_sets_another_end(archive):
    archive.restore(days=1)
    archive.work()
    assert archive.restore(days=5) is True
    assert archive.work(days=2) == restores.RestoresDone()
    assert archive.read() == DATA
    assert archive.work(days=6) == restores.RestoresDone(removed=1)


def test_days_end_at_midnight(archive):
    """AWS, "Restoring an archived object": its example."""

    def restore(days: int, now: datetime) -> str:
        restore_object(*archive.place, days=days, now=now)
        restores.carry_out_restores(restores.due_jobs(now), now=now)
        return head_object(*archive.place).info.restore["expires_at"]

    end = restore(3, datetime(2012, 10, 15, 10, 30, tzinfo=UTC))
    assert datetime.fromisoformat(end) == datetime(2012, 10, 19, tzinfo=UTC)
    end = restore(1, datetime(2012, 10, 16, 11, tzinfo=UTC))
    assert datetime.fromisoformat(end) == datetime(2012, 10, 18, tzinfo=UTC)


def test_a_copy_that_is_still_there_is_opened_again(archive):
    archive.restore(days=1, hours=-72)
    archive.work(hours=-72)
    with pytest.raises(InvalidObjectState):
        archive.read()
    assert archive.restore(days=1) is False
    assert archive.read() == DATA
    assert archive.work() == restores.RestoresDone()
    assert archive.work(days=2) == restores.RestoresDone(removed=1)


def test_a_copy_that_goes_meanwhile_is_made_anew(archive, monkeypatch):
    archive.restore(days=1)
    archive.work()
    commit = objects_restores.commit

    def overtaken(record: Any) -> Any:
        assert archive.work(days=2) == restores.RestoresDone(removed=1)
        sweep_all()
        return commit(record)

    monkeypatch.setattr(objects_restores, "commit", overtaken)
    assert archive.restore(days=5) is False
    with pytest.raises(InvalidObjectState):
        archive.read()
    assert archive.work() == restores.RestoresDone(made=1)
    assert archive.read() == DATA
    assert len(files_of("standard")) == 1


def test_a_copy_goes_with_its_version(archive):
    archive.restore(days=100)
    archive.work()
    delete_object(*archive.place, now=timezone.now())
    assert archive.work() == restores.RestoresDone(removed=1)
    sweep_all()
    assert files_of("standard") == files_of("archive") == []


def test_a_storage_that_is_down_is_tried_again(archive):
    (in_archive,) = files_of("archive")
    away = in_archive.rename(in_archive.with_suffix(".away"))
    archive.restore()
    now = timezone.now()
    assert restores.take_due_jobs(now) == restores.due_jobs(now)
    assert restores.take_due_jobs(now) == []
    assert archive.work() == restores.RestoresDone(failed=1)
    assert RestoreJob.objects.get().error
    with pytest.raises(InvalidObjectState):
        archive.read()
    away.rename(in_archive)
    (job_id,) = restores.take_due_jobs(now + timedelta(minutes=1))
    assert tasks.carry_out_restores(job_ids=[job_id])["made"] == 1
    assert archive.read() == DATA
    assert RestoreJob.objects.get().error == ""


def test_bytes_that_the_store_does_not_know_are_told_of(archive, monkeypatch):
    archive.restore()
    monkeypatch.setattr(restores.blob_queries, "get", lambda blob_id: None)
    assert archive.work() == restores.RestoresDone(failed=1)
    assert "not known" in RestoreJob.objects.get().error


def test_a_worker_that_was_told_and_died_is_told_again(archive):
    archive.restore()
    now = timezone.now()
    assert len(restores.take_due_jobs(now)) == 1
    assert restores.take_due_jobs(now + timedelta(minutes=1)) == []
    assert len(restores.take_due_jobs(now + timedelta(minutes=16))) == 1
    RestoreJob.objects.update(sent_at=now + timedelta(days=4000))
    assert len(restores.take_due_jobs(now)) == 1


def test_what_fails_is_tried_again_later_each_time(archive):
    archive.restore()
    for path in files_of("archive"):
        path.unlink()
    start = RestoreJob.objects.get().due_at
    tried = []
    for minute in range(300):
        now = start + timedelta(minutes=minute)
        if restores.take_due_jobs(now):
            tried.append(minute)
            assert archive.work(minutes=minute).failed == 1
    assert tried == [0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244]
    # Who has mended the archive need not wait.
    assert len(restores.due_jobs(now)) == 1


def test_of_two_workers_one_makes_the_copy(archive, monkeypatch):
    archive.restore()
    copy_blob = restores.copy_blob

    def overtaken(*arguments: Any) -> Any:
        copied = copy_blob(*arguments)
        monkeypatch.setattr(restores, "copy_blob", copy_blob)
        assert archive.work() == restores.RestoresDone(made=1)
        return copied

    monkeypatch.setattr(restores, "copy_blob", overtaken)
    assert archive.work() == restores.RestoresDone()
    sweep_all()
    assert len(files_of("standard")) == 1
    assert archive.read() == DATA


def test_an_upload_in_parts_is_restored_whole(root, bucket, stored, settings):
    settings.OBJECTSTORE_MIN_PART = 1
    archive = Archive(root, bucket)
    now = timezone.now()
    upload = create_multipart_upload(*archive.place, attributes=ARCHIVED, now=now)
    parts = [
        upload_part(
            *archive.place, upload.upload_id, number, body=Body.of(data), now=now
        )
        for number, data in ((1, b"first "), (2, b"second"))
    ]
    done = [CompletedPart(n, one.etag) for n, one in enumerate(parts, 1)]
    complete_multipart_upload(*archive.place, upload.upload_id, done, now=now)
    archive.restore()
    assert archive.work() == restores.RestoresDone(made=1)
    for path in files_of("archive"):
        path.unlink()
    assert archive.read("bytes=3-8") == b"st sec"
    archive.work(days=3)
    sweep_all()
    sweep_all()
    assert files_of("standard") == []


def test_small_objects_are_only_opened(root, bucket):
    archive = Archive(root, bucket)
    archive.put()
    archive.restore()
    assert archive.read() == DATA
    assert RestoreJob.objects.count() == 0


def test_the_schedule_and_the_command_carry_them_out(archive, monkeypatch, capsys):
    sent: list[Any] = []
    monkeypatch.setattr(
        tasks.carry_out_restores, "delay", lambda **message: sent.append(message)
    )
    archive.restore()
    assert tasks.start_restores() == 1
    assert tasks.start_restores() == 0
    assert len(sent) == 1
    call_command("run_restores")
    assert "1 copies made" in capsys.readouterr().out
    assert tasks.carry_out_restores(**sent[0])["made"] == 0
    assert archive.read() == DATA


def test_archives_that_are_lost_keep_no_other_closed(root, bucket, stored):
    many = 12
    for number in range(many + 1):
        place = (root, bucket, f"key-{number:02}")
        now = timezone.now()
        put_object(*place, body=Body.of(DATA), attributes=ARCHIVED, now=now)
        if number < many:
            for path in files_of("archive"):
                path.unlink()
        restore_object(*place, days=2, now=now)
    job_ids = restores.take_due_jobs(timezone.now())
    done = tasks.carry_out_restores(job_ids=job_ids)
    assert (done["made"], done["failed"]) == (1, many)
    assert b"".join(get_object(*place).chunks) == DATA
