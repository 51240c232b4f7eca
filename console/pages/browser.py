"""The object browser: a page of a bucket, wherever in it, whatever is shown of it.

All state is in the address: prefix, what is shown, flat or in folders, what is looked
for, how it is sorted, and the place of the page. Pages are found by key, never by
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import find_bucket
from buckets.queries import usage
from console.pages.buckets import BucketPage, may_copy, may_in
from console.pages.filters import (
    COLUMNS,
    NO_FILTERS,
    STATES,
    Column,
    Filters,
    direction_of,
    moment_of,
    next_order,
)
from iam.principals import Principal
from kernel.bodies import Body
from kernel.conditions import Conditions
from kernel.errors import InvalidArgument, NoSuchEntity, PreconditionFailed
from kernel.results import BucketInfo, ObjectAttributes, ObjectInfo, ObjectSummary
from objects import bulk
from objects.archives import archive_states
from objects.listings import list_object_versions, list_objects, may_list
from objects.operations import put_object
from objects.rewinds import list_objects_as_of
from objects.searches import MOST_SECONDS, Found, Order, State, search_objects

PER_PAGE = 100
DELIMITER = "/"
# How many earlier pages the address remembers the way back to.
MOST_BACK = 12
SHOWN = ("current", "deleted", "versions")
# What a search may take that its reader has asked to go on to the end.
MOST_SECONDS_IF_ASKED = 15.0
FOLDER_TYPE = "application/x-directory"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the browser stands, as its address says."""

    prefix: str = ""
    shown: str = "current"
    is_flat: bool = False
    token: str = ""
    version_id: str = ""
    back: tuple[str, ...] = ()
    filters: Filters = NO_FILTERS
    is_patient: bool = False
    is_weighed: bool = False
    # A time of the past, as it was typed: what was there then is shown.
    at: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Place:
        query = request.GET
        shown = query.get("show", "current")
        if shown not in SHOWN:
            raise InvalidArgument(f"show is one of {', '.join(SHOWN)}.")
        at = query.get("at", "")
        # What is past is not searched.
        filters = NO_FILTERS if at else Filters.of(query)
        return cls(
            prefix=query.get("prefix", ""),
            # A search says itself which state it looks for.
            shown="current" if filters.is_active or at else shown,
            is_flat=query.get("flat") == "1",
            token=query.get("after", ""),
            version_id=query.get("version", ""),
            back=tuple(query.getlist("back"))[-MOST_BACK:],
            filters=filters,
            is_patient=query.get("patient") == "1",
            is_weighed=query.get("weigh") == "1",
            at=at,
        )

    @property
    def delimiter(self) -> str:
        return "" if self.is_flat else DELIMITER

    @property
    def is_search(self) -> bool:
        return self.filters.is_active

    @property
    def moment(self) -> datetime | None:
        return moment_of(self.at) if self.at else None

    @property
    def names_versions(self) -> bool:
        """Tell whether a row is one version of its key, not what is current."""
        return self.shown == "versions" or bool(self.at)

    @property
    def lists_versions(self) -> bool:
        """Tell whether it takes the right to see versions."""
        return (
            self.names_versions or self.shown == "deleted" or self.shows_deleted_alone
        )

    @property
    def shows_whole_keys(self) -> bool:
        return self.is_flat or self.is_search

    @property
    def shows_deleted_alone(self) -> bool:
        return self.filters.state == State.DELETED

    def query(self, **changes: Any) -> str:
        """Write the address of another place; `changes` are fields of this one."""
        facts = {
            "prefix": self.prefix,
            "show": self.shown if self.shown != "current" else "",
            "flat": "1" if self.is_flat else "",
            "at": self.at,
            **dict(self.filters.pairs()),
            "patient": "1" if self.is_patient else "",
            **changes,
        }
        pairs = [(name, value) for name, value in facts.items() if value]
        return f"?{urlencode(pairs, doseq=True)}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the browser: folders first, then what stands alone."""

    folders: list[str]
    objects: Sequence[ObjectInfo | ObjectSummary]
    next_token: str = ""
    next_version_id: str = ""
    found: Found | None = None
    # The page of a past may end before it is full.
    stopped_early: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.folders and not self.objects


@dataclass(frozen=True, slots=True)
class Crumb:
    """A folder on the way here; no link where its reader may not list it."""

    name: str
    link: str


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the page's links lead."""

    crumbs: list[Crumb]
    shown: list[dict[str, Any]]
    flat: str
    in_folders: str
    first: str = ""
    before: str = ""
    after: str = ""
    folders: dict[str, str] = field(default_factory=dict)


