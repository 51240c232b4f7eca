"""What the workers do by themselves: the schedule, its outcomes, the last passes."""

from __future__ import annotations

from dataclasses import dataclass

from celery import current_app
from django_celery_beat.models import PeriodicTask
from kombu.exceptions import OperationalError as BrokerError

from iam.principals import Principal
from kernel import auditing
from kernel.database.commit import commit
from kernel.errors import NoSuchEntity, ServiceUnavailable
from lifecycle.models import Damage, LifecycleRun, ScrubRun
from monitoring.access import RUN_TASK, check_may_operate
from monitoring.models import TaskOutcome
from objects.models import RestoreJob

MOST_RUNS = 15


@dataclass(frozen=True, slots=True)
class Recurring:
    """One task of the schedule: when it is due, and how it last came out."""

    row: PeriodicTask
    when: str
    outcome: TaskOutcome | None


@dataclass(frozen=True, slots=True)
class Passes:
    """The passes over all bytes, and what restores of archives wait."""

    scrubs: list[ScrubRun]
    damaged: int
    waiting_restores: int
    failed_restores: int


def recurring_tasks() -> list[Recurring]:
    """List what is scheduled, by name."""
    outcomes = {one.task: one for one in TaskOutcome.objects.all()}
    rows = PeriodicTask.objects.select_related(
        "interval", "crontab", "solar", "clocked"
    ).exclude(task__startswith="celery.")
    return [
        Recurring(row, str(row.scheduler), outcomes.get(row.task))
        for row in rows.order_by("name")
    ]


def passes() -> Passes:
    return Passes(
        scrubs=list(ScrubRun.objects.order_by("-pk")[:3]),
        damaged=Damage.objects.count(),
        waiting_restores=RestoreJob.objects.filter(blob__isnull=True).count(),
        failed_restores=RestoreJob.objects.exclude(error="").count(),
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
    row = PeriodicTask.objects.filter(pk=row_id).first()
    # A web process has not met the tasks of all apps yet.
    current_app.loader.import_default_modules()
    task = None if row is None else current_app.tasks.get(row.task)
    if row is None or task is None:
        raise NoSuchEntity(f"There is no scheduled task {row_id}.")
    commit(lambda: auditing.note(principal, RUN_TASK, "", task=row.task))
    try:
        task.delay()
    except BrokerError as error:
        raise ServiceUnavailable("The broker does not answer.") from error
    return row
