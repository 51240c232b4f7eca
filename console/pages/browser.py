"""The object browser: a page of a bucket, wherever in it, whatever is shown of it.

All state is in the address: prefix, what is shown, flat or in folders, and the place
of the page. Pages are found by key, never by number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import find_bucket
from console.pages.buckets import BucketPage, may_in
from iam.principals import Principal
from kernel.bodies import Body
from kernel.errors import InvalidArgument, NoSuchEntity
from kernel.results import BucketInfo, ObjectAttributes, ObjectInfo
from objects.listings import list_object_versions, list_objects
from objects.operations import put_object

PER_PAGE = 100
DELIMITER = "/"
# How many earlier pages the address remembers the way back to.
MOST_BACK = 12
SHOWN = ("current", "deleted", "versions")
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

    @classmethod
    def of(cls, request: HttpRequest) -> Place:
        query = request.GET
        shown = query.get("show", "current")
        if shown not in SHOWN:
            raise InvalidArgument(f"show is one of {', '.join(SHOWN)}.")
        return cls(
            prefix=query.get("prefix", ""),
            shown=shown,
            is_flat=query.get("flat") == "1",
            token=query.get("after", ""),
            version_id=query.get("version", ""),
            back=tuple(query.getlist("back"))[-MOST_BACK:],
        )

    @property
    def delimiter(self) -> str:
        return "" if self.is_flat else DELIMITER

    def query(self, **changes: Any) -> str:
        """Write the address of another place; `changes` are fields of this one."""
        facts = {
            "prefix": self.prefix,
            "show": self.shown if self.shown != "current" else "",
            "flat": "1" if self.is_flat else "",
            **changes,
        }
        pairs = [(name, value) for name, value in facts.items() if value]
        return f"?{urlencode(pairs, doseq=True)}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the browser: folders first, then what stands alone."""

    folders: list[str]
    objects: list[ObjectInfo]
    next_token: str = ""
    next_version_id: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.folders and not self.objects


@dataclass(frozen=True, slots=True)
class Crumb:
    name: str
    link: str


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the page's links lead."""

    crumbs: list[Crumb]
    shown: list[dict[str, Any]]
    flat: str
    first: str = ""
    before: str = ""
    after: str = ""
    folders: dict[str, str] = field(default_factory=dict)


def listed_at(principal: Principal, name: str, place: Place) -> Listed:
    if place.shown == "current":
        page = list_objects(
            principal,
            name,
            prefix=place.prefix,
            delimiter=place.delimiter,
            max_keys=PER_PAGE,
            after=place.token,
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


def ways_from(name: str, place: Place, listed: Listed) -> Ways:
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
    return Ways(
        crumbs=crumbs_to(name, place),
        shown=[
            {
                "name": shown,
                "link": place.query(show=shown if shown != "current" else ""),
                "is_here": shown == place.shown,
            }
            for shown in SHOWN
        ],
        flat=place.query(flat="" if place.is_flat else "1"),
        first=place.query() if place.token else "",
        before=before,
        after=after,
        folders={folder: place.query(prefix=folder) for folder in listed.folders},
    )


def crumbs_to(name: str, place: Place) -> list[Crumb]:
    crumbs = [Crumb(name, place.query(prefix=""))]
    passed = ""
    for part in place.prefix.split(DELIMITER)[:-1]:
        passed += part + DELIMITER
        crumbs.append(Crumb(part or DELIMITER, place.query(prefix=passed)))
    rest = place.prefix.removeprefix(passed)
    if rest:
        crumbs.append(Crumb(f"{rest}…", place.query()))
    return crumbs


def folder_of(prefix: str) -> str:
    """Give the folder that a prefix stands in: the text up to its last slash."""
    return prefix[: prefix.rfind(DELIMITER) + 1]


MAY = (
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:ListBucketVersions",
)


class Browser(BucketPage):
    template = "console/browser.html"
    tab = "objects"

    def get(self, request: Any, name: str) -> HttpResponse:
        place = Place.of(request)
        listed = listed_at(self.principal, name, place)
        bucket = find_bucket(name)
        return self.render_bucket(
            bucket,
            place=place,
            folder=folder_of(place.prefix),
            listed=listed,
            ways=ways_from(name, place, listed),
            folders=[(folder, place.query(prefix=folder)) for folder in listed.folders],
            may=may_in(self.principal, bucket, *MAY),
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
        put_object(
            self.principal,
            name,
            key,
            body=Body.of(b""),
            attributes=ObjectAttributes(content_type=FOLDER_TYPE),
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
