"""Bringing a folder or a whole bucket back to what it was at a time, as a job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import get_bucket
from console import jobs
from console.jobs import Measure
from console.models import JobKind
from console.pages.browser import browse_link
from console.pages.buckets import BucketPage, may_in
from console.pages.filters import moment_of
from console.pages.removal import Chosen
from console.settings.widgets import ConsoleForm
from kernel.errors import InvalidArgument
from objects.rewinds import Changes, weigh_changes

HIDE, STAY = "hide", "stay"


class RewindForm(ConsoleForm):
    added = forms.ChoiceField(choices=[(HIDE, HIDE), (STAY, STAY)])


class Rewind(BucketPage):
    """Say first what going back would do, then start it: for a folder, or what was
    chosen in it."""

    template = "console/rewind.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        given = request.GET
        return self.show(name, given.get("prefix", ""), given.get("at", ""), None)

    def show(
        self, name: str, prefix: str, at: str, chosen: Chosen | None, status: int = 200
    ) -> HttpResponse:
        moment = moment_of(at)
        changes = self.weigh(name, prefix, moment, chosen)
        bucket = get_bucket(self.principal, "s3:ListBucketVersions", name)
        may = may_in(self.principal, bucket, "s3:PutObject", "s3:DeleteObject")
        response = self.render_bucket(
            bucket,
            title="Rewind",
            prefix=prefix,
            at=at,
            chosen=chosen,
            moment=moment,
            changes=changes,
            may=may,
            folder_link=browse_link(name, prefix, at=at),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def weigh(
        self, name: str, prefix: str, moment: datetime, chosen: Chosen | None
    ) -> Changes:
        return weigh_changes(
            self.principal,
            name,
            moment,
            prefix=prefix,
            chosen=chosen and chosen.targets,
            now=timezone.now(),
        )

    def post(self, request: Any, name: str) -> HttpResponseBase:
        prefix, at = request.POST.get("prefix", ""), request.POST.get("at", "")
        chosen = chosen_in(request.POST)
        if "chosen" in request.POST:
            return self.show(name, prefix, at, chosen)
        form = RewindForm(request.POST)
        if not form.is_valid():
            return self.show(name, prefix, at, chosen, 400)
        moment = moment_of(at)
        hides_added = form.cleaned_data["added"] == HIDE
        get_bucket(self.principal, "s3:PutObject", name, f"{prefix}*")
        if hides_added:
            get_bucket(self.principal, "s3:DeleteObject", name, f"{prefix}*")
        changes = self.weigh(name, prefix, moment, chosen)
        targets = {"keys": chosen.keys, "folders": chosen.folders} if chosen else {}
        job = jobs.start_job(
            self.principal,
            JobKind.REWIND,
            name,
            {
                "prefix": prefix,
                "moment": moment.isoformat(),
                "hides_added": hides_added,
                "words": words_of(moment, chosen, hides_added=hides_added),
                **targets,
            },
            measure_of(changes, hides_added=hides_added),
            now=timezone.now(),
        )
        return self.go(reverse("admin:job", args=[job.pk]))


def chosen_in(data: Any) -> Chosen | None:
    """Read what is chosen; nothing: all that lies under the prefix."""
    names = {"chosen", "key", "folder", "version"}
    if names.isdisjoint(data):
        return None
    chosen = Chosen.of(data)
    if chosen.versions:
        raise InvalidArgument("A version is restored on its object's page.")
    return chosen


def words_of(moment: datetime, chosen: Chosen | None, *, hides_added: bool) -> str:
    which = f"{chosen.count} chosen: " if chosen else ""
    added = "gets a delete marker" if hides_added else "stays"
    return (
        f"{which}what was there on {moment:%d %b %Y, %H:%M:%S} UTC;"
        f" what was added since {added}"
    )


def measure_of(changes: Changes, *, hides_added: bool) -> Measure:
    """Tell a job how much lies before it, if that was counted to its end."""
    if not changes.is_whole:
        return Measure()
    count, size = changes.back_count, changes.size
    if hides_added:
        count, size = count + changes.added_count, size + changes.added_size
    return Measure(count, size)
