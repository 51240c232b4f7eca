"""Jobs: started by an operator, run page by page by a worker, watched and cancelled.

A job may run twice or be taken over: each page is committed with the place to go on,
and what a page does is no harm when done again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from console.models import OPEN_STATES, Job, JobKind, JobState
from console.pages.filters import read_search
from iam.access import denied, may
from iam.models import Identity
from iam.principals import Principal, RequestFacts
from iam.queries import principal_of
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit, is_cut_off
from kernel.errors import (
    AccessDenied,
    InvalidRequest,
    NoSuchEntity,
    ObjectStoreError,
)
from monitoring.usage import keep_report
from objects import archiving, bulk, edits, rewinds, surveys, transfers
from objects.transfers import Taken

logger = logging.getLogger("objectstore")

# A worker that has not been heard of for so long is taken for dead.
SILENT_AFTER = timedelta(minutes=2)
# How often a worker says that it lives, however long a page takes.
BEAT_SECONDS = 30.0
# How long the list tells of a job that has ended.
KEPT = timedelta(days=90)
MOST_FAILURES = 100
MOST_LINES = 200
# How often a running job's progress is written into its log.
TOLD_EVERY = timedelta(minutes=1)
# What policies ask about a request that stays true of the job it began.
LASTING_FACTS = ("source_ip", "is_secure", "user_agent", "referer")
NOT_ENDED = "This job has not ended yet."


@dataclass(frozen=True, slots=True)
class Measure:
    """What a job will have to do, as far as it was counted."""

    count: int | None = None
    size: int | None = None


NOT_MEASURED = Measure()


class LostJobError(Exception):
    """The job has gone to another worker, or away: what this one finds is no news."""


@dataclass(slots=True)
class Asker:
    """Who asked for a job, as they were after its last step."""

    job: Job
    principal: Principal

    @classmethod
    def of(cls, job: Job) -> Asker:
        """Look up who asked for a job. Raises AccessDenied if disabled."""
        return cls(job, maker_of(job))

    def has_changed(self) -> bool:
        """Look again, and tell whether the rights are others now."""
        former, self.principal = self.principal, maker_of(self.job)
        return self.principal != former


def nothing_more(principal: Principal, job: Job) -> None:
    """Finish a job that ends with its last step."""


def nothing_left(job: Job) -> None:
    """Clean up after a job that leaves nothing half done."""


@dataclass(frozen=True, slots=True)
class Runner:
    """How a kind of job is done: its steps, what ends it, what is left if it does not.

    Steps can be begun anew wherever the job's marker says, if they `can_go_on`; others
    ask for each piece of work who asks for it.
    """

    steps: Callable[[Asker, Job], Iterator[bulk.Step]]
    finish: Callable[[Principal, Job], None] = nothing_more
    clean_up: Callable[[Job], None] = nothing_left
    can_go_on: bool = True


@audited("objectstore:StartJob")
def start_job(
    principal: Principal,
    kind: JobKind,
    bucket_name: str,
    parameters: Mapping[str, Any],
    measure: Measure = NOT_MEASURED,
    *,
    now: datetime,
) -> Job:
    """Note a job and hand it to the workers."""
    job = commit(
        lambda: Job.objects.create(
            kind=kind,
            identity_id=principal.identity_id,
            account_id=principal.account_id,
            bucket_name=bucket_name,
            parameters=dict(parameters),
            request_facts=lasting_facts(principal),
            planned_count=measure.count,
            planned_size=measure.size,
            created_at=now,
            log=[line(now, f"Asked for by {principal.name}.")],
        )
    )
    enqueue(job)
    return job


def lasting_facts(principal: Principal) -> dict[str, Any]:
    return {name: getattr(principal.facts, name) for name in LASTING_FACTS}


def line(now: datetime, text: str) -> list[str]:
    return [now.isoformat(timespec="seconds"), text]


def tell(job: Job, now: datetime, text: str) -> None:
    """Add a line to a job's log, to be saved with the job."""
    job.log = [*job.log, line(now, text)][-MOST_LINES:]


def enqueue(job: Job) -> None:
    """Send a job to the workers; where the broker is away, `resume_jobs` does it."""
    from console.tasks import run_job as task

    try:
        task.delay(job_id=job.pk)
    except BrokerError as error:
        logger.warning("job %s waits for the broker: %s", job.pk, error)


