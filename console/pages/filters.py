"""What the object browser looks for, as its address says and as its page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http import QueryDict

from kernel.errors import InvalidArgument
from objects.searches import Order, State, Wanted

SIZE = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)
# Past any object, and within what a database's numbers hold.
MOST_SIZE = 2.0**62
STATES = [
    (State.CURRENT, "Current objects"),
    (State.LOCKED, "Locked: held or retained"),
    (State.DELETED, "Deleted, their versions kept"),
]
# Heading, the order it begins with, the other one, and its column's style.
COLUMNS = (
    ("Name", Order.NAME, Order.NAME_DOWN, ""),
    ("Size", Order.LARGEST, Order.SMALLEST, "os-number"),
    ("Changed", Order.NEWEST, Order.OLDEST, "os-medium"),
    ("Type", Order.TYPE, Order.TYPE_DOWN, "os-wide"),
    ("Class", Order.STORAGE_CLASS, Order.STORAGE_CLASS_DOWN, "os-wide"),
)
ORDERS_DOWN = frozenset(one for one in Order if one.startswith("-"))


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for, each value as it was typed; field by field a parameter."""

    q: str = ""
    min: str = ""
    max: str = ""
    since: str = ""
    until: str = ""
    type: str = ""
    tag: str = ""
    class_: str = ""
    state: str = ""
    sort: str = ""

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Filters:
        given = {one.name: query.get(name_of(one.name), "") for one in fields(cls)}
        found = cls(**{name: str(value).strip() for name, value in given.items()})
        # What is the case without a word is not said.
        if found.state == State.CURRENT:
            found = replace(found, state="")
        return found

    @property
    def is_active(self) -> bool:
        return any(value for _, value in self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """Give the parameters that say something."""
        return [
            (name_of(one.name), value)
            for one in fields(self)
            if (value := getattr(self, one.name))
        ]

    def chips(self) -> Iterator[tuple[str, str]]:
        """Give what narrows the search, as parameter and words."""
        labels = {
            "q": "name: {}",
            "min": "at least {}",
            "max": "at most {}",
            "since": "since {}",
            "until": "until {}",
            "type": "type: {}",
            "tag": "tag: {}",
            "class": "class: {}",
        }
        for name, value in self.pairs():
            if name in labels:
                yield name, labels[name].format(value)
            elif name == "state":
                yield name, self.wanted.state.value

    @property
    def order(self) -> Order:
        found: Order = chosen(Order, self.sort or Order.NAME, "sort")
        return found

    @property
    def wanted(self) -> Wanted:
        """Read what is looked for. Raises InvalidArgument for what cannot be read."""
        until = day_of(self.until)
        return Wanted(
            text=self.q,
            least_size=size_of(self.min),
            most_size=size_of(self.max),
            since=day_of(self.since),
            until=None if until is None else day_after(until),
            storage_class=self.class_,
            content_type=self.type,
            tag=tag_of(self.tag),
            state=chosen(State, self.state or State.CURRENT, "state"),
        )


NO_FILTERS = Filters()


def read_search(text: str) -> tuple[str, Wanted]:
    """Read the prefix and what is looked for out of a browser's address."""
    query = QueryDict(text)
    return query.get("prefix", ""), Filters.of(query).wanted


def name_of(field: str) -> str:
    """Give the parameter of a field: `class` is a word of the language."""
    return field.rstrip("_")


def chosen(kind: Any, value: str, name: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        raise InvalidArgument(f"{name} is one of {known}.") from None


def size_of(text: str) -> int | None:
    """Read a size such as 10 MiB, 1.5g or 4096; the units are of 1024."""
    if not text:
        return None
    found = SIZE.fullmatch(text)
    if found is None:
        raise InvalidArgument(f"Write a size as 4096, 10 MiB or 1.5 GiB: “{text}”.")
    power = " kmgt".index(found[2].lower() or " ")
    return int(min(float(found[1].replace(",", ".")) * 1024**power, MOST_SIZE))


def day_of(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
    except ValueError:
        raise InvalidArgument(f"Write a day as 2026-12-31: “{text}”.") from None


def day_after(day: datetime) -> datetime:
    """Give the next day's beginning; the last day of all is the end of time."""
    return day + min(timedelta(days=1), datetime.max.replace(tzinfo=UTC) - day)


def moment_of(text: str) -> datetime:
    """Read a time of the past, in UTC; the whole of its second, or minute's first."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).replace(microsecond=999_999)
    except (ValueError, OverflowError):
        raise InvalidArgument(f"Write a time as 2026-12-31T23:59: “{text}”.") from None


def tag_of(text: str) -> tuple[str, str | None] | None:
    if not text:
        return None
    name, sign, value = text.partition("=")
    return name.strip(), value.strip() if sign else None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading that sorts: where it leads, and how it sorts now."""

    title: str
    style: str
    link: str
    direction: str = ""


def next_order(filters: Filters, first: Order, other: Order) -> str:
    """Give the order a heading leads to: its first, then its other, then none.

    By name is how keys come without a word.
    """
    if first is Order.NAME:
        return "" if filters.order is other else other.value
    following = {first: other.value, other: ""}
    return following.get(filters.order, first.value)


def direction_of(order: Order) -> str:
    return "descending" if order in ORDERS_DOWN else "ascending"
