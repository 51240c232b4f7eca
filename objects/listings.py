"""ListObjects, ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buckets.access import get_bucket, is_allowed
from buckets.queries import owners
from iam.principals import Principal
from kernel.errors import InvalidArgument
from kernel.listing import (
    common_prefix,
    decode_token,
    encode_token,
    page_bounds,
    page_size,
    start_after,
)
from kernel.names import next_name
from kernel.results import (
    BucketInfo,
    ObjectInfo,
    ObjectListing,
    ObjectSummary,
    VersionListing,
)
from kernel.versions import NULL_VERSION
from objects import queries
from objects.operations import check_version_id


def list_objects(
    principal: Principal,
    bucket_name: str,
    *,
    prefix: str = "",
    delimiter: str = "",
    max_keys: int | None = None,
    token: str = "",
    after: str = "",
    fetch_owner: bool = False,
    fetch_details: bool = False,
    fetch_restores: bool = False,
    expected_owner: str = "",
) -> ObjectListing:
    """List current objects in UTF-8 byte order, a page at a time.

    `after` is StartAfter (V2) or Marker (V1); `token` wins over it. At most 1,000
    keys and common prefixes a page. Details are the content type and version id.
    Raises NoSuchBucket, AccessDenied and
    InvalidArgument for a token that is not ours.
    """
    most = page_size(max_keys)
    bucket = get_bucket(
        principal,
        "s3:ListBucket",
        bucket_name,
        context=listing_context(prefix, delimiter, max_keys),
        expected_owner=expected_owner,
    )
    start = first_of_page(prefix, delimiter, token, after)
    rows = (
        object_rows(bucket, prefix, delimiter, start, most + 1, fetch_details)
        if most
        else []
    )
    contents, prefixes = fold(rows[:most], prefix, delimiter)
    is_truncated = len(rows) > most
    last = name_of(rows[most - 1], prefix, delimiter) if is_truncated else ""
    return ObjectListing(
        contents=contents,
        common_prefixes=prefixes,
        is_truncated=is_truncated,
        next_token=encode_token(start_after(last, prefix, delimiter)) if last else "",
        next_marker=last,
        owners=owners(row.owner_id for row in contents) if fetch_owner else {},
        restores=restores(bucket, contents) if fetch_restores else {},
    )


def restores(
    bucket: BucketInfo, contents: list[ObjectSummary]
) -> dict[str, Mapping[str, Any]]:
    return queries.restores_of(bucket.id, (row.key for row in contents))


def listing_context(
    prefix: str, delimiter: str, max_keys: int | None
) -> dict[str, str]:
    context = {"s3:prefix": prefix, "s3:delimiter": delimiter}
    if max_keys is not None:
        context["s3:max-keys"] = str(max_keys)
    return {name: value for name, value in context.items() if value} | {
        "s3:prefix": prefix
    }


def may_list(
    principal: Principal,
    bucket: BucketInfo,
    prefix: str = "",
    delimiter: str = "",
    max_keys: int | None = None,
    *,
    has_versions: bool = False,
) -> bool:
    """Tell whether a listing of objects, or of their versions, would be given."""
    return is_allowed(
        principal,
        "s3:ListBucketVersions" if has_versions else "s3:ListBucket",
        bucket,
        context=listing_context(prefix, delimiter, max_keys),
    )


def first_of_page(prefix: str, delimiter: str, token: str, after: str) -> str:
    if token:
        return decode_token(token)
    return start_after(after, prefix, delimiter) if after else ""


def object_rows(
    bucket: BucketInfo,
    prefix: str,
    delimiter: str,
    start: str,
    limit: int,
    has_details: bool,
) -> list[ObjectSummary]:
    first, end = page_bounds(prefix, start)
    if delimiter and next_name(delimiter):
        return queries.walk_objects(
            bucket.id, first, end, prefix, delimiter, limit, has_details=has_details
        )
    return queries.page_of_objects(
        bucket.id, first, end, limit, has_details=has_details
    )


def name_of(row: ObjectSummary, prefix: str, delimiter: str) -> str:
    return common_prefix(row.key, prefix, delimiter) or row.key


def fold[Row: (ObjectInfo, ObjectSummary)](
    rows: list[Row], prefix: str, delimiter: str
) -> tuple[list[Row], list[str]]:
    """Split rows into those that stand alone and the prefixes that the others show."""
    if not delimiter:
        return rows, []
    contents: list[Row] = []
    prefixes: list[str] = []
    for row in rows:
        shared = common_prefix(row.key, prefix, delimiter)
        if not shared:
            contents.append(row)
        elif not prefixes or prefixes[-1] != shared:
            prefixes.append(shared)
    return contents, prefixes


def list_object_versions(
    principal: Principal,
    bucket_name: str,
    *,
    prefix: str = "",
    delimiter: str = "",
    max_keys: int | None = None,
    key_marker: str = "",
    version_id_marker: str = "",
    expected_owner: str = "",
) -> VersionListing:
    """List versions and delete markers, newest first under each key.

    Raises NoSuchBucket, AccessDenied, and InvalidArgument for a version marker
    without a key marker.
    """
    most = page_size(max_keys)
    bucket = get_bucket(
        principal,
        "s3:ListBucketVersions",
        bucket_name,
        context=listing_context(prefix, delimiter, max_keys),
        expected_owner=expected_owner,
    )
    after = version_place(bucket, key_marker, version_id_marker)
    rows = version_rows(bucket, prefix, delimiter, key_marker, after, most + 1)
    if not most:
        rows = []
    page = rows[:most]
    is_truncated = len(rows) > most
    last = page[-1] if is_truncated else None
    versions, prefixes = fold(page, prefix, delimiter)
    shared = common_prefix(last.key, prefix, delimiter) if last else ""
    return VersionListing(
        versions=versions,
        common_prefixes=prefixes,
        is_truncated=is_truncated,
        next_key_marker=shared or (last.key if last else ""),
        next_version_id_marker=last.version_id if last and not shared else "",
        owners=owners(row.owner_id for row in versions),
    )


def version_place(
    bucket: BucketInfo, key_marker: str, version_id_marker: str
) -> tuple[str, str] | None:
    """Find where in the order a version marker stands; null by its real id.

    Nobody knows where a null version stood that is gone: its key is listed again, so
    that who deletes what they list misses none.
    """
    if not version_id_marker:
        return None
    if not key_marker:
        raise InvalidArgument(
            "A version-id marker cannot be specified without a key marker.",
            argument_name="version-id-marker",
            argument_value=version_id_marker,
        )
    check_version_id(version_id_marker)
    if version_id_marker != NULL_VERSION:
        return key_marker, version_id_marker
    null = queries.look_up(bucket.id, key_marker, NULL_VERSION)
    return key_marker, "" if null is None else null.stored_version_id


def version_rows(
    bucket: BucketInfo,
    prefix: str,
    delimiter: str,
    key_marker: str,
    after: tuple[str, str] | None,
    limit: int,
) -> list[ObjectInfo]:
    if key_marker.startswith(prefix) and common_prefix(key_marker, prefix, delimiter):
        after = None
    start = key_marker if after else ""
    if key_marker and not after:
        start = start_after(key_marker, prefix, delimiter)
    first, end = page_bounds(prefix, start)
    if not delimiter or not next_name(delimiter):
        return queries.page_of_versions(bucket.id, first, end, limit, after=after)
    return walked_versions(bucket, prefix, delimiter, first, end, after, limit)


def walked_versions(
    bucket: BucketInfo,
    prefix: str,
    delimiter: str,
    start: str,
    end: str,
    after: tuple[str, str] | None,
    limit: int,
) -> list[ObjectInfo]:
    """List every version of keys that stand alone, one of each prefix's."""
    # The key that the page goes on with may have no version left to show.
    keys = queries.walk_keys(bucket.id, start, end, prefix, delimiter, limit + 1)
    alone = [key for key in keys if not common_prefix(key, prefix, delimiter)]
    shown = [key for key in keys if common_prefix(key, prefix, delimiter)]
    rows = versions_after(bucket, alone, after, limit)
    rows += newest_of(bucket, shown)
    rows.sort(key=lambda row: (row.key.encode(), row.stored_version_id))
    return rows[:limit]


def versions_after(
    bucket: BucketInfo, keys: list[str], after: tuple[str, str] | None, limit: int
) -> list[ObjectInfo]:
    """List the versions of keys, leaving out those a former page has shown."""
    if after is None or after[0] not in keys:
        return queries.versions_of_keys(bucket.id, keys, limit)
    rest = queries.page_of_versions(
        bucket.id, after[0], next_name(after[0]), limit, after=after
    )
    shown = [row for row in rest if row.key == after[0]]
    others = [key for key in keys if key != after[0]]
    return shown + queries.versions_of_keys(bucket.id, others, limit)


def newest_of(bucket: BucketInfo, keys: list[str]) -> list[ObjectInfo]:
    """Give one version of each key, to stand for its common prefix."""
    return queries.latest_of_keys(bucket.id, keys)
