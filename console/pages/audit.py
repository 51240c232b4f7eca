"""The audit log: searched, read event by event, and exported."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from audit import operations
from audit.models import AuditEvent
from audit.operations import Search
from audit.seals import last_seal
from console.pages.base import Page
from console.settings.widgets import ConsoleForm
from console.tables import csv_answer
from iam.access import may
from iam.principals import Principal
from kernel.errors import InvalidArgument

OUTCOMES = [
    ("", "any outcome"),
    ("done", "done"),
    ("denied", "denied"),
    ("failed", "denied or failed"),
]
# No log reaches further, and a day more or less can be reckoned with.
FIRST, LAST = date(1970, 1, 1), date(9998, 12, 31)
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class SearchForm(ConsoleForm):
    text = forms.CharField(
        label="Key, ARN or request",
        required=False,
        help_text="Part of a key or ARN, or a whole request id.",
    )
    who = forms.CharField(
        label="Who", required=False, help_text="Part of a name; a key or an address."
    )
    action = forms.CharField(
        label="Action", required=False, help_text="Part of it: Policy, DeleteBucket."
    )
    bucket = forms.CharField(label="Bucket", required=False)
    outcome = forms.ChoiceField(label="Outcome", required=False, choices=OUTCOMES)
    since = forms.DateField(label="From", required=False, widget=DAY)
    until = forms.DateField(label="To", required=False, widget=DAY)

    def search(self) -> Search:
        """Give what is looked for; days begin and end in UTC."""
        given = self.cleaned_data
        return Search(
            text=given["text"],
            who=given["who"],
            action=given["action"],
            bucket_name=given["bucket"],
            outcome=given["outcome"],
            since=midnight(given["since"]),
            until=end_of(given["until"]),
        )

    def query(self) -> dict[str, str]:
        return {name: self[name].data for name in self.fields if self[name].data}


def midnight(day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(min(max(day, FIRST), LAST), time(), UTC)


def end_of(day: date | None) -> datetime | None:
    begin = midnight(day)
    return None if begin is None else begin + timedelta(days=1)


def asked_search(form: SearchForm) -> Search:
    if not form.is_valid():
        raise InvalidArgument("A day is written as 2026-01-31.")
    return form.search()


class AuditLog(Page):
    title = "Audit log"
    template = "console/audit.html"

    def get(self, request: Any) -> HttpResponse:
        form = SearchForm(request.GET)
        before = request.GET.get("before", "")
        found = operations.list_events(
            self.principal,
            asked_search(form),
            before=int(before) if before.isdecimal() else None,
        )
        query = form.query()
        return self.render(
            form=form,
            found=found,
            is_searched=bool(query),
            is_first=not before,
            simulates=may_simulate(self.principal),
            rows=[
                (event, simulator_link(self.principal, event)) for event in found.events
            ],
            seal=last_seal(),
            kept_days=settings.OBJECTSTORE_AUDIT_DAYS,
            first="?" + urlencode(query),
            after="?" + urlencode({**query, "before": found.next_before}),
            export=f"{reverse('admin:audit_export')}?{urlencode(query)}",
            is_fullwidth="1",
        )


def may_simulate(principal: Principal) -> bool:
    return may(principal, "iam:SimulatePrincipalPolicy")


def simulator_link(principal: Principal, event: AuditEvent) -> str:
    """Give the simulator's page with the question that was answered by no."""
    is_own = f"::{principal.account_number}:" in event.principal_arn
    is_nobody = event.principal_arn == "*"
    if not event.is_denied or not (is_own or is_nobody):
        return ""
    question = {
        "who": "anonymous" if is_nobody else event.principal_id.partition(":")[0],
        "action": event.action,
        "bucket": event.bucket_name,
        "key": event.key,
        "resource": "" if event.bucket_name else event.resource,
        "source_ip": event.source_ip,
    }
    given = {name: value for name, value in question.items() if value}
    return f"{reverse('admin:simulator')}?{urlencode(given)}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: kept, added or taken away."""

    text: str
    kind: str


class AuditEventPage(Page):
    template = "console/audit_event.html"

    def get(self, request: Any, event_id: int) -> HttpResponse:
        event = operations.get_event(self.principal, event_id)
        return self.render(
            title="Audit log",
            page_title=event.action,
            event=event,
            difference=difference(event.before, event.after),
            simulator=simulator_link(self.principal, event)
            if may_simulate(self.principal)
            else "",
        )


def difference(before: Any, after: Any) -> list[Line]:
    """Compare what was there with what is there now, line by line."""
    if before is None and after is None:
        return []
    was, now = as_lines(before), as_lines(after)
    # Not ndiff: it looks within lines too, for minutes where many are alike.
    changes = difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    return [line for change in changes for line in lines_of(change, was, now)]


def lines_of(
    change: tuple[str, int, int, int, int], was: list[str], now: list[str]
) -> Iterator[Line]:
    tag, begin, end, new_begin, new_end = change
    if tag == "equal":
        yield from (Line(text, "kept") for text in was[begin:end])
        return
    yield from (Line(text, "gone") for text in was[begin:end])
    yield from (Line(text, "added") for text in now[new_begin:new_end])


def as_lines(value: Any) -> list[str]:
    """Write a value over several lines; a policy is kept as text, but is JSON too."""
    if value is None:
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value.splitlines()
    return json.dumps(value, indent=2, ensure_ascii=False).splitlines()


COLUMNS = (
    *("created_at", "principal_arn", "principal_name", "key_id", "source_ip"),
    *("user_agent", "action", "bucket_name", "key", "resource", "outcome", "reason"),
    *("request_id", "parameters", "before", "after"),
)


class AuditExport(Page):
    """All events that are looked for, as CSV, sent as they are read."""

    def get(self, request: Any) -> HttpResponseBase:
        search = asked_search(SearchForm(request.GET))
        events = operations.export_events(self.principal, search)
        rows = ([getattr(event, name) for name in COLUMNS] for event in events)
        return csv_answer("audit", COLUMNS, rows)
