"""Jobs: taken up again where one was lost, and done with the rights of the moment."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError as DatabaseIsAway
from django.utils import timezone
from kombu.exceptions import OperationalError
from psycopg.errors import AdminShutdown

from buckets.operations import create_bucket, delete_bucket, put_bucket_policy
from console import jobs, tasks
from console.models import Job, JobKind, JobState
from iam.models import InlinePolicy
from kernel.bodies import Body
from kernel.errors import AccessDenied, InvalidRequest
from objects import bulk, transfers
from objects.listings import list_object_versions, list_objects
from objects.operations import delete_object, put_object

PURGE = {"prefix": "", "scope": "everything"}
LONG_AGO = timezone.now() - timedelta(hours=1)


@pytest.fixture
def broker(monkeypatch: Any) -> list[int]:
    """The messages that workers would be sent."""
    sent: list[int] = []

    def note(*, job_id: int) -> None:
        sent.append(job_id)

    monkeypatch.setattr(tasks.run_job, "delay", note)
    return sent


def start(root: Any, bucket: str) -> Job:
    return jobs.start_job(root, JobKind.PURGE, bucket, PURGE, now=timezone.now())


def test_jobs_that_ended_long_ago_are_forgotten(
    root: Any, bucket: str, broker: list[int]
) -> None:
    old, recent, again = (start(root, bucket) for _ in range(3))
    now = timezone.now()
    for job, state, ended in (
        (old, JobState.FAILED, now - jobs.KEPT * 2),
        (recent, JobState.DONE, now - timedelta(days=1)),
        (again, JobState.RUNNING, now - jobs.KEPT * 2),
    ):
        Job.objects.filter(pk=job.pk).update(state=state, finished_at=ended)
    assert tasks.forget_old_jobs() == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {recent.pk, again.pk}


def test_a_job_is_noted_while_the_broker_is_away(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    put_object(root, bucket, "key", body=Body.of(b"data"), now=timezone.now())
    with monkeypatch.context() as patch:

        def refuse(**_: Any) -> None:
            raise OperationalError("nobody is there")

        patch.setattr(tasks.run_job, "delay", refuse)
        job = start(root, bucket)
    assert jobs.resume_jobs(timezone.now()) == 0
    assert jobs.resume_jobs(timezone.now() + jobs.SILENT_AFTER * 2) == 1
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert list_object_versions(root, bucket).versions == []


def test_a_job_whose_worker_died_is_sent_again(
    root: Any, bucket: str, broker: list[int]
) -> None:
    job = start(root, bucket)
    Job.objects.update(state=JobState.RUNNING, heard_at=LONG_AGO)
    assert jobs.resume_jobs(timezone.now()) == 1
    assert broker == [job.pk, job.pk]


def test_a_job_that_waits_is_not_sent_each_minute(
    root: Any, bucket: str, broker: list[int]
) -> None:
    start(root, bucket)
    now = timezone.now() + jobs.SILENT_AFTER * 2
    assert jobs.resume_jobs(now) == 1
    assert jobs.resume_jobs(now + timedelta(minutes=1)) == 0
    assert len(broker) == 2


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_an_ended_job_is_left_alone(
    root: Any, bucket: str, broker: list[int], state: str
) -> None:
    start(root, bucket)
    Job.objects.update(state=state, heard_at=LONG_AGO)
    assert jobs.resume_jobs(timezone.now()) == 0


KEEP_OUT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}],
}
EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
)


@pytest.fixture
def many(root: Any, bucket: str, monkeypatch: Any) -> list[str]:
    """Six keys of a bucket, where a job's page has two."""
    monkeypatch.setattr(bulk, "STEP", 2)
    for pages in (bulk.purged_objects, bulk.target_pages):
        monkeypatch.setitem(pages.__kwdefaults__, "per_page", 2)
    keys = [f"key-{number}" for number in range(6)]
    for key in keys:
        put_object(root, bucket, key, body=Body.of(b"data"), now=timezone.now())
    return keys


def after_first_page(monkeypatch: Any, act: Any) -> None:
    """Let something happen once a job has noted its first page."""
    real = jobs.note
    acts = iter([act])

    def note(job: Job, step: Any, now: Any) -> None:
        real(job, step, now)
        next(acts, lambda: None)()

    monkeypatch.setattr(jobs, "note", note)


