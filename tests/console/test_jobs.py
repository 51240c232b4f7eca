"""Jobs whose message or worker was lost are taken up again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from console import jobs, tasks
from console.models import Job, JobKind, JobState
from kernel.bodies import Body
from objects.listings import list_object_versions
from objects.operations import put_object

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
