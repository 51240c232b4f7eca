"""The front page: what the store holds, what is going on, where to begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from buckets.usage import largest_buckets, usage_of_account
from console import jobs
from console.pages.base import Page
from iam.access import may
from iam.administration import expiring_keys
from iam.principals import Principal
from kernel.results import Usage

MOST_SHOWN = 8
KEYS_EXPIRE_WITHIN = timedelta(days=30)


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
            may_create=may(principal, "s3:CreateBucket"),
            jobs=jobs.list_jobs(principal, most=5),
            expiring=expiring_keys(principal, now, KEYS_EXPIRE_WITHIN),
            now=now,
            **storage_facts(principal),
        )


def storage_facts(principal: Principal) -> dict[str, Any]:
    """Give the counters and charts, to those who may see them."""
    if not may(principal, "s3:ListAllMyBuckets"):
        return {"usage": None}
    count, usage = usage_of_account(principal)
    by_size = largest_buckets(principal, MOST_SHOWN)
    return {
        "buckets_count": count,
        "usage": usage,
        "total_size": usage.objects_size + usage.versions_size,
        "by_size": bars(by_size, sizes_of),
        "by_count": bars(
            sorted(by_size, key=lambda pair: -sum(counts_of(pair[1]))), counts_of
        ),
    }


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