@pytest.mark.parametrize(
    "parameters",
    [
        {"prefix": "", "scope": "current"},
        {"prefix": "", "scope": "everything"},
        {"prefix": "", "search": "q=key"},
        {"prefix": "", "keys": [f"key-{number}" for number in range(6)], "folders": []},
    ],
)
def test_a_job_loses_the_rights_that_its_maker_loses(
    root: Any,
    bucket: str,
    many: list[str],
    broker: list[int],
    make_principal: Any,
    monkeypatch: Any,
    parameters: dict[str, Any],
) -> None:
    maker = make_principal("maker", EVERYTHING)
    now = timezone.now()
    job = jobs.start_job(maker, JobKind.PURGE, bucket, parameters, now=now)
    after_first_page(monkeypatch, InlinePolicy.objects.all().delete)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.FAILED, 2)
    assert "not authorized" in job.error
    assert len(list_object_versions(root, bucket).versions) == 4


def test_a_job_gains_the_rights_that_its_maker_gains(
    root: Any,
    bucket: str,
    many: list[str],
    broker: list[int],
    make_principal: Any,
    monkeypatch: Any,
) -> None:
    lists = EVERYTHING.replace("s3:*", "s3:ListBucket")
    maker = make_principal("maker", lists)
    parameters = {"prefix": "", "scope": "current"}
    job = jobs.start_job(maker, JobKind.PURGE, bucket, parameters, now=timezone.now())
    after_first_page(
        monkeypatch, lambda: InlinePolicy.objects.update(document=EVERYTHING)
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count, job.failed_count) == (JobState.DONE, 4, 2)


def test_a_bucket_policy_ends_a_job_between_two_pages(
    root: Any,
    bucket: str,
    many: list[str],
    broker: list[int],
    make_principal: Any,
    monkeypatch: Any,
) -> None:
    maker = make_principal("maker", EVERYTHING)
    statement = KEEP_OUT["Statement"][0]
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    document = {**KEEP_OUT, "Statement": [{**statement, "Resource": arns}]}
    job = jobs.start_job(
        maker,
        JobKind.PURGE,
        bucket,
        {"prefix": "", "scope": "current"},
        now=timezone.now(),
    )
    after_first_page(
        monkeypatch, lambda: put_bucket_policy(root, bucket, json.dumps(document))
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.FAILED, 2)


def test_a_job_leaves_another_bucket_of_the_name_alone(
    root: Any,
    bucket: str,
    many: list[str],
    broker: list[int],
    monkeypatch: Any,
) -> None:
    def replace() -> None:
        for key in many:
            delete_object(root, bucket, key, now=timezone.now())
        delete_bucket(root, bucket, now=timezone.now())
        create_bucket(root, bucket, now=timezone.now())
        put_object(root, bucket, "zzz", body=Body.of(b"new"), now=timezone.now())

    job = start(root, bucket)
    after_first_page(monkeypatch, replace)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert len(list_object_versions(root, bucket).versions) == 1


def test_a_worker_that_has_lost_its_job_leaves_it_to_the_other(
    root: Any, bucket: str, many: list[str], broker: list[int], monkeypatch: Any
) -> None:
    job = start(root, bucket)
    taken_over = timezone.now() + timedelta(minutes=5)
    after_first_page(monkeypatch, lambda: Job.objects.update(heard_at=taken_over))
    assert jobs.run_job(job.pk) == {"job": job.pk, "claimed": False}
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.RUNNING, 2)
    assert (job.heard_at, job.finished_at) == (taken_over, None)


def test_a_job_goes_on_after_the_database_hung_up(
    root: Any, many: list[str], bucket: str, broker: list[int], monkeypatch: Any
) -> None:
    job = start(root, bucket)

    def hang_up() -> None:
        raise DatabaseIsAway("terminating connection") from AdminShutdown()

    after_first_page(monkeypatch, hang_up)
    with pytest.raises(DatabaseIsAway):
        jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.RUNNING, 2)
    Job.objects.update(heard_at=LONG_AGO)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.DONE, len(many))


