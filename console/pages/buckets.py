"""Buckets: the list, creating one, its overview and its end."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets import access_control, acls, operations, quotas
from buckets.access import get_bucket, is_allowed
from buckets.configurations import (
    PUBLIC_BLOCKS,
    Configuration,
    configurations_of,
)
from buckets.lifecycle import check_lifecycle
from buckets.usage import find_buckets, usage_of_buckets
from console import snippets
from console.access import may_manage
from console.pages.base import Page
from console.pages.keys import holders
from console.settings.registry import SETTINGS
from console.settings.sentences import sentence
from console.settings.widgets import ConsoleForm, Pairs, SizeField
from console.templatetags.console import plural
from iam.access import denied, may
from iam.principals import Principal
from kernel.errors import (
    InvalidRequest,
    NoSuchBucket,
    NoSuchUpload,
    ObjectStoreError,
)
from kernel.names import BUCKET_TAGS_MAX, check_tags
from kernel.results import BucketInfo, BucketListing, Usage
from lifecycle.counters import differences
from objects import bulk, multipart
from objects.surveys import check_may_survey

PER_PAGE = 50
SEES_PEOPLE = "iam:ListUsers"
# No action: the settings that may be read say it.
SEES_SETTINGS = ""
MOST_FOUND = 200
# From how many percent of a quota on it is told.
QUOTA_WARNS, QUOTA_FULL = 80, 100
# A million rows take about a second.
MOST_VERIFIED = 5_000_000


@dataclass(frozen=True, slots=True)
class Flag:
    """A fact of a bucket worth seeing in a list."""

    text: str
    tone: str = "quiet"


@dataclass(frozen=True, slots=True)
class Row:
    bucket: BucketInfo
    usage: Usage | None
    flags: list[Flag]
    quota_percent: int | None

    @property
    def quota_tone(self) -> str:
        return quota_tone(self.quota_percent)


def flags_of(bucket: BucketInfo) -> list[Flag]:
    """Tell what is set on a bucket, what lets the public in before all else."""
    configurations = configurations_of(bucket.configurations_text)
    flags = []
    if is_open_to_public(bucket):
        flags.append(Flag("public", "bad"))
    if bucket.has_object_lock:
        flags.append(Flag("locked", "info"))
    elif bucket.versioning:
        flags.append(Flag(bucket.versioning.replace("Enabled", "versioned").lower()))
    for kind, text in FLAG_TEXTS.items():
        if configurations.get(kind) is not None:
            flags.append(Flag(text))
    return flags


FLAG_TEXTS = {
    Configuration.LIFECYCLE: "lifecycle",
    Configuration.WEBSITE: "website",
    Configuration.ENCRYPTION: "encryption",
    Configuration.CORS: "CORS",
}


def is_open_to_public(bucket: BucketInfo) -> bool:
    configurations = configurations_of(bucket.configurations_text)
    block = configurations.public_access_block
    by_policy = configurations.is_policy_public and not block.get(
        "RestrictPublicBuckets"
    )
    by_acl = (
        configurations.uses_acls
        and acls.is_public(configurations.acl)
        and not block.get("IgnorePublicAcls")
    )
    return by_policy or by_acl


def quota_percent(bucket: BucketInfo, usage: Usage | None) -> int | None:
    """Give how full the fuller of a bucket's quotas is."""
    if usage is None:
        return None
    held = (
        (usage.objects_size + usage.versions_size, bucket.quota_bytes),
        (usage.objects_count + usage.versions_count, bucket.quota_objects),
    )
    shares = [percent_of(have, quota) for have, quota in held if quota is not None]
    return max(shares, default=None)


def quota_tone(percent: int | None) -> str:
    """Tell how to colour a quota: as nothing, a warning, or full."""
    if percent is None or percent < QUOTA_WARNS:
        return ""
    return "warn" if percent < QUOTA_FULL else "bad"


def percent_of(have: int, quota: int) -> int:
    """Tell how full a quota is; one of nothing is full."""
    return 100 * have // quota if quota else 100


def rows_of(principal: Principal, listed: Iterable[BucketInfo]) -> list[Row]:
    buckets = list(listed)
    usages = usage_of_buckets(principal, buckets)
    return [
        Row(
            bucket,
            usages.get(bucket.name),
            flags_of(bucket),
            quota_percent(bucket, usages.get(bucket.name)),
        )
        for bucket in buckets
    ]


