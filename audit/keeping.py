"""Writing events into the log: in the change's own transaction, and cut to size."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from iam.rate_limits import network_of
from kernel.auditing import Event
from kernel.database.commit import commit
from kernel.database.fields import column_time
from kernel.database.rows import execute
from kernel.kept_settings import settings

INSERT = """
    INSERT INTO audit_auditevent (
        created_at, account_id, principal_arn, principal_name, principal_id, key_id,
        source_ip, user_agent, request_id, action, resource, bucket_name, key,
        outcome, reason, parameters, before, after
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
# Larger documents are kept by their size alone.
MOST_TEXT = 64 * 1024
# How many refusals of one caller a process keeps in a minute: a stranger who is
# refused a million times shall not fill the disk.
MOST_REFUSALS = 100
MOST_CALLERS = 10_000


class Keeper:
    """Keeps events in the database."""

    def __init__(self) -> None:
        self._refusals = Refusals()

    @property
    def keeps_writes(self) -> bool:
        return bool(settings.OBJECTSTORE_AUDIT == "all")

    def write(self, event: Event) -> None:
        execute(INSERT, row_of(event, timezone.now()))

    def write_alone(self, event: Event) -> None:
        facts = event.principal.facts
        network = network_of(facts.source_ip)
        room = self._refusals.room(f"{event.principal.arn} {network}")
        if not room:
            return
        if room == 1:
            event.reason += " (More refusals of this minute are not kept.)"
        row = row_of(event, timezone.now())
        commit(lambda: execute(INSERT, row))


class Refusals:
    """Counts each caller's refusals of the minute."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def room(self, caller: str) -> int:
        """Give how many refusals of the caller may be kept, this one among them."""
        minute = int(timezone.now().timestamp()) // 60
        with self._lock:
            if minute != self._minute or len(self._counts) > MOST_CALLERS:
                self._minute = minute
                self._counts.clear()
            self._counts[caller] += 1
            return max(0, MOST_REFUSALS + 1 - self._counts[caller])


def row_of(event: Event, now: datetime) -> list[Any]:
    principal, facts = event.principal, event.principal.facts
    account_id = event.account_id
    return [
        column_time(now),
        principal.account_id if account_id is None else account_id,
        cut(principal.arn, 2048),
        cut(principal.name or str(principal.kind), 128),
        cut(principal.unique_id, 128),
        cut(principal.key_id, 128),
        cut(facts.source_ip, 64),
        cut(facts.user_agent, 512),
        cut(facts.request_id, 64),
        cut(event.action, 128),
        cut(event.resource, 2048),
        cut(event.bucket_name, 255),
        cut(event.key, 1024),
        cut(event.outcome, 128),
        cut(event.reason, MOST_TEXT),
        as_text(dict(event.parameters)),
        None if event.before is None else as_text(event.before),
        None if event.after is None else as_text(event.after),
    ]


def cut(text: str, most: int) -> str:
    """Make a text fit its column; PostgreSQL keeps no null character."""
    return text[:most].replace("\0", "�")


def told(value: Any) -> Any:
    is_record = is_dataclass(value) and not isinstance(value, type)
    return asdict(value) if is_record else str(value)  # type: ignore[arg-type]


def as_text(value: Any) -> str:
    """Write a value as JSON; what JSON has no word for, as its fields or its text."""
    text = json.dumps(value, default=told).replace("\\u0000", "\\ufffd")
    if len(text) > MOST_TEXT:
        return json.dumps({"too_large": len(text)})
    return text
