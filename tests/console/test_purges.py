"""Purges: counted first, confirmed by name, done by a job past what is locked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from buckets.operations import create_bucket, list_buckets
from console import jobs
from console.models import Job, JobState
from iam.models import Identity
from kernel.bodies import Body
from kernel.errors import NoSuchEntity
from kernel.results import ObjectAttributes
from objects import bulk
from objects.listings import list_object_versions
from objects.operations import delete_object, put_object


def put(root: Any, bucket: str, key: str, **attributes: Any) -> Any:
    return put_object(
        root,
        bucket,
        key,
        body=Body.of(b"12345"),
        attributes=ObjectAttributes(**attributes),
        now=timezone.now(),
    )


def purge(operator: Any, bucket: str, **given: str) -> Any:
    given = {"scope": "everything", "bucket_name": bucket, **given}
    return operator.post(f"/admin/buckets/{bucket}/purge/", given)


def left(root: Any, bucket: str) -> list[str]:
    return [one.key for one in list_object_versions(root, bucket).versions]


def test_counts_are_shown_first(operator: Any, root: Any, versioned: str) -> None:
    for key in ("in/a", "in/a", "in/b", "out"):
        put(root, versioned, key)
    delete_object(root, versioned, "in/b", now=timezone.now())
    weight = operator.get(f"/admin/buckets/{versioned}/purge/?prefix=in/").context_data[
        "weight"
    ]
    assert (weight.current_count, weight.current_size) == (1, 5)
    assert (weight.versions_count, weight.markers_count) == (2, 1)


def test_weight_says_where_it_stopped_counting(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bulk, "MOST_WEIGHED", 2)
    for key in "abc":
        put(root, bucket, key)
    assert not bulk.weigh(root, bucket, now=timezone.now()).is_whole


def test_name_must_be_typed(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a")
    assert purge(operator, bucket, bucket_name="buckets").status_code == 400
    assert left(root, bucket) == ["a"]


def test_everything_goes(operator: Any, root: Any, versioned: str) -> None:
    for key in ("a", "a", "b"):
        put(root, versioned, key)
    delete_object(root, versioned, "b", now=timezone.now())
    purge(operator, versioned)
    assert left(root, versioned) == []
    job = Job.objects.get()
    assert (job.state, job.done_count, job.done_size) == (JobState.DONE, 4, 15)


def test_current_objects_get_markers(operator: Any, root: Any, versioned: str) -> None:
    put(root, versioned, "a")
    purge(operator, versioned, scope="current")
    assert [
        one.is_delete_marker for one in list_object_versions(root, versioned).versions
    ] == [True, False]


def test_only_the_prefix_goes(operator: Any, root: Any, bucket: str) -> None:
    for key in ("in/a", "in/b", "into", "z"):
        put(root, bucket, key)
    purge(operator, bucket, prefix="in/")
    assert left(root, bucket) == ["into", "z"]


def test_null_versions_do_not_hide_others(
    operator: Any, root: Any, bucket: str, monkeypatch: Any
) -> None:
    from buckets.operations import put_bucket_versioning

    monkeypatch.setattr(bulk, "STEP", 1)
    put(root, bucket, "a")
    put_bucket_versioning(root, bucket, "Enabled")
    put(root, bucket, "a")
    put_bucket_versioning(root, bucket, "Suspended")
    put(root, bucket, "a")
    purge(operator, bucket)
    assert left(root, bucket) == []


def test_bucket_goes_with_its_objects(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a")
    purge(operator, bucket, deletes_bucket="on")
    assert list_buckets(root).buckets == []


def test_locked_versions_are_refused_and_listed(operator: Any, root: Any) -> None:
    create_bucket(root, "archive", has_object_lock=True, now=timezone.now())
    until = timezone.now() + timedelta(days=1)
    put(root, "archive", "locked", lock_mode="COMPLIANCE", retain_until=until)
    put(root, "archive", "free")
    purge(operator, "archive", deletes_bucket="on")
    assert left(root, "archive") == ["locked"]
    job = Job.objects.get()
    assert (job.done_count, job.failed_count) == (1, 1)
    assert job.failures[0]["key"] == "locked"
    assert (job.state, job.error) == (
        JobState.FAILED,
        "Some of it was refused, so the bucket stays.",
    )
    assert [bucket.name for bucket in list_buckets(root).buckets] == ["archive"]


def test_cancelled_job_stops_after_its_page(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bulk, "STEP", 1)
    monkeypatch.setattr(jobs, "enqueue", lambda job: None)
    for key in "abc":
        put(root, bucket, key)
    job = jobs.start_job(
        root, "purge", bucket, {"prefix": "", "scope": "everything"}, now=timezone.now()
    )
    real = bulk.delete_objects

    def cancelled_meanwhile(*arguments: Any, **options: Any) -> Any:
        jobs.cancel_job(root, job.pk, now=timezone.now())
        return real(*arguments, **options)

    monkeypatch.setattr(bulk, "delete_objects", cancelled_meanwhile)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.CANCELLED, 1)
    assert left(root, bucket) == ["b", "c"]


def test_job_is_taken_over_from_a_dead_worker(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda job: None)
    put(root, bucket, "a")
    job = jobs.start_job(
        root, "purge", bucket, {"prefix": "", "scope": "everything"}, now=timezone.now()
    )
    Job.objects.update(state=JobState.RUNNING, heard_at=timezone.now())
    assert jobs.run_job(job.pk) == {"job": job.pk, "claimed": False}
    Job.objects.update(heard_at=timezone.now() - timedelta(hours=1))
    assert jobs.run_job(job.pk)["state"] == JobState.DONE


def test_job_acts_with_the_rights_of_who_asked(
    make_principal: Any, root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda job: None)
    put(root, bucket, "a")
    ada = make_principal("ada")
    job = jobs.start_job(
        ada, "purge", bucket, {"prefix": "", "scope": "everything"}, now=timezone.now()
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert left(root, bucket) == ["a"]


@pytest.mark.parametrize("steps_done", [0, 1])
def test_job_ends_with_who_asked(
    make_principal: Any, root: Any, bucket: str, monkeypatch: Any, steps_done: int
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda job: None)
    monkeypatch.setattr(bulk, "STEP", 1)
    for key in ("a", "b", "c"):
        put(root, bucket, key)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    ada = make_principal("ada", json.dumps({"Statement": [everything]}))
    job = jobs.start_job(
        ada, "purge", bucket, {"prefix": "", "scope": "everything"}, now=timezone.now()
    )
    noted = jobs.note

    def disable() -> None:
        Identity.objects.filter(pk=ada.identity_id).update(is_active=False)

    def note(*arguments: Any) -> None:
        noted(*arguments)
        disable()

    monkeypatch.setattr(jobs, "note", note)
    if not steps_done:
        disable()
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.FAILED, steps_done)
    assert len(left(root, bucket)) == 3 - steps_done


def test_job_of_another_account_is_unknown(
    root: Any, other_root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda job: None)
    job = jobs.start_job(root, "purge", bucket, {}, now=timezone.now())
    with pytest.raises(NoSuchEntity):
        jobs.get_job(other_root, job.pk)


def test_job_runs_again(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a")
    purge(operator, bucket)
    put(root, bucket, "b")
    operator.post(f"/admin/jobs/{Job.objects.get().pk}/", {"act": "retry"})
    assert left(root, bucket) == []
