"""A bucket as it was at a time, and bringing a folder back to that.

Ids of versions order by the time at which they were written, so what was current then
is the first of each key from that time's place on: the index of keys finds it. What was
deleted for good since, or expired, is in no index any more and does not show.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from buckets.access import get_bucket
from iam.principals import Principal
from kernel.conditions import Conditions, unless_changed
from kernel.errors import InvalidRequest, ObjectStoreError
from kernel.listing import page_bounds, page_size, start_after, utf8
from kernel.names import next_name
from kernel.results import BucketInfo, ObjectInfo, ObjectSummary
from kernel.versions import first_id_of
from objects import queries
from objects.bulk import MOST_WEIGHED, STEP_OF_EDITS, Step, Targets, shared_folder
from objects.copies import restore_version
from objects.listings import fold, listing_context, name_of
from objects.operations import FailedDeletion, delete_object
from objects.searches import KEYS_PER_STEP, MOST_SECONDS, until

# What was there may be hidden now, or written anew.
step_of_keys = partial(queries.step_of_keys, among=queries.IN_EVERY_STATE)

# The first stretch of a page, and the next after each that was not in vain: a page of a
# hundred folders of 10,000 keys takes 26 ms instead of 169.
SHORT_STEP = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PastListing:
    """A page of what was there; `next_marker` leads on, also where time ran out."""

    contents: Sequence[ObjectSummary]
    common_prefixes: list[str]
    next_marker: str = ""
    stopped_early: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed under a prefix since a time, counted within bounds."""

    deleted_count: int
    other_count: int
    size: int
    added_count: int
    added_size: int
    is_whole: bool

    @property
    def back_count(self) -> int:
        return self.deleted_count + self.other_count


