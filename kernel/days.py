"""Days as S3 counts them: they end at midnight UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)


def after_days(since: datetime, days: int, day: timedelta = ONE_DAY) -> datetime:
    """Add days and round up to the next midnight UTC.

    AWS, "Lifecycle rules: based on an object's age": created on the 15th at 10:30,
    three days, is due on the 19th at 00:00.
    """
    if day == ONE_DAY:
        return midnight_after(utc_date(since), days + 1)
    try:
        return since + days * day
    except OverflowError:
        return NEVER


@lru_cache(maxsize=16_384)
def midnight_after(day: date, days: int) -> datetime:
    """Give the midnight some days after a day began (kept: a fifth of a preview)."""
    try:
        return datetime.combine(day, time(), UTC) + timedelta(days=days)
    except OverflowError:
        return NEVER


def midnight(moment: datetime) -> datetime:
    return midnight_after(utc_date(moment), 0)


def utc_date(moment: datetime) -> date:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).date()
