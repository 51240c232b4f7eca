"""What the audit log keeps of each event."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One change or refusal.

    Nothing here refers to other rows: what an event is about may be gone.
    """

    created_at = models.DateTimeField(db_index=True)
    account_id = models.BigIntegerField(null=True, help_text="whose log it is in")
    principal_arn = models.CharField(max_length=2048)
    principal_name = models.CharField(max_length=128)
    principal_id = models.CharField(max_length=128, help_text="AIDA..., or empty")
    key_id = models.CharField(max_length=128)
    source_ip = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=512)
    request_id = models.CharField(max_length=64)
    action = models.CharField(max_length=128)
    resource = models.CharField(max_length=2048)
    bucket_name = models.CharField(max_length=255)
    key = models.CharField(max_length=1024)
    outcome = models.CharField(max_length=128, help_text="Success, or an error's code")
    reason = models.TextField()
    parameters = models.JSONField(help_text="what was asked, without secrets")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(name="audit_listed", fields=["account_id", "-id"]),
            models.Index(
                name="audit_of_bucket", fields=["account_id", "bucket_name", "-id"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.resource}"

    @property
    def is_denied(self) -> bool:
        return self.outcome == "AccessDenied"

    @property
    def is_done(self) -> bool:
        return self.outcome == "Success"


class AuditSeal(models.Model):
    """A seal over a run of events and the seal before it."""

    first_id = models.BigIntegerField(unique=True)
    last_id = models.BigIntegerField(unique=True)
    count = models.IntegerField()
    ended_at = models.DateTimeField(help_text="when the latest of the events was")
    previous = models.CharField(max_length=64, blank=True, help_text="its digest")
    key_mark = models.CharField(max_length=16, help_text="which sealing key it is of")
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"seal of {self.first_id} to {self.last_id}"
