"""Tags of users and roles, which policies can ask about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from iam.entities import EntityKind, change, find
from iam.models import Identity
from iam.naming import check_tags
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited


def find_tagged(
    principal: Principal, kind: EntityKind, name: str, action: str
) -> Identity:
    return cast(Identity, find(principal, kind, name, action))


@audited()
def tag(
    principal: Principal, kind: EntityKind, name: str, tags: Mapping[str, str]
) -> None:
    """Add tags, or give those that are there another value.

    Raises ValidationError and LimitExceeded.
    """
    entity = find_tagged(principal, kind, name, f"iam:Tag{kind}")
    tags = {**entity.tags, **tags}
    check_tags(tags)
    set_tags(entity, tags)


@audited()
def untag(
    principal: Principal, kind: EntityKind, name: str, keys: Iterable[str]
) -> None:
    """Remove tags by their keys; those that are not there stay away."""
    entity = find_tagged(principal, kind, name, f"iam:Untag{kind}")
    gone = set(keys)
    set_tags(entity, {k: v for k, v in entity.tags.items() if k not in gone})


def set_tags(entity: Identity, tags: Mapping[str, str]) -> None:
    auditing.tell(before=dict(entity.tags), after=dict(tags))
    entity.tags = dict(tags)
    change(lambda: entity.save(update_fields=["tags"]))


def list_tags(principal: Principal, kind: EntityKind, name: str) -> dict[str, str]:
    """Give the tags of a user or role."""
    tags = find_tagged(principal, kind, name, f"iam:List{kind}Tags").tags
    return dict(sorted(tags.items()))
