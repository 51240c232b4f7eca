"""Listings in pages: a marker names where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.functions import Lower

from iam.naming import check_between
from kernel.errors import ValidationError

DEFAULT_ITEMS = 100
MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a listing is wanted."""

    marker: str = ""
    most: int = DEFAULT_ITEMS


FIRST_PAGE = Paging()


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page; `next_marker` is empty on the last."""

    items: tuple[T, ...]
    next_marker: str = ""

    def of[U](self, make: Callable[[T], U]) -> Page[U]:
        """Give the same page of something made from each item."""
        return Page(tuple(make(one) for one in self.items), self.next_marker)


def page_of[T: Model](rows: QuerySet[T], paging: Paging, by: str = "name") -> Page[T]:
    """Give a page of rows, ordered by a unique column in lower case.

    Raises ValidationError for a marker that is none and a size out of bounds.
    """
    check_between("maxItems", paging.most, 1, MOST_ITEMS)
    ordered: QuerySet[Any] = rows.annotate(place=Lower(by)).order_by("place")
    if paging.marker:
        ordered = ordered.filter(place__gt=place_of(paging.marker))
    found = list(ordered[: paging.most + 1])
    if len(found) <= paging.most:
        return Page(tuple(found))
    shown = found[: paging.most]
    return Page(tuple(shown), marker_of(shown[-1].place))


def marker_of(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def place_of(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker.encode()).decode()
    except (binascii.Error, UnicodeError):
        raise ValidationError(f"Invalid Marker: {marker[:128]}") from None
