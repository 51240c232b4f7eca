"""One object: what it is, its versions, and what can be done with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import find_bucket, is_allowed
from console import links
from console.access import may_manage
from console.pages.browser import (
    Crumb,
    Place,
    browse_link,
    check_key,
    crumbs_to,
    folder_of,
)
from console.pages.buckets import BucketPage, may_copy
from console.pages.preview import kind_of, preview_of
from console.pages.shares import LASTS
from console.settings.widgets import ConsoleForm, Pairs, ShownForm, UntilField
from iam.principals import Principal
from kernel.conditions import unless_changed
from kernel.errors import (
    InvalidArgument,
    NoSuchKey,
    ObjectStoreError,
    OperationAborted,
)
from kernel.names import visible
from kernel.results import BucketInfo, ObjectInfo
from lifecycle.operations import saved_rules
from lifecycle.rules import expiration_of
from objects import bulk, retention, tagging
from objects.archives import archive_states, open_restoration
from objects.copies import CopySource, copy_object, restore_version
from objects.operations import get_object, head_object, versioned_action
from objects.restores import LONGEST_DAYS, TIERS, restore_object
from shares.operations import list_shares

OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:RestoreObject",
)
# Pages that tell more of an object, and what they ask for.
BESIDES = {
    "audit": "objectstore:ListAuditEvents",
    "simulator": "iam:SimulatePrincipalPolicy",
}
SHARE_TIMES = [
    (3600, "1 hour"),
    (12 * 3600, "12 hours"),
    (24 * 3600, "1 day"),
    (48 * 3600, "2 days"),
    (7 * 24 * 3600, "7 days"),
]
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"


def object_link(name: str, key: str, version_id: str = "", anchor: str = "") -> str:
    query = {"key": key, **({"version": version_id} if version_id else {})}
    return f"{reverse('admin:object', args=[name])}?{urlencode(query)}{anchor}"


def crumbs_of(principal: Principal, bucket: BucketInfo, key: str) -> list[Crumb]:
    """Give the folders above a key, with the browser's address of each."""
    browser = reverse("admin:browse", args=[bucket.name])
    place = Place(prefix=folder_of(key.rstrip("/")))
    return [
        Crumb(one.name, browser + one.link if one.link else "")
        for one in crumbs_to(principal, bucket, place)
    ]


class MetadataForm(ShownForm):
    """The facts that an object carries; changing them makes a new version."""

    content_type = forms.CharField(label="Content-Type", required=False)
    cache_control = forms.CharField(label="Cache-Control", required=False)
    content_disposition = forms.CharField(label="Content-Disposition", required=False)
    content_encoding = forms.CharField(label="Content-Encoding", required=False)
    content_language = forms.CharField(label="Content-Language", required=False)
    metadata = Pairs(
        label="Own metadata", required=False, help_text="name=value, one a line"
    )

    HEADERS = {
        "cache_control": "Cache-Control",
        "content_disposition": "Content-Disposition",
        "content_encoding": "Content-Encoding",
        "content_language": "Content-Language",
    }

    @classmethod
    def values(cls, info: ObjectInfo) -> dict[str, Any]:
        headers = {
            field: info.headers.get(name, "") for field, name in cls.HEADERS.items()
        }
        return {
            **headers,
            "content_type": info.content_type,
            "metadata": dict(info.metadata),
        }

    def headers(self, kept: dict[str, str]) -> dict[str, str]:
        """Give the headers as they shall be; those the form does not know stay."""
        headers = dict(kept)
        for field, name in self.HEADERS.items():
            headers.pop(name, None)
            if self.cleaned_data[field]:
                headers[name] = self.cleaned_data[field]
        return headers