def resume_jobs(now: datetime) -> int:
    """Send again the jobs that no worker has: their message or their worker is gone."""
    silent = Q(heard_at__lt=now - SILENT_AFTER) | Q(
        heard_at__isnull=True, created_at__lt=now - SILENT_AFTER
    )
    lying = Job.objects.filter(silent, state__in=(JobState.QUEUED, JobState.RUNNING))
    for job in lying:
        enqueue(job)
    # Those that only wait for a worker to be free are not sent again each minute.
    commit(lambda: lying.filter(state=JobState.QUEUED).update(heard_at=now))
    return len(lying)


def forget_old_jobs(now: datetime) -> int:
    """Forget the jobs that ended long ago; give how many."""
    ended = Job.objects.exclude(state__in=OPEN_STATES)
    old = ended.filter(finished_at__lt=now - KEPT)
    return commit(lambda: int(old.delete()[0]))


def visible_jobs(principal: Principal) -> Any:
    """Give the account's jobs to those who may see them all, their own to others."""
    found = Job.objects.select_related("identity").filter(
        account_id=principal.account_id
    )
    if may(principal, "objectstore:ListJobs"):
        return found
    return found.filter(identity_id=principal.identity_id)


class Which(StrEnum):
    """Which jobs are listed."""

    ALL = "all"
    OPEN = "open"
    TROUBLED = "troubled"


OF_THESE = {
    Which.ALL: Q(),
    Which.OPEN: Q(state__in=OPEN_STATES),
    Which.TROUBLED: Q(state=JobState.FAILED) | Q(failed_count__gt=0),
}


def list_jobs(
    principal: Principal,
    *,
    which: Which = Which.ALL,
    before: int | None = None,
    most: int,
) -> list[Job]:
    """List jobs that the principal may see, the latest first, from before one on."""
    found = visible_jobs(principal).filter(OF_THESE[which])
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[:most])


def get_job(principal: Principal, job_id: int) -> Job:
    """Find a job that the principal may see. Raises NoSuchEntity."""
    found: Job | None = visible_jobs(principal).filter(pk=job_id).first()
    if found is None:
        raise NoSuchEntity(f"There is no job {job_id}.")
    return found


def may_cancel(principal: Principal, job: Job) -> bool:
    is_own = job.identity_id == principal.identity_id
    return is_own or may(principal, "objectstore:CancelJob")


@audited("objectstore:CancelJob")
def cancel_job(principal: Principal, job_id: int, *, now: datetime) -> Job:
    """Stop a job after the page it is at; what is done stays done.

    Everybody may stop their own. Raises NoSuchEntity, AccessDenied, and InvalidRequest
    where it has ended.
    """
    job = job_to_stop(principal, job_id)
    if not job.is_open:
        raise InvalidRequest("This job has ended.")
    tell(job, now, f"To be stopped, says {principal.name}.")

    def record() -> None:
        Job.objects.filter(pk=job.pk).update(wants_cancel=True, log=job.log)
        waiting = (JobState.QUEUED, JobState.PAUSED)
        Job.objects.filter(pk=job.pk, state__in=waiting).update(
            state=JobState.CANCELLED, finished_at=now
        )

    commit(record)
    return job


def can_pause(job: Job) -> bool:
    """Tell whether a job can be stopped so that it goes on where it was."""
    return RUNNERS[JobKind(job.kind)].can_go_on


@audited("objectstore:PauseJob")
def pause_job(principal: Principal, job_id: int, *, now: datetime) -> Job:
    """Let a job rest after the page it is at, for who may cancel it.

    Raises NoSuchEntity, AccessDenied, and InvalidRequest where it cannot rest.
    """
    job = job_to_stop(principal, job_id)
    if not can_pause(job):
        raise InvalidRequest("A job of this kind runs in one go; it can be cancelled.")
    if job.state not in {JobState.QUEUED, JobState.RUNNING}:
        raise InvalidRequest("This job does not run.")
    tell(job, now, f"To rest, says {principal.name}.")

    def record() -> None:
        rows = Job.objects.filter(pk=job.pk)
        rows.filter(state=JobState.QUEUED).update(state=JobState.PAUSED, log=job.log)
        rows.filter(state=JobState.RUNNING).update(wants_pause=True, log=job.log)

    commit(record)
    return job


