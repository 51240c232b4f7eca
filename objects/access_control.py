"""An object's ACL, read and replaced by version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buckets import acls
from buckets.access_control import check_stated_owner
from buckets.configurations import configurations_of
from buckets.queries import owners
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit
from kernel.results import ObjectInfo, Owner
from objects import queries
from objects.operations import find_object


def get_object_acl(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    version_id: str = "",
    expected_owner: str = "",
) -> tuple[Owner, list[Mapping[str, Any]], ObjectInfo]:
    """Give an object's owner and the grants of its ACL."""
    info = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:GetObjectAcl",
        expected_owner=expected_owner,
    ).info
    owner = owners([info.owner_id])[info.owner_id]
    return owner, acls.shown(info.acl, owner.id), info


@audited()
def put_object_acl(
    principal: Principal,
    bucket_name: str,
    key: str,
    asked: Mapping[str, Any],
    *,
    version_id: str = "",
    stated_owner: str = "",
    expected_owner: str = "",
) -> ObjectInfo:
    """Set an object's ACL. Raises what `acls.resolve` raises."""
    found = find_object(
        principal,
        bucket_name,
        key,
        version_id=version_id,
        action="s3:PutObjectAcl",
        context=acls.conditions(asked),
        expected_owner=expected_owner,
    )
    info, bucket = found.info, found.bucket
    owner = owners([info.owner_id])[info.owner_id]
    check_stated_owner(stated_owner, owner.id)
    acl = acls.resolve(
        asked,
        configurations_of(bucket.configurations_text),
        owner_id=owner.id,
        bucket_owner_id=bucket.owner_canonical_id,
    )
    text = queries.as_json_or_null(acl)
    auditing.tell(before=info.acl, after=acl)
    commit(lambda: queries.update_version(info.id, acl=text))
    return info