def test_a_move_whose_worker_died_doubles_nothing(
    root: Any, bucket: str, broker: list[int], monkeypatch: Any
) -> None:
    now = timezone.now()
    create_bucket(root, "target", now=now)
    put_object(root, bucket, "key", body=Body.of(b"data"), now=now)
    places = {"prefix": "", "target_bucket": "target", "target_prefix": ""}
    given = {**places, "taken": "keep"}
    job = jobs.start_job(root, JobKind.MOVE, bucket, given, now=now)

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(transfers, "delete_object", dies)
        with pytest.raises(KeyboardInterrupt):
            jobs.run_job(job.pk)
    Job.objects.update(heard_at=LONG_AGO)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count, job.failed_count) == (JobState.DONE, 1, 0)
    assert [one.key for one in list_objects(root, "target").contents] == ["key"]
    assert list_objects(root, bucket).contents == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_heard_of_during_a_long_page(
    root: Any, bucket: str, many: list[str], broker: list[int], monkeypatch: Any
) -> None:
    job = start(root, bucket)
    real = bulk.delete_objects
    heard: list[Any] = []

    def slow(*arguments: Any, **options: Any) -> Any:
        before = Job.objects.get().heard_at
        for _ in range(100):
            if Job.objects.get().heard_at > before:
                heard.append(before)
                break
            time.sleep(0.05)
        return real(*arguments, **options)

    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(bulk, "delete_objects", slow)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.DONE, 6)
    assert len(heard) == 3


def test_a_job_rests_and_goes_on_where_it_was(
    operator: Any,
    root: Any,
    bucket: str,
    many: list[str],
    broker: list[int],
    monkeypatch: Any,
) -> None:
    job = start(root, bucket)
    place = f"/admin/jobs/{job.pk}/"
    after_first_page(monkeypatch, lambda: operator.post(place, {"act": "pause"}))
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count, job.finished_at) == (JobState.PAUSED, 4, None)
    assert jobs.resume_jobs(timezone.now() + jobs.SILENT_AFTER * 2) == 0
    assert jobs.run_job(job.pk)["claimed"] is False
    shown = operator.get(place).content.decode()
    assert 'value="resume"' in shown
    assert 'value="pause"' not in shown
    operator.post(place, {"act": "resume"})
    assert broker == [job.pk, job.pk]
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.DONE, 6)


def test_a_job_that_waits_or_rests_can_be_paused_and_cancelled_at_once(
    root: Any, bucket: str, broker: list[int]
) -> None:
    job = start(root, bucket)
    now = timezone.now()
    jobs.pause_job(root, job.pk, now=now)
    job.refresh_from_db()
    assert job.state == JobState.PAUSED
    with pytest.raises(InvalidRequest):
        jobs.pause_job(root, job.pk, now=now)
    jobs.cancel_job(root, job.pk, now=now)
    job.refresh_from_db()
    assert (job.state, job.finished_at) == (JobState.CANCELLED, now)
    with pytest.raises(InvalidRequest):
        jobs.resume_job(root, job.pk, now=now)


def test_a_job_that_has_ended_is_not_stopped(
    root: Any, bucket: str, broker: list[int]
) -> None:
    job = start(root, bucket)
    jobs.run_job(job.pk)
    with pytest.raises(InvalidRequest):
        jobs.cancel_job(root, job.pk, now=timezone.now())
    job.refresh_from_db()
    assert (job.state, job.wants_cancel) == (JobState.DONE, False)
    assert job.log[-1][1] == "Done: 0 done."


def test_a_job_rests_for_those_who_may_cancel_it_alone(
    root: Any, bucket: str, broker: list[int], make_principal: Any
) -> None:
    job = start(root, bucket)
    sees = make_principal("sees", EVERYTHING.replace("s3:*", "objectstore:ListJobs"))
    for act in (jobs.pause_job, jobs.resume_job):
        with pytest.raises(AccessDenied):
            act(sees, job.pk, now=timezone.now())
    stops = make_principal("stops", EVERYTHING.replace("s3:*", "objectstore:*Job*"))
    jobs.pause_job(stops, job.pk, now=timezone.now())
    jobs.resume_job(stops, job.pk, now=timezone.now())
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_a_zip_runs_in_one_go(root: Any, bucket: str, broker: list[int]) -> None:
    given = {"prefix": "", "target_bucket": bucket, "target_key": "z.zip"}
    job = jobs.start_job(root, JobKind.ZIP, bucket, given, now=timezone.now())
    with pytest.raises(InvalidRequest):
        jobs.pause_job(root, job.pk, now=timezone.now())


