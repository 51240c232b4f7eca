"""Seals over the audit log: each covers a run of events and the seal before it.

A seal is keyed with a secret that is not in the database: who can change rows there
cannot make the seals fit them again. Sealing is work for later, so that no change waits
for the one before it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Max, Min, Q
from django.utils import timezone

from audit import marks
from audit.models import AuditEvent, AuditSeal
from kernel.database.commit import commit

logger = logging.getLogger("objectstore.audit")

PURPOSE = b"objectstore audit seal\0"
EVENTS_PER_SEAL = 10_000
READ_AT_ONCE = 1000
# Numbers are given before a transaction ends: events of one that is still open come
# later than others of greater numbers.
SETTLED_AFTER = timedelta(minutes=10)
# After which an event has its seal, however seldom the schedule runs.
SEALED_WITHIN = timedelta(days=1)
COLUMNS = [field.attname for field in AuditEvent._meta.concrete_fields]


@dataclass(slots=True)
class Run:
    """Events one after another, and what was seen of them while they were read."""

    events: Iterable[AuditEvent]
    first_id: int = 0
    last_id: int = 0
    count: int = 0
    ended_at: datetime | None = None

    def __iter__(self) -> Iterator[AuditEvent]:
        for event in self.events:
            self.first_id = self.first_id or event.pk
            self.last_id = event.pk
            self.count += 1
            self.ended_at = max(self.ended_at or event.created_at, event.created_at)
            yield event


def seal_events(*, now: datetime) -> int:
    """Seal the events that are settled; give how many."""
    sealed = 0
    is_whole = lost_mark(now) is None
    while seal := next_seal(now):
        try:
            commit(seal.save)
        except IntegrityError:
            # Another worker has sealed them.
            return sealed
        sealed += seal.count
        # A seal that is gone is remembered until somebody has seen to it.
        if is_whole:
            marks.keep(seal)
        # Beside the database, for who wants to compare: a log that was cut short
        # together with its seals looks whole.
        logger.info("audit events up to %s sealed: %s", seal.last_id, seal.digest)
    return sealed


def next_seal(now: datetime) -> AuditSeal | None:
    """Make the seal after the last; it is read and reckoned outside transactions."""
    last = last_seal()
    after, previous = (last.last_id, last.digest) if last else (0, "")
    rows = AuditEvent.objects.filter(pk__gt=after).order_by("pk")[:EVENTS_PER_SEAL]
    settled = now - SETTLED_AFTER
    run = Run(
        takewhile(lambda event: event.created_at < settled, rows.iterator(READ_AT_ONCE))
    )
    key = settings.OBJECTSTORE_SEALING_KEYS[0]
    digest = digest_of(key, previous, run)
    if run.ended_at is None:
        return None
    return AuditSeal(
        first_id=run.first_id,
        last_id=run.last_id,
        count=run.count,
        ended_at=run.ended_at,
        previous=previous,
        key_mark=mark_of(key),
        digest=digest,
        made_at=now,
    )


def digest_of(key: str, previous: str, events: Iterable[AuditEvent]) -> str:
    digest = hmac.new(derived(key), previous.encode(), hashlib.sha256)
    for event in events:
        digest.update(b"\n" + line_of(event))
    return digest.hexdigest()


def line_of(event: AuditEvent) -> bytes:
    """Write an event in one way, whatever database it was read from."""
    values = [plain(getattr(event, name)) for name in COLUMNS]
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def derived(key: str) -> bytes:
    return hashlib.sha256(PURPOSE + key.encode()).digest()


def mark_of(key: str) -> str:
    """Give what tells keys apart and says nothing of them."""
    return hashlib.sha256(derived(key)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was sealed, between two events' numbers."""

    first_id: int
    last_id: int
    text: str

    def __str__(self) -> str:
        return f"events {self.first_id} to {self.last_id}: {self.text}"


def flaws() -> Iterator[Flaw]:
    """Compare the log with its seals, the oldest first."""
    keys = {mark_of(key): key for key in settings.OBJECTSTORE_SEALING_KEYS}
    yield from flaws_at_ends(timezone.now())
    before: AuditSeal | None = None
    for seal in AuditSeal.objects.order_by("pk").iterator():
        if before is not None:
            yield from flaws_between(before, seal)
        yield from flaws_of(seal, keys.get(seal.key_mark))
        before = seal


def flaws_at_ends(now: datetime) -> Iterator[Flaw]:
    """Find what no seal covers before the first and after the last, and a lost one."""
    if mark := lost_mark(now):
        text = (
            "their seal is gone, which this machine has made. If the database was "
            f"restored from a backup, remove {marks.place()}."
        )
        yield Flaw(mark.first_id, mark.last_id, text)
    sealed = AuditSeal.objects.aggregate(first=Min("first_id"), last=Max("last_id"))
    early = Q(pk__lt=sealed["first"] or 0, created_at__gte=oldest_kept(now))
    late = Q(pk__gt=sealed["last"] or 0, created_at__lt=now - SEALED_WITHIN)
    for bare in (early, late):
        ids = AuditEvent.objects.filter(bare).aggregate(first=Min("id"), last=Max("id"))
        if ids["first"] is not None:
            yield Flaw(
                ids["first"], ids["last"], "there are events that no seal covers."
            )


def lost_mark(now: datetime) -> marks.Mark | None:
    """Give the newest seal that this machine made, if it is gone before its time."""
    mark = marks.read()
    if mark is None or mark.is_kept or mark.is_older_than(oldest_kept(now)):
        return None
    return mark


def oldest_kept(now: datetime) -> datetime:
    """Tell from when on the log forgets nothing."""
    return now - timedelta(days=settings.OBJECTSTORE_AUDIT_DAYS)


def flaws_between(before: AuditSeal, seal: AuditSeal) -> Iterator[Flaw]:
    gap = before.last_id + 1, seal.first_id - 1
    if seal.previous != before.digest:
        yield Flaw(*gap, "a seal is missing before the next one.")
    if AuditEvent.objects.filter(pk__gte=gap[0], pk__lte=gap[1]).exists():
        yield Flaw(*gap, "there are events that no seal covers.")


def flaws_of(seal: AuditSeal, key: str | None) -> Iterator[Flaw]:
    if key is None:
        text = "its key is no longer in OBJECTSTORE_SEALING_KEYS."
        yield Flaw(seal.first_id, seal.last_id, f"The seal cannot be read: {text}")
        return
    rows = AuditEvent.objects.filter(pk__gte=seal.first_id, pk__lte=seal.last_id)
    events = rows.order_by("pk").iterator(READ_AT_ONCE)
    if digest_of(key, seal.previous, events) == seal.digest:
        return
    if not AuditSeal.objects.filter(pk=seal.pk).exists():
        # It was forgotten meanwhile, with its events.
        return
    count = rows.count()
    text = (
        "they were changed."
        if count == seal.count
        else f"there are {count:,} where {seal.count:,} were sealed."
    )
    yield Flaw(seal.first_id, seal.last_id, text)


def last_seal() -> AuditSeal | None:
    return AuditSeal.objects.order_by("-pk").first()