class Buckets(Page):
    title = "Buckets"
    template = "console/buckets.html"

    def get(self, request: Any) -> HttpResponseBase:
        principal = self.principal
        if not sees_all(principal):
            return self.go(reverse("admin:mine"))
        text = request.GET.get("q", "").strip().lower()
        listing = self.listed(text, request.GET.get("token", ""))
        return self.render(
            text=text,
            most_found=MOST_FOUND,
            listing=listing,
            rows=rows_of(self.principal, listing.buckets),
            may_create=may_manage(self.principal, "s3:CreateBucket"),
            is_first=not request.GET.get("token"),
        )

    def listed(self, text: str, token: str) -> BucketListing:
        if text:
            found = find_buckets(self.principal, text, MOST_FOUND + 1)
            return BucketListing(found[:MOST_FOUND], len(found) > MOST_FOUND)
        return operations.list_buckets(
            self.principal, max_buckets=PER_PAGE, token=token
        )


# Create


@dataclass(frozen=True, slots=True)
class Preset:
    """A beginning for the create form, and what is set once the bucket is there."""

    name: str
    title: str
    icon: str
    about: str
    is_versioned: bool = False
    has_object_lock: bool = False
    retention_mode: str = ""
    retention_days: int | None = None
    is_public: bool = False
    lifecycle: tuple[dict[str, Any], ...] = ()
    website: dict[str, Any] | None = None

    @property
    def sets(self) -> str:
        """Give what choosing it puts into the form, for the page's script."""
        return json.dumps(
            {
                "is_versioned": self.is_versioned,
                "has_object_lock": self.has_object_lock,
                "retention_mode": self.retention_mode,
                "retention_days": self.retention_days or "",
            }
        )


