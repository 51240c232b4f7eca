"""Reports of what buckets hold: stored when they are made, shown from there."""

from __future__ import annotations

from datetime import datetime, timedelta

from buckets.access import find_bucket
from buckets.models import Bucket
from iam.principals import Principal
from kernel.database.commit import commit
from monitoring.models import UsageReport
from objects.surveys import Document, check_may_survey

KEPT_DAYS = 365


def report_of(principal: Principal, bucket_name: str) -> UsageReport | None:
    """Find a bucket's last report. Raises AccessDenied to those who may not list it."""
    check_may_survey(principal, bucket_name)
    bucket_id = find_bucket(bucket_name).id
    return UsageReport.objects.filter(bucket_row_id=bucket_id).first()


def keep_report(bucket_name: str, document: Document, now: datetime) -> None:
    bucket_id = find_bucket(bucket_name).id
    commit(
        lambda: UsageReport.objects.update_or_create(
            bucket_row_id=bucket_id, defaults={"made_at": now, "document": document}
        )
    )


def forget_old_reports(now: datetime) -> None:
    """Forget reports that are old, or whose bucket has gone."""
    old = UsageReport.objects.filter(made_at__lt=now - timedelta(days=KEPT_DAYS))
    gone = UsageReport.objects.exclude(bucket_row_id__in=Bucket.objects.values("pk"))

    def record() -> None:
        old.delete()
        gone.delete()

    commit(record)
