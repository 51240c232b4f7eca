"""Deleting, purging, copying and moving: first what it will do, then doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import get_bucket
from buckets.operations import list_buckets
from buckets.queries import usage
from console import jobs
from console.jobs import Measure
from console.models import JobKind
from console.pages.browser import DELIMITER, browse_link, folder_of
from console.pages.buckets import BucketPage, may_in
from console.pages.filters import Filters, read_search
from console.settings.widgets import ConsoleForm
from iam.access import may
from iam.principals import Principal
from kernel.errors import InvalidArgument, ObjectStoreError
from kernel.results import BucketInfo
from objects import bulk
from objects.bulk import PurgeScope, Targets, Weight
from objects.operations import FailedDeletion, ObjectIdentifier, delete_objects
from objects.searches import Matches

MOST_CHOSEN = 1000
MOST_WARNINGS = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a form's check boxes name: keys, versions of keys, and folders."""

    keys: list[str]
    versions: list[ObjectIdentifier]
    folders: list[str]
    # All that a search finds, as the browser's address says it; None: what is named.
    search: str | None = None

    @classmethod
    def of(cls, data: Any) -> Chosen:
        """Read what is chosen. A version is written as its id, a space, its key."""
        if "search" in data:
            return cls([], [], [], data["search"])
        versions = [
            ObjectIdentifier(key, version_id)
            for version_id, _, key in (
                one.partition(" ") for one in data.getlist("version")
            )
        ]
        chosen = cls(data.getlist("key"), versions, data.getlist("folder"))
        count = len(chosen.keys) + len(chosen.versions) + len(chosen.folders)
        if not count:
            raise InvalidArgument("Nothing was chosen.")
        if count > MOST_CHOSEN:
            raise InvalidArgument(f"Choose at most {MOST_CHOSEN} at a time.")
        return chosen

    @property
    def count(self) -> int:
        return len(self.keys) + len(self.versions) + len(self.folders)

    @property
    def targets(self) -> Targets:
        """Give what a job works on. Versions are no part of it."""
        if self.search is None:
            return Targets(tuple(self.keys), tuple(self.folders))
        prefix, wanted = read_search(self.search)
        return Targets(prefix=prefix, wanted=wanted)

    @property
    def words(self) -> str:
        """Say what a search stands for."""
        query = QueryDict(self.search or "")
        chips = ", ".join(text for _, text in Filters.of(query).chips())
        place = query.get("prefix", "")
        return " ".join(
            (
                f"all that match “{chips}”" if chips else "everything",
                f"under “{place}”" if place else "in the bucket",
            )
        )


class Delete(BucketPage):
    """Delete what was chosen in the browser: once to look, once to do it."""

    template = "console/delete.html"
    tab = "objects"

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = Chosen.of(request.POST)
        bucket = get_bucket(self.principal, "s3:ListBucket", name)
        if "confirmed" not in request.POST:
            return self.preview(bucket, chosen)
        if chosen.search is not None:
            job = start_match_job(self.principal, JobKind.PURGE, name, chosen)
            return self.go(reverse("admin:job", args=[job.pk]))
        failures = self.delete(name, chosen)
        queued = [self.purge(name, folder) for folder in chosen.folders]
        self.report(chosen, failures, len(queued))
        if len(queued) == 1 and not failures:
            return self.go(reverse("admin:job", args=[queued[0].pk]))
        return self.back_or(browse_link(name))

    def preview(self, bucket: BucketInfo, chosen: Chosen) -> HttpResponse:
        now = timezone.now()
        return self.render_bucket(
            bucket,
            title="Delete",
            chosen=chosen,
            matches=matches_of(self.principal, bucket.name, chosen),
            weight=bulk.weigh_keys(self.principal, bucket.name, chosen.keys, now=now),
            versions=self.weigh_versions(bucket, chosen),
            may=may_in(self.principal, bucket, "s3:BypassGovernanceRetention"),
            folders=[
                (
                    folder,
                    bulk.weigh(self.principal, bucket.name, folder, now=now),
                )
                for folder in chosen.folders
            ],
            next=self.request.POST.get("next", ""),
        )

    def weigh_versions(self, bucket: BucketInfo, chosen: Chosen) -> Weight | None:
        if not chosen.versions:
            return None
        return bulk.weigh_versions(
            self.principal, bucket.name, chosen.versions, now=timezone.now()
        )

    def delete(self, name: str, chosen: Chosen) -> list[FailedDeletion]:
        identifiers = [ObjectIdentifier(key) for key in chosen.keys]
        outcomes = delete_objects(
            self.principal,
            name,
            [*identifiers, *chosen.versions],
            bypass_governance="bypass" in self.request.POST,
            now=timezone.now(),
        )
        return [one for one in outcomes if isinstance(one, FailedDeletion)]

    def purge(self, name: str, folder: str) -> Any:
        weight = bulk.weigh(self.principal, name, folder, now=timezone.now())
        return jobs.start_job(
            self.principal,
            JobKind.PURGE,
            name,
            {"prefix": folder, "scope": PurgeScope.CURRENT},
            measure_of(weight, PurgeScope.CURRENT),
            now=timezone.now(),
        )

    def report(
        self, chosen: Chosen, failures: list[FailedDeletion], queued: int
    ) -> None:
        done = len(chosen.keys) + len(chosen.versions) - len(failures)
        if done:
            self.say(f"{done} deleted.")
        if queued:
            self.say(f"{queued} folder{'s' * (queued > 1)}: deleting as a job.")
        for one in failures[:MOST_WARNINGS]:
            self.warn(f"{one.key}: {one.error.text}")
        if len(failures) > MOST_WARNINGS:
            self.warn(f"{len(failures) - MOST_WARNINGS} more were refused.")


