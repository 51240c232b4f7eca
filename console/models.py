"""Jobs: work over many objects that outlives a request."""

from __future__ import annotations

from django.db import models


class JobKind(models.TextChoices):
    PURGE = "purge", "Purge"
    RESTORE = "restore", "Undelete"
    COPY = "copy", "Copy"
    MOVE = "move", "Move"
    USAGE = "usage", "Usage count"
    EDIT = "edit", "Edit"
    REWIND = "rewind", "Rewind"
    ZIP = "zip", "Zip"


class JobState(models.TextChoices):
    QUEUED = "queued", "waiting for a worker"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


class Job(models.Model):
    """One job: what was asked, by whom, how far it is and what went wrong.

    It acts as the identity that asked for it, from where that asked, with the policies
    it has at the time.
    """

    kind = models.CharField(max_length=10, choices=JobKind)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    identity = models.ForeignKey("iam.Identity", models.CASCADE, related_name="jobs")
    account = models.ForeignKey("iam.Account", models.CASCADE, related_name="jobs")
    bucket_name = models.CharField(max_length=63)
    parameters = models.JSONField(default=dict, help_text="prefix, scope, target")
    request_facts = models.JSONField(
        null=True, help_text="where it was asked for; null: not known"
    )
    planned_count = models.BigIntegerField(null=True, help_text="null: not counted")
    planned_size = models.BigIntegerField(null=True)
    done_count = models.BigIntegerField(default=0)
    done_size = models.BigIntegerField(default=0)
    failed_count = models.BigIntegerField(default=0)
    failures = models.JSONField(default=list, help_text="the first ones: key and why")
    marker = models.JSONField(default=dict, help_text="where to go on")
    error = models.TextField(blank=True, help_text="why the whole job failed")
    log = models.JSONField(default=list, help_text="when and what, the latest lines")
    wants_cancel = models.BooleanField(default=False)
    wants_pause = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True, help_text="last sign of the worker")

    class Meta:
        indexes = [models.Index(name="job_listed", fields=["account", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} of {self.bucket_name}"

    @property
    def is_open(self) -> bool:
        """Tell whether more may come of it."""
        return self.state in OPEN_STATES

    @property
    def percent(self) -> int | None:
        """Give how much is done, where it is known how much there is."""
        if self.state == JobState.DONE:
            return 100
        if not self.planned_count:
            return None
        return min(
            99, 100 * (self.done_count + self.failed_count) // self.planned_count
        )
