"""Finding objects by more than their prefix, in bounded time.

There is an index of keys and no other, since each further one would cost every PUT. A
search for names walks it, stretch by stretch: a million keys take 0.6 s. One that must
look at the rows themselves goes by their ids instead, as they lie, where the bucket is
a good part of the table: 0.3 s in place of 4. Each stops when its page is full or its
time is over, and says how far it came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from buckets.access import Context, get_bucket, is_allowed, is_plainly_owners
from buckets.queries import usage
from iam.principals import Principal
from kernel.database.fields import column_time
from kernel.database.vendor import is_postgresql
from kernel.errors import InvalidArgument, NoSuchBucket
from kernel.listing import page_bounds, start_after, utf8
from kernel.names import KEY_MAX_BYTES
from kernel.results import BucketInfo, ObjectSummary
from objects import queries
from objects.queries import Condition

PER_PAGE = 100
# What one query walks: 5 to 60 ms, so that the time is looked at often.
KEYS_PER_STEP = 20_000
ROWS_PER_STEP = 50_000
# Stretches of keys whose rows are looked up, each for itself, before it is tried to
# read the table as it lies; that pays while the bucket is a tenth of it.
STEPS_BY_KEY = 3
MOST_ROWS_PER_OWN = 10
MOST_SECONDS = 1.5
# Rows whose tags are asked for together, where that is asked key by key: 30 ms.
ASKED_TOGETHER = 1000


class Order(StrEnum):
    """How what is found is ordered; all but by name need the walk to reach its end."""

    NAME = "name"
    NAME_DOWN = "-name"
    SMALLEST = "size"
    LARGEST = "-size"
    OLDEST = "changed"
    NEWEST = "-changed"
    TYPE = "type"
    TYPE_DOWN = "-type"
    STORAGE_CLASS = "class"
    STORAGE_CLASS_DOWN = "-class"


class State(StrEnum):
    """Which of a bucket's keys are looked at; a deleted key shows a delete marker."""

    CURRENT = "current"
    LOCKED = "locked"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; what is empty matches all.

    In `text`, * and ? stand for any signs, and the whole key must fit; without them
    the text may be anywhere in the key. Upper and lower case of a-z are one. A tag
    without a value matches any value of it; a content type, all that begin with it.
    """

    text: str = ""
    least_size: int | None = None
    most_size: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    storage_class: str = ""
    content_type: str = ""
    tag: tuple[str, str | None] | None = None
    state: State = State.CURRENT


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, and how far the search has come."""

    contents: list[ObjectSummary]
    # What was looked at, of the bucket's keys; a guess where it was read by rows.
    keys_count: int
    # The key to search on after: the page is full, or the time was over.
    next_key: str = ""
    # Where the order is not by name: the value at `next_key`.
    next_value: str = ""
    stopped_early: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """How many objects match and how large they are, as far as the time allowed."""

    count: int
    size: int
    keys_count: int
    stopped_early: bool = False


def search_objects(
    principal: Principal,
    bucket_name: str,
    wanted: Wanted,
    *,
    prefix: str = "",
    order: Order = Order.NAME,
    after_key: str = "",
    after_value: str = "",
    seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    now: datetime,
) -> Found:
    """Find objects under a prefix.

    By name, a search that ran out of time goes on after `next_key`. In any other
    order it shows the first of the keys it came to look at, and says so.
    Raises NoSuchBucket, AccessDenied and InvalidArgument.
    """
    bucket = bucket_to_search(principal, bucket_name, wanted, prefix)
    condition = condition_of(wanted, now)
    walk = Walk(
        bucket.id,
        prefix,
        wanted,
        condition,
        until(seconds, clock),
        sieve=sieve_of(principal, bucket, wanted),
    )
    if order in (Order.NAME, Order.NAME_DOWN):
        return walk.by_name(after_key, is_down=order is Order.NAME_DOWN)
    return walk.by_value(VALUES[order], after_key, after_value)