def matches_of(principal: Principal, name: str, chosen: Chosen) -> Matches | None:
    """Weigh what a search stands for."""
    if chosen.search is None:
        return None
    return bulk.weigh_targets(principal, name, chosen.targets, now=timezone.now())


def measured(matches: Matches | None) -> Measure:
    """Tell a job how much it will find, if that was counted to its end."""
    if matches is None or matches.stopped_early:
        return Measure()
    return Measure(matches.count, matches.size)


def start_match_job(
    principal: Principal, kind: JobKind, name: str, chosen: Chosen, **more: Any
) -> Any:
    """Start a job on all that a search finds."""
    return jobs.start_job(
        principal,
        kind,
        name,
        {
            "prefix": chosen.targets.prefix,
            "search": chosen.search,
            "words": chosen.words,
            **more,
        },
        measured(matches_of(principal, name, chosen)),
        now=timezone.now(),
    )


def measure_of(weight: Weight, scope: PurgeScope) -> Measure:
    """Tell a job how much lies before it, if that was counted to its end."""
    if not weight.is_whole:
        return Measure()
    if scope is PurgeScope.CURRENT:
        return Measure(weight.current_count, weight.current_size)
    return Measure(weight.total_count, weight.total_size)


def weight_of_bucket(principal: Principal, bucket: BucketInfo) -> Weight:
    """Weigh a whole bucket by its counters; what is locked is counted as far as may be.

    The counters are exact however much the bucket holds.
    """
    held = usage(bucket.id)
    sample = bulk.weigh(principal, bucket.name, now=timezone.now())
    return Weight(
        held.objects_count,
        held.objects_size,
        held.versions_count,
        held.versions_size,
        held.markers_count,
        sample.locked_count,
        locks_are_whole=sample.is_whole or not bucket.has_object_lock,
    )


class PurgeForm(ConsoleForm):
    scope = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[(one.value, one.value) for one in PurgeScope],
        initial=PurgeScope.EVERYTHING.value,
    )
    bucket_name = forms.CharField(label="Type the bucket's name to confirm")
    bypass_governance = forms.BooleanField(
        label="Bypass governance retention, where I may", required=False
    )
    deletes_bucket = forms.BooleanField(
        label="Then delete the bucket itself", required=False
    )