def found_at(principal: Principal, name: str, place: Place) -> Listed:
    """Search under the place's prefix; the last value stands where version ids do."""
    found = search_objects(
        principal,
        name,
        place.filters.wanted,
        prefix=place.prefix,
        order=place.filters.order,
        after_key=place.token,
        after_value=place.version_id,
        seconds=MOST_SECONDS_IF_ASKED if place.is_patient else MOST_SECONDS,
        now=timezone.now(),
    )
    return Listed([], found.contents, found.next_key, found.next_value, found)


def past_at(principal: Principal, name: str, place: Place, moment: datetime) -> Listed:
    """List what was there at a time."""
    page = list_objects_as_of(
        principal,
        name,
        moment,
        prefix=place.prefix,
        delimiter=place.delimiter,
        max_keys=PER_PAGE,
        after=place.token,
    )
    objects = [one for one in page.contents if one.key != place.prefix]
    return Listed(
        page.common_prefixes,
        objects,
        page.next_marker,
        stopped_early=page.stopped_early,
    )


def listed_at(principal: Principal, name: str, place: Place) -> Listed:
    if place.is_search:
        return found_at(principal, name, place)
    if place.moment is not None:
        return past_at(principal, name, place, place.moment)
    if place.shown == "current":
        page = list_objects(
            principal,
            name,
            prefix=place.prefix,
            delimiter=place.delimiter,
            max_keys=PER_PAGE,
            after=place.token,
            fetch_details=True,
        )
        objects = [one for one in page.contents if one.key != place.prefix]
        return Listed(page.common_prefixes, objects, page.next_marker)
    versions = list_object_versions(
        principal,
        name,
        prefix=place.prefix,
        delimiter=place.delimiter,
        max_keys=PER_PAGE,
        key_marker=place.token,
        version_id_marker=place.version_id,
    )
    rows = [one for one in versions.versions if one.key != place.prefix]
    if place.shown == "deleted":
        rows = [one for one in rows if one.is_latest]
    return Listed(
        versions.common_prefixes,
        rows,
        versions.next_key_marker,
        versions.next_version_id_marker,
    )


def locked_at(principal: Principal, bucket: BucketInfo, listed: Listed) -> set[str]:
    """Tell which of the listed keys are locked, where any can be."""
    if not (bucket.has_object_lock and listed.objects):
        return set()
    keys = [one.key for one in listed.objects]
    return bulk.locked_keys(principal, bucket.name, keys, now=timezone.now())


def ways_from(
    principal: Principal, bucket: BucketInfo, place: Place, listed: Listed
) -> Ways:
    here = f"{place.token}\n{place.version_id}" if place.token else ""
    before, earlier = "", place.back
    if place.token:
        last = place.back[-1] if place.back else "\n"
        token, _, version_id = last.partition("\n")
        before = place.query(after=token, version=version_id, back=earlier[:-1])
    after = ""
    if listed.next_token:
        after = place.query(
            after=listed.next_token,
            version=listed.next_version_id,
            back=(*earlier, here)[-MOST_BACK:] if here else (),
        )
    plain = replace(place, filters=NO_FILTERS, is_patient=False, at="")
    return Ways(
        crumbs=crumbs_to(principal, bucket, place),
        shown=[
            {
                "name": shown,
                "link": plain.query(show=shown if shown != "current" else ""),
                "is_here": shown == place.shown and not (place.is_search or place.at),
            }
            for shown in SHOWN
        ],
        flat=plain.query(flat="1", at=place.at),
        in_folders=plain.query(flat="", at=place.at),
        first=place.query() if place.token else "",
        before=before,
        after=after,
        folders={folder: place.query(prefix=folder) for folder in listed.folders},
    )


def columns_at(place: Place) -> list[Column]:
    """Give the headings; each sorts all that lies under the prefix."""
    sorts = place.shown == "current" and not place.at
    return [
        Column(
            title,
            style,
            place.query(sort=next_order(place.filters, first, other)) if sorts else "",
            direction_of(place.filters.order)
            if sorts and place.filters.order in (first, other) and place.filters.sort
            else "",
        )
        for title, first, other, style in COLUMNS
    ]


def chips_at(place: Place) -> list[dict[str, str]]:
    """Give what narrows the search, each with the place without it."""
    return [
        {"text": text, "link": place.query(**{name: ""})}
        for name, text in place.filters.chips()
    ]


PASTS = (
    ("An hour ago", timedelta(hours=1)),
    ("Yesterday", timedelta(days=1)),
    ("A week ago", timedelta(days=7)),
    ("30 days ago", timedelta(days=30)),
)


def pasts_at(place: Place, now: datetime) -> list[dict[str, str]]:
    """Give ways to look back, each with how far."""
    return [
        {"text": text, "link": place.query(at=as_typed(now - ago))}
        for text, ago in PASTS
    ]