def weigh_matches(
    principal: Principal,
    bucket_name: str,
    wanted: Wanted,
    *,
    prefix: str = "",
    seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    now: datetime,
) -> Matches:
    """Count what a search finds, and its bytes. Raises what `search_objects` raises."""
    bucket = bucket_to_search(principal, bucket_name, wanted, prefix)
    condition = condition_of(wanted, now)
    walk = Walk(
        bucket.id,
        prefix,
        wanted,
        condition,
        until(seconds, clock),
        sieve=sieve_of(principal, bucket, wanted),
    )
    return walk.weigh()


def matching_pages(
    principal: Principal,
    bucket_name: str,
    wanted: Wanted,
    *,
    prefix: str = "",
    after_key: str = "",
    per_page: int,
    now: datetime,
) -> Iterator[tuple[list[ObjectSummary], str]]:
    """Give all that matches, by key, each page with the key to go on after.

    A page may be empty: it ends where a stretch of keys does, so that who follows it
    hears of it in time. Raises what `search_objects` raises.
    """
    bucket = bucket_to_search(principal, bucket_name, wanted, prefix)
    condition = condition_of(wanted, now)
    after = after_key
    while True:
        walk = Walk(
            bucket.id,
            prefix,
            wanted,
            condition,
            lambda: True,
            per_page,
            sieve_of(principal, bucket, wanted),
        )
        found = walk.by_name(after, is_down=False)
        after = found.next_key or (found.contents[-1].key if found.contents else after)
        yield found.contents, after
        if not found.next_key:
            return
        current = bucket_to_search(principal, bucket_name, wanted, prefix)
        check_is_same(bucket, current)
        bucket = current


def check_is_same(bucket: BucketInfo, current: BucketInfo) -> None:
    """Raise NoSuchBucket where a bucket's name has gone to another one meanwhile."""
    if current.id != bucket.id:
        raise NoSuchBucket(bucket_name=bucket.name)


def bucket_to_search(
    principal: Principal, bucket_name: str, wanted: Wanted, prefix: str
) -> BucketInfo:
    """Ask for what a search tells: keys, deleted keys, tags."""
    context: Context = {"s3:prefix": prefix}
    if wanted.state is State.DELETED:
        get_bucket(principal, "s3:ListBucketVersions", bucket_name, context=context)
    if wanted.tag is not None:
        get_bucket(principal, "s3:GetObjectTagging", bucket_name, f"{prefix}*")
    return get_bucket(principal, "s3:ListBucket", bucket_name, context=context)


Sieve = Callable[[list[ObjectSummary]], list[ObjectSummary]]


def sieve_of(principal: Principal, bucket: BucketInfo, wanted: Wanted) -> Sieve | None:
    """Keep a search by tag to objects whose tags the principal may read.

    A policy may keep the tags of some keys back, or of objects with certain tags: to
    find those by a tag would tell it.
    """
    if wanted.tag is None or principal.is_system:
        return None
    if is_plainly_owners(principal, bucket):
        return None

    def readable(rows: list[ObjectSummary]) -> list[ObjectSummary]:
        found = queries.latest_of_keys(bucket.id, [row.key for row in rows])
        allowed = {
            one.key
            for one in found
            if is_allowed(principal, "s3:GetObjectTagging", bucket, one.key, target=one)
        }
        return [row for row in rows if row.key in allowed]

    return readable


def until(seconds: float, clock: Callable[[], float]) -> Callable[[], bool]:
    ends_at = clock() + seconds
    return lambda: clock() > ends_at


def condition_of(wanted: Wanted, now: datetime) -> Condition:
    """Write what is looked for as SQL; the key comes first, since it costs no look."""
    parts: list[Condition] = [text_condition(wanted.text)] if wanted.text else []
    for column, value in (
        ("v.size >= %s", wanted.least_size),
        ("v.size <= %s", wanted.most_size),
        ("v.created_at >= %s", column_time(wanted.since)),
        ("v.created_at < %s", column_time(wanted.until)),
        ("v.storage_class = %s", wanted.storage_class or None),
    ):
        if value is not None:
            parts.append((column, [value]))
    if wanted.content_type:
        parts.append(like("v.content_type", f"{escaped(wanted.content_type)}%"))
    if wanted.tag is not None:
        parts.append(tag_condition(*wanted.tag))
    if wanted.state is State.LOCKED:
        parts.append(("(v.has_legal_hold OR v.retain_until > %s)", [column_time(now)]))
    return " AND ".join(sql for sql, _ in parts), [one for _, v in parts for one in v]


