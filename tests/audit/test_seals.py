"""Seals over the audit log: what was changed, removed or slipped in shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import marks, seals
from audit.models import AuditEvent, AuditSeal
from audit.operations import forget_old_events
from audit.tasks import BrokenSeal, verify_seals
from buckets.quotas import put_bucket_quota


@pytest.fixture
def later() -> datetime:
    return timezone.now() + timedelta(minutes=11)


@pytest.fixture
def sealed(root: Any, bucket: str, later: datetime, monkeypatch: Any) -> list[int]:
    """The numbers of sealed events, three to a seal."""
    monkeypatch.setattr(seals, "EVENTS_PER_SEAL", 3)
    AuditEvent.objects.all().delete()
    for size in range(8):
        put_bucket_quota(root, bucket, quota_bytes=size, quota_objects=None)
    assert seals.seal_events(now=later) == 8
    assert AuditSeal.objects.count() == 3
    return list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True))


def texts() -> list[str]:
    return [str(flaw) for flaw in seals.flaws()]


def test_log_that_nobody_touched_is_whole(sealed: list[int], capsys: Any) -> None:
    assert texts() == []
    call_command("verify_audit")
    assert f"up to {sealed[-1]} are as they were sealed" in capsys.readouterr().out
    verify_seals()


def test_events_are_sealed_when_they_are_settled(
    root: Any, bucket: str, later: datetime
) -> None:
    put_bucket_quota(root, bucket, quota_bytes=1, quota_objects=None)
    assert seals.seal_events(now=timezone.now()) == 0
    assert seals.seal_events(now=later) > 0
    assert seals.seal_events(now=later) == 0


@pytest.mark.parametrize("column", [name for name in seals.COLUMNS if name != "id"])
def test_change_of_any_column_shows(sealed: list[int], column: str) -> None:
    event = AuditEvent.objects.get(pk=sealed[4])
    value: Any = "other"
    if column == "created_at":
        value = event.created_at + timedelta(microseconds=1)
    if column == "account_id":
        value = 77
    AuditEvent.objects.filter(pk=event.pk).update(**{column: value})
    assert texts() == [f"events {sealed[3]} to {sealed[5]}: they were changed."]
    with pytest.raises(CommandError):
        call_command("verify_audit")
    with pytest.raises(BrokenSeal):
        verify_seals()


def test_removed_event_shows(sealed: list[int]) -> None:
    AuditEvent.objects.filter(pk=sealed[1]).delete()
    (text,) = texts()
    assert text.endswith("there are 2 where 3 were sealed.")


def test_event_that_was_slipped_in_shows(sealed: list[int]) -> None:
    event = AuditEvent.objects.get(pk=sealed[4])
    AuditEvent.objects.filter(pk=sealed[4]).update(id=sealed[-1] + 50)
    assert len(texts()) == 1
    event.save(force_insert=True)
    assert texts() == []


def test_seal_that_was_removed_or_made_anew_shows(sealed: list[int]) -> None:
    first, middle, _ = AuditSeal.objects.order_by("pk")
    AuditEvent.objects.filter(pk=sealed[0]).update(outcome="other")
    events = list(AuditEvent.objects.filter(pk__lte=first.last_id).order_by("pk"))
    AuditSeal.objects.filter(pk=first.pk).update(
        digest=seals.digest_of("a key that is guessed", "", events)
    )
    assert len(texts()) == 2
    middle.delete()
    assert any("no seal covers" in text for text in texts())
    assert any("a seal is missing" in text for text in texts())


def test_log_that_was_changed_and_sealed_anew_shows(
    sealed: list[int], later: datetime
) -> None:
    """The server seals what has no seal: removing seals must not make it forge any."""
    AuditEvent.objects.filter(pk=sealed[4]).update(principal_name="somebody else")
    AuditSeal.objects.filter(first_id__gte=sealed[3]).delete()
    assert seals.seal_events(now=later) == 5
    (text,) = texts()
    assert "their seal is gone, which this machine has made" in text
    assert seals.seal_events(now=later) == 0
    assert len(texts()) == 1
    marks.place().unlink()
    assert texts() == []


def test_log_whose_end_was_cut_off_shows(sealed: list[int]) -> None:
    last = AuditSeal.objects.order_by("pk").last()
    assert last is not None
    AuditEvent.objects.filter(pk__gte=last.first_id).delete()
    last.delete()
    (text,) = texts()
    assert text.startswith(f"events {last.first_id} to {last.last_id}: their seal")


def test_seal_that_was_forgotten_is_not_missed(sealed: list[int]) -> None:
    last = AuditSeal.objects.order_by("pk").last()
    assert last is not None
    last.ended_at -= timedelta(days=400)
    marks.keep(last)
    AuditSeal.objects.all().delete()
    AuditEvent.objects.all().delete()
    assert texts() == []


def test_events_that_were_never_sealed_show(sealed: list[int]) -> None:
    """One of a time to come would keep all after it from being sealed."""
    event = AuditEvent.objects.get(pk=sealed[-1])
    event.pk, event.created_at = sealed[-1] + 1, timezone.now() + timedelta(days=999)
    event.save(force_insert=True)
    event.pk, event.created_at = sealed[-1] + 2, timezone.now() - timedelta(days=2)
    event.save(force_insert=True)
    assert seals.seal_events(now=timezone.now()) == 0
    assert texts() == [
        f"events {event.pk} to {event.pk}: there are events that no seal covers."
    ]


def test_event_that_was_slipped_in_before_the_first_seal_shows(
    sealed: list[int],
) -> None:
    event = AuditEvent.objects.get(pk=sealed[-1])
    event.pk = -5
    event.save(force_insert=True)
    assert texts() == ["events -5 to -5: there are events that no seal covers."]


def test_two_workers_seal_the_same_once(
    sealed: list[int], root: Any, bucket: str, later: datetime
) -> None:
    put_bucket_quota(root, bucket, quota_bytes=99, quota_objects=None)
    mine, theirs = seals.next_seal(later), seals.next_seal(later)
    assert mine is not None
    assert theirs is not None
    mine.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        theirs.save()
    assert texts() == []


def test_seals_outlive_a_change_of_keys(sealed: list[int], settings: Any) -> None:
    old = settings.OBJECTSTORE_SEALING_KEYS
    settings.OBJECTSTORE_SEALING_KEYS = ["another-key-of-enough-length", *old]
    assert texts() == []
    settings.OBJECTSTORE_SEALING_KEYS = ["another-key-of-enough-length"]
    assert all("cannot be read" in text for text in texts())


def test_what_is_forgotten_leaves_the_chain_whole(
    sealed: list[int], settings: Any, monkeypatch: Any
) -> None:
    long_ago = timezone.now() - timedelta(days=settings.OBJECTSTORE_AUDIT_DAYS + 1)
    first, middle, _ = AuditSeal.objects.order_by("pk")
    # The first seal's events are old, and one of the second's.
    AuditSeal.objects.filter(pk=first.pk).update(ended_at=long_ago)
    AuditEvent.objects.filter(pk__lte=sealed[3]).update(created_at=long_ago)
    AuditSeal.objects.filter(pk=middle.pk).update(
        digest=seals.digest_of(
            settings.OBJECTSTORE_SEALING_KEYS[0],
            middle.previous,
            AuditEvent.objects.filter(pk__in=sealed[3:6]).order_by("pk"),
        )
    )
    AuditSeal.objects.filter(pk__gt=middle.pk).delete()
    middle.refresh_from_db()
    marks.keep(middle)
    assert forget_old_events(now=timezone.now()) == 3
    assert texts() == []
    assert AuditEvent.objects.filter(pk=sealed[3]).exists()
