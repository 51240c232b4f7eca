"""What is one's own: buckets, keys, usage. The front page of plain users."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse

from buckets.usage import reachable_buckets
from console.access import may_manage
from console.pages.base import Page
from console.pages.buckets import rows_of
from console.pages.keys import LIFETIMES, OVERLAPS, key_rows, may_create_own
from iam.models import Identity

MOST_SHOWN = 200


class Mine(Page):
    title = "My store"
    template = "console/mine.html"

    def get(self, request: Any) -> HttpResponse:
        principal = self.principal
        identity = Identity.objects.get(pk=principal.identity_id)
        rows = rows_of(principal, reachable_buckets(principal, MOST_SHOWN))
        held = [row.usage for row in rows if row.usage is not None]
        return self.render(
            identity=identity,
            rows=rows,
            count=len(rows),
            is_cut=len(rows) == MOST_SHOWN,
            objects_count=sum(one.objects_count for one in held),
            total_size=sum(one.objects_size + one.versions_size for one in held),
            keys=key_rows(principal, identity),
            may_create_key=may_create_own(principal),
            may_create_bucket=may_manage(principal, "s3:CreateBucket"),
            overlaps=OVERLAPS,
            lifetimes=LIFETIMES,
            shares=shares_link(),
            sees_all=may_manage(principal, "s3:ListAllMyBuckets"),
        )


def shares_link() -> str:
    """Give the page of links that are shared, where there is one."""
    try:
        return reverse("admin:shares")
    except NoReverseMatch:
        return ""
