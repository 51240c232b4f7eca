"""Users, groups and roles by name: what policies are attached to.

Each is found in the principal's own account, and the door is asked for the action on
its ARN.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

from django.db.models import Model, QuerySet

from iam.access import check_may
from iam.accounts import account_id_of, one_at_a_time
from iam.models import USERS, Group, Identity, IdentityKind
from iam.policy import Context
from iam.principals import Principal
from iam.queries import rights_changed
from kernel.database.commit import commit
from kernel.errors import EntityAlreadyExists, NoSuchEntity


class EntityKind(StrEnum):
    """What a policy can belong to, as the names of IAM's actions have it."""

    USER = "User"
    GROUP = "Group"
    ROLE = "Role"


Entity = Identity | Group


def change[T](record: Callable[[], T]) -> T:
    """Commit a change of what principals are made of.

    What was kept is forgotten once more after the commit: between the change and its
    commit, another thread may have kept the old state.
    """
    result = commit(record)
    rights_changed()
    return result


def only(row: Model) -> QuerySet[Any]:
    """Give a row as a query: unlike the row itself, it can be deleted again."""
    return type(row)._default_manager.filter(pk=row.pk)


def rows_of(principal: Principal, kind: EntityKind) -> QuerySet[Any]:
    """Give the account's entities of a kind; the root user is none of them."""
    account_id = account_id_of(principal)
    if kind is EntityKind.GROUP:
        groups = Group.objects.select_related("account")
        return groups.filter(account_id=account_id)
    kinds = USERS if kind is EntityKind.USER else (IdentityKind.ROLE,)
    identities = Identity.objects.select_related("account")
    return identities.filter(account_id=account_id, kind__in=kinds)


def find(
    principal: Principal,
    kind: EntityKind,
    name: str,
    action: str,
    *,
    context: Context | None = None,
) -> Entity:
    """Find an entity by its name in any case, and ask the door.

    Raises AccessDenied, and then NoSuchEntity.
    """
    found: Entity | None = rows_of(principal, kind).filter(name__iexact=name).first()
    arn = arn_of(principal, kind, "/", name) if found is None else found.arn
    check_may(principal, action, arn, context=context)
    if found is None:
        raise NoSuchEntity(f"The {kind.lower()} with name {name} cannot be found.")
    return found


def find_by_id(
    principal: Principal, kind: EntityKind, unique_id: str, action: str
) -> Entity:
    """Find an entity by the id that stays when it is renamed, and ask the door.

    Raises AccessDenied, and then NoSuchEntity.
    """
    found: Entity | None = rows_of(principal, kind).filter(unique_id=unique_id).first()
    check_may(principal, action, "*" if found is None else found.arn)
    if found is None:
        raise NoSuchEntity(f"There is no {kind.lower()} {unique_id}.")
    return found


def find_user(principal: Principal, name: str, action: str) -> Identity:
    return cast(Identity, find(principal, EntityKind.USER, name, action))


def find_role(principal: Principal, name: str, action: str) -> Identity:
    return cast(Identity, find(principal, EntityKind.ROLE, name, action))


def find_group(principal: Principal, name: str, action: str) -> Group:
    return cast(Group, find(principal, EntityKind.GROUP, name, action))


def arn_of(principal: Principal, kind: EntityKind, path: str, name: str) -> str:
    """Name an entity that there may not be yet."""
    return f"arn:aws:iam::{principal.account_number}:{kind.lower()}{path}{name}"


def rename(
    principal: Principal,
    kind: EntityKind,
    entity: Entity,
    *,
    action: str,
    name: str,
    path: str,
) -> None:
    """Give an entity another name and path; the action must be allowed on both.

    Raises EntityAlreadyExists.
    """
    check_may(principal, action, arn_of(principal, kind, path, name))

    def record() -> None:
        one_at_a_time(account_id_of(principal))
        others = rows_of(principal, kind).exclude(pk=entity.pk)
        if others.filter(name__iexact=name).exists():
            raise EntityAlreadyExists(f"{kind} with name {name} already exists.")
        entity.name = name
        entity.path = path
        entity.save(update_fields=["name", "path"])

    change(record)
