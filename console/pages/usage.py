"""What a bucket holds, by folder, type, age and class: from its last report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import find_bucket, is_allowed
from buckets.operations import get_bucket_details
from console import jobs
from console.charts import Tile, tiles
from console.models import Job, JobKind, JobState
from console.pages.base import Page
from console.pages.browser import browse_link
from console.pages.buckets import BucketPage
from console.tables import csv_answer
from iam.principals import Principal
from kernel.results import ObjectInfo
from monitoring.usage import report_of
from objects.listings import list_object_versions
from objects.surveys import AGES, LOOSE, OTHERS, check_may_survey

MOST_SHOWN = 12
AGE_NAMES = (
    "up to 1 day",
    *(f"{young} to {old} days" for young, old in pairwise(AGES)),
    f"over {AGES[-1]} days",
)
# A tile smaller than this, in percent of the map, holds no words.
READABLE_WIDTH, READABLE_HEIGHT = 7.0, 10.0
TONES = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what a bucket holds."""

    name: str
    count: int
    size: int
    percent: float
    link: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    title: str
    head: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tile with what stands in it and where it leads."""

    tile: Tile
    part: Part
    is_readable: bool
    style: str
    # Which of the map's colours; tiles of one folder share it.
    tone: int


class BucketUsage(BucketPage):
    template = "console/usage.html"
    tab = "usage"

    def get(self, request: Any, name: str) -> HttpResponse:
        bucket = find_bucket(name)
        report = report_of(self.principal, name)
        job = running_count(self.principal, name)
        folder = request.GET.get("folder", "")
        document = None if report is None else report.document
        inside = folders_of(document, name, folder) if document else []
        return self.render_bucket(
            bucket,
            report=report,
            job=job,
            is_live=job is not None,
            folder=folder,
            may_list_versions=is_allowed(
                self.principal, "s3:ListBucketVersions", bucket
            ),
            folders=inside,
            drawn=drawn(groups_of(document, name, folder)) if document else [],
            breakdowns=breakdowns_of(document) if document else [],
            savings=savings_of(document) if document else [],
            may_rule=is_allowed(self.principal, "s3:PutLifecycleConfiguration", bucket),
        )

    def post(self, request: Any, name: str) -> HttpResponseBase:
        """Count anew, unless somebody does already."""
        check_may_survey(self.principal, name)
        if running_count(self.principal, name) is None:
            _, usage = get_bucket_details(self.principal, name)
            jobs.start_job(
                self.principal,
                JobKind.USAGE,
                name,
                {"prefix": ""},
                jobs.Measure(
                    usage.objects_count + usage.versions_count,
                    usage.objects_size + usage.versions_size,
                ),
                now=timezone.now(),
            )
            self.say("The bucket is being counted.")
        return self.go(reverse("admin:usage", args=[name]))


def running_count(principal: Principal, name: str) -> Job | None:
    found: Job | None = (
        Job.objects.select_related("identity")
        .filter(
            account_id=principal.account_id,
            bucket_name=name,
            kind=JobKind.USAGE,
            state__in=(JobState.QUEUED, JobState.RUNNING),
        )
        .first()
    )
    return found


def folders_of(document: dict[str, Any], name: str, folder: str) -> list[Part]:
    """Give the folders of a bucket, or those in one of them, the largest first."""
    held: dict[str, Any] = document["folders"]
    if folder:
        held = held.get(folder, [0, 0, {}])[2]
    here = reverse("admin:usage", args=[name])

    def link_of(one: str) -> str:
        if one in {LOOSE, OTHERS}:
            return browse_link(name, folder)
        if folder:
            return browse_link(name, folder + one)
        return f"{here}?{urlencode({'folder': one})}"

    return parts_of(held.items(), FOLDER_NAMES, link_of)


FOLDER_NAMES = {LOOSE: "(not in a folder)", OTHERS: "(smaller ones)"}
TYPE_NAMES = {"": "(not said)", OTHERS: "(rarer ones)"}


def parts_of(
    held: Iterable[tuple[str, list[Any]]],
    names: dict[str, str],
    link_of: Any = lambda name: "",
) -> list[Part]:
    listed = sorted(held, key=lambda pair: -pair[1][1])
    whole = sum(pair[1][1] for pair in listed) or 1
    return [
        Part(
            names.get(name, name),
            values[0],
            values[1],
            round(100 * values[1] / whole, 1),
            link_of(name),
        )
        for name, values in listed
        if values[0]
    ]


def breakdowns_of(document: dict[str, Any]) -> list[Breakdown]:
    ages = zip(AGE_NAMES, document["ages"], strict=True)
    by_age = {part.name: part for part in parts_of(ages, {})}
    types = parts_of(document["types"].items(), TYPE_NAMES)
    return [
        Breakdown("Types", "Type", types[:MOST_SHOWN]),
        Breakdown("Ages", "Written", [by_age[n] for n in AGE_NAMES if n in by_age]),
        Breakdown(
            "Storage classes", "Class", parts_of(document["classes"].items(), {})
        ),
        Breakdown(
            "Versions",
            "Which",
            parts_of(
                document["states"].items(),
                {"current": "current", "earlier": "earlier versions"},
            ),
        ),
    ]


def savings_of(document: dict[str, Any]) -> list[Part]:
    """Say what rules could free at most, or move to a cheaper class."""
    found = [("Delete earlier versions", *document["states"]["earlier"])]
    for young, first in ((90, 4), (365, 5)):
        older = document["ages"][first:]
        count, size = (sum(values) for values in zip(*older, strict=True))
        text = f"Delete or move what was written over {young} days ago"
        found.append((text, count, size))
    whole = document["size"] or 1
    return [
        Part(text, count, size, round(100 * size / whole, 1))
        for text, count, size in found
        if size
    ]


def groups_of(
    document: dict[str, Any], name: str, folder: str
) -> list[tuple[Part, list[Part]]]:
    """Give the folders with what is in each, as far as it was counted."""
    parts = folders_of(document, name, folder)
    if folder:
        return [(part, [part]) for part in parts]
    held = {FOLDER_NAMES.get(one, one): one for one in document["folders"]}
    return [(part, inside_of(document, name, part, held[part.name])) for part in parts]


def inside_of(
    document: dict[str, Any], name: str, part: Part, folder: str
) -> list[Part]:
    if folder in {LOOSE, OTHERS} or set(document["folders"][folder][2]) <= {LOOSE}:
        return [part]
    return [
        replace(
            one,
            name=f"{folder}{one.name}",
            percent=round(part.percent * one.percent / 100, 1),
        )
        for one in folders_of(document, name, folder)
    ]


def drawn(groups: list[tuple[Part, list[Part]]]) -> list[Drawn]:
    """Draw folders as a tree map, each filled by what is in it."""
    by_place = {str(place): group for place, group in enumerate(groups)}
    outer = tiles([(place, part.size) for place, (part, _) in by_place.items()])
    return [
        one
        for number, tile in enumerate(outer)
        for one in filled(tile, by_place[tile.name][1], number % TONES)
    ]


def filled(outer: Tile, parts: list[Part], tone: int) -> Iterator[Drawn]:
    sizes = [(str(place), part.size) for place, part in enumerate(parts)]
    for tile in tiles(sizes, outer.x, outer.y, outer.width, outer.height):
        yield Drawn(
            tile,
            parts[int(tile.name)],
            tile.width >= READABLE_WIDTH and tile.height >= READABLE_HEIGHT,
            f"left:{tile.x:.3f}%;top:{tile.y:.3f}%;"
            f"width:{tile.width:.3f}%;height:{tile.height:.3f}%",
            tone,
        )


LISTED_AT_ONCE = 1000
INVENTORY = (
    *("key", "version_id", "is_latest", "is_delete_marker", "size", "modified_at"),
    *("etag", "storage_class", "content_type"),
)


class Inventory(Page):
    """All versions of a bucket, or of a folder, as a table to be saved."""

    def get(self, request: Any, name: str) -> HttpResponseBase:
        prefix = request.GET.get("prefix", "")
        pages = version_pages(self.principal, name, prefix)
        # Asked for here: a refusal must not come in the midst of a file.
        first = next(pages)
        rows = (row_of(one) for page in chain([first], pages) for one in page)
        return csv_answer(f"{name}-inventory", INVENTORY, rows)


def version_pages(
    principal: Principal, name: str, prefix: str
) -> Iterator[list[ObjectInfo]]:
    key_marker = version_marker = ""
    while True:
        listing = list_object_versions(
            principal,
            name,
            prefix=prefix,
            max_keys=LISTED_AT_ONCE,
            key_marker=key_marker,
            version_id_marker=version_marker,
        )
        yield listing.versions
        if not listing.is_truncated:
            return
        key_marker = listing.next_key_marker
        version_marker = listing.next_version_id_marker


def row_of(one: ObjectInfo) -> list[Any]:
    is_marker = one.is_delete_marker
    return [
        *(one.key, one.version_id, one.is_latest, is_marker),
        *(None if is_marker else one.size, one.created_at, one.etag),
        *("" if is_marker else one.storage_class, one.content_type),
    ]
