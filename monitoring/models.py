"""Figures by minute, hour and day; signs of life; how scheduled tasks came out."""

from __future__ import annotations

from django.db import models


class Span(models.TextChoices):
    MINUTE = "minute", "minute"
    HOUR = "hour", "hour"
    DAY = "day", "day"


class Reading(models.Model):
    """The counters of one machine as they stood when they were last read."""

    node = models.CharField(max_length=255, unique=True)
    read_at = models.DateTimeField()
    totals = models.JSONField(default=dict, help_text="dialect, operation, class")

    def __str__(self) -> str:
        return f"{self.node} at {self.read_at:%Y-%m-%d %H:%M}"


class Traffic(models.Model):
    """What all machines answered within a minute, an hour or a day."""

    span = models.CharField(max_length=6, choices=Span)
    begun_at = models.DateTimeField()
    requests = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0, help_text="4xx")
    failed = models.BigIntegerField(default=0, help_text="5xx")
    received = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(default=0)
    latency = models.JSONField(default=list, help_text="requests by bound of seconds")
    operations = models.JSONField(default=dict, help_text="requests by operation")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="traffic_once", fields=["span", "begun_at"])
        ]

    def __str__(self) -> str:
        return f"{self.span} of {self.begun_at:%Y-%m-%d %H:%M}"


class Capacity(models.Model):
    """What an account held in an hour, or on a day: the last look counts."""

    account = models.ForeignKey("iam.Account", models.CASCADE, related_name="+")
    span = models.CharField(max_length=6, choices=Span)
    begun_at = models.DateTimeField()
    objects_count = models.BigIntegerField()
    current_size = models.BigIntegerField()
    earlier_size = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="capacity_once", fields=["account", "span", "begun_at"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}, {self.span} of {self.begun_at:%Y-%m-%d %H:%M}"


class Heartbeat(models.Model):
    """A process beside the web server, and when it was last heard of."""

    kind = models.CharField(max_length=16, help_text="worker or beat")
    name = models.CharField(max_length=255, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class TaskOutcome(models.Model):
    """How a scheduled task came out: when it last went well, and when it did not."""

    task = models.CharField(max_length=255, unique=True)
    began_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)
    error = models.CharField(max_length=1024, blank=True)

    def __str__(self) -> str:
        return self.task

    @property
    def is_failing(self) -> bool:
        """Tell whether it failed and has not gone well since."""
        return self.failed_at is not None and (
            self.succeeded_at is None or self.succeeded_at < self.failed_at
        )


class UsageReport(models.Model):
    """What a bucket held by folder, type, age and class when it was last counted."""

    # The bucket's row; a report is no reason to keep it, nor in its way.
    bucket_row_id = models.BigIntegerField(unique=True)
    made_at = models.DateTimeField()
    document = models.JSONField(help_text="as objects.surveys counts")

    def __str__(self) -> str:
        return f"usage of bucket {self.bucket_row_id}, {self.made_at:%Y-%m-%d %H:%M}"
