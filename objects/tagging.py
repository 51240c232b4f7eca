"""An object's tags: read, replaced and removed, by version."""

from __future__ import annotations

from collections.abc import Mapping

from iam.principals import Principal
from kernel import auditing
from kernel.database.commit import commit
from kernel.errors import OperationAborted
from kernel.names import check_tags
from kernel.results import ObjectInfo
from objects import queries
from objects.operations import find_object, head_object, tags_context

MOST_TRIES = 5
# A name with its new value; None takes it away.
Changes = Mapping[str, str | None]


def get_object_tagging(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    expected_owner: str = "",
) -> ObjectInfo:
    """Find a version for its tags. Raises what `get_object` raises."""
    return find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:GetObjectTagging",
        expected_owner=expected_owner,
    ).info


def put_object_tagging(
    principal: Principal,
    bucket_name: str,
    key: str,
    tags: Mapping[str, str],
    *,
    version_id: str = "",
    in_place_of: ObjectInfo | None = None,
    expected_owner: str = "",
) -> ObjectInfo:
    """Give a version these tags in the place of all it had.

    Raises InvalidTag, and OperationAborted where the tags are no longer those that
    `in_place_of` has.
    """
    check_tags(tags)
    info = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:PutObjectTagging",
        context=tags_context(tags),
        expected_owner=expected_owner,
    ).info
    set_tags(principal, bucket_name, info, tags, in_place_of)
    return info


def changed(kept: Mapping[str, str], changes: Changes) -> dict[str, str]:
    """Give names and values as they are after the changes."""
    found = {**kept, **changes}
    return {name: value for name, value in found.items() if value is not None}


def change_object_tagging(
    principal: Principal,
    bucket_name: str,
    key: str,
    changes: Changes,
    *,
    version_id: str = "",
    seen: Mapping[str, str] | None = None,
) -> ObjectInfo:
    """Change some tags of a version; those that others set meanwhile stay.

    Raises what `head_object` and `put_object_tagging` raise, and OperationAborted
    where one of these very tags is no longer as it was `seen`.
    """
    for _ in range(MOST_TRIES):
        info = head_object(principal, bucket_name, key, version_id=version_id).info
        if seen is not None:
            check_nobody_else_changed(info.tags, seen, changes)
        tags = changed(info.tags, changes)
        if tags == dict(info.tags):
            return info
        try:
            return put_object_tagging(
                principal,
                bucket_name,
                key,
                tags,
                version_id=version_id,
                in_place_of=info,
            )
        except OperationAborted:
            continue
    raise OperationAborted()


def check_nobody_else_changed(
    tags: Mapping[str, str], seen: Mapping[str, str], changes: Changes
) -> None:
    """Raise OperationAborted where a tag is neither as it was seen nor as wished."""
    for name, wished in changes.items():
        found = tags.get(name)
        if found not in (seen.get(name), wished):
            now = "gone" if found is None else f"“{found}”"
            raise OperationAborted(
                f"The tag “{name}” was changed meanwhile: it is {now}."
            )


def delete_object_tagging(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    expected_owner: str = "",
) -> ObjectInfo:
    """Take all tags off a version."""
    info = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:DeleteObjectTagging",
        expected_owner=expected_owner,
    ).info
    set_tags(principal, bucket_name, info, {})
    return info


def set_tags(
    principal: Principal,
    bucket_name: str,
    info: ObjectInfo,
    tags: Mapping[str, str],
    in_place_of: ObjectInfo | None = None,
) -> None:
    text = queries.as_json(tags)

    def record() -> None:
        queries.lock_key(info.bucket_id, info.key)
        if in_place_of is not None:
            check_tags_are_still(in_place_of, info)
        queries.update_version(info.id, tags=text)
        auditing.note_write(principal, "s3:PutObjectTagging", bucket_name, info.key)

    commit(record)


def check_tags_are_still(seen: ObjectInfo, found: ObjectInfo) -> None:
    """Raise OperationAborted where a version's tags are not those that were seen."""
    current = queries.by_row(found.id) if found.id == seen.id else None
    if current is None or dict(current.tags) != dict(seen.tags):
        raise OperationAborted()
