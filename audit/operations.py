"""Reading the audit log, and forgetting what is old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Q, QuerySet

from audit.models import AuditEvent, AuditSeal
from audit.seals import oldest_kept
from iam.access import check_may
from iam.accounts import account_id_of
from iam.principals import Principal
from kernel.database.commit import commit
from kernel.errors import NoSuchEntity

# S3 has no such action: policies name it under this store's own vendor.
LIST_EVENTS = "objectstore:ListAuditEvents"
PER_PAGE = 100
# How many events one page's search passes at most: 300,000 take 0.2 s.
MOST_PASSED = 300_000
FORGOTTEN_PER_COMMIT = 1000
EXPORTED_PER_QUERY = 1000
# How far apart the times of two events may be whose numbers say the opposite.
ORDERED_WITHIN = timedelta(hours=1)
SIDE_BY_SIDE = 1000


@dataclass(frozen=True, slots=True)
class Search:
    """Which events are looked for; empty fields match all."""

    text: str = ""
    who: str = ""
    action: str = ""
    bucket_name: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Search()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of events, newest first, and the place to go on before."""

    events: list[AuditEvent]
    next_before: int | None = None
    # Whether the page ended because the search had passed enough, not for its length.
    stopped_early: bool = False


def list_events(
    principal: Principal, search: Search = EVERYTHING, *, before: int | None = None
) -> Found:
    """List events of the account, newest first, before an event's number."""
    rows = visible_events(principal)
    begin = newest_of(rows, search) + 1 if before is None else before
    oldest = oldest_of(search)
    floor = max(begin - MOST_PASSED, oldest)
    rows = matching(rows, search).filter(id__lt=begin, id__gte=floor).order_by("-id")
    page = list(rows[: PER_PAGE + 1])
    if len(page) > PER_PAGE:
        return Found(page[:PER_PAGE], page[PER_PAGE - 1].pk)
    if floor > oldest:
        return Found(page, floor, stopped_early=True)
    return Found(page)


def newest_of(rows: QuerySet[AuditEvent], search: Search) -> int:
    """Give the number to begin at: none that is looked for has a greater one."""
    if search.until is None:
        return rows.aggregate(newest=Max("id"))["newest"] or 0
    # Times and numbers are of one order, but for transactions side by side.
    until = search.until + ORDERED_WITHIN
    by_time = AuditEvent.objects.filter(created_at__lt=until).order_by("-created_at")
    return max(by_time.values_list("pk", flat=True)[:SIDE_BY_SIDE], default=0)


def oldest_of(search: Search) -> int:
    """Give the number to end at: none that is looked for has a smaller one."""
    if search.since is None:
        return 1
    since = search.since - ORDERED_WITHIN
    by_time = AuditEvent.objects.filter(created_at__gte=since).order_by("created_at")
    return min(by_time.values_list("pk", flat=True)[:SIDE_BY_SIDE], default=1)


def get_event(principal: Principal, event_id: int) -> AuditEvent:
    """Find an event of the account. Raises NoSuchEntity."""
    found = visible_events(principal).filter(pk=event_id).first()
    if found is None:
        raise NoSuchEntity(f"There is no event {event_id}.")
    return found


def changes_of(
    principal: Principal, bucket_name: str, actions: Sequence[str], most: int
) -> list[AuditEvent]:
    """List what these actions have changed of a bucket, newest first."""
    rows = visible_events(principal)
    newest = rows.aggregate(newest=Max("id"))["newest"] or 0
    done = rows.filter(
        bucket_name=bucket_name,
        action__in=actions,
        outcome="Success",
        id__gt=newest - MOST_PASSED,
    )
    return list(done.order_by("-id")[:most])


def export_events(
    principal: Principal, search: Search = EVERYTHING
) -> Iterator[AuditEvent]:
    """Give all events that are looked for, newest first, a page at a time."""
    return exported(matching(visible_events(principal), search).order_by("-id"))


def exported(rows: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    before: int | None = None
    while True:
        rest = rows if before is None else rows.filter(id__lt=before)
        page = list(rest[:EXPORTED_PER_QUERY])
        yield from page
        if len(page) < EXPORTED_PER_QUERY:
            return
        before = page[-1].pk


def visible_events(principal: Principal) -> QuerySet[AuditEvent]:
    check_may(principal, LIST_EVENTS)
    return AuditEvent.objects.filter(account_id=account_id_of(principal))


def matching(rows: QuerySet[AuditEvent], search: Search) -> QuerySet[AuditEvent]:
    exact: dict[str, Any] = {
        "bucket_name": search.bucket_name,
        "created_at__gte": search.since,
        "created_at__lt": search.until,
        "action__icontains": search.action,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if search.who:
        rows = rows.filter(
            Q(principal_name__icontains=search.who)
            | Q(principal_id=search.who)
            | Q(key_id=search.who)
            | Q(source_ip=search.who)
        )
    if search.text:
        rows = rows.filter(
            Q(key__contains=search.text)
            | Q(resource__contains=search.text)
            | Q(request_id=search.text)
        )
    if search.outcome == "done":
        return rows.filter(outcome="Success")
    if search.outcome == "denied":
        return rows.filter(outcome__in=("AccessDenied", "AuthenticationFailed"))
    if search.outcome == "failed":
        return rows.exclude(outcome="Success")
    return rows


def forget_old_events(*, now: datetime) -> int:
    """Forget events older than OBJECTSTORE_AUDIT_DAYS; give how many."""
    oldest = oldest_kept(now)
    # Seals go first, and whole: what one of them covers is all there or all gone.
    commit(lambda: AuditSeal.objects.filter(ended_at__lt=oldest).delete())
    sealed = AuditSeal.objects.aggregate(first=Min("first_id"), last=Max("last_id"))
    free = Q(pk__lt=sealed["first"] or 0) | Q(pk__gt=sealed["last"] or 0)
    forgotten = 0
    while True:
        ids = list(
            AuditEvent.objects.filter(free, created_at__lt=oldest)
            .order_by("created_at")
            .values_list("pk", flat=True)[:FORGOTTEN_PER_COMMIT]
        )
        if not ids:
            return forgotten
        forgotten += commit(
            lambda ids=ids: AuditEvent.objects.filter(pk__in=ids).delete()[0]  # type: ignore[misc]
        )