@audited("objectstore:ResumeJob")
def resume_job(principal: Principal, job_id: int, *, now: datetime) -> Job:
    """Let a job that rests go on where it was, for who may cancel it.

    It goes on with the rights of who asked for it. Raises what `pause_job` raises.
    """
    job = job_to_stop(principal, job_id)
    if job.state != JobState.PAUSED:
        raise InvalidRequest("This job does not rest.")
    tell(job, now, f"To go on, says {principal.name}.")

    def record() -> int:
        return Job.objects.filter(pk=job.pk, state=JobState.PAUSED).update(
            state=JobState.QUEUED, heard_at=now, log=job.log
        )

    if commit(record):
        enqueue(job)
    return job


def job_to_stop(principal: Principal, job_id: int) -> Job:
    job = get_job(principal, job_id)
    if not may_cancel(principal, job):
        raise denied(principal, "objectstore:CancelJob", "*")
    return job


@audited("objectstore:RetryJob")
def retry_job(principal: Principal, job_id: int) -> Job:
    """Run an ended job again from its beginning; it does what is left to do."""
    job = get_job(principal, job_id)
    if job.is_open:
        raise InvalidRequest(NOT_ENDED)
    if job.identity_id != principal.identity_id and not principal.is_root:
        raise InvalidRequest("A job is run again by who asked for it.")
    tell(job, timezone.now(), f"To be run again, says {principal.name}.")
    is_own = job.identity_id == principal.identity_id

    def record() -> int:
        ended = Job.objects.filter(pk=job.pk).exclude(state__in=OPEN_STATES)
        return ended.update(
            state=JobState.QUEUED,
            wants_cancel=False,
            wants_pause=False,
            marker={},
            error="",
            failures=[],
            failed_count=0,
            done_count=0,
            done_size=0,
            started_at=None,
            finished_at=None,
            log=job.log,
            request_facts=lasting_facts(principal) if is_own else job.request_facts,
        )

    if not commit(record):
        raise InvalidRequest(NOT_ENDED)
    enqueue(job)
    return job


# Running


def run_job(job_id: int) -> dict[str, Any]:
    """Run a job to its end, unless another worker has it; give its facts."""
    job = claim(job_id, timezone.now())
    if job is None:
        return {"job": job_id, "claimed": False}
    try:
        state = carry_out(job)
    except LostJobError:
        logger.warning("job %s is no longer this worker's", job_id)
        return {"job": job_id, "claimed": False}
    return {"job": job_id, "state": str(state), "done": job.done_count}


def carry_out(job: Job) -> JobState:
    """Do a job's steps, and write down how it ended.

    One that the database left in the lurch has not: it is gone on with as one whose
    worker died.
    """
    try:
        with beating(job):
            state, error = run_steps(job), ""
    except ObjectStoreError as refusal:
        state, error = JobState.FAILED, refusal.text
    except LostJobError:
        raise
    except Exception as error:
        if not is_cut_off(error):
            end(job, JobState.FAILED, "The server failed; its log says more.")
        raise
    if state is JobState.PAUSED:
        rest(job)
    else:
        end(job, state, error)
    return state


def claim(job_id: int, now: datetime) -> Job | None:
    """Take a job that waits, or that its worker has died over."""
    free = Q(state=JobState.QUEUED) | Q(
        state=JobState.RUNNING, heard_at__lt=now - SILENT_AFTER
    )
    taken = commit(
        lambda: Job.objects.filter(free, pk=job_id).update(
            state=JobState.RUNNING, heard_at=now
        )
    )
    if not taken:
        return None
    Job.objects.filter(pk=job_id, started_at__isnull=True).update(started_at=now)
    job = Job.objects.select_related("identity__account").get(pk=job_id)
    tell(
        job, now, "A worker goes on where it was." if job.marker else "A worker began."
    )
    commit(lambda: job.save(update_fields=["log"]))
    return job


HOLDING = threading.Lock()


