"""Object versions and unfinished multipart uploads."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from kernel.database.constraints import UniqueBesides
from kernel.database.fields import ByteOrderedField


class LockMode(models.TextChoices):
    NONE = "", "not locked"
    GOVERNANCE = "GOVERNANCE", "governance"
    COMPLIANCE = "COMPLIANCE", "compliance"


class ObjectAttributes(models.Model):
    """What a client says of an object besides its bytes."""

    storage_class = models.CharField(max_length=64, help_text="alias in STORAGES")
    content_type = models.CharField(max_length=1024, blank=True)
    headers = models.JSONField(default=dict, help_text="Cache-Control and its kind")
    metadata = models.JSONField(default=dict, help_text="x-amz-meta-*")
    tags = models.JSONField(default=dict)
    acl = models.JSONField(null=True, help_text="null: private to the owner")
    encryption = models.JSONField(null=True, help_text="as the client asked for it")
    lock_mode = models.CharField(max_length=10, choices=LockMode, blank=True)
    retain_until = models.DateTimeField(null=True)
    has_legal_hold = models.BooleanField(default=False)
    owner = models.ForeignKey(
        "iam.Account", models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        abstract = True


class ObjectVersion(ObjectAttributes):
    """One version of a key, or a delete marker. Its bytes never change.

    `version_id` orders by time, newest first, so the latest is the first of its key;
    a client sees "null" for a version written while versioning was off or suspended.
    """

    # SQLite checks no bucket: at its deletion that would take an index over all rows.
    # A version is added where its bucket is as it was read, in the same statement.
    bucket = models.ForeignKey(
        "buckets.Bucket",
        models.DO_NOTHING,
        related_name="versions",
        db_index=False,
        db_constraint=False,
    )
    key = ByteOrderedField(max_length=1024)
    version_id = ByteOrderedField(max_length=32)
    is_null = models.BooleanField()
    is_latest = models.BooleanField()
    is_delete_marker = models.BooleanField(default=False)
    blob = models.ForeignKey(
        "blobs.Blob", models.PROTECT, null=True, related_name="versions"
    )
    size = models.BigIntegerField(default=0)
    etag = models.CharField(max_length=64, blank=True, help_text="without quotes")
    checksum = models.JSONField(null=True, help_text="algorithm, type and base64 value")
    part_count = models.PositiveIntegerField(null=True, help_text="null: not multipart")
    restore = models.JSONField(null=True, help_text="a restored copy and its end")
    is_hold_stated = models.BooleanField(
        null=True, help_text="true: legal hold was set, if only to off"
    )
    created_at = models.DateTimeField(help_text="Last-Modified")

    class Meta:
        constraints = [
            # What ListObjects walks: a million delete markers cost it nothing.
            models.UniqueConstraint(
                name="version_listed_once",
                fields=["bucket", "key"],
                condition=Q(is_latest=True, is_delete_marker=False),
            ),
            # On SQLite each row is in one of the two: a PUT of a new key changes one
            # page of them.
            UniqueBesides(
                name="version_once",
                fields=["bucket", "key", "version_id"],
                condition=Q(is_delete_marker=True) | Q(is_latest=False),
            ),
            # Nothing to keep up where versioning was never on: each index of keys
            # costs a PUT a page of the log.
            models.UniqueConstraint(
                name="version_noncurrent_null_once",
                fields=["bucket", "key"],
                condition=Q(is_null=True, is_latest=False),
            ),
            models.CheckConstraint(
                name="version_size_not_negative", condition=Q(size__gte=0)
            ),
            models.CheckConstraint(
                name="version_marker_has_no_bytes",
                condition=Q(is_delete_marker=True, blob__isnull=True, size=0)
                | Q(is_delete_marker=False, blob__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.version_id})"


class MultipartUpload(ObjectAttributes):
    """A multipart upload; its parts are those of its composite blob."""

    has_legal_hold = models.BooleanField(null=True, help_text="null: nothing was said")
    bucket = models.ForeignKey(
        "buckets.Bucket", models.CASCADE, related_name="uploads", db_index=False
    )
    key = ByteOrderedField(max_length=1024)
    upload_id = ByteOrderedField(max_length=64, unique=True)
    blob = models.ForeignKey(
        "blobs.Blob", models.PROTECT, null=True, related_name="uploads"
    )
    checksum_algorithm = models.CharField(max_length=16, blank=True)
    checksum_type = models.CharField(max_length=16, blank=True)
    initiator = models.JSONField(default=dict, help_text="id and display name")
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    outcome = models.JSONField(
        null=True, help_text="what completion answered, for a client that asks again"
    )

    class Meta:
        indexes = [
            models.Index(
                name="upload_listed",
                fields=["bucket", "key", "upload_id"],
                condition=Q(completed_at__isnull=True),
            ),
            models.Index(name="upload_by_age", fields=["created_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="upload_open_has_blob",
                condition=Q(completed_at__isnull=False) | Q(blob__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"upload of {self.key}"


class RestoreJob(models.Model):
    """A restored copy of an archived version: to be made, and later removed, by a job.

    It has no foreign key to its version: those are removed by statements of their own,
    and a copy whose version has gone is due.
    """

    version_row_id = models.BigIntegerField(unique=True)
    tier = models.CharField(max_length=16)
    days = models.PositiveIntegerField()
    due_at = models.DateTimeField(help_text="when it is to be made, then removed")
    sent_at = models.DateTimeField(null=True, help_text="when a worker was last told")
    blob = models.ForeignKey(
        "blobs.Blob", models.PROTECT, null=True, related_name="restores"
    )
    error = models.CharField(max_length=1024, blank=True, help_text="to be tried again")

    class Meta:
        indexes = [models.Index(name="restore_job_by_time", fields=["due_at"])]

    def __str__(self) -> str:
        return f"{self.tier} restore of version {self.version_row_id}"

    def is_to_be_made(self, now: datetime) -> bool:
        return self.blob_id is None and self.due_at <= now

    def is_over(self, now: datetime) -> bool:
        return self.blob_id is not None and self.due_at <= now
