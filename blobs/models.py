"""Blobs and the parts that composite blobs are made of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class BlobKind(models.TextChoices):
    INLINE = "inline", "in the database"
    STORED = "stored", "in a storage"
    COMPOSITE = "composite", "made of parts"


class BlobState(models.TextChoices):
    PENDING = "pending", "being written"
    LIVE = "live", "named by metadata"
    FREED = "freed", "no longer named"


class Blob(models.Model):
    """An immutable run of bytes.

    A stored blob's row exists, pending, before its first byte is written, so a crash
    leaves nothing that the row's index cannot find; it is freed only after the last
    row that named it is gone.
    """

    kind = models.CharField(max_length=9, choices=BlobKind)
    state = models.CharField(max_length=7, choices=BlobState, default=BlobState.LIVE)
    storage_class = models.CharField(max_length=64, help_text="alias in STORAGES")
    path = models.CharField(max_length=64, blank=True, help_text="random, never a key")
    size = models.BigIntegerField(default=0, help_text="bytes as the client sent them")
    md5 = models.CharField(max_length=32, blank=True)
    data = models.BinaryField(null=True, help_text="the bytes of an inline blob")
    encryption = models.JSONField(null=True, help_text="how the bytes are sealed")
    changed_at = models.DateTimeField(help_text="when it took this state")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="blob_size_not_negative", condition=Q(size__gte=0)
            ),
            models.CheckConstraint(
                name="blob_inline_has_data",
                condition=~Q(kind="inline") | Q(data__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="blob_to_sweep",
                fields=["state", "changed_at"],
                condition=~Q(state="live"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} blob {self.pk}, {self.size} bytes"


class Part(models.Model):
    """One blob's place in a composite blob: an uploaded part (S3 "Part").

    While the upload goes on `position` is null; completion numbers the listed parts
    and sets where in the whole each begins.
    """

    whole = models.ForeignKey(Blob, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField(help_text="1 to 10,000, the client's")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="places")
    size = models.BigIntegerField()
    etag = models.CharField(max_length=32, help_text="MD5 in hex")
    checksums = models.JSONField(default=dict, help_text="algorithm: base64 value")
    position = models.PositiveIntegerField(
        null=True, help_text="1, 2, ... in the whole"
    )
    offset = models.BigIntegerField(null=True, help_text="first byte in the whole")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="part_number_once", fields=["whole", "number"]
            ),
            models.CheckConstraint(
                name="part_number_in_range",
                condition=Q(number__gte=1, number__lte=10_000),
            ),
            models.CheckConstraint(
                name="part_size_not_negative", condition=Q(size__gte=0)
            ),
        ]
        indexes = [models.Index(name="part_by_offset", fields=["whole", "offset"])]

    def __str__(self) -> str:
        return f"part {self.number} of blob {self.whole_id}"