def test_jobs_are_listed_by_pages_and_by_state(
    operator: Any, root: Any, bucket: str, broker: list[int], monkeypatch: Any
) -> None:
    monkeypatch.setattr("console.pages.jobs.PER_PAGE", 2)
    first, second, third = (start(root, bucket).pk for _ in range(3))
    Job.objects.filter(pk=first).update(state=JobState.FAILED)
    Job.objects.filter(pk=second).update(state=JobState.DONE, failed_count=3)

    def listed(query: str = "") -> tuple[list[int], str]:
        page = operator.get(f"/admin/jobs/{query}")
        return [job.pk for job in page.context["jobs"]], page.content.decode()

    shown, text = listed()
    assert shown == [third, second]
    assert f"before={second}" in text
    shown, text = listed(f"?before={second}")
    assert shown == [first]
    assert "Latest" in text
    assert listed("?show=open")[0] == [third]
    assert listed("?show=troubled")[0] == [second, first]
    Job.objects.filter(pk=third).update(state=JobState.DONE)
    assert "No job is open" in listed("?show=open")[1]
    assert operator.get("/admin/jobs/?show=some").status_code == 400
    assert operator.get("/admin/jobs/?before=x").status_code == 200


def test_two_who_run_a_job_again_run_it_once(
    root: Any, bucket: str, broker: list[int], monkeypatch: Any
) -> None:
    job = start(root, bucket)
    Job.objects.update(state=JobState.DONE)
    seen = jobs.get_job(root, job.pk)
    # Another has just had the same thought, and a worker is at it.
    Job.objects.update(state=JobState.RUNNING, done_count=5)
    monkeypatch.setattr(jobs, "get_job", lambda *_: seen)
    with pytest.raises(InvalidRequest):
        jobs.retry_job(root, job.pk)
    job.refresh_from_db()
    assert (job.state, job.done_count) == (JobState.RUNNING, 5)
    assert broker == [job.pk]


BY_ADDRESS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:Delete*",
    "Resource": "arn:aws:s3:::BUCKET/*",
    "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
}
BY_TLS = {
    **BY_ADDRESS,
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def guarded(root: Any, bucket: str, statement: dict[str, Any]) -> None:
    """Fill a bucket and put a policy on it."""
    for key in ("a", "b"):
        put_object(root, bucket, key, body=Body.of(b"data"), now=timezone.now())
    document = {"Version": "2012-10-17", "Statement": [statement]}
    put_bucket_policy(root, bucket, json.dumps(document).replace("BUCKET", bucket))


@pytest.mark.parametrize("statement", [BY_ADDRESS, BY_TLS], ids=["address", "tls"])
def test_a_job_comes_from_where_it_was_asked_for(
    operator: Any, root: Any, bucket: str, statement: dict[str, Any]
) -> None:
    guarded(root, bucket, statement)
    given = {"prefix": "", "scope": "everything", "bucket_name": bucket}
    page = f"/admin/buckets/{bucket}/purge/"
    assert operator.post(page, given, REMOTE_ADDR="192.0.2.1").status_code == 403
    there = {"REMOTE_ADDR": "198.51.100.7", "secure": True}
    assert operator.post(page, given, **there).status_code == 302
    job = Job.objects.get()
    assert (job.done_count, job.failed_count) == (2, 0)


def test_a_job_that_is_run_again_comes_from_there(
    operator: Any, root: Any, bucket: str
) -> None:
    """One that an earlier version noted knows no address."""
    guarded(root, bucket, BY_ADDRESS)
    job = start(root, bucket)
    Job.objects.update(request_facts=None, state=JobState.QUEUED)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.done_count, job.failed_count) == (0, 2)
    page = f"/admin/jobs/{job.pk}/"
    operator.post(page, {"act": "retry"}, REMOTE_ADDR="198.51.100.7")
    job.refresh_from_db()
    assert (job.done_count, job.failed_count) == (2, 0)
