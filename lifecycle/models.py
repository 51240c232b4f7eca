"""What lifecycle runs and scrubs have done, and how far they have come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kernel.database.fields import ByteOrderedField


class LifecycleRun(models.Model):
    """One pass of a bucket's rules over its versions and uploads.

    A run that was cut off goes on behind `cursor`; a bucket has one at a time.
    """

    bucket = models.ForeignKey(
        "buckets.Bucket", models.CASCADE, related_name="lifecycle_runs"
    )
    rules = models.JSONField(help_text="as they stood when the run began")
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    cursor = ByteOrderedField(
        max_length=1024, blank=True, help_text="the last key that is done"
    )
    versions_seen = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0, help_text="to be tried again")
    error = models.CharField(max_length=1024, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="lifecycle_run_open_once",
                fields=["bucket"],
                condition=Q(finished_at__isnull=True),
            )
        ]
        indexes = [
            models.Index(name="lifecycle_run_by_start", fields=["bucket", "started_at"])
        ]

    def __str__(self) -> str:
        return f"lifecycle run of {self.started_at:%Y-%m-%d %H:%M}"


class LifecycleOutcome(models.Model):
    """What one action of one rule has done in a run, counted as it was done."""

    run = models.ForeignKey(LifecycleRun, models.CASCADE, related_name="outcomes")
    rule_id = models.CharField(max_length=255)
    action = models.CharField(max_length=32)
    storage_class = models.CharField(max_length=64, blank=True)
    count = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="lifecycle_outcome_once",
                fields=["run", "rule_id", "action", "storage_class"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.action}, {self.count}"


class ScrubRun(models.Model):
    """One pass over all stored bytes, comparing them with their checksums."""

    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    cursor = models.BigIntegerField(default=0, help_text="the last blob that is done")
    blobs = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"scrub of {self.started_at:%Y-%m-%d %H:%M}"


class Damage(models.Model):
    """A blob whose bytes are missing or not those that were stored.

    It is reported, never deleted: people decide, and a copy may be at hand.
    """

    # The database does not insist: small blobs go with their objects, by statements
    # that know nothing of this, and what is damaged must not be kept from going.
    blob = models.OneToOneField(
        "blobs.Blob", models.CASCADE, related_name="damage", db_constraint=False
    )
    problem = models.CharField(max_length=1024)
    found_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"blob {self.blob_id}: {self.problem}"
