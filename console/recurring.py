"""What the workers do by themselves: the schedule, its outcomes, the last passes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_app
from django_celery_beat.models import PeriodicTask
from kombu.exceptions import OperationalError as BrokerError

from iam.principals import Principal
from kernel import auditing
from kernel.database.commit import commit
from kernel.errors import NoSuchEntity, ServiceUnavailable
from lifecycle.models import LifecycleRun, ScrubRun
from lifecycle.queries import damages
from lifecycle.restores import failing_jobs
from monitoring.access import RUN_TASK, check_may_operate
from monitoring.models import TaskOutcome
from objects.models import RestoreJob

# S3 has no such action: policies name it under this store's own vendor.
PAUSE_TASK = "objectstore:PauseTask"
MOST_RUNS = 15
UNITS = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}


@dataclass(frozen=True, slots=True)
class Recurring:
    """One task of the schedule: when it is due, and how it last came out."""

    row: PeriodicTask
    when: str
    due_at: datetime | None
    outcome: TaskOutcome | None


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes over all bytes, and what restores of archives wait."""

    scrubs: list[ScrubRun]
    damaged: int
    waiting_restores: int
    failed_restores: int


def recurring_tasks(now: datetime) -> list[Recurring]:
    """List what is scheduled, by name."""
    outcomes = {one.task: one for one in TaskOutcome.objects.all()}
    rows = PeriodicTask.objects.select_related(
        "interval", "crontab", "solar", "clocked"
    ).exclude(task__startswith="celery.")
    return [
        Recurring(row, when_of(row), due_at(row, now), outcomes.get(row.task))
        for row in rows.order_by("name")
    ]


def when_of(row: PeriodicTask) -> str:
    """Say how often a task is begun, in the largest unit that fits."""
    if row.interval is None:
        return str(row.scheduler)
    seconds = int(row.schedule.run_every.total_seconds())
    for unit, size in UNITS.items():
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return str(row.scheduler)


def due_at(row: PeriodicTask, now: datetime) -> datetime | None:
    """Tell when a task is begun next; None where it is not."""
    if not row.enabled or (row.one_off and row.total_run_count):
        return None
    last = row.last_run_at or row.date_changed
    due: datetime = now + max(row.schedule.remaining_estimate(last), timedelta(0))
    if row.start_time is not None:
        due = max(due, row.start_time)
    return None if row.expires is not None and row.expires <= due else due


def passes() -> Passes:
    return Passes(
        scrubs=list(ScrubRun.objects.order_by("-pk")[:3]),
        damaged=damages().count(),
        waiting_restores=RestoreJob.objects.filter(blob__isnull=True).count(),
        failed_restores=failing_jobs().count(),
    )


def latest_lifecycle_runs(principal: Principal) -> list[LifecycleRun]:
    """List the latest runs in the account's buckets."""
    return list(
        LifecycleRun.objects.select_related("bucket")
        .filter(bucket__owner_id=principal.account_id)
        .order_by("-pk")[:MOST_RUNS]
    )


def run_task_now(principal: Principal, row_id: int) -> PeriodicTask:
    """Send a scheduled task to the workers now; its schedule stays as it is.

    Raises NoSuchEntity, AccessDenied, and ServiceUnavailable without a broker.
    """
    check_may_operate(principal, RUN_TASK)
    row = scheduled_task(row_id)
    # A web process has not met the tasks of all apps yet.
    current_app.loader.import_default_modules()
    task = current_app.tasks.get(row.task)
    if task is None:
        raise NoSuchEntity(f"There is no scheduled task {row_id}.")
    commit(lambda: auditing.note(principal, RUN_TASK, "", task=row.task))
    try:
        task.delay()
    except BrokerError as error:
        raise ServiceUnavailable("The broker does not answer.") from error
    return row


def pause_task(principal: Principal, row_id: int, *, is_paused: bool) -> PeriodicTask:
    """Let the schedule pass a task over, or begin it again when it is due.

    Raises NoSuchEntity and AccessDenied.
    """
    check_may_operate(principal, PAUSE_TASK)
    row = scheduled_task(row_id)
    row.enabled = not is_paused

    def record() -> None:
        # Saved as a whole: that tells the scheduler of it.
        row.save()
        auditing.note(principal, PAUSE_TASK, "", task=row.task, is_paused=is_paused)

    commit(record)
    return row


def scheduled_task(row_id: int) -> PeriodicTask:
    row = (
        PeriodicTask.objects.filter(pk=row_id)
        .exclude(task__startswith="celery.")
        .first()
    )
    if row is None:
        raise NoSuchEntity(f"There is no scheduled task {row_id}.")
    return row
