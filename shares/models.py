"""Share links as they are kept: without the token itself, and without the password."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q


class Share(models.Model):
    """A link to one object, one version of it, or all that is under a prefix; or one
    that lets people put files there.

    The token is kept as a digest, to be found by, and sealed, so that its maker can
    copy the link again.
    """

    account = models.ForeignKey("iam.Account", models.CASCADE, related_name="shares")
    identity = models.ForeignKey("iam.Identity", models.CASCADE, related_name="shares")
    bucket_name = models.CharField(max_length=63)
    # A bucket made anew under the same name is another one.
    bucket_row_id = models.BigIntegerField()
    key = models.CharField(max_length=1024, help_text="a key, or a prefix")
    is_folder = models.BooleanField(default=False)
    takes_uploads = models.BooleanField(default=False)
    most_size = models.BigIntegerField(null=True, help_text="of one upload, in bytes")
    version_id = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, unique=True, help_text="of the token")
    sealed_token = models.TextField()
    password = models.CharField(max_length=256, blank=True, help_text="hashed")
    expires_at = models.DateTimeField()
    most_downloads = models.PositiveIntegerField(null=True, help_text="null: any")
    download_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(name="share_listed", fields=["account", "-id"]),
            models.Index(name="share_by_end", fields=["expires_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="share_downloads_bounded",
                condition=Q(most_downloads__isnull=True)
                | Q(download_count__lte=models.F("most_downloads")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.bucket_name}/{self.key}"

    @property
    def is_used_up(self) -> bool:
        return (
            self.most_downloads is not None
            and self.download_count >= self.most_downloads
        )

    def is_live(self, now: datetime) -> bool:
        """Tell whether the link itself still works; its maker's rights are asked."""
        return not (self.revoked_at or self.expires_at <= now or self.is_used_up)