TIDY = {
    "ID": "give up unfinished uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
PRESETS = (
    Preset("plain", "General", "database", "Private, no versions. Change it any time."),
    Preset(
        "backup",
        "Backup target",
        "backup",
        "Keeps overwritten and deleted files for 90 days; tidies broken uploads.",
        is_versioned=True,
        lifecycle=(
            TIDY,
            {
                "ID": "keep earlier versions 90 days",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Expiration": {"ExpiredObjectDeleteMarker": True},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
            },
        ),
    ),
    Preset(
        "site",
        "Static site",
        "language",
        "Readable by everybody, with index.html and 404.html.",
        is_public=True,
        website={
            "IndexDocument": {"Suffix": "index.html"},
            "ErrorDocument": {"Key": "404.html"},
        },
    ),
    Preset(
        "worm",
        "WORM archive",
        "lock",
        "Versions cannot be deleted before their time.",
        is_versioned=True,
        has_object_lock=True,
        retention_mode="GOVERNANCE",
        retention_days=30,
        lifecycle=(TIDY,),
    ),
)
BY_NAME = {preset.name: preset for preset in PRESETS}


class BucketForm(ConsoleForm):
    """A new bucket."""

    preset = forms.ChoiceField(
        choices=[(preset.name, preset.title) for preset in PRESETS], initial="plain"
    )
    name = forms.CharField(
        label="Name",
        max_length=63,
        help_text="3 to 63 of a-z, 0-9, dot and dash; the name is part of URLs.",
        widget=forms.TextInput(
            attrs={
                "autofocus": True,
                "autocomplete": "off",
                "pattern": "[a-z0-9][a-z0-9.\\-]{1,61}[a-z0-9]",
                "title": "3 to 63 of a-z, 0-9, dot and dash",
            }
        ),
    )
    storage_class = forms.ChoiceField(
        label="Storage class", help_text="Of objects that name none."
    )
    is_versioned = forms.BooleanField(
        label="Keep versions",
        required=False,
        help_text="An overwrite or delete keeps what was there.",
    )
    has_object_lock = forms.BooleanField(
        label="Object lock",
        required=False,
        help_text="Versions can be locked against deletion. Needs versions; for good.",
    )
    retention_mode = forms.ChoiceField(
        label="Default retention",
        required=False,
        choices=[
            ("", "none"),
            ("GOVERNANCE", "governance"),
            ("COMPLIANCE", "compliance"),
        ],
        help_text="Governance can be taken off with a special right, compliance not.",
    )
    retention_days = forms.IntegerField(
        label="Retention in days", required=False, min_value=1, max_value=36_500
    )
    quota = SizeField(
        label="Quota", required=False, help_text="10 GiB, 500 MB. Empty: no bound."
    )
    tags = Pairs(label="Tags", required=False, help_text="name=value, one a line")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field: Any = self.fields["storage_class"]
        field.choices = [(one, one) for one in settings.OBJECTSTORE_STORAGE_CLASSES]

    def clean(self) -> Any:
        given = super().clean() or {}
        if given.get("retention_mode") and not given.get("retention_days"):
            self.add_error("retention_days", "Say for how many days.")
        if given.get("retention_mode") and not given.get("has_object_lock"):
            self.add_error("retention_mode", "Retention needs object lock.")
        if given.get("preset") == "worm" and not given.get("retention_mode"):
            self.add_error("retention_mode", "A WORM archive needs a retention.")
        return given


class CreateBucket(Page):
    title = "Create bucket"
    template = "console/create_bucket.html"

    def get(self, request: Any) -> HttpResponse:
        if not may_manage(self.principal, "s3:CreateBucket"):
            raise denied(self.principal, "s3:CreateBucket", "arn:aws:s3:::*")
        form = BucketForm(
            initial={
                "storage_class": settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS,
                "name": own_prefix(self.principal),
            }
        )
        return self.show(form)

    def show(self, form: BucketForm, status: int = 200) -> HttpResponse:
        response = self.render(
            form=form, presets=PRESETS, prefix=own_prefix(self.principal)
        )
        response.status_code = status
        return response

    def post(self, request: Any) -> HttpResponseBase:
        form = BucketForm(request.POST)
        if not form.is_valid():
            return self.show(form, 400)
        given = form.cleaned_data
        try:
            bucket = create_from(self.principal, given)
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(form, error.status)
        return self.finish(bucket, given)

    def finish(self, bucket: BucketInfo, given: dict[str, Any]) -> HttpResponseBase:
        """Set what is set once the bucket is there, and say what was refused of it."""
        refusals = []
        for title, setting in settings_after(self.principal, bucket.name, given):
            try:
                setting()
            except ObjectStoreError as error:
                refusals.append(f"{title}: {error.text}")
        if not refusals:
            self.say(f"The bucket {bucket.name} is ready.")
            return self.go(reverse("admin:browse", args=[bucket.name]))
        for refusal in refusals:
            self.warn(f"The bucket {bucket.name} is there, without this. {refusal}")
        return self.go(reverse("admin:bucket", args=[bucket.name]))


def own_prefix(principal: Principal) -> str:
    """Give what names must begin with, to those who may create no others."""
    prefix = f"{principal.name}-"
    is_bound = not may(principal, "s3:CreateBucket", "arn:aws:s3:::-")
    is_own = may(principal, "s3:CreateBucket", f"arn:aws:s3:::{prefix}-")
    return prefix if is_bound and is_own else ""


def create_from(principal: Principal, given: dict[str, Any]) -> BucketInfo:
    """Create a bucket with what the form and its preset say of its beginning."""
    return operations.create_bucket(
        principal,
        given["name"],
        storage_class=given["storage_class"],
        is_versioned=given["is_versioned"],
        has_object_lock=given["has_object_lock"],
        configurations=configurations_in(given, BY_NAME[given["preset"]]),
        now=timezone.now(),
    )


def settings_after(
    principal: Principal, name: str, given: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give what is still to be set: each asks for a right of its own."""
    if given["retention_mode"]:
        yield "Default retention", lambda: put_retention(principal, name, given)
    if given["quota"] is not None:
        yield (
            "Quota",
            lambda: quotas.put_bucket_quota(
                principal, name, quota_bytes=given["quota"], quota_objects=None
            ),
        )
    if BY_NAME[given["preset"]].is_public:
        yield "Public reading", lambda: open_to_public(principal, name)


def put_retention(principal: Principal, name: str, given: dict[str, Any]) -> None:
    retention = {"Mode": given["retention_mode"], "Days": given["retention_days"]}
    document = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    operations.put_object_lock_configuration(principal, name, document)


def configurations_in(
    given: dict[str, Any], preset: Preset
) -> dict[Configuration, Any]:
    found: dict[Configuration, Any] = {}
    if preset.lifecycle:
        rules = [
            rule
            for rule in preset.lifecycle
            if given["is_versioned"] or "NoncurrentVersionExpiration" not in rule
        ]
        found[Configuration.LIFECYCLE] = check_lifecycle(
            {"Rules": rules}, settings.OBJECTSTORE_STORAGE_CLASSES
        )
    if preset.website:
        found[Configuration.WEBSITE] = preset.website
    if given["tags"]:
        check_tags(given["tags"], most=BUCKET_TAGS_MAX)
        found[Configuration.TAGGING] = given["tags"]
    return found


def open_to_public(principal: Principal, name: str) -> None:
    """Let everybody read the objects of a bucket, and nothing else."""
    access_control.put_public_access_block(
        principal, name, dict.fromkeys(PUBLIC_BLOCKS, False)
    )
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EverybodyReads",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            }
        ],
    }
    text = operations.policy_text(document)
    operations.put_bucket_policy(principal, name, text)


# One bucket


def tabs_of(
    principal: Principal, bucket: BucketInfo, here: str
) -> list[dict[str, Any]]:
    """Give the tabs of a bucket that the principal may open."""
    name = bucket.name
    tabs = [
        ("objects", "Objects", reverse("admin:browse", args=[name]), "s3:ListBucket"),
        ("overview", "Overview", reverse("admin:bucket", args=[name]), "s3:ListBucket"),
        ("usage", "Usage", reverse("admin:usage", args=[name]), "s3:ListBucket"),
        (
            "settings",
            "Settings",
            reverse("admin:bucket_settings", args=[name]),
            SEES_SETTINGS,
        ),
        ("access", "Access", reverse("admin:bucket_access", args=[name]), SEES_PEOPLE),
        (
            "uploads",
            "Unfinished uploads",
            reverse("admin:unfinished", args=[name]),
            "s3:ListBucketMultipartUploads",
        ),
    ]
    return [
        {"name": slug, "title": title, "link": link, "is_here": slug == here}
        for slug, title, link, action in tabs
        if opens(principal, action, bucket)
    ]


def opens(principal: Principal, action: str, bucket: BucketInfo) -> bool:
    """Tell whether the principal may open a tab of a bucket."""
    if action == SEES_PEOPLE:
        return bucket.owner_id == principal.account_id and may(principal, action)
    if action == SEES_SETTINGS:
        return any(is_allowed(principal, one.actions[0], bucket) for one in SETTINGS)
    return is_allowed(principal, action, bucket)


def may_in(
    principal: Principal, bucket: BucketInfo, *actions: str, folder: str = ""
) -> dict[str, bool]:
    """Tell what a page of this bucket may offer; object actions anywhere below a
    folder of it."""
    return {
        action.removeprefix("s3:"): is_allowed(
            principal, action, bucket, "" if "Bucket" in action else f"{folder}*"
        )
        for action in actions
    }


def may_copy(principal: Principal, bucket: BucketInfo) -> bool:
    """Tell whether there is anywhere to copy what this bucket holds."""
    action = "s3:PutObject"
    return may_manage(principal, action) or is_allowed(principal, action, bucket, "*")


class BucketPage(Page):
    """A page of one bucket: crumbs, tabs and flags come along."""

    tab = ""

    def render_bucket(
        self, bucket: BucketInfo, template: str = "", *, title: str = "", **context: Any
    ) -> Any:
        return self.render(
            template,
            title=f"{title} in {bucket.name}" if title else f"Bucket {bucket.name}",
            bucket=bucket,
            tabs=tabs_of(self.principal, bucket, self.tab),
            flags=flags_of(bucket),
            **{"page_title": bucket.name, **context},
        )

    def http_method_not_allowed(
        self, request: Any, *arguments: Any, **names: Any
    ) -> HttpResponseBase:
        if request.method != "GET":
            return super().http_method_not_allowed(request, *arguments, **names)
        return self.after_lost_form(names["name"])

    def after_lost_form(self, name: str) -> HttpResponse:
        """Lead those back to the bucket whose form was lost where they signed in."""
        self.warn("Nothing was done: you had been signed out. Please do it again.")
        return self.go(reverse("admin:browse", args=[name]))


class BucketOverview(BucketPage):
    template = "console/bucket.html"
    tab = "overview"

    def get(self, request: Any, name: str) -> HttpResponse:
        bucket, usage = operations.get_bucket_details(self.principal, name)
        document = configurations_of(bucket.configurations_text).get(
            Configuration.LIFECYCLE
        )
        sees_rules = is_allowed(self.principal, "s3:GetLifecycleConfiguration", bucket)
        rules = (document or {}).get("Rules", []) if sees_rules else []
        return self.render_bucket(
            bucket,
            usage=usage,
            total_size=usage.objects_size + usage.versions_size,
            total_count=usage.objects_count + usage.versions_count,
            quota_percent=quota_percent(bucket, usage),
            quota_tone=quota_tone(quota_percent(bucket, usage)),
            sentences=[(rule["ID"], rule["Status"], sentence(rule)) for rule in rules],
            settings=[
                one
                for one in SETTINGS
                if is_set(bucket, one.kind)
                and one.kind != Configuration.LIFECYCLE
                and is_allowed(self.principal, one.actions[0], bucket)
            ],
            may_lifecycle=sees_rules,
            snippets=snippets.of_bucket(self.request, bucket),
            may=may_in(self.principal, bucket, "s3:DeleteBucket", "s3:DeleteObject"),
            may_create_key=bool(holders(self.principal)),
            now=timezone.now(),
        )

    def post(self, request: Any, name: str) -> HttpResponseBase:
        """Count what the bucket holds, and compare it with its counters."""
        check_may_survey(self.principal, name)
        bucket, usage = operations.get_bucket_details(self.principal, name)
        held = usage.objects_count + usage.versions_count + usage.markers_count
        if held > MOST_VERIFIED:
            raise InvalidRequest(
                f"{held:,} rows are too many to count while you wait. The schedule "
                "counts all buckets each day; Run now on the jobs page does it at once."
            )
        off = differences(bucket.id)
        for one in off:
            self.warn(
                f"{one.counter} says {-one.by:+,} beside what is there. Repair it by "
                "manage.py verify_counters --repair."
            )
        if not off:
            self.say(f"Counted anew: all counters are right ({held:,} rows).")
        return self.go(reverse("admin:bucket", args=[name]))


def is_set(bucket: BucketInfo, kind: Configuration | None) -> bool:
    documents = configurations_of(bucket.configurations_text).documents
    return kind is not None and documents.get(kind) is not None


class DeleteBucket(BucketPage):
    """Delete an empty bucket; one that holds something is purged first."""

    template = "console/delete_bucket.html"
    tab = "overview"

    def get(self, request: Any, name: str) -> HttpResponse:
        bucket = get_bucket(self.principal, "s3:DeleteBucket", name)
        _, usage = operations.get_bucket_details(self.principal, name)
        holds = usage.objects_count + usage.versions_count + usage.markers_count
        if holds:
            return self.go(reverse("admin:purge", args=[name]) + "?deletes_bucket=1")
        return self.render_bucket(bucket)

    def post(self, request: Any, name: str) -> HttpResponseBase:
        operations.delete_bucket(self.principal, name, now=timezone.now())
        self.say(f"The bucket {name} is gone.")
        return self.go(reverse("admin:buckets"))


class Unfinished(BucketPage):
    """Multipart uploads that were begun and never finished."""

    template = "console/unfinished.html"
    tab = "uploads"

    def get(self, request: Any, name: str) -> HttpResponse:
        bucket = get_bucket(self.principal, "s3:ListBucketMultipartUploads", name)
        listing = multipart.list_multipart_uploads(
            self.principal,
            name,
            max_uploads=PER_PAGE,
            key_marker=request.GET.get("key", ""),
            upload_id_marker=request.GET.get("upload_id", ""),
        )
        parts = defaultdict(bulk.Parts, bulk.weigh_uploads(listing.uploads))
        return self.render_bucket(
            bucket,
            listing=listing,
            rows=[(one, parts[one.upload_id]) for one in listing.uploads],
            may=may_in(self.principal, bucket, "s3:AbortMultipartUpload"),
        )

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = request.POST.getlist("upload")
        if not chosen:
            self.warn("Nothing was chosen.")
        elif not self.is_confirmed:
            return self.ask_first(
                f"Give up {plural(len(chosen), 'upload')} in {name}?",
                "Their parts are deleted for good.",
                verb="Give up",
                back=request.get_full_path(),
            )
        given_up = sum(self.gives_up(name, one) for one in chosen)
        if given_up:
            self.say(f"{given_up} given up; their bytes will be freed.")
        return self.go(reverse("admin:unfinished", args=[name]))

    def gives_up(self, name: str, chosen: str) -> bool:
        """Give an upload up, unless it was completed or given up meanwhile."""
        upload_id, _, key = chosen.partition(" ")
        try:
            multipart.abort_multipart_upload(
                self.principal, name, key, upload_id, now=timezone.now()
            )
        except NoSuchUpload:
            self.warn(f"{key}: it was completed or given up meanwhile.")
            return False
        return True


def sees_all(principal: Principal) -> bool:
    return may_manage(principal, "s3:ListAllMyBuckets")


def find_listed(principal: Principal, name: str) -> BucketInfo:
    """Find a bucket for a page that shows what the principal may see of it."""
    from buckets.access import find_bucket

    bucket = find_bucket(name)
    if bucket.owner_id != principal.account_id and not is_allowed(
        principal, "s3:ListBucket", bucket
    ):
        raise NoSuchBucket(bucket_name=name)
    return bucket
