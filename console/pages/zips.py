"""Folders and selections as a zip archive: sent while it is written, or written into
the store by a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from console import jobs
from console.models import JobKind
from console.pages.browser import folder_of
from console.pages.buckets import BucketPage
from console.pages.objects import disposition
from console.pages.removal import Chosen, bucket_names, bucket_of, measured
from console.settings.widgets import ConsoleForm
from kernel.errors import InvalidArgument, ObjectStoreError
from objects import archiving, bulk, zips
from objects.archiving import Archive
from objects.bulk import Targets
from objects.searches import Matches


class ZipDownload(BucketPage):
    """What is chosen in the browser, or a whole folder, as one download."""

    def get(self, request: Any, name: str) -> HttpResponseBase:
        prefix = request.GET.get("prefix")
        if prefix is None:
            return self.after_lost_form(name)
        chunks = zips.zip_objects(self.principal, name, Targets(folders=(prefix,)))
        return zip_response(chunks, title_of(Targets(folders=(prefix,)), name))

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = chosen_for_zip(request.POST)
        chunks = zips.zip_objects(self.principal, name, chosen.targets)
        return zip_response(chunks, title_of(chosen.targets, name))


def chosen_for_zip(data: Any) -> Chosen:
    chosen = Chosen.of(data)
    if chosen.versions:
        raise InvalidArgument("Earlier versions are downloaded one by one.")
    return chosen


def title_of(targets: Targets, bucket_name: str) -> str:
    """Name an archive after the one folder in it, or the folder that it is all in, or
    else after the bucket."""
    if len(targets.folders) == 1 and not targets.keys:
        folder = targets.folders[0]
    else:
        folder = folder_around(targets)
    return folder.rstrip("/").rpartition("/")[2] or bucket_name


def folder_around(targets: Targets) -> str:
    """Give the folder that what is chosen lies in."""
    if targets.wanted is not None:
        return folder_of(targets.prefix)
    first = (*targets.keys, *(one.rstrip("/") for one in targets.folders))[0]
    return folder_of(first)


def zip_response(chunks: Iterator[bytes], title: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type="application/zip")
    response.headers["Content-Disposition"] = disposition(
        f"{title}.zip", is_attachment=True
    )
    return response


class ArchiveForm(ConsoleForm):
    """Where an archive is put."""

    bucket = forms.ChoiceField(label="Into bucket")
    # The chosen keys come in fields called `key`.
    target_key = forms.CharField(label="As", max_length=1024, strip=False)
    replaces = forms.BooleanField(
        label="Take the place of what is at this key", required=False
    )

    def __init__(self, names: list[str], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field: Any = self.fields["bucket"]
        field.choices = [(name, name) for name in names]

    @property
    def archive(self) -> Archive:
        given = self.cleaned_data
        return Archive(given["bucket"], given["target_key"], given["replaces"])


class StoreZip(BucketPage):
    """Let a job write what is chosen into an archive in the store."""

    template = "console/store_zip.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        prefix = request.GET.get("prefix")
        if prefix is None:
            return self.after_lost_form(name)
        return self.begin(name, Chosen([], [], [prefix]))

    def begin(self, name: str, chosen: Chosen) -> HttpResponse:
        title = title_of(chosen.targets, name)
        initial = {
            "bucket": name,
            "target_key": f"{folder_around(chosen.targets)}{title}.zip",
        }
        names = bucket_names(self.principal, name)
        return self.show(name, chosen, ArchiveForm(names, initial=initial))

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = chosen_for_zip(request.POST)
        if not self.is_confirmed:
            return self.begin(name, chosen)
        form = ArchiveForm(bucket_names(self.principal, name), request.POST)
        if not form.is_valid():
            return self.show(name, chosen, form, 400)
        try:
            return self.start(name, chosen, form.archive)
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(name, chosen, form, error.status)

    def start(self, name: str, chosen: Chosen, archive: Archive) -> HttpResponseBase:
        measure = measured(self.matches(name, chosen))
        zips.check_fits(self.principal, name, chosen.targets)
        archiving.check_archive(self.principal, archive, measure.size)
        job = jobs.start_job(
            self.principal,
            JobKind.ZIP,
            name,
            {
                **self.what(chosen),
                "target_bucket": archive.bucket_name,
                "target_key": archive.key,
                "replaces": archive.replaces,
            },
            measure,
            now=timezone.now(),
        )
        return self.go(reverse("admin:job", args=[job.pk]))

    def what(self, chosen: Chosen) -> dict[str, Any]:
        place = {"prefix": folder_around(chosen.targets)}
        if chosen.search is not None:
            return {**place, "search": chosen.search, "words": chosen.words}
        if len(chosen.folders) == 1 and not chosen.keys:
            place = {"prefix": chosen.folders[0]}
        return {**place, "keys": chosen.keys, "folders": chosen.folders}

    def matches(self, name: str, chosen: Chosen) -> Matches:
        return bulk.weigh_targets(
            self.principal, name, chosen.targets, now=timezone.now()
        )

    def show(
        self, name: str, chosen: Chosen, form: ArchiveForm, status: int = 200
    ) -> HttpResponse:
        bucket = bucket_of(self.principal, name, chosen)
        response = self.render_bucket(
            bucket,
            title="Make a zip",
            chosen=chosen,
            form=form,
            matches=self.matches(name, chosen),
            next=self.request.POST.get("next", ""),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]
