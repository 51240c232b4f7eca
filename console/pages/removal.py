"""Deleting, purging, copying and moving: first what it will do, then doing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from buckets.access import find_bucket, get_bucket
from buckets.operations import list_buckets
from buckets.queries import usage
from console import jobs
from console.jobs import Measure
from console.models import Job, JobKind
from console.pages.browser import DELIMITER, browse_link, folder_of
from console.pages.buckets import BucketPage, may_in
from console.pages.filters import Filters, read_search
from console.settings.widgets import ConsoleForm
from console.templatetags.console import plural
from iam.access import may
from iam.principals import Principal
from kernel.errors import AccessDenied, InvalidArgument, ObjectStoreError
from kernel.names import visible
from kernel.results import BucketInfo
from objects import bulk
from objects.bulk import PurgeScope, Targets, Weight
from objects.operations import FailedDeletion, ObjectIdentifier, delete_objects
from objects.searches import Matches
from objects.taken import taken_keys
from objects.transfers import Taken, transfer

MOST_CHOSEN = 1000
MOST_WARNINGS = 5
MOST_NAMED = 5


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
    def folder(self) -> str:
        """Give the folder that all of it lies in."""
        if self.search is not None:
            return folder_of(self.targets.prefix)
        return bulk.shared_folder(
            [*self.keys, *self.folders, *(one.key for one in self.versions)]
        )

    @property
    def words(self) -> str:
        """Say what was chosen, or what a search stands for."""
        if self.search is None:
            return named([*self.folders, *self.keys])
        query = QueryDict(self.search or "")
        chips = ", ".join(text for _, text in Filters.of(query).chips())
        place = query.get("prefix", "")
        return " ".join(
            (
                f"all that match “{chips}”" if chips else "everything",
                f"under “{place}”" if place else "in the bucket",
            )
        )


def bucket_of(principal: Principal, name: str, chosen: Chosen) -> BucketInfo:
    """Find the bucket for who may list the folder that what is chosen lies in."""
    context = {"s3:prefix": chosen.folder}
    return get_bucket(principal, "s3:ListBucket", name, context=context)


def named(names: list[str]) -> str:
    """Name the first of some things, and say how many there are beside them."""
    more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


class ChosenPage(BucketPage):
    """A page that does something with what was chosen in the browser."""

    def warn_of(self, refusals: list[str]) -> None:
        """Tell the first refusals, and how many there are beside them."""
        for text in refusals[:MOST_WARNINGS]:
            self.warn(text)
        if len(refusals) > MOST_WARNINGS:
            self.warn(f"{len(refusals) - MOST_WARNINGS} more were refused.")


class Delete(ChosenPage):
    """Delete what was chosen in the browser: once to look, once to do it."""

    template = "console/delete.html"
    tab = "objects"

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = Chosen.of(request.POST)
        bucket = bucket_of(self.principal, name, chosen)
        if not self.is_confirmed:
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
            weight=self.weigh_keys(bucket, chosen),
            versions=self.weigh_versions(bucket, chosen),
            may=may_in(
                self.principal,
                bucket,
                "s3:BypassGovernanceRetention",
                folder=chosen.folder,
            ),
            folders=[
                (
                    folder,
                    bulk.weigh(self.principal, bucket.name, folder, now=now),
                )
                for folder in chosen.folders
            ],
            next=self.request.POST.get("next", ""),
        )

    def weigh_keys(self, bucket: BucketInfo, chosen: Chosen) -> Weight | None:
        if not chosen.keys:
            return None
        return bulk.weigh_keys(
            self.principal, bucket.name, chosen.keys, now=timezone.now()
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
            self.say(
                format_html(
                    '{}: deleting as <a class="os-underlined" href="{}">a job</a>.',
                    plural(queued, "folder"),
                    reverse("admin:jobs"),
                )
            )
        self.warn_of([f"{one.key}: {one.error.text}" for one in failures])


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
        get_bucket(self.principal, "s3:ListBucket", name, context={"s3:prefix": prefix})
        bucket = self.bucket_to_purge(name, prefix)
        response = self.render_bucket(
            bucket,
            title="Purge",
            prefix=prefix,
            form=form,
            weight=self.weigh(bucket, prefix),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def bucket_to_purge(self, name: str, prefix: str) -> BucketInfo:
        """Find the bucket for who may delete all that is under a prefix."""
        return get_bucket(self.principal, "s3:DeleteObject", name, f"{prefix}*")

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
        bucket = self.bucket_to_purge(name, prefix)
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


class Undelete(ChosenPage):
    """Bring back what is deleted: chosen keys at once, a whole prefix as a job."""

    template = "console/undelete.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        prefix = request.GET.get("prefix", "")
        get_bucket(self.principal, "s3:ListBucketVersions", name)
        bucket = self.bucket_to_restore(name, prefix)
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
        refusals: list[str] = []
        for key in sorted(keys):
            try:
                bulk.undelete_key(self.principal, name, key, now=timezone.now())
            except ObjectStoreError as error:
                refusals.append(f"{key}: {error.text}")
        if len(keys) > len(refusals):
            self.say(f"{len(keys) - len(refusals)} brought back.")
        self.warn_of(refusals)
        return self.back_or(browse_link(name))

    def bucket_to_restore(self, name: str, prefix: str) -> BucketInfo:
        """Find the bucket for who may undelete all that is under a prefix."""
        return get_bucket(self.principal, "s3:DeleteObjectVersion", name, f"{prefix}*")

    def restore_prefix(self, name: str, prefix: str) -> HttpResponseBase:
        self.bucket_to_restore(name, prefix)
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
        # A key may begin and end with spaces.
        strip=False,
        help_text="End it with / to put things in a folder; else it is the new name."
        " Empty: the bucket itself.",
    )
    taken = forms.ChoiceField(
        required=False, choices=[(one.value, one.value) for one in Taken]
    )

    def __init__(self, names: list[str], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field: Any = self.fields["bucket"]
        field.choices = [(name, name) for name in names]


@dataclass(frozen=True, slots=True)
class Move:
    """One key, or all under a folder, and where it goes."""

    source: str
    target: str
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Crowd:
    """What is at the targets already: keys, and how much lies under folders."""

    bucket: BucketInfo
    keys: list[str]
    folders: list[tuple[str, Weight]]
    # Folders that the principal may not look into.
    unseen: list[str]

    def __bool__(self) -> bool:
        return bool(self.keys or self.folders or self.unseen)


def crowd_at(
    principal: Principal, bucket: BucketInfo, moves: list[Move], now: datetime
) -> Crowd:
    """Look what is at the targets; what one may not list is told as unseen."""
    keys: list[str] = []
    folders: list[tuple[str, Weight]] = []
    unseen: list[str] = []
    names = [one.target for one in moves if not one.is_folder]
    twice = {name for name in names if names.count(name) > 1}
    try:
        keys = sorted({*taken_keys(principal, bucket.name, names), *twice})
    except AccessDenied:
        unseen += names
    for folder in [one.target for one in moves if one.is_folder]:
        try:
            weight = bulk.weigh(principal, bucket.name, folder, now=now)
            folders += [(folder, weight)] if weight.current_count else []
        except AccessDenied:
            unseen.append(folder)
    return Crowd(bucket, keys, folders, unseen)


def bucket_names(principal: Principal, name: str) -> list[str]:
    """List the buckets to choose from; this one is there in any case."""
    if not may(principal, "s3:ListAllMyBuckets"):
        return [name]
    listed = list_buckets(principal, max_buckets=1000).buckets
    return sorted({name, *(bucket.name for bucket in listed)})


class Transfer(ChosenPage):
    """Copy or move what was chosen; folders go as a job."""

    template = "console/transfer.html"
    tab = "objects"

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = Chosen.of(request.POST)
        if chosen.versions:
            raise InvalidArgument("Earlier versions are restored, not moved.")
        if not self.is_confirmed:
            initial = {"bucket": name, "target": self.suggested(chosen)}
            form = TransferForm(self.names(name), initial=initial)
            return self.show(name, chosen, form)
        form = TransferForm(self.names(name), request.POST)
        if not form.is_valid():
            return self.show(name, chosen, form, status=400)
        return self.transfer(name, chosen, form)

    @property
    def removes_source(self) -> bool:
        return self.request.POST.get("kind") == "move"

    @property
    def kind(self) -> JobKind:
        return JobKind.MOVE if self.removes_source else JobKind.COPY

    def suggested(self, chosen: Chosen) -> str:
        """Begin with the name itself where one is renamed, else with its folder."""
        if chosen.search is not None:
            return folder_of(chosen.targets.prefix)
        first = [*chosen.keys, *chosen.folders][0]
        name = first if chosen.keys else first.rstrip(DELIMITER)
        return name if chosen.count == 1 else folder_of(name)

    def names(self, name: str) -> list[str]:
        return bucket_names(self.principal, name)

    def show(
        self,
        name: str,
        chosen: Chosen,
        form: TransferForm,
        *,
        crowd: Crowd | None = None,
        status: int = 200,
    ) -> HttpResponse:
        bucket = bucket_of(self.principal, name, chosen)
        response = self.render_bucket(
            bucket,
            title="Move or rename" if self.removes_source else "Copy",
            chosen=chosen,
            crowd=crowd,
            matches=matches_of(self.principal, name, chosen),
            removes_source=self.removes_source,
            form=form,
            next=self.request.POST.get("next", ""),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def transfer(
        self, name: str, chosen: Chosen, form: TransferForm
    ) -> HttpResponseBase:
        target_bucket = form.cleaned_data["bucket"]
        moves = self.moves(chosen, form.cleaned_data["target"])
        complaint = self.complaint(name, chosen, target_bucket, moves, form)
        if complaint:
            form.add_error("target", complaint)
            return self.show(name, chosen, form, status=400)
        if target_bucket == name:
            # Of several, those that are there already stay as they are.
            moves = [one for one in moves if one.source != one.target]
        if not form.cleaned_data["taken"]:
            crowd = crowd_at(
                self.principal, find_bucket(target_bucket), moves, timezone.now()
            )
            if crowd:
                return self.show(name, chosen, form, crowd=crowd)
        # What nobody was asked about is not written over.
        taken = Taken(form.cleaned_data["taken"] or Taken.SKIP)
        if chosen.search is not None:
            return self.transfer_matches(name, chosen, target_bucket, moves[0], taken)
        self.transfer_keys(
            name, target_bucket, [one for one in moves if not one.is_folder], taken
        )
        queued = [
            self.queue(name, target_bucket, one, taken)
            for one in moves
            if one.is_folder
        ]
        if len(queued) == len(moves) == 1:
            return self.go(reverse("admin:job", args=[queued[0].pk]))
        if len(queued) == len(moves):
            return self.go(reverse("admin:jobs"))
        return self.go(browse_link(target_bucket, folder_of(moves[0].target)))

    def moves(self, chosen: Chosen, target: str) -> list[Move]:
        """Tell where each goes. All that match keep their folders below this one."""
        if chosen.search is not None:
            return [Move(folder_of(chosen.targets.prefix), target, True)]
        is_folder = not target or target.endswith(DELIMITER)
        moves = [
            Move(key, target + key.rpartition(DELIMITER)[2] if is_folder else target)
            for key in chosen.keys
        ]
        for folder in chosen.folders:
            last = folder.rstrip(DELIMITER).rpartition(DELIMITER)[2]
            named = target + last if is_folder else target
            moves.append(Move(folder, named + DELIMITER, True))
        return moves

    def complaint(
        self,
        name: str,
        chosen: Chosen,
        target_bucket: str,
        moves: list[Move],
        form: TransferForm,
    ) -> str:
        """Say what is wrong with the target, if anything is."""
        target = form.cleaned_data["target"]
        is_name = target and not target.endswith(DELIMITER)
        if is_name and (chosen.count > 1 or chosen.search is not None):
            return "Several things need a folder: end it with /."
        if target_bucket != name:
            return ""
        if all(one.source == one.target for one in moves):
            return "All of it is there already."
        for one in moves:
            is_inside = one.is_folder and one.target.startswith(one.source)
            if is_inside and chosen.search is None:
                return f"{one.source} cannot go into itself."
        return ""

    def transfer_keys(
        self, name: str, target_bucket: str, moves: list[Move], taken: Taken
    ) -> None:
        refusals: list[str] = []
        for one in moves:
            try:
                transfer(
                    self.principal,
                    name,
                    one.source,
                    target_bucket,
                    one.target,
                    removes_source=self.removes_source,
                    taken=taken,
                    now=timezone.now(),
                )
            except ObjectStoreError as error:
                refusals.append(f"{one.source}: {error.text}")
        done = len(moves) - len(refusals)
        if done:
            self.say(f"{done} {'moved' if self.removes_source else 'copied'}.")
        self.warn_of(refusals)

    def transfer_matches(
        self, name: str, chosen: Chosen, target_bucket: str, move: Move, taken: Taken
    ) -> HttpResponseBase:
        """Let a job copy or move what a search finds, with its folders below here."""
        job = start_match_job(
            self.principal,
            self.kind,
            name,
            chosen,
            prefix=move.source,
            target_bucket=target_bucket,
            target_prefix=move.target,
            taken=taken,
        )
        return self.go(reverse("admin:job", args=[job.pk]))

    def queue(self, name: str, target_bucket: str, move: Move, taken: Taken) -> Job:
        weight = bulk.weigh(self.principal, name, move.source, now=timezone.now())
        job = jobs.start_job(
            self.principal,
            self.kind,
            name,
            {
                "prefix": move.source,
                "target_bucket": target_bucket,
                "target_prefix": move.target,
                "taken": taken,
            },
            measure_of(weight, PurgeScope.CURRENT),
            now=timezone.now(),
        )
        self.say(
            format_html(
                '{} goes to {}/{} as <a class="os-underlined" href="{}">a job</a>.',
                visible(move.source),
                target_bucket,
                visible(move.target),
                reverse("admin:job", args=[job.pk]),
            )
        )
        return job