def held(job: Job) -> QuerySet[Job]:
    """Give the job's row, as long as it is still this worker's."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, heard_at=job.heard_at)


def hold(job: Job, now: datetime, **facts: Any) -> None:
    """Write down that the job's worker lives, and what it has found.

    Raises LostJobError.
    """
    with HOLDING:
        if not commit(lambda: held(job).update(heard_at=now, **facts)):
            raise LostJobError
        job.heard_at = now


@contextmanager
def beating(job: Job) -> Iterator[None]:
    """Hold a job also while one of its steps takes long."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                hold(job, timezone.now())
            except LostJobError:
                return
            except (DatabaseError, ObjectStoreError) as error:
                logger.warning("job %s could not be held: %s", job.pk, error)
            finally:
                connections.close_all()

    thread = threading.Thread(target=beat, name=f"job-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def run_steps(job: Job) -> JobState:
    asker = Asker.of(job)
    runner = RUNNERS[JobKind(job.kind)]
    steps = runner.steps(asker, job)
    while not job.wants_cancel and (step := next(steps, None)) is not None:
        note(job, step, timezone.now())
        if job.wants_pause and not job.wants_cancel:
            return JobState.PAUSED
        if asker.has_changed() and runner.can_go_on:
            # What is left is done with the rights of now.
            steps = runner.steps(asker, job)
    if job.wants_cancel:
        return JobState.CANCELLED
    runner.finish(asker.principal, job)
    return JobState.DONE


def maker_of(job: Job) -> Principal:
    """Give who asked for a job, as they are now, from where they asked.

    Raises AccessDenied if disabled.
    """
    identity = Identity.objects.select_related("account").get(pk=job.identity_id)
    if not (identity.is_active and identity.account.is_active):
        raise AccessDenied("Who asked for this job has been disabled.")
    return principal_of(identity).asking(RequestFacts(**(job.request_facts or {})))


def rest(job: Job) -> None:
    """Put a job aside until somebody lets it go on."""
    tell(job, timezone.now(), f"At rest: {progress_of(job)}.")
    facts = {"state": JobState.PAUSED, "wants_pause": False, "log": job.log}
    if not commit(lambda: held(job).update(**facts)):
        raise LostJobError


def note(job: Job, step: bulk.Step, now: datetime) -> None:
    """Keep how far the job is, and hear whether it is to stop.

    Raises LostJobError.
    """
    job.done_count += step.done_count
    job.done_size += step.done_size
    job.failed_count += len(step.failures)
    room = MOST_FAILURES - len(job.failures)
    job.failures += [
        {"key": one.key, "version_id": one.version_id, "error": one.error.text}
        for one in step.failures[: max(0, room)]
    ]
    job.marker = dict(step.marker)
    fields = ("done_count", "done_size", "failed_count", "failures", "marker")
    hold(job, now, **{name: getattr(job, name) for name in fields})
    job.refresh_from_db(fields=["wants_cancel", "wants_pause", "log"])
    tell_progress(job, now)


def tell_progress(job: Job, now: datetime) -> None:
    last = datetime.fromisoformat(job.log[-1][0]) if job.log else job.created_at
    if now - last >= TOLD_EVERY:
        tell(job, now, f"{progress_of(job)} so far.")
        commit(lambda: job.save(update_fields=["log"]))


def progress_of(job: Job) -> str:
    refused = f", {job.failed_count:,} refused" if job.failed_count else ""
    return f"{job.done_count:,} done{refused}"


def end(job: Job, state: JobState, error: str) -> None:
    """Write down how a job ended. Raises LostJobError."""
    if state is not JobState.DONE:
        RUNNERS[JobKind(job.kind)].clean_up(job)
    now = timezone.now()
    tell(job, now, f"{JobState(state).label.capitalize()}: {progress_of(job)}.")
    if error:
        tell(job, now, error)
    facts = {"state": state, "error": error, "finished_at": now, "log": job.log}

    def record() -> None:
        if not held(job).update(**facts):
            raise LostJobError
        auditing.note(
            principal_of(job.identity),
            "objectstore:EndJob",
            job.bucket_name,
            account_id=job.account_id,
            job=job.pk,
            kind=job.kind,
            state=str(state),
            done=job.done_count,
            failed=job.failed_count,
            prefix=job.parameters.get("prefix", ""),
        )

    commit(record)


def targets_of(job: Job) -> bulk.Targets | None:
    """Read what a job works on where that is more, or less, than a prefix."""
    if "search" in job.parameters:
        prefix, wanted = read_search(job.parameters["search"])
        return bulk.Targets(prefix=prefix, wanted=wanted)
    if "keys" not in job.parameters:
        return None
    return bulk.Targets(tuple(job.parameters["keys"]), tuple(job.parameters["folders"]))


def purge_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    targets = targets_of(job)
    if targets is not None:
        return bulk.delete_matches(
            asker.principal, job.bucket_name, targets, job.marker
        )
    return bulk.purge(
        asker.principal,
        job.bucket_name,
        prefix=job.parameters["prefix"],
        scope=bulk.PurgeScope(job.parameters["scope"]),
        bypass_governance=job.parameters.get("bypass_governance", False),
        marker=job.marker,
    )


def finish_purge(principal: Principal, job: Job) -> None:
    """Delete the bucket, if that was asked for. Raises what keeps it."""
    if job.parameters.get("deletes_bucket"):
        from buckets.operations import delete_bucket

        if job.failed_count:
            raise InvalidRequest("Some of it was refused, so the bucket stays.")
        delete_bucket(principal, job.bucket_name, now=timezone.now())


def restore_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    targets = targets_of(job)
    if targets is not None:
        return bulk.delete_matches(
            asker.principal, job.bucket_name, targets, job.marker
        )
    return bulk.undelete(
        asker.principal,
        job.bucket_name,
        prefix=job.parameters["prefix"],
        marker=job.marker,
    )


def copy_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    return transfers.copy_prefix(
        asker.principal,
        job.bucket_name,
        prefix=job.parameters["prefix"],
        target_bucket=job.parameters["target_bucket"],
        target_prefix=job.parameters["target_prefix"],
        removes_source=job.kind == JobKind.MOVE,
        taken=Taken(job.parameters.get("taken", Taken.OVERWRITE)),
        marker=job.marker,
        targets=targets_of(job),
        began_at=began_before(job),
    )


def began_before(job: Job) -> datetime | None:
    """Give when a worker began that has died since, perhaps between two commits."""
    is_first = job.started_at is None or job.heard_at <= job.started_at
    return None if is_first else job.started_at


def edit_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    pages = bulk.target_pages(
        asker.principal,
        job.bucket_name,
        targets_of(job) or bulk.Targets(),
        job.marker,
        per_page=bulk.STEP_OF_EDITS,
    )
    edit = edits.Edit.of(job.parameters["edit"])
    return edits.edit_objects(asker.principal, job.bucket_name, edit, pages)


def rewind_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    return rewinds.restore_as_of(
        asker.principal,
        job.bucket_name,
        datetime.fromisoformat(job.parameters["moment"]),
        prefix=job.parameters["prefix"],
        hides_added=job.parameters["hides_added"],
        asked_at=job.created_at,
        chosen=targets_of(job),
        marker=job.marker,
    )


def usage_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    return surveys.survey(
        asker.principal, job.bucket_name, marker=job.marker, now=job.created_at
    )


def finish_usage(principal: Principal, job: Job) -> None:
    """Keep the report; the job itself need not hold it any longer."""
    keep_report(job.bucket_name, job.marker["document"], timezone.now())
    job.marker = {}
    commit(lambda: job.save(update_fields=["marker"]))


def zip_steps(asker: Asker, job: Job) -> Iterator[bulk.Step]:
    """Write the archive from its beginning: what was counted before was given up."""
    if not archiving.was_completed(job.marker):
        job.done_count = job.done_size = job.failed_count = 0
        job.failures = []
    given = job.parameters
    return archiving.write_archive(
        lambda: asker.principal,
        job.bucket_name,
        targets_of(job) or bulk.Targets(folders=(given["prefix"],)),
        archiving.Archive(
            given["target_bucket"], given["target_key"], given["replaces"]
        ),
        job.marker,
    )


def give_up_zip(job: Job) -> None:
    archiving.give_up(job.marker)


RUNNERS = {
    JobKind.PURGE: Runner(purge_steps, finish_purge),
    JobKind.RESTORE: Runner(restore_steps),
    JobKind.COPY: Runner(copy_steps),
    JobKind.MOVE: Runner(copy_steps),
    JobKind.USAGE: Runner(usage_steps, finish_usage),
    JobKind.EDIT: Runner(edit_steps),
    JobKind.REWIND: Runner(rewind_steps),
    JobKind.ZIP: Runner(zip_steps, clean_up=give_up_zip, can_go_on=False),
}