class TagsForm(ShownForm):
    tags = Pairs(
        label="Tags", required=False, help_text="name=value, one a line, 10 at most"
    )

    @classmethod
    def values(cls, info: ObjectInfo) -> dict[str, Any]:
        return {"tags": dict(info.tags)}

    def changes(self) -> tuple[dict[str, str], dict[str, str | None]]:
        """Give the tags that were shown, and what is to become of which of them."""
        seen = (self.cleaned_data["shown"] or {}).get("tags")
        if not isinstance(seen, dict):
            seen = {}
        given = self.cleaned_data["tags"]
        gone = dict.fromkeys(name for name in seen if name not in given)
        new = {name: one for name, one in given.items() if seen.get(name) != one}
        return seen, {**gone, **new}

    def take_in(self, info: ObjectInfo, changes: tagging.Changes) -> None:
        """Show what is there now with the changes that were typed."""
        tags = tagging.changed(info.tags, changes)
        self.show(info, tags=self.fields["tags"].prepare_value(tags))


class LockForm(ShownForm):
    mode = forms.ChoiceField(
        label="Retention",
        required=False,
        choices=[
            ("", "none"),
            ("GOVERNANCE", "governance"),
            ("COMPLIANCE", "compliance"),
        ],
    )
    until = UntilField()
    is_held = forms.BooleanField(label="Legal hold", required=False)
    bypass = forms.BooleanField(label="Bypass governance", required=False)

    @classmethod
    def values(cls, info: ObjectInfo) -> dict[str, Any]:
        return {
            "mode": info.lock_mode,
            "until": minute(info.retain_until),
            "is_held": bool(info.has_legal_hold),
        }


class ArchiveForm(ConsoleForm):
    """For how long an archived object shall be open to reading, and how soon."""

    days = forms.IntegerField(
        label="Days",
        initial=7,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text="How long it can be read then.",
    )
    tier = forms.ChoiceField(
        label="Tier",
        initial="Standard",
        choices=[(tier, tier) for tier in TIERS],
        help_text="How soon it begins, as the server is set up.",
    )


def archive_of(
    bucket: BucketInfo, info: ObjectInfo | None, now: datetime
) -> dict[str, Any]:
    """Tell how an archived object stands, and until when it can be read."""
    if info is None:
        return {}
    opened = open_restoration(info, now)
    return {
        "archived": archive_states(bucket.id, [info], now)[0],
        "open_until": None if opened is None else opened.expires_at,
    }