def text_condition(text: str) -> Condition:
    if len(utf8(text)) > KEY_MAX_BYTES:
        raise InvalidArgument("A search is at most as long as a key.")
    if "*" in text or "?" in text:
        pattern = escaped(text).replace("*", "%").replace("?", "_")
        return like("v.key", pattern)
    return like("v.key", f"%{escaped(text)}%")


def like(column: str, pattern: str) -> Condition:
    """Compare in any case of a-z, which SQLite's LIKE does by itself."""
    if is_postgresql():
        return f"{column} ILIKE %s ESCAPE '!'", [pattern]
    return f"{column} LIKE %s ESCAPE '!'", [pattern]


def escaped(text: str) -> str:
    return "".join(f"!{sign}" if sign in "!%_" else sign for sign in text)


# SQLite's paths into JSON have no way to quote any name.
HAS_TAG = "EXISTS (SELECT 1 FROM json_each(v.tags) AS tag WHERE tag.key = %s)"
IS_TAGGED = (
    "EXISTS (SELECT 1 FROM json_each(v.tags) AS tag"
    " WHERE tag.key = %s AND tag.value = %s)"
)


def tag_condition(name: str, value: str | None) -> Condition:
    if is_postgresql():
        if value is None:
            return "jsonb_exists(v.tags, %s)", [name]
        return "v.tags ->> %s::text = %s", [name, value]
    return (HAS_TAG, [name]) if value is None else (IS_TAGGED, [name, value])


@dataclass(frozen=True, slots=True)
class Value:
    """What objects are ordered by, and which way; keys order what is alike."""

    name: str
    is_down: bool
    read: Callable[[ObjectSummary], Any]
    parse: Callable[[str], Any]
    write: Callable[[Any], str] = str

    @property
    def column(self) -> str:
        """Give the column, comparing text by its bytes as Python does; keys do so."""
        is_text = self.parse is str and self.name != "key"
        return (
            f'v.{self.name} COLLATE "C"'
            if is_text and is_postgresql()
            else (f"v.{self.name}")
        )

    @property
    def order(self) -> str:
        down = " DESC" if self.is_down else ""
        return f"{self.column}{down}" + ("" if self.name == "key" else ", v.key")

    def first(self, rows: list[ObjectSummary], most: int) -> list[ObjectSummary]:
        rows.sort(key=lambda row: utf8(row.key))
        rows.sort(key=self.read, reverse=self.is_down)
        return rows[:most]

    def past(self, key: str, value: str) -> Condition:
        """Leave out what former pages have shown."""
        try:
            place = self.parse(value)
        except ValueError as error:
            raise InvalidArgument("The page's place cannot be read.") from error
        beyond = "<" if self.is_down else ">"
        sql = f"({self.column} {beyond} %s OR ({self.column} = %s AND v.key > %s))"
        return sql, [place, place, key]


def size_of(row: ObjectSummary) -> int:
    return row.size


def type_of(row: ObjectSummary) -> str:
    return row.content_type


def class_of(row: ObjectSummary) -> str:
    return row.storage_class


def time_of(row: ObjectSummary) -> datetime:
    return row.created_at


def column_time_of(text: str) -> Any:
    return column_time(datetime.fromisoformat(text))


def key_of(row: ObjectSummary) -> bytes:
    return utf8(row.key)


VALUES = {
    Order.NAME: Value("key", False, key_of, str, bytes.decode),
    Order.NAME_DOWN: Value("key", True, key_of, str, bytes.decode),
    Order.SMALLEST: Value("size", False, size_of, int),
    Order.LARGEST: Value("size", True, size_of, int),
    Order.OLDEST: Value(
        "created_at", False, time_of, column_time_of, datetime.isoformat
    ),
    Order.NEWEST: Value(
        "created_at", True, time_of, column_time_of, datetime.isoformat
    ),
    Order.TYPE: Value("content_type", False, type_of, str),
    Order.TYPE_DOWN: Value("content_type", True, type_of, str),
    Order.STORAGE_CLASS: Value("storage_class", False, class_of, str),
    Order.STORAGE_CLASS_DOWN: Value("storage_class", True, class_of, str),
}


