"""Zips that a job writes into the store."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blobs.models import Part
from buckets.models import Bucket
from buckets.operations import create_bucket
from console import jobs, tasks
from console.models import Job, JobKind, JobState
from iam.models import InlinePolicy
from kernel.bodies import Body
from kernel.errors import NoSuchKey, NoSuchVersion
from kernel.results import AES256, CUSTOMER, CustomerKey, ObjectAttributes
from objects import archiving, multipart, zips
from objects.models import MultipartUpload
from objects.operations import get_object, head_object, put_object
from objects.zips import LEFT_OUT

MIB = 1024 * 1024
EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
)


def put(root: Any, bucket: str, key: str, data: bytes = b"data", **more: Any) -> None:
    put_object(root, bucket, key, body=Body.of(data), now=timezone.now(), **more)


def archive_at(root: Any, bucket: str, key: str) -> dict[str, bytes]:
    data = b"".join(get_object(root, bucket, key).chunks)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def broker(monkeypatch: Any) -> None:
    """Leave jobs to the test."""
    monkeypatch.setattr(tasks.run_job, "delay", lambda **_: None)


def start(principal: Any, bucket: str, prefix: str, key: str, **more: Any) -> Job:
    given = {
        "prefix": prefix,
        "target_bucket": bucket,
        "target_key": key,
        "replaces": False,
        **more,
    }
    return jobs.start_job(principal, JobKind.ZIP, bucket, given, now=timezone.now())


def run(job: Job) -> Job:
    jobs.run_job(job.pk)
    job.refresh_from_db()
    return job


def nothing_is_left() -> bool:
    return (
        not MultipartUpload.objects.filter(completed_at__isnull=True).exists()
        and not Part.objects.exists()
    )


def test_a_folder_becomes_an_object(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a/album/one.txt", b"1")
    put(root, bucket, "a/album/deep/two.txt", b"2" * 40_000)
    place = f"/admin/buckets/{bucket}/store-zip/"
    shown = operator.get(place, {"prefix": "a/album/"}).content.decode()
    assert 'value="a/album.zip"' in shown
    assert "2 objects" in shown
    given = {"folder": "a/album/", "confirmed": "1", "bucket": bucket}
    answer = operator.post(place, {**given, "target_key": "a/album.zip"})
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/admin/jobs/{job.pk}/"
    assert (job.state, job.percent, job.done_count) == (JobState.DONE, 100, 2)
    assert archive_at(root, bucket, "a/album.zip") == {
        "album/one.txt": b"1",
        "album/deep/two.txt": b"2" * 40_000,
    }
    page = operator.get(f"/admin/jobs/{job.pk}/").content.decode()
    assert f"/admin/buckets/{bucket}/object/?key=a%2Falbum.zip" in page
    assert head_object(root, bucket, "a/album.zip").info.content_type == (
        "application/zip"
    )


def test_all_that_match_a_search(operator: Any, root: Any, bucket: str) -> None:
    for key in ("x/one.txt", "x/y/two.txt", "x/three.png"):
        put(root, bucket, key, key.encode())
    given = {
        "search": "prefix=x%2F&q=.txt",
        "confirmed": "1",
        "bucket": bucket,
        "target_key": "texts.zip",
    }
    operator.post(f"/admin/buckets/{bucket}/store-zip/", given)
    assert archive_at(root, bucket, "texts.zip") == {
        "one.txt": b"x/one.txt",
        "y/two.txt": b"x/y/two.txt",
    }
    streamed = operator.post(f"/admin/buckets/{bucket}/zip/", given)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(streamed.streaming_content)))
    assert archive.namelist() == ["one.txt", "y/two.txt"]


def test_a_selection_with_names_that_collide(
    operator: Any, root: Any, bucket: str
) -> None:
    create_bucket(root, "target", now=timezone.now())
    put(root, bucket, "a/x.txt", b"a")
    put(root, bucket, "b/X.txt", b"b")
    given = {"key": ["a/x.txt", "b/X.txt"], "confirmed": "1"}
    answer = operator.post(
        f"/admin/buckets/{bucket}/store-zip/",
        {**given, "bucket": "target", "target_key": "both.zip"},
    )
    assert answer.status_code == 302
    assert archive_at(root, "target", "both.zip") == {"x.txt": b"a", "X (2).txt": b"b"}


def test_what_cannot_be_read_is_told_and_named(
    root: Any, make_principal: Any, bucket: str, broker: None, monkeypatch: Any
) -> None:
    put(root, bucket, "f/good", b"1")
    put(root, bucket, "f/secret", b"2")
    put(root, bucket, "f/gone", b"3")
    put(
        root,
        bucket,
        "f/cold",
        attributes=ObjectAttributes(storage_class="archive"),
    )
    key = CustomerKey(bytes(32), "md5 of it")
    sealed = {"algorithm": CUSTOMER, "customer_algorithm": AES256, "key_md5": key.md5}
    put(
        root,
        bucket,
        "f/sealed",
        attributes=ObjectAttributes(encryption=sealed),
        customer_key=key,
    )
    put(root, bucket, f"f/{LEFT_OUT}", b"a file of this very name")
    deny = {
        "Effect": "Deny",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/f/secret",
    }
    maker = make_principal(
        "maker",
        EVERYTHING,
        json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    real = zips.get_object

    def vanish(principal: Any, name: str, key: str) -> Any:
        if key == "f/gone":
            raise NoSuchKey(key=key)
        return real(principal, name, key)

    monkeypatch.setattr(zips, "get_object", vanish)
    job = run(start(maker, bucket, "f/", "f.zip"))
    assert (job.state, job.done_count, job.failed_count) == (JobState.DONE, 2, 4)
    named = {"f/secret", "f/gone", "f/cold", "f/sealed"}
    assert {one["key"] for one in job.failures} == named
    archive = archive_at(root, bucket, "f.zip")
    told = archive[LEFT_OUT].decode()
    assert all(f"{key}: " in told for key in named)
    assert archive[f"f/{LEFT_OUT}"] == b"a file of this very name"


def test_a_cancelled_zip_leaves_nothing(
    root: Any, bucket: str, broker: None, monkeypatch: Any
) -> None:
    for number in range(4):
        put(root, bucket, f"large/{number}", bytes(5 * MIB))
    job = start(root, bucket, "large/", "large.zip")
    real = archiving.Writing.send

    def cancel(writing: Any) -> None:
        real(writing)
        jobs.cancel_job(root, job.pk, now=timezone.now())

    monkeypatch.setattr(archiving.Writing, "send", cancel)
    assert run(job).state == JobState.CANCELLED
    assert nothing_is_left()
    with pytest.raises(NoSuchKey):
        head_object(root, bucket, "large.zip")
    monkeypatch.setattr(archiving.Writing, "send", real)
    jobs.retry_job(root, job.pk)
    assert run(job).state == JobState.DONE
    assert len(archive_at(root, bucket, "large.zip")) == 4


def test_a_zip_whose_maker_loses_the_right_leaves_nothing(
    root: Any, make_principal: Any, bucket: str, broker: None, monkeypatch: Any
) -> None:
    for number in range(4):
        put(root, bucket, f"large/{number}", bytes(5 * MIB))
    job = start(make_principal("maker", EVERYTHING), bucket, "large/", "large.zip")
    real = archiving.Writing.send

    def lose(writing: Any) -> None:
        real(writing)
        InlinePolicy.objects.all().delete()

    monkeypatch.setattr(archiving.Writing, "send", lose)
    job = run(job)
    assert job.state == JobState.FAILED
    assert "not authorized" in job.error
    assert nothing_is_left()


def test_a_zip_whose_worker_died_is_begun_anew(
    root: Any, bucket: str, broker: None, monkeypatch: Any
) -> None:
    for number in range(4):
        put(root, bucket, f"large/{number}", bytes(5 * MIB))
    job = start(root, bucket, "large/", "large.zip")
    real = jobs.note

    def die(job: Job, step: Any, now: Any) -> None:
        real(job, step, now)
        if job.done_count:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "note", die)
        with pytest.raises(KeyboardInterrupt):
            jobs.run_job(job.pk)
    assert MultipartUpload.objects.filter(completed_at__isnull=True).count() == 1
    long_ago = timezone.now() - timedelta(hours=1)
    Job.objects.update(heard_at=long_ago)
    job = run(job)
    assert (job.state, job.done_count) == (JobState.DONE, 4)
    assert len(archive_at(root, bucket, "large.zip")) == 4
    assert not MultipartUpload.objects.filter(completed_at__isnull=True).exists()


def test_a_zip_that_was_whole_when_its_worker_died_is_done(
    root: Any, bucket: str, broker: None, monkeypatch: Any
) -> None:
    put(root, bucket, "f/a")
    job = start(root, bucket, "f/", "f.zip")
    real = multipart.complete_multipart_upload

    def die(*arguments: Any, **options: Any) -> Any:
        real(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(multipart, "complete_multipart_upload", die)
        with pytest.raises(KeyboardInterrupt):
            jobs.run_job(job.pk)
    Job.objects.update(heard_at=timezone.now() - timedelta(hours=1))
    job = run(job)
    assert (job.state, job.done_count) == (JobState.DONE, 1)


def test_what_is_at_the_key_is_replaced_only_if_asked(
    operator: Any, root: Any, bucket: str, broker: None
) -> None:
    put(root, bucket, "f/a")
    put(root, bucket, "f.zip", b"mine")
    given = {"folder": "f/", "confirmed": "1", "bucket": bucket, "target_key": "f.zip"}
    place = f"/admin/buckets/{bucket}/store-zip/"
    answer = operator.post(place, given)
    assert answer.status_code == 412
    assert archiving.TAKEN in answer.content.decode()
    assert run(start(root, bucket, "f/", "f.zip")).error == archiving.TAKEN
    assert b"".join(get_object(root, bucket, "f.zip").chunks) == b"mine"
    operator.post(place, {**given, "replaces": "on"})
    run(Job.objects.latest("pk"))
    assert list(archive_at(root, bucket, "f.zip")) == ["f/a"]


def test_an_archive_does_not_hold_itself(root: Any, bucket: str, broker: None) -> None:
    put(root, bucket, "a")
    put(root, bucket, "all.zip", b"the former one")
    job = run(start(root, bucket, "", "all.zip", replaces=True))
    assert job.state == JobState.DONE
    assert list(archive_at(root, bucket, "all.zip")) == ["a"]


def test_a_quota_and_rights_are_asked_before_it_begins(
    sign_in: Any, operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "f/a", bytes(4000))
    given = {"folder": "f/", "confirmed": "1", "bucket": bucket, "target_key": "f.zip"}
    place = f"/admin/buckets/{bucket}/store-zip/"
    reads = EVERYTHING.replace('"s3:*"', '["s3:GetObject", "s3:ListBucket"]')
    assert sign_in("reader", reads).post(place, given).status_code == 403
    Bucket.objects.update(quota_bytes=6000)
    assert operator.post(place, given).status_code >= 400
    assert not Job.objects.exists()


def test_nothing_readable_makes_no_archive(
    root: Any, make_principal: Any, bucket: str, broker: None
) -> None:
    put(root, bucket, "f/a")
    lists = EVERYTHING.replace('"s3:*"', '["s3:PutObject", "s3:ListBucket"]')
    job = run(start(make_principal("lister", lists), bucket, "f/", "f.zip"))
    assert (job.state, job.failed_count) == (JobState.FAILED, 1)
    assert nothing_is_left()
    with pytest.raises((NoSuchKey, NoSuchVersion)):
        head_object(root, bucket, "f.zip")


def test_memory_does_not_grow_with_a_zip_in_the_store(
    root: Any, bucket: str, broker: None
) -> None:
    for number in range(12):
        put(root, bucket, f"large/{number}", bytes(8 * MIB))
    job = start(root, bucket, "large/", "large.zip")
    tracemalloc.start()
    run(job)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert job.done_size == 96 * MIB
    assert peak < 3 * archiving.size_of_part(1)


def test_parts_grow_so_that_ten_thousand_are_enough() -> None:
    assert archiving.size_of_part(1) == 8 * MIB
    assert archiving.size_of_part(10_000) == 64 * MIB
    assert archiving.MOST_BYTES > 359 * 1024**3


def test_a_zip_is_made_in_a_browser(page: Any, make_bucket: Any, worker: None) -> None:
    s3 = make_bucket("browser-store-zip")
    for key in ("album/one.txt", "album/deep/two.txt"):
        s3.put_object(Bucket="browser-store-zip", Key=key, Body=key.encode())
    page.goto("/admin/buckets/browser-store-zip/objects/")
    page.check("input[value='album/']")
    page.click("text=Zip in the store")
    page.locator("text=2 objects").first.wait_for()
    assert page.input_value("input[name=target_key]") == "album.zip"
    page.press("input[name=target_key]", "Enter")
    page.click("a:has-text('browser-store-zip/album.zip')", timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    archive = zipfile.ZipFile(download.value.path())
    assert sorted(archive.namelist()) == ["album/deep/two.txt", "album/one.txt"]