def as_typed(moment: datetime) -> str:
    """Write a time as the browser's own picker does."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def crumbs_to(principal: Principal, bucket: BucketInfo, place: Place) -> list[Crumb]:
    def crumb(name: str, prefix: str) -> Crumb:
        is_open = may_open(principal, bucket, replace(place, prefix=prefix))
        return Crumb(name, place.query(prefix=prefix) if is_open else "")

    crumbs = [crumb(bucket.name, "")]
    passed = ""
    for part in place.prefix.split(DELIMITER)[:-1]:
        passed += part + DELIMITER
        crumbs.append(crumb(part or DELIMITER, passed))
    rest = place.prefix.removeprefix(passed)
    if rest:
        crumbs.append(crumb(f"{rest}…", place.prefix))
    return crumbs


def may_open(principal: Principal, bucket: BucketInfo, place: Place) -> bool:
    """Tell whether the browser may show a place, which it asks for as `listed_at`."""
    is_page = not (place.is_search or place.at)
    return may_list(
        principal,
        bucket,
        place.prefix,
        "" if place.is_search else place.delimiter,
        PER_PAGE if is_page else None,
        has_versions=place.lists_versions,
    )


def folder_of(prefix: str) -> str:
    """Give the folder that a prefix stands in: the text up to its last slash."""
    return prefix[: prefix.rfind(DELIMITER) + 1]


MAY = (
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:ListBucketVersions",
    "s3:PutObjectTagging",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
)
EDITS = ("PutObject", "PutObjectTagging", "PutObjectRetention", "PutObjectLegalHold")


class Browser(BucketPage):
    template = "console/browser.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        place = Place.of(request)
        listed = listed_at(self.principal, name, place)
        bucket = find_bucket(name)
        folder = folder_of(place.prefix)
        may = may_in(self.principal, bucket, *MAY, folder=folder)
        return self.render_bucket(
            bucket,
            place=place,
            filters=place.filters,
            chips=chips_at(place),
            filters_count=sum(name != "q" for name, _ in place.filters.chips()),
            columns=columns_at(place),
            without_search=place.query(
                **{name: "" for name, _ in place.filters.pairs()}, patient=""
            ),
            longer=place.query(patient="1"),
            is_by_name=place.filters.order in (Order.NAME, Order.NAME_DOWN),
            keys_in_bucket=usage(bucket.id).objects_count if place.is_search else 0,
            pasts=pasts_at(replace(place, filters=NO_FILTERS), timezone.now()),
            present=place.query(at=""),
            latest=as_typed(timezone.now()),
            states=[(one.value, text) for one, text in STATES],
            classes=settings.OBJECTSTORE_STORAGE_CLASSES,
            search=place.query(patient="").removeprefix("?"),
            folder=folder,
            listed=listed,
            rows=list(
                zip(
                    listed.objects,
                    archive_states(bucket.id, listed.objects, timezone.now()),
                    strict=True,
                )
            ),
            locked=locked_at(self.principal, bucket, listed),
            weight=bulk.weigh(self.principal, name, place.prefix, now=timezone.now())
            if place.is_weighed
            else None,
            weigh=place.query(weigh="1"),
            ways=ways_from(self.principal, bucket, place, listed),
            folders=[(folder, place.query(prefix=folder)) for folder in listed.folders],
            may=may,
            chooses=may["PutObject"] or not place.at,
            may_copy=may_copy(self.principal, bucket),
            may_edit=any(may[one] for one in EDITS),
            here=request.get_full_path(),
            is_fullwidth="1",
        )


class NewFolder(BucketPage):
    """Keep an empty folder: S3 has none, so an empty object stands for it."""

    def post(self, request: Any, name: str) -> HttpResponseBase:
        prefix = folder_of(request.POST.get("prefix", ""))
        folder = request.POST.get("folder", "").strip().strip(DELIMITER)
        if not folder:
            raise InvalidArgument("Give the folder a name.")
        key = f"{prefix}{folder}{DELIMITER}"
        with suppress(PreconditionFailed):
            put_object(
                self.principal,
                name,
                key,
                body=Body.of(b""),
                attributes=ObjectAttributes(content_type=FOLDER_TYPE),
                # One that is there is opened as it is.
                conditions=Conditions(if_none_match="*"),
                now=timezone.now(),
            )
        return self.go(
            reverse("admin:browse", args=[name]) + "?" + urlencode({"prefix": key})
        )


def check_key(key: str) -> str:
    if not key:
        raise NoSuchEntity("The address names no key.")
    return key


def browse_link(bucket: BucketInfo | str, prefix: str = "", **more: str) -> str:
    """Give the browser's address at a prefix."""
    name = bucket if isinstance(bucket, str) else bucket.name
    query = {"prefix": prefix, **more}
    text = urlencode({one: value for one, value in query.items() if value})
    return reverse("admin:browse", args=[name]) + (f"?{text}" if text else "")
