"""Object lock: the normal form of a bucket's configuration, and default retention.

AWS, "Locking objects with Object Lock". Pure: no Django, the time is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from kernel.errors import InvalidArgument, InvalidRetentionPeriod, MalformedXML

MODES = ("GOVERNANCE", "COMPLIANCE")
ENABLED = {"ObjectLockEnabled": "Enabled"}
LONGEST_DAYS = 36_500
LONGEST_YEARS = 100


def check_object_lock(document: Any) -> dict[str, Any]:
    """Give the normal form of a configuration.

    Raises MalformedXML, and InvalidRetentionPeriod.
    """
    if not isinstance(document, Mapping):
        raise MalformedXML()
    if document.get("ObjectLockEnabled") != "Enabled":
        raise MalformedXML()
    rule = document.get("Rule")
    if rule is None:
        return dict(ENABLED)
    if not isinstance(rule, Mapping) or set(rule) != {"DefaultRetention"}:
        raise MalformedXML()
    return {**ENABLED, "Rule": {"DefaultRetention": checked(rule["DefaultRetention"])}}


def checked(retention: Any) -> dict[str, Any]:
    if not isinstance(retention, Mapping) or retention.get("Mode") not in MODES:
        raise MalformedXML()
    units = [unit for unit in ("Days", "Years") if unit in retention]
    if len(units) != 1:
        raise MalformedXML()
    unit = units[0]
    most = LONGEST_DAYS if unit == "Days" else LONGEST_YEARS
    period = whole(retention[unit])
    if not 1 <= period <= most:
        raise InvalidRetentionPeriod()
    return {"Mode": retention["Mode"], unit: period}


def whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise MalformedXML() from None


def default_retention(
    document: Mapping[str, Any] | None, now: datetime
) -> tuple[str, datetime | None]:
    """Give the mode and end that a new object gets where it names none."""
    retention = ((document or {}).get("Rule") or {}).get("DefaultRetention")
    if not retention:
        return "", None
    if "Days" in retention:
        return retention["Mode"], now + timedelta(days=retention["Days"])
    return retention["Mode"], years_after(now, retention["Years"])


def in_whole_seconds(moment: datetime | None) -> datetime | None:
    """Cut a retention's end as it is shown, so that it is over when it says so."""
    return None if moment is None else moment.replace(microsecond=0)


def years_after(moment: datetime, years: int) -> datetime:
    """Give the same day of a later year; the 29th of February becomes the 28th."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)


def retention_conditions(
    mode: str, until: datetime | None, now: datetime
) -> dict[str, str]:
    """Give the condition keys that tell a policy which retention is asked for.

    A day that has begun counts as one.
    """
    found = {"s3:object-lock-mode": mode} if mode else {}
    if until is not None:
        days = ceil((until - now) / timedelta(days=1))
        found["s3:object-lock-retain-until-date"] = until.isoformat()
        found["s3:object-lock-remaining-retention-days"] = str(days)
    return found


def hold_conditions(is_held: bool) -> dict[str, str]:
    """Give the condition key that tells a policy of a legal hold."""
    return {"s3:object-lock-legal-hold": "ON" if is_held else "OFF"}


def check_retention(mode: str, until: datetime | None, now: datetime) -> None:
    """Refuse a retention of half its facts, of no known mode, or that is over.

    Raises InvalidArgument.
    """
    if bool(mode) != (until is not None):
        raise InvalidArgument(
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both "
            "be supplied",
            argument_name="x-amz-object-lock-retain-until-date"
            if mode
            else "x-amz-object-lock-mode",
        )
    if mode and mode not in MODES:
        raise InvalidArgument(
            "Unknown wormMode directive.",
            argument_name="x-amz-object-lock-mode",
            argument_value=mode,
        )
    if until is not None and until <= now:
        raise InvalidArgument("The retain until date must be in the future!")
