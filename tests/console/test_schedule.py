"""The schedule on the jobs page: what is due when, paused and gone on with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
)

from audit.models import AuditEvent
from console.recurring import due_at, when_of
from console.settings.policies import IDENTITY_POLICIES

TASK = "monitoring.tasks.forget_old_figures"
POLICIES = {title: text for title, _, text in IDENTITY_POLICIES}


@pytest.fixture
def hourly(db: Any) -> PeriodicTask:
    interval = IntervalSchedule.objects.create(every=3600, period="seconds")
    return PeriodicTask.objects.create(name="hourly", task=TASK, interval=interval)


def test_a_task_is_due_an_interval_after_its_last_time(hourly: PeriodicTask) -> None:
    now = timezone.now()
    near = timedelta(seconds=5)
    assert abs(due_at(hourly, now) - now - timedelta(hours=1)) < near
    hourly.last_run_at = now - timedelta(minutes=50)
    assert abs(due_at(hourly, now) - now - timedelta(minutes=10)) < near
    hourly.last_run_at = now - timedelta(days=3)
    assert due_at(hourly, now) == now
    hourly.start_time = now + timedelta(days=2)
    assert due_at(hourly, now) == hourly.start_time
    hourly.expires = now + timedelta(days=1)
    assert due_at(hourly, now) is None


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (1, "every second"),
        (90, "every 90 seconds"),
        (60, "every minute"),
        (600, "every 10 minutes"),
        (3600, "every hour"),
        (86_400, "every day"),
    ],
)
def test_how_often_is_said_in_plain_words(
    hourly: PeriodicTask, every: int, words: str
) -> None:
    hourly.interval.every = every
    assert when_of(hourly) == words


def test_what_is_paused_or_over_is_not_due(hourly: PeriodicTask) -> None:
    now = timezone.now()
    hourly.one_off, hourly.total_run_count = True, 1
    assert due_at(hourly, now) is None
    hourly.one_off, hourly.enabled = False, False
    assert due_at(hourly, now) is None


def test_other_schedules_are_reckoned_too(db: Any) -> None:
    now = timezone.now()
    nightly = CrontabSchedule.objects.create(minute="30", hour="2")
    row = PeriodicTask.objects.create(name="nightly", task=TASK, crontab=nightly)
    due = due_at(row, now)
    assert due is not None
    assert now < due <= now + timedelta(days=1, minutes=1)
    at = now + timedelta(hours=5)
    clocked = ClockedSchedule.objects.create(clocked_time=at)
    row = PeriodicTask.objects.create(
        name="once", task=TASK, clocked=clocked, one_off=True
    )
    assert abs(due_at(row, now) - at) < timedelta(seconds=5)


def test_a_task_is_paused_and_goes_on(operator: Client, hourly: PeriodicTask) -> None:
    last = timezone.now() - timedelta(minutes=30, seconds=-30)
    PeriodicTask.objects.filter(pk=hourly.pk).update(last_run_at=last)
    shown = operator.get("/admin/jobs/").content.decode().replace("\xa0", " ")
    assert "in 30 minutes" in shown
    PeriodicTasks.objects.all().delete()
    operator.post("/admin/jobs/", {"pause": hourly.pk})
    hourly.refresh_from_db()
    assert not hourly.enabled
    # The scheduler hears of it by this row.
    assert PeriodicTasks.objects.exists()
    event = AuditEvent.objects.get(action="objectstore:PauseTask")
    assert event.parameters == {"task": TASK, "is_paused": True}
    shown = operator.get("/admin/jobs/").content.decode()
    assert "paused" in shown
    operator.post("/admin/jobs/", {"resume": hourly.pk})
    hourly.refresh_from_db()
    assert hourly.enabled


def test_who_may_only_see_the_schedule_pauses_nothing(
    sign_in: Any, account: Any, hourly: PeriodicTask
) -> None:
    auditor = sign_in("auditor", POLICIES["Auditor"])
    assert b'name="pause"' not in auditor.get("/admin/jobs/").content
    assert auditor.post("/admin/jobs/", {"pause": hourly.pk}).status_code == 403
    hourly.refresh_from_db()
    assert hourly.enabled


def test_the_schedulers_own_tasks_stay(operator: Client, hourly: PeriodicTask) -> None:
    own = PeriodicTask.objects.create(
        name="celery's", task="celery.backend_cleanup", interval=hourly.interval
    )
    assert operator.post("/admin/jobs/", {"pause": own.pk}).status_code == 404
    assert operator.post("/admin/jobs/", {"pause": "9" * 30}).status_code == 400