def both(one: Condition, other: Condition) -> Condition:
    texts = [text for text, _ in (one, other) if text]
    return " AND ".join(texts), [*one[1], *other[1]]


@dataclass(slots=True)
class Walk:
    """One walk along a bucket's keys, or along the rows of the table."""

    bucket_id: int
    prefix: str
    wanted: Wanted
    condition: Condition
    is_over: Callable[[], bool]
    per_page: int = PER_PAGE
    sieve: Sieve | None = None
    keys_count: int = 0

    @property
    def is_hidden(self) -> bool:
        return self.wanted.state is State.DELETED

    @property
    def looks_at_rows(self) -> bool:
        """Tell whether more is asked of an object than its key."""
        return self.wanted != Wanted(self.wanted.text)

    def stretches(
        self, start: str, end: str, *, is_down: bool = False
    ) -> Iterator[queries.StepOfKeys]:
        """Give the keys from `start` up to `end` in stretches, and count them."""
        while True:
            step = queries.step_of_keys(
                self.bucket_id,
                start,
                end,
                KEYS_PER_STEP,
                is_down=is_down,
                among=queries.NOT_LISTED if self.is_hidden else queries.LISTED,
            )
            if step is None:
                return
            self.keys_count += step.count
            yield step
            if is_down:
                end = step.last_key
            else:
                start = start_after(step.last_key, "", "")

    def rows(self) -> RowStretches | None:
        """Give the table's rows in stretches; None where most are of other buckets."""
        held = usage(self.bucket_id)
        own = held.objects_count + held.versions_count + held.markers_count
        first, last = queries.span_of_rows()
        if last - first >= MOST_ROWS_PER_OWN * max(own, ROWS_PER_STEP):
            return None
        return RowStretches(first, last, held.objects_count, self.is_over)

    def by_name(self, after: str, *, is_down: bool) -> Found:
        """Find one page in the order of keys, or as far as the time allows."""
        value = VALUES[Order.NAME_DOWN if is_down else Order.NAME]
        start, end = page_bounds(self.prefix, "")
        if after and is_down:
            end = after
        elif after:
            start = max(start, start_after(after, "", ""), key=utf8)
        found: list[ObjectSummary] = []
        walked = self.stretches(start, end, is_down=is_down)
        for number, step in enumerate(walked, start=1):
            rest = self.per_page + 1 - len(found)
            found += self.in_order(step.bounds, value, rest)
            if len(found) > self.per_page:
                page = found[: self.per_page]
                return Found(page, self.keys_count, page[-1].key)
            if number == STEPS_BY_KEY and self.looks_at_rows:
                by_rows = self.by_rows((start, end), value, self.condition)
                if by_rows is not None and not by_rows.stopped_early:
                    return by_rows
            if self.is_over():
                return Found(found, self.keys_count, step.last_key, stopped_early=True)
        return Found(found, self.keys_count)

    def by_value(self, value: Value, after_key: str, after_value: str) -> Found:
        """Find the first of all, by a value that has no index."""
        condition = self.condition
        if after_key:
            condition = both(condition, value.past(after_key, after_value))
        bounds = page_bounds(self.prefix, "")
        best: list[ObjectSummary] = []
        most = self.per_page + 1
        for number, step in enumerate(self.stretches(*bounds), start=1):
            rows = self.matching(step.bounds, value, condition, most)
            best = value.first(best + rows, most)
            if number == STEPS_BY_KEY:
                by_rows = self.by_rows(bounds, value, condition)
                if by_rows is not None:
                    return by_rows
            if self.is_over():
                return self.page_of(best, value, stopped=True)
        return self.page_of(best, value, stopped=False)

    def by_rows(
        self, bounds: tuple[str, str], value: Value, condition: Condition
    ) -> Found | None:
        """Find the first of all by reading the table as it lies, where that pays."""
        stretches = self.rows()
        if stretches is None:
            return None
        best: list[ObjectSummary] = []
        most = self.per_page + 1
        for rows in stretches:
            found = self.matching(bounds, value, condition, most, rows=rows)
            best = value.first(best + found, most)
        self.keys_count = stretches.keys_count
        return self.page_of(best, value, stopped=stretches.stopped_early)

    def matching(
        self,
        bounds: tuple[str, str],
        value: Value,
        condition: Condition,
        most: int,
        rows: tuple[int, int] | None = None,
    ) -> list[ObjectSummary]:
        if self.sieve is None:
            return self.read(bounds, value, condition, most, rows)
        kept: list[ObjectSummary] = []
        for some in self.sifted(bounds, value, condition, rows):
            kept += some
            if len(kept) >= most:
                break
        return kept[:most]

    def sifted(
        self,
        bounds: tuple[str, str],
        value: Value,
        condition: Condition,
        rows: tuple[int, int] | None,
    ) -> Iterator[list[ObjectSummary]]:
        """Give what matches in a stretch and passes the sieve, in order."""
        left = condition
        while True:
            found = self.read(bounds, value, left, ASKED_TOGETHER, rows)
            yield found if self.sieve is None else self.sieve(found)
            if len(found) < ASKED_TOGETHER:
                return
            last = found[-1]
            place = value.write(value.read(last))
            left = both(condition, value.past(last.key, place))

    def read(
        self,
        bounds: tuple[str, str],
        value: Value,
        condition: Condition,
        most: int,
        rows: tuple[int, int] | None,
    ) -> list[ObjectSummary]:
        return queries.matching_objects(
            self.bucket_id,
            *bounds,
            condition,
            value.order,
            most,
            is_hidden=self.is_hidden,
            rows=rows,
        )

    def in_order(
        self, bounds: tuple[str, str], value: Value, most: int
    ) -> list[ObjectSummary]:
        if self.looks_at_rows:
            return self.matching(bounds, value, self.condition, most)
        return queries.named_objects(
            self.bucket_id, *bounds, self.condition, value.order, most
        )

    def page_of(
        self, best: list[ObjectSummary], value: Value, *, stopped: bool
    ) -> Found:
        page = best[: self.per_page]
        if len(best) <= self.per_page:
            return Found(page, self.keys_count, stopped_early=stopped)
        last = page[-1]
        place = value.write(value.read(last))
        return Found(page, self.keys_count, last.key, place, stopped)

    def weigh(self) -> Matches:
        bounds = page_bounds(self.prefix, "")
        count = size = 0
        for number, step in enumerate(self.stretches(*bounds), start=1):
            more, bytes_more = self.weight(step.bounds)
            count, size = count + more, size + bytes_more
            if number == STEPS_BY_KEY and (stretches := self.rows()) is not None:
                return self.weigh_rows(bounds, stretches)
            if self.is_over():
                return Matches(count, size, self.keys_count, stopped_early=True)
        return Matches(count, size, self.keys_count)

    def weigh_rows(self, bounds: tuple[str, str], stretches: RowStretches) -> Matches:
        weights = [self.weight(bounds, rows) for rows in stretches]
        return Matches(
            sum(count for count, _ in weights),
            sum(size for _, size in weights),
            stretches.keys_count,
            stretches.stopped_early,
        )

    def weight(
        self, bounds: tuple[str, str], rows: tuple[int, int] | None = None
    ) -> tuple[int, int]:
        if self.sieve is not None:
            by_name = VALUES[Order.NAME]
            sizes = [
                row.size
                for some in self.sifted(bounds, by_name, self.condition, rows)
                for row in some
            ]
            return len(sizes), sum(sizes)
        return queries.weigh_matching(
            self.bucket_id, *bounds, self.condition, is_hidden=self.is_hidden, rows=rows
        )


@dataclass(slots=True)
class RowStretches:
    """The ids of the table's rows, in stretches, until the time is over."""

    first: int
    last: int
    objects_count: int
    is_over: Callable[[], bool]
    keys_count: int = 0
    stopped_early: bool = False

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for begin in range(self.first, self.last + 1, ROWS_PER_STEP):
            yield begin, begin + ROWS_PER_STEP
            share = (begin + ROWS_PER_STEP - self.first) / (self.last + 1 - self.first)
            self.keys_count = int(self.objects_count * min(1, share))
            if share < 1 and self.is_over():
                self.stopped_early = True
                return