class Purge(BucketPage):
    """Empty a prefix or a whole bucket, as a job."""

    template = "console/purge.html"
    tab = "overview"

    def get(self, request: Any, name: str) -> HttpResponse:
        prefix = request.GET.get("prefix", "")
        form = PurgeForm(
            initial={
                "scope": PurgeScope.EVERYTHING.value,
                "deletes_bucket": "deletes_bucket" in request.GET,
            }
        )
        return self.show(name, prefix, form)

    def show(
        self, name: str, prefix: str, form: PurgeForm, status: int = 200
    ) -> HttpResponse:
        bucket = get_bucket(self.principal, "s3:ListBucket", name)
        response = self.render_bucket(
            bucket,
            title="Purge",
            prefix=prefix,
            form=form,
            weight=self.weigh(bucket, prefix),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def weigh(self, bucket: BucketInfo, prefix: str) -> Weight:
        if not prefix:
            return weight_of_bucket(self.principal, bucket)
        return bulk.weigh(self.principal, bucket.name, prefix, now=timezone.now())

    def post(self, request: Any, name: str) -> HttpResponseBase:
        prefix = request.POST.get("prefix", "")
        form = PurgeForm(request.POST)
        if form.is_valid() and form.cleaned_data["bucket_name"] != name:
            form.add_error("bucket_name", f"This is not “{name}”.")
        if not form.is_valid():
            return self.show(name, prefix, form, 400)
        given = form.cleaned_data
        bucket = get_bucket(self.principal, "s3:DeleteObject", name, f"{prefix}*")
        scope = PurgeScope(given["scope"])
        deletes_bucket = (
            given["deletes_bucket"] and not prefix and scope is PurgeScope.EVERYTHING
        )
        if deletes_bucket:
            get_bucket(self.principal, "s3:DeleteBucket", name)
        job = jobs.start_job(
            self.principal,
            JobKind.PURGE,
            name,
            {
                "prefix": prefix,
                "scope": scope,
                "bypass_governance": given["bypass_governance"],
                "deletes_bucket": deletes_bucket,
            },
            measure_of(self.weigh(bucket, prefix), scope),
            now=timezone.now(),
        )
        return self.go(reverse("admin:job", args=[job.pk]))


class Undelete(BucketPage):
    """Bring back what is deleted: chosen keys at once, a whole prefix as a job."""

    template = "console/undelete.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        prefix = request.GET.get("prefix", "")
        bucket = get_bucket(self.principal, "s3:ListBucketVersions", name)
        return self.render_bucket(
            bucket,
            title="Undelete",
            prefix=prefix,
            weight=bulk.weigh(self.principal, name, prefix, now=timezone.now()),
            folder_link=browse_link(name, prefix, show="deleted"),
        )

    def post(self, request: Any, name: str) -> HttpResponseBase:
        if "search" in request.POST:
            chosen = Chosen.of(request.POST)
            job = start_match_job(self.principal, JobKind.RESTORE, name, chosen)
            return self.go(reverse("admin:job", args=[job.pk]))
        if "prefix" in request.POST:
            return self.restore_prefix(name, request.POST["prefix"])
        chosen = Chosen.of(request.POST)
        keys = {*chosen.keys, *(one.key for one in chosen.versions)}
        restored = 0
        for key in sorted(keys):
            try:
                bulk.undelete_key(self.principal, name, key, now=timezone.now())
                restored += 1
            except ObjectStoreError as error:
                self.warn(f"{key}: {error.text}")
        if restored:
            self.say(f"{restored} brought back.")
        return self.back_or(browse_link(name))

    def restore_prefix(self, name: str, prefix: str) -> HttpResponseBase:
        get_bucket(self.principal, "s3:DeleteObjectVersion", name, f"{prefix}*")
        job = jobs.start_job(
            self.principal,
            JobKind.RESTORE,
            name,
            {"prefix": prefix},
            now=timezone.now(),
        )
        return self.go(reverse("admin:job", args=[job.pk]))


class TransferForm(ConsoleForm):
    """Where chosen objects go."""

    bucket = forms.ChoiceField(label="To bucket")
    target = forms.CharField(
        label="To folder or key",
        required=False,
        max_length=1024,
        help_text="End it with / to put things in a folder. Empty: the bucket itself.",
    )

    def __init__(self, names: list[str], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field: Any = self.fields["bucket"]
        field.choices = [(name, name) for name in names]


def bucket_names(principal: Principal, name: str) -> list[str]:
    """List the buckets to choose from; this one is there in any case."""
    if not may(principal, "s3:ListAllMyBuckets"):
        return [name]
    listed = list_buckets(principal, max_buckets=1000).buckets
    return sorted({name, *(bucket.name for bucket in listed)})


class Transfer(BucketPage):
    """Copy or move what was chosen; folders go as a job."""

    template = "console/transfer.html"
    tab = "objects"

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = Chosen.of(request.POST)
        removes_source = request.POST.get("kind") == "move"
        if "confirmed" not in request.POST:
            initial = {"bucket": name, "target": self.suggested(chosen)}
            return self.show(
                name,
                chosen,
                removes_source,
                TransferForm(self.names(name), initial=initial),
            )
        form = TransferForm(self.names(name), request.POST)
        if not form.is_valid():
            return self.show(name, chosen, removes_source, form, 400)
        return self.transfer(name, chosen, removes_source, form)

    def suggested(self, chosen: Chosen) -> str:
        """Begin with the key itself where one is renamed, else with its folder."""
        if chosen.search is not None:
            return folder_of(chosen.targets.prefix)
        if len(chosen.keys) == 1 and not chosen.folders:
            return chosen.keys[0]
        first = (chosen.keys or [""])[0] or (chosen.folders or [""])[0].rstrip("/")
        return folder_of(first)

    def names(self, name: str) -> list[str]:
        return bucket_names(self.principal, name)

    def show(
        self,
        name: str,
        chosen: Chosen,
        removes_source: bool,
        form: TransferForm,
        status: int = 200,
    ) -> HttpResponse:
        bucket = get_bucket(self.principal, "s3:ListBucket", name)
        response = self.render_bucket(
            bucket,
            title="Move or rename" if removes_source else "Copy",
            chosen=chosen,
            matches=matches_of(self.principal, name, chosen),
            removes_source=removes_source,
            form=form,
            next=self.request.POST.get("next", ""),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def transfer(
        self, name: str, chosen: Chosen, removes_source: bool, form: TransferForm
    ) -> HttpResponseBase:
        target_bucket = form.cleaned_data["bucket"]
        target = form.cleaned_data["target"]
        is_folder = not target or target.endswith(DELIMITER)
        if not is_folder and (chosen.count > 1 or chosen.search is not None):
            form.add_error("target", "Several things need a folder: end it with /.")
            return self.show(name, chosen, removes_source, form, 400)
        if chosen.search is not None:
            return self.transfer_matches(name, chosen, removes_source, form)
        done = 0
        for key in chosen.keys:
            new_key = target + key.rpartition(DELIMITER)[2] if is_folder else target
            try:
                bulk.transfer(
                    self.principal,
                    name,
                    key,
                    target_bucket,
                    new_key,
                    removes_source=removes_source,
                    now=timezone.now(),
                )
                done += 1
            except ObjectStoreError as error:
                self.warn(f"{key}: {error.text}")
        if done:
            self.say(f"{done} {'moved' if removes_source else 'copied'}.")
        for folder in chosen.folders:
            self.queue(name, folder, target_bucket, target, removes_source)
        return self.go(
            browse_link(target_bucket, target if is_folder else folder_of(target))
        )

    def transfer_matches(
        self, name: str, chosen: Chosen, removes_source: bool, form: TransferForm
    ) -> HttpResponseBase:
        """Let a job copy or move what a search finds, with its folders below here."""
        target_bucket = form.cleaned_data["bucket"]
        target = form.cleaned_data["target"]
        folder = folder_of(chosen.targets.prefix)
        if target_bucket == name and target == folder:
            form.add_error("target", "All of it is there already.")
            return self.show(name, chosen, removes_source, form, 400)
        job = start_match_job(
            self.principal,
            JobKind.MOVE if removes_source else JobKind.COPY,
            name,
            chosen,
            prefix=folder,
            target_bucket=target_bucket,
            target_prefix=target,
        )
        return self.go(reverse("admin:job", args=[job.pk]))

    def queue(
        self,
        name: str,
        folder: str,
        target_bucket: str,
        target: str,
        removes_source: bool,
    ) -> None:
        last = folder.rstrip(DELIMITER).rpartition(DELIMITER)[2] + DELIMITER
        is_folder = not target or target.endswith(DELIMITER)
        target_prefix = target + last if is_folder else target + DELIMITER
        if target_bucket == name and target_prefix.startswith(folder):
            self.warn(f"{folder} cannot go into itself.")
            return
        weight = bulk.weigh(self.principal, name, folder, now=timezone.now())
        jobs.start_job(
            self.principal,
            JobKind.MOVE if removes_source else JobKind.COPY,
            name,
            {
                "prefix": folder,
                "target_bucket": target_bucket,
                "target_prefix": target_prefix,
            },
            measure_of(weight, PurgeScope.CURRENT),
            now=timezone.now(),
        )
        self.say(f"{folder} goes to {target_bucket}/{target_prefix} as a job.")
