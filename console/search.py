"""What the command palette finds: pages, buckets, places in them, people, keys."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from buckets.access import find_bucket
from buckets.usage import find_buckets
from console.access import may_manage, principal_of
from console.navigation import GROUPS, allowed
from console.pages.browser import Place, browse_link, may_open
from iam import administration
from iam.access import may
from iam.principals import Principal
from kernel.errors import NoSuchBucket

MOST_OF_A_KIND = 12


def find(request: HttpRequest, text: str) -> list[SearchResult]:
    """Find what the operator may open, the likeliest first."""
    principal = principal_of(request)
    if principal is None:
        return []
    return [
        *places(principal, text),
        *found_buckets(principal, text),
        *found_pages(request, text),
        *found_people(principal, text),
        *found_keys(principal, text),
    ]


def places(principal: Principal, text: str) -> list[SearchResult]:
    """Take bucket/prefix as a way into the bucket."""
    name, slash, prefix = text.partition("/")
    if not slash:
        return []
    try:
        bucket = find_bucket(name.lower())
    except NoSuchBucket:
        return []
    if not may_open(principal, bucket, Place(prefix)):
        return []
    link = browse_link(bucket, prefix)
    return [SearchResult(f"{bucket.name}/{prefix}", "Open here", link, "folder")]


def found_buckets(principal: Principal, text: str) -> list[SearchResult]:
    if not may(principal, "s3:ListAllMyBuckets"):
        return []
    return [
        SearchResult(bucket.name, "Bucket", browse_link(bucket), "database")
        for bucket in find_buckets(principal, text.lower(), MOST_OF_A_KIND)
    ]


def found_pages(request: HttpRequest, text: str) -> list[SearchResult]:
    return [
        SearchResult(title, group or "Overview", reverse(f"admin:{page}"), icon)
        for group, pages in GROUPS
        for title, icon, page, _ in allowed(request, pages)
        if text.lower() in title.lower()
    ]


def found_people(principal: Principal, text: str) -> list[SearchResult]:
    found: list[SearchResult] = []
    if may(principal, "iam:ListUsers"):
        listed = administration.list_identities(
            principal, text=text, most=MOST_OF_A_KIND
        )
        found += [
            SearchResult(
                one.name,
                one.get_kind_display(),
                reverse("admin:user", args=[one.unique_id]),
                "person",
            )
            for one in listed
        ]
    if may(principal, "iam:ListPolicies"):
        found += [
            SearchResult(
                one.name,
                "Policy",
                reverse("admin:policy", args=[one.unique_id]),
                "policy",
            )
            for one in administration.list_policies(principal, text=text)
        ][:MOST_OF_A_KIND]
    return found


def found_keys(principal: Principal, text: str) -> list[SearchResult]:
    if not may_manage(principal, "iam:ListAccessKeys"):
        return []
    return [
        SearchResult(
            str(key), f"Key of {key.identity.name}", reverse("admin:keys"), "key"
        )
        for key in administration.list_keys(principal)
        if text.lower() in f"{key} {key.name}".lower()
    ][:MOST_OF_A_KIND]
