"""Bringing a folder or a whole bucket back to what it was at a time, as a job."""

from __future__ import annotations

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
from console.settings.widgets import ConsoleForm
from objects.rewinds import Changes, weigh_changes

HIDE, STAY = "hide", "stay"


class RewindForm(ConsoleForm):
    added = forms.ChoiceField(choices=[(HIDE, HIDE), (STAY, STAY)])


class Rewind(BucketPage):
    """Say first what going back would do, then start it."""

    template = "console/rewind.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        given = request.GET
        return self.show(name, given.get("prefix", ""), given.get("at", ""))

    def show(self, name: str, prefix: str, at: str, status: int = 200) -> HttpResponse:
        moment, now = moment_of(at), timezone.now()
        changes = weigh_changes(self.principal, name, moment, prefix=prefix, now=now)
        bucket = get_bucket(self.principal, "s3:ListBucketVersions", name)
        may = may_in(self.principal, bucket, "s3:PutObject", "s3:DeleteObject")
        response = self.render_bucket(
            bucket,
            title="Rewind",
            prefix=prefix,
            at=at,
            moment=moment,
            changes=changes,
            may=may,
            folder_link=browse_link(name, prefix, at=at),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def post(self, request: Any, name: str) -> HttpResponseBase:
        prefix, at = request.POST.get("prefix", ""), request.POST.get("at", "")
        form = RewindForm(request.POST)
        if not form.is_valid():
            return self.show(name, prefix, at, 400)
        moment, now = moment_of(at), timezone.now()
        hides_added = form.cleaned_data["added"] == HIDE
        get_bucket(self.principal, "s3:PutObject", name, f"{prefix}*")
        if hides_added:
            get_bucket(self.principal, "s3:DeleteObject", name, f"{prefix}*")
        changes = weigh_changes(self.principal, name, moment, prefix=prefix, now=now)
        job = jobs.start_job(
            self.principal,
            JobKind.REWIND,
            name,
            {
                "prefix": prefix,
                "moment": moment.isoformat(),
                "hides_added": hides_added,
                "words": f"what was there on {moment:%d %b %Y, %H:%M:%S} UTC; what was"
                f" added since {'gets a delete marker' if hides_added else 'stays'}",
            },
            measure_of(changes, hides_added=hides_added),
            now=now,
        )
        return self.go(reverse("admin:job", args=[job.pk]))


def measure_of(changes: Changes, *, hides_added: bool) -> Measure:
    """Tell a job how much lies before it, if that was counted to its end."""
    if not changes.is_whole:
        return Measure()
    count, size = changes.back_count, changes.size
    if hides_added:
        count, size = count + changes.added_count, size + changes.added_size
    return Measure(count, size)
