"""The front page: what the store holds, what is going on, where to begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone

from buckets.usage import buckets_near_quota, largest_buckets, usage_of_account
from console import jobs
from console.access import may_manage
from console.figures import RANGES, figures_of, growth_of
from console.models import Job, JobState
from console.pages.base import Page
from console.pages.buckets import QUOTA_WARNS, Row, rows_of
from iam.access import may
from iam.administration import expiring_keys
from iam.principals import Principal
from kernel.results import Usage
from monitoring.access import GET_METRICS, may_operate
from monitoring.models import TaskOutcome

MOST_SHOWN = 8
MOST_NEAR_QUOTA = 200
KEYS_EXPIRE_WITHIN = timedelta(days=30)
FAILED_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; its parts are percentages of the longest."""

    name: str
    usage: Usage
    current: float
    earlier: float


class Dashboard(Page):
    title = "Dashboard"
    template = "console/dashboard.html"

    def get(self, request: Any) -> HttpResponse:
        principal = self.principal
        now = timezone.now()
        return self.render(
            index=True,
            may_create=may_manage(principal, "s3:CreateBucket"),
            jobs=jobs.list_jobs(principal, most=5),
            expiring=expiring_keys(principal, now, KEYS_EXPIRE_WITHIN),
            now=now,
            failed=failed_jobs(principal, now),
            **storage_facts(principal),
            **server_facts(principal, request.GET.get("range", ""), now),
        )


def failed_jobs(principal: Principal, now: datetime) -> list[Job]:
    """List the jobs of late that failed, or in which something was refused."""
    wrong = Q(state=JobState.FAILED) | Q(state=JobState.DONE, failed_count__gt=0)
    found = jobs.visible_jobs(principal).filter(
        wrong, created_at__gt=now - FAILED_WITHIN
    )
    return list(found.order_by("-created_at")[:5])


def server_facts(principal: Principal, name: str, now: datetime) -> dict[str, Any]:
    """Give what concerns all accounts, to the server's operators."""
    if not may_operate(principal, GET_METRICS):
        return {"figures": None}
    outcomes = TaskOutcome.objects.filter(failed_at__isnull=False).order_by("task")
    return {
        "figures": figures_of(name, now),
        "ranges": RANGES,
        "failing_tasks": [one for one in outcomes if one.is_failing],
    }


def storage_facts(principal: Principal) -> dict[str, Any]:
    """Give the counters and charts, to those who may see them."""
    if not may(principal, "s3:ListAllMyBuckets"):
        return {"usage": None}
    count, usage = usage_of_account(principal)
    return {
        "buckets_count": count,
        "usage": usage,
        "total_size": usage.objects_size + usage.versions_size,
        "growth": growth_of(principal, timezone.now()),
        "by_size": bars(largest_buckets(principal, MOST_SHOWN), sizes_of),
        "by_count": bars(largest_buckets(principal, MOST_SHOWN, by="count"), counts_of),
        "near_quota": near_quota(principal),
        "quota_warns": QUOTA_WARNS,
    }


def near_quota(principal: Principal) -> list[Row]:
    """List the buckets that will soon refuse uploads, the fullest first."""
    rows = rows_of(
        principal, buckets_near_quota(principal, QUOTA_WARNS, MOST_NEAR_QUOTA)
    )
    return sorted(rows, key=lambda row: -(row.quota_percent or 0))[:MOST_SHOWN]


def sizes_of(usage: Usage) -> tuple[int, int]:
    return usage.objects_size, usage.versions_size


def counts_of(usage: Usage) -> tuple[int, int]:
    return usage.objects_count, usage.versions_count


def bars(listed: list[tuple[str, Usage]], measure: Any) -> list[Bar]:
    most = max((sum(measure(usage)) for _, usage in listed), default=0) or 1
    return [
        Bar(name, usage, *(round(100 * part / most, 2) for part in measure(usage)))
        for name, usage in listed
        if sum(measure(usage))
    ]
