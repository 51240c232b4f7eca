"""Changing many objects at once: first what it will do, then as a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import get_bucket
from console import jobs
from console.models import JobKind
from console.pages.browser import MAY
from console.pages.buckets import BucketPage, may_in
from console.pages.objects import MetadataForm
from console.pages.removal import Chosen, bucket_of, measured
from console.settings.widgets import ConsoleForm, Lines, Pairs, UntilField
from kernel.errors import InvalidArgument
from kernel.names import check_metadata, check_tags
from kernel.results import BucketInfo
from objects import bulk
from objects.edits import Edit

AS_IT_IS = [("", "as it is")]
# Which right each part of the form asks for; the job's operations ask for it again.
FIELDS = {
    "PutObject": (
        "content_type",
        "cache_control",
        "content_disposition",
        "metadata",
        "metadata_gone",
        "storage_class",
    ),
    "PutObjectTagging": ("tags", "tags_gone"),
    "PutObjectRetention": ("mode", "until", "bypass"),
    "PutObjectLegalHold": ("hold",),
}


class EditForm(ConsoleForm):
    """What is to be different; an empty field changes nothing."""

    tags = Pairs(label="Set tags", required=False, help_text="name=value, one a line")
    tags_gone = Lines(
        label="Take tags away", required=False, help_text="names, one a line"
    )
    metadata = Pairs(
        label="Set own metadata", required=False, help_text="name=value, one a line"
    )
    metadata_gone = Lines(
        label="Take own metadata away", required=False, help_text="names, one a line"
    )
    content_type = forms.CharField(label="Content-Type", required=False)
    cache_control = forms.CharField(label="Cache-Control", required=False)
    content_disposition = forms.CharField(label="Content-Disposition", required=False)
    storage_class = forms.ChoiceField(label="Storage class", required=False)
    mode = forms.ChoiceField(
        label="Retention",
        required=False,
        choices=[
            *AS_IT_IS,
            ("GOVERNANCE", "governance"),
            ("COMPLIANCE", "compliance"),
            ("none", "lift it"),
        ],
    )
    until = UntilField()
    bypass = forms.BooleanField(label="Bypass governance", required=False)
    hold = forms.ChoiceField(
        label="Legal hold",
        required=False,
        choices=[*AS_IT_IS, ("on", "put on"), ("off", "lift")],
    )

    def __init__(
        self, bucket: BucketInfo, may: dict[str, bool], *arguments: Any, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        choices: Any = self.fields["storage_class"]
        classes = settings.OBJECTSTORE_STORAGE_CLASSES
        choices.choices = [*AS_IT_IS, *((one, one) for one in classes)]
        for right, names in FIELDS.items():
            is_about_locks = right in {"PutObjectRetention", "PutObjectLegalHold"}
            if not may[right] or (is_about_locks and not bucket.has_object_lock):
                for name in names:
                    del self.fields[name]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        mode, until = given.get("mode"), given.get("until")
        if mode in {"GOVERNANCE", "COMPLIANCE"} and until is None:
            self.add_error("until", "Say until when.")
        if mode in {"GOVERNANCE", "COMPLIANCE"} and until and until <= timezone.now():
            self.add_error("until", "This time is over.")
        self.check(check_tags, "tags")
        self.check(check_metadata, "metadata")
        if not self.errors and self.edit.says_nothing:
            self.add_error(None, "Say what is to be different.")
        return given

    def check(self, rule: Any, name: str) -> None:
        try:
            rule(self.cleaned_data.get(name) or {})
        except Exception as error:
            text = getattr(error, "text", "")
            if not text:
                raise
            self.add_error(name, text)

    @property
    def edit(self) -> Edit:
        given = self.cleaned_data
        mode = given.get("mode", "")
        headers = {
            title: given[name]
            for name, title in MetadataForm.HEADERS.items()
            if given.get(name)
        }
        return Edit(
            content_type=given.get("content_type", ""),
            headers=headers,
            metadata=self.pairs("metadata"),
            tags=self.pairs("tags"),
            storage_class=given.get("storage_class", ""),
            lock_mode={"": None, "none": ""}.get(mode, mode),
            retain_until=given.get("until") if mode not in {"", "none"} else None,
            bypass_governance=bool(given.get("bypass")),
            has_legal_hold={"on": True, "off": False}.get(given.get("hold", "")),
        )

    def pairs(self, name: str) -> dict[str, str | None]:
        """Give what is set and, as None, what is taken away."""
        gone = dict.fromkeys(self.cleaned_data.get(f"{name}_gone") or [])
        return {**gone, **(self.cleaned_data.get(name) or {})}


class EditObjects(BucketPage):
    """Metadata, tags, class and locks of what was chosen in the browser, as a job."""

    template = "console/edit_objects.html"
    tab = "objects"

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = Chosen.of(request.POST)
        if chosen.versions:
            raise InvalidArgument("Earlier versions are changed one by one.")
        bucket = bucket_of(self.principal, name, chosen)
        may = may_in(self.principal, bucket, *MAY, folder=chosen.folder)
        if not any(may[right] for right in FIELDS):
            get_bucket(self.principal, "s3:PutObject", name, f"{chosen.folder}*")
        if not self.is_confirmed:
            return self.show(bucket, chosen, EditForm(bucket, may))
        form = EditForm(bucket, may, request.POST)
        if not form.is_valid():
            return self.show(bucket, chosen, form, 400)
        job = jobs.start_job(
            self.principal,
            JobKind.EDIT,
            name,
            self.parameters(chosen, form.edit),
            measured(self.matches(bucket, chosen)),
            now=timezone.now(),
        )
        return self.go(reverse("admin:job", args=[job.pk]))

    def parameters(self, chosen: Chosen, edit: Edit) -> dict[str, Any]:
        what = {
            "prefix": chosen.targets.prefix,
            "edit": edit.as_facts(),
            "changes": "; ".join(words_of(edit)),
            "words": chosen.words,
        }
        if chosen.search is not None:
            return {**what, "search": chosen.search}
        return {**what, "keys": chosen.keys, "folders": chosen.folders}

    def matches(self, bucket: BucketInfo, chosen: Chosen) -> Any:
        return bulk.weigh_targets(
            self.principal, bucket.name, chosen.targets, now=timezone.now()
        )

    def show(
        self, bucket: BucketInfo, chosen: Chosen, form: EditForm, status: int = 200
    ) -> HttpResponse:
        response = self.render_bucket(
            bucket,
            title="Edit objects",
            chosen=chosen,
            form=form,
            matches=self.matches(bucket, chosen),
            next=self.request.POST.get("next", ""),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]


def words_of(edit: Edit) -> Iterator[str]:
    """Say what an edit changes, thing by thing."""
    if edit.content_type:
        yield f"Content-Type: {edit.content_type}"
    for name, value in edit.headers.items():
        yield f"{name}: {value}"
    for what, changes in (("metadata", edit.metadata), ("tag", edit.tags)):
        for name, value in changes.items():
            yield f"{what} {name} " + ("taken away" if value is None else f"= {value}")
    if edit.storage_class:
        yield f"class {edit.storage_class}"
    if edit.lock_mode is not None:
        mode, until = edit.lock_mode.lower(), edit.retain_until
        ends = f" until {until:%d %b %Y, %H:%M} UTC" if until else ""
        yield f"{mode} retention{ends}" if mode else "retention lifted"
    if edit.has_legal_hold is not None:
        yield f"legal hold {'put on' if edit.has_legal_hold else 'lifted'}"
