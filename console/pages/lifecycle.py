"""What a bucket's lifecycle rules will do, day by day, and what they have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from buckets.access import find_bucket
from console.pages.buckets import BucketPage
from kernel.errors import NoSuchLifecycleConfiguration
from lifecycle.operations import list_lifecycle_runs
from lifecycle.previews import Preview, Tally, preview_lifecycle

DAYS_AHEAD = 14
MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the preview: what is due then, in words and as a bar."""

    date: datetime
    count: int
    size: int
    percent: float
    tallies: list[Tally]


def days_of(preview: Preview) -> list[Day]:
    """Give today's run and the days after it, those with nothing left out."""
    runs = [(preview.date, preview.tallies)]
    runs += [(day.date, day.tallies) for day in preview.days]
    counts = [sum(tally.count for tally in tallies) for _, tallies in runs]
    most = max(counts, default=0) or 1
    return [
        Day(
            date,
            count,
            sum(tally.size for tally in tallies),
            round(100 * count / most, 1),
            tallies,
        )
        for (date, tallies), count in zip(runs, counts, strict=True)
        if count
    ]


class LifecyclePreview(BucketPage):
    template = "console/lifecycle.html"
    tab = "settings"

    def get(self, request: Any, name: str) -> HttpResponse:
        runs = list_lifecycle_runs(self.principal, name, limit=MOST_RUNS)
        preview = self.preview(name)
        return self.render_bucket(
            find_bucket(name),
            preview=preview,
            days=[] if preview is None else days_of(preview),
            days_ahead=DAYS_AHEAD,
            runs=runs,
        )

    def preview(self, name: str) -> Preview | None:
        try:
            return preview_lifecycle(
                self.principal, name, date=timezone.now(), days_ahead=DAYS_AHEAD
            )
        except NoSuchLifecycleConfiguration:
            return None