class ObjectPage(BucketPage):
    """The page of one key, or of one version of it."""

    template = "console/object.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        key = check_key(request.GET.get("key", ""))
        return self.show(name, key, request.GET.get("version", ""))

    def show(
        self, name: str, key: str, version_id: str, status: int = 200, **forms: Any
    ) -> HttpResponse:
        bucket = find_bucket(name)
        versions = self.versions(bucket, key)
        info = self.found(name, key, version_id, versions)
        is_current = info is not None and bool(info.is_latest)
        now = timezone.now()
        response = self.render_bucket(
            bucket,
            title="Object",
            page_title=key,
            key=key,
            info=info,
            version_id=version_id,
            is_current=is_current,
            versions=versions,
            version_rows=list(
                zip(versions, archive_states(bucket.id, versions, now), strict=True)
            ),
            versions_size=sum(one.size for one in versions),
            preview=None
            if info is None
            else preview_of(self.principal, name, info, version_id),
            folder_link=browse_link(name, folder_of(key)),
            crumbs=crumbs_of(self.principal, bucket, key),
            expires=None
            if info is None
            else expiration_of(saved_rules(bucket), info, now),
            live_shares=list_shares(
                self.principal, bucket_name=name, key=key, is_live=True, now=now
            ),
            opens={
                page: may_manage(self.principal, action)
                for page, action in BESIDES.items()
            },
            direct_url=f"{links.public_base(self.request)}/{name}/{quote(key)}",
            may=self.may(bucket, key, version_id, info),
            may_copy=may_copy(self.principal, bucket),
            share_times=SHARE_TIMES,
            share_hours=LASTS,
            is_locked=info is not None and bulk.is_locked(info, now),
            **{**archive_of(bucket, info, now), **self.forms_of(info), **forms},
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def forms_of(self, info: ObjectInfo | None) -> dict[str, Any]:
        if info is None:
            return {}
        return {
            "metadata_form": MetadataForm.of(info),
            "tags_form": TagsForm.of(info),
            "lock_form": LockForm.of(info),
            "archive_form": ArchiveForm(),
        }

    def versions(self, bucket: BucketInfo, key: str) -> list[ObjectInfo]:
        """List the key's versions, to those who may see them."""
        if not is_allowed(self.principal, "s3:ListBucketVersions", bucket):
            return []
        return bulk.versions_of_key(self.principal, bucket.name, key)

    def found(
        self, name: str, key: str, version_id: str, versions: list[ObjectInfo]
    ) -> ObjectInfo | None:
        """Find the version to show; None where the key is deleted but has a past."""
        try:
            content = head_object(self.principal, name, key, version_id=version_id)
        except NoSuchKey:
            if versions and not version_id:
                return None
            raise
        return content.info

    def may(
        self, bucket: BucketInfo, key: str, version_id: str, info: ObjectInfo | None
    ) -> dict[str, bool]:
        return {
            action.removeprefix("s3:"): is_allowed(
                self.principal,
                versioned_action(action, version_id),
                bucket,
                key,
                target=info,
            )
            for action in OBJECT_ACTIONS
        }

    def post(self, request: Any, name: str) -> HttpResponseBase:
        key = check_key(request.GET.get("key", ""))
        version_id = request.GET.get("version", "")
        act = request.POST.get("act", "")
        if act not in ACTS:
            raise InvalidArgument("The form does not say what to do.")
        return ACTS[act](self, request, name, key, version_id)

    def save_metadata(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        form = MetadataForm(request.POST)
        info = self.info(name, key, version_id)
        if not form.is_valid():
            return self.show(name, key, version_id, 400, metadata_form=form)
        if form.is_stale(info):
            return self.show(name, key, version_id, 409, metadata_form=form)
        attributes = info.attributes._replace(
            content_type=form.cleaned_data["content_type"],
            headers=form.headers(dict(info.headers)),
            metadata=form.cleaned_data["metadata"],
            acl=None,
            lock_mode="",
            retain_until=None,
            has_legal_hold=None,
        )
        try:
            copy_object(
                self.principal,
                CopySource(name, key, version_id),
                name,
                key,
                attributes=attributes,
                replaces_metadata=True,
                conditions=unless_changed(info.etag),
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(name, key, version_id, error.status, metadata_form=form)
        self.say("Metadata saved.")
        return self.go(object_link(name, key, anchor="#metadata"))

    def save_tags(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        form = TagsForm(request.POST)
        if not form.is_valid():
            return self.show(name, key, version_id, 400, tags_form=form)
        seen, changes = form.changes()
        try:
            tagging.change_object_tagging(
                self.principal,
                name,
                key,
                changes,
                version_id=version_id,
                seen=seen,
            )
        except ObjectStoreError as error:
            form.refuse(error)
            if isinstance(error, OperationAborted):
                form.take_in(self.info(name, key, version_id), changes)
            return self.show(name, key, version_id, error.status, tags_form=form)
        self.say("Tags saved.")
        return self.go(object_link(name, key, version_id, "#tags"))

    def save_lock(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        form = LockForm(request.POST)
        if not form.is_valid():
            return self.show(name, key, version_id, 400, lock_form=form)
        info = self.info(name, key, version_id)
        if form.is_stale(info):
            return self.show(name, key, version_id, 409, lock_form=form)
        try:
            self.lock(name, info, version_id, form.cleaned_data)
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(name, key, version_id, error.status, lock_form=form)
        self.say("Locks saved.")
        return self.go(object_link(name, key, version_id, "#lock"))

    def info(self, name: str, key: str, version_id: str) -> ObjectInfo:
        return head_object(self.principal, name, key, version_id=version_id).info

    def lock(
        self, name: str, info: ObjectInfo, version_id: str, given: dict[str, Any]
    ) -> None:
        """Change what differs: retention and legal hold are rights of their own."""
        key = info.key
        until: datetime | None = given["until"] if given["mode"] else None
        if (given["mode"], minute(until)) != (
            info.lock_mode,
            minute(info.retain_until),
        ):
            retention.put_object_retention(
                self.principal,
                name,
                key,
                given["mode"],
                until,
                version_id=version_id,
                bypass_governance=given["bypass"],
                now=timezone.now(),
            )
        if given["is_held"] != bool(info.has_legal_hold):
            retention.put_object_legal_hold(
                self.principal,
                name,
                key,
                is_held=given["is_held"],
                version_id=version_id,
            )

    def share(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        asked = request.POST.get("seconds", "3600")
        # What is no number is as wrong as none: the link itself says what it can last.
        seconds = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
        link = links.presigned(
            request, self.principal, name, key, version_id, seconds, now=timezone.now()
        )
        return self.show(
            name,
            key,
            version_id,
            shared=link,
            shared_until=timezone.now() + timedelta(seconds=seconds),
        )

    def restore(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        chosen = request.POST.get("chosen", "")
        found = head_object(self.principal, name, key, version_id=chosen)
        restore_version(self.principal, name, found.info, now=timezone.now())
        self.say("That version is the current one again; nothing was lost.")
        return self.go(object_link(name, key, anchor="#versions"))

    def open_archived(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        form = ArchiveForm(request.POST)
        if not form.is_valid():
            return self.show(name, key, version_id, 400, archive_form=form)
        try:
            restore_object(
                self.principal,
                name,
                key,
                **form.cleaned_data,
                version_id=version_id,
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(name, key, version_id, error.status, archive_form=form)
        self.say("The restore is asked for.")
        return self.go(object_link(name, key, version_id))

    def undelete(
        self, request: HttpRequest, name: str, key: str, version_id: str
    ) -> HttpResponseBase:
        bulk.undelete_key(self.principal, name, key, now=timezone.now())
        self.say(f"{visible(key)} is back.")
        return self.go(object_link(name, key))


def minute(moment: datetime | None) -> datetime | None:
    """Cut a time to the minute, which is what the form shows of it."""
    return None if moment is None else moment.replace(second=0, microsecond=0)


ACTS = {
    "metadata": ObjectPage.save_metadata,
    "tags": ObjectPage.save_tags,
    "lock": ObjectPage.save_lock,
    "share": ObjectPage.share,
    "restore": ObjectPage.restore,
    "open": ObjectPage.open_archived,
    "undelete": ObjectPage.undelete,
}


class Download(BucketPage):
    """The bytes, as a file to be saved: nothing of them runs on this origin."""

    def get(self, request: Any, name: str) -> HttpResponseBase:
        from kernel.http.queries import conditions_of
        from kernel.http.responses import object_headers, object_response

        key = check_key(request.GET.get("key", ""))
        content = get_object(
            self.principal,
            name,
            key,
            version_id=request.GET.get("version", ""),
            byte_range=request.META.get("HTTP_RANGE"),
            conditions=conditions_of(request.META),
        )
        headers = object_headers(content.info)
        is_shown = request.GET.get("inline") == "1" and kind_of(content.info) in {
            "image",
            "audio",
            "video",
        }
        headers["Content-Disposition"] = disposition(key, is_attachment=not is_shown)
        headers["Content-Security-Policy"] = SANDBOX
        headers["X-Frame-Options"] = "SAMEORIGIN" if is_shown else "DENY"
        if not is_shown:
            headers["Content-Type"] = "application/octet-stream"
        return object_response(content, headers)


def disposition(key: str, *, is_attachment: bool) -> str:
    """Write Content-Disposition with a name that every browser reads (RFC 6266)."""
    name = key.rstrip("/").rpartition("/")[2] or "object"
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name
    )
    kind = "attachment" if is_attachment else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
