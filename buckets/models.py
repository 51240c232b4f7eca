"""Bucket metadata and exact usage counters."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.db.models import Q

from kernel.database.fields import ByteOrderedField


class Versioning(models.TextChoices):
    UNVERSIONED = "", "never enabled"
    ENABLED = "Enabled", "enabled"
    SUSPENDED = "Suspended", "suspended"


def new_revision() -> int:
    return secrets.randbits(63)


class Bucket(models.Model):
    """A container of objects, owned by an account.

    A trigger draws another `revision` at each change, so that a statement can ask
    whether the bucket is still as it was read.
    """

    name = ByteOrderedField(max_length=63, unique=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey("iam.Account", models.PROTECT, related_name="buckets")
    region = models.CharField(max_length=64)
    storage_class = models.CharField(max_length=64, help_text="alias in STORAGES")
    versioning = models.CharField(
        max_length=9, choices=Versioning, blank=True, default=Versioning.UNVERSIONED
    )
    has_object_lock = models.BooleanField(default=False)
    configurations = models.JSONField(
        default=dict, help_text="by kind: policy, cors, lifecycle, tagging, acl, ..."
    )
    quota_bytes = models.BigIntegerField(null=True, blank=True)
    quota_objects = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    revision = models.BigIntegerField(default=new_revision, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bucket_lock_needs_versioning",
                condition=Q(has_object_lock=False) | Q(versioning="Enabled"),
            ),
            models.CheckConstraint(
                name="bucket_quota_not_negative",
                condition=(Q(quota_bytes__isnull=True) | Q(quota_bytes__gte=0))
                & (Q(quota_objects__isnull=True) | Q(quota_objects__gte=0)),
            ),
        ]
        indexes = [models.Index(name="bucket_by_owner", fields=["owner", "name"])]

    def __str__(self) -> str:
        return self.name


class BucketUsage(models.Model):
    """What a bucket holds, kept exact by triggers on the versions table.

    PostgreSQL spreads a bucket's counters over several rows, so that concurrent
    writers do not wait for one another; a reader sums them.
    """

    bucket = models.ForeignKey(Bucket, models.CASCADE, related_name="usage")
    shard = models.PositiveSmallIntegerField()
    objects_count = models.BigIntegerField(default=0, help_text="current objects")
    objects_size = models.BigIntegerField(default=0, help_text="their bytes")
    versions_count = models.BigIntegerField(default=0, help_text="noncurrent versions")
    versions_size = models.BigIntegerField(default=0, help_text="their bytes")
    markers_count = models.BigIntegerField(default=0, help_text="delete markers")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="usage_shard_once", fields=["bucket", "shard"])
        ]

    def __str__(self) -> str:
        return f"usage {self.shard} of bucket {self.bucket_id}"


class KeyValueBucket(models.Model):
    """The bucket in which a caller's key-value dialect keeps its keys."""

    account = models.OneToOneField("iam.Account", models.CASCADE)
    bucket = models.ForeignKey(Bucket, models.CASCADE)

    def __str__(self) -> str:
        return f"key-value bucket {self.bucket_id} of account {self.account_id}"