def place_of(moment: datetime) -> str:
    """Give the place of a time among the ids of versions."""
    return first_id_of((moment - EPOCH) // timedelta(microseconds=1) * 1000)


def versioned_bucket(
    principal: Principal, bucket_name: str, prefix: str, delimiter: str = ""
) -> BucketInfo:
    """Find a bucket that has a past. Raises InvalidRequest for one that keeps none."""
    bucket = get_bucket(
        principal,
        "s3:ListBucketVersions",
        bucket_name,
        context=listing_context(prefix, delimiter, None),
    )
    if not bucket.versioning:
        raise InvalidRequest(
            "This bucket keeps no versions, so what it held earlier is not known."
        )
    return bucket


def list_objects_as_of(
    principal: Principal,
    bucket_name: str,
    moment: datetime,
    *,
    prefix: str = "",
    delimiter: str = "",
    max_keys: int | None = None,
    after: str = "",
    seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> PastListing:
    """List objects as they were at a time, in UTF-8 byte order, a page at a time.

    Where very many keys were not there then, the page may end before it is full.
    Raises NoSuchBucket, AccessDenied, and InvalidRequest for a bucket without versions.
    """
    bucket = versioned_bucket(principal, bucket_name, prefix, delimiter)
    walk = PastWalk(bucket.id, place_of(moment), prefix, delimiter)
    return walk.page(page_size(max_keys), after, until(seconds, clock))


@dataclass(frozen=True, slots=True)
class PastWalk:
    """A walk along the keys of a bucket, at a time."""

    bucket_id: int
    place: str
    prefix: str
    delimiter: str

    def page(self, most: int, after: str, is_over: Callable[[], bool]) -> PastListing:
        rows: list[ObjectSummary] = []
        start = start_after(after, self.prefix, self.delimiter) if after else ""
        start, end = page_bounds(self.prefix, start)
        length = SHORT_STEP
        while most:
            walked = min(length, KEYS_PER_STEP)
            step = step_of_keys(self.bucket_id, start, end, walked)
            if step is None:
                break
            found = self.rows(*step.bounds, most + 1 - len(rows))
            rows += found
            # Where something was there, the rest of its folder need not be walked.
            length = SHORT_STEP if found else length * 4
            if len(rows) > most:
                contents, prefixes = fold(rows[:most], self.prefix, self.delimiter)
                return PastListing(contents, prefixes, self.name(rows[most - 1]))
            reached = self.reached(rows, step.last_key)
            start = start_after(reached, self.prefix, self.delimiter)
            if is_over():
                return PastListing(
                    *fold(rows, self.prefix, self.delimiter), reached, True
                )
        return PastListing(*fold(rows, self.prefix, self.delimiter))

    def rows(self, start: str, end: str, limit: int) -> list[ObjectSummary]:
        if self.delimiter and next_name(self.delimiter):
            return queries.walk_past(
                self.bucket_id,
                start,
                end,
                self.prefix,
                self.delimiter,
                limit,
                place=self.place,
            )
        return queries.page_of_past(self.bucket_id, start, end, limit, place=self.place)

    def name(self, row: ObjectSummary) -> str:
        return name_of(row, self.prefix, self.delimiter)

    def reached(self, rows: list[ObjectSummary], last_key: str) -> str:
        """Tell how far the walk is: past a stretch, or past all of a shown prefix."""
        if not rows:
            return last_key
        shown = self.name(rows[-1])
        past = start_after(shown, self.prefix, self.delimiter)
        return shown if utf8(past) > utf8(last_key) else last_key


def weigh_changes(
    principal: Principal,
    bucket_name: str,
    moment: datetime,
    *,
    prefix: str = "",
    chosen: Targets | None = None,
    seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    now: datetime,
) -> Changes:
    """Count what a restore to a time would do, as far as the time allows: under a
    prefix, or to the keys and folders that are chosen.

    Raises what listing raises.
    """
    targets = chosen or Targets(folders=(prefix,))
    bucket = bucket_of_targets(principal, bucket_name, targets)
    is_over = until(seconds, clock)
    places = {"place": place_of(moment), "until": place_of(now)}
    counts = [0] * 5
    for _, step in stretches_of(bucket.id, targets, {}):
        rest = MOST_WEIGHED + 1 - counts[0] - counts[1] - counts[3]
        *more, weighed = queries.weigh_changed(bucket.id, *step.bounds, rest, **places)
        counts = [one + other for one, other in zip(counts, more, strict=True)]
        if weighed == rest or is_over():
            return Changes(*counts, is_whole=False)
    return Changes(*counts, is_whole=True)


def bucket_of_targets(
    principal: Principal, bucket_name: str, targets: Targets
) -> BucketInfo:
    """Find a bucket that has a past, for who may list all that is chosen in it."""
    places = {*targets.folders}
    if targets.keys or not places:
        places.add(shared_folder(targets.keys))
    *_, bucket = [versioned_bucket(principal, bucket_name, one) for one in places]
    return bucket


def stretches_of(
    bucket_id: int, targets: Targets, marker: Mapping[str, Any]
) -> Iterator[tuple[int, queries.StepOfKeys]]:
    """Give all that is chosen in stretches, from where it was left, each with the
    number of what it belongs to: the folders come first, then the keys."""
    left = marker.get("part", 0)
    for number, folder in enumerate(targets.folders):
        if number >= left:
            after = marker.get("after", "") if number == left else ""
            for step in stretches(bucket_id, folder, after):
                yield number, step
    for number, key in enumerate(targets.keys, start=len(targets.folders)):
        if number > left or (number == left and marker.get("after") != key):
            yield number, queries.StepOfKeys((key, start_after(key, "", "")), 1, key)


def stretches(bucket_id: int, prefix: str, after: str) -> Iterator[queries.StepOfKeys]:
    """Give all keys under a prefix, deleted ones too, in stretches of some of them."""
    start, end = page_bounds(prefix, start_after(after, "", "") if after else "")
    while True:
        step = step_of_keys(bucket_id, start, end, KEYS_PER_STEP)
        if step is None:
            return
        yield step
        start = start_after(step.last_key, "", "")


def restore_as_of(
    principal: Principal,
    bucket_name: str,
    moment: datetime,
    *,
    prefix: str,
    hides_added: bool,
    asked_at: datetime,
    chosen: Targets | None = None,
    marker: Mapping[str, Any],
) -> Iterator[Step]:
    """Make all under a prefix, or what is chosen, what it was at a time, a page at a
    time; a step may find nothing to do.

    What was there then is copied to the top of its key; what was added since gets a
    delete marker, or stays. What is written after `asked_at` is left alone, so that a
    step does no harm when it is done again. Raises what listing raises.
    """
    targets = chosen or Targets(folders=(prefix,))
    bucket = bucket_of_targets(principal, bucket_name, targets)
    place, until_place = place_of(moment), place_of(asked_at)
    for part, step in stretches_of(bucket.id, targets, marker):
        start, end = step.bounds
        after = ""
        while after != step.last_key:
            rows = queries.changed_since(
                bucket.id, start, end, STEP_OF_EDITS, place=place, until=until_place
            )
            is_last = len(rows) < STEP_OF_EDITS
            after = step.last_key if is_last else rows[-1].key
            start = start_after(after, "", "")
            keys = [row.key for row in rows]
            past = queries.past_of_keys(bucket.id, keys, place=place)
            yield restore_page(
                principal,
                bucket_name,
                rows,
                past,
                hides_added=hides_added,
                place={"part": part, "after": after},
            )


def restore_page(
    principal: Principal,
    bucket_name: str,
    rows: Sequence[ObjectInfo],
    past: Mapping[str, ObjectInfo],
    *,
    hides_added: bool,
    place: Mapping[str, Any],
) -> Step:
    done: list[int] = []
    failures: list[FailedDeletion] = []
    for row in rows:
        was = past.get(row.key)
        is_added = was is None and not row.is_delete_marker
        if was is None and not (is_added and hides_added):
            continue
        try:
            if was is None:
                hide(principal, bucket_name, row, now=timezone.now())
            else:
                restore_version(
                    principal,
                    bucket_name,
                    was,
                    conditions=as_it_is(row),
                    now=timezone.now(),
                )
            done.append(row.size if was is None else was.size)
        except ObjectStoreError as error:
            failures.append(FailedDeletion(row.key, "", error))
    return Step(len(done), sum(done), failures, place)


def hide(
    principal: Principal, bucket_name: str, newest: ObjectInfo, *, now: datetime
) -> None:
    delete_object(
        principal, bucket_name, newest.key, conditions=as_it_is(newest), now=now
    )


def as_it_is(newest: ObjectInfo) -> Conditions:
    """Hold only where nobody has written the key meanwhile."""
    if newest.is_delete_marker:
        return Conditions(if_none_match="*")
    return unless_changed(newest.etag)
