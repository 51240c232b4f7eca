"""An object's tags: read, replaced and removed, by version."""

from __future__ import annotations

from collections.abc import Mapping

from iam.principals import Principal
from kernel import auditing
from kernel.database.commit import commit
from kernel.names import check_tags
from kernel.results import ObjectInfo
from objects import queries
from objects.operations import find_object


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
    expected_owner: str = "",
) -> ObjectInfo:
    """Give a version these tags in the place of all it had. Raises InvalidTag."""
    check_tags(tags)
    context = {
        f"s3:requestobjecttag/{name}".lower(): value for name, value in tags.items()
    }
    info = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:PutObjectTagging",
        context={**context, "s3:requestobjecttagkeys": list(tags)},
        expected_owner=expected_owner,
    ).info
    set_tags(principal, bucket_name, info, tags)
    return info


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
    principal: Principal, bucket_name: str, info: ObjectInfo, tags: Mapping[str, str]
) -> None:
    text = queries.as_json(tags)

    def record() -> None:
        queries.update_version(info.id, tags=text)
        auditing.note_write(principal, "s3:PutObjectTagging", bucket_name, info.key)

    commit(record)
