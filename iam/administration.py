"""What people do with users, policies and keys a form at a time.

What one action does is decided where the IAM API's operations are: users, groups,
managed and inline policies. Here are those that take several, those that reach what
that API does not show (sign-ins, bearer keys, ends of keys), and listings with counts.
The root user is changed by the root user alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

from django.db.models import Count, Model, Q

from iam import groups, managed_policies, operations, users
from iam.access import check_may, denied, may
from iam.accounts import account_id_of
from iam.entities import Entity, EntityKind, arn_of, change, find_by_id, only, rows_of
from iam.managed_policies import visible_policies
from iam.models import (
    AccessKey,
    ApiKey,
    Group,
    Identity,
    IdentityKind,
    KeyStatus,
    ManagedPolicy,
)
from iam.operations import NewAccessKey, NewApiKey
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.errors import AccessDenied, NoSuchEntity

# How many users a page shows at most.
MOST_LISTED = 500

AnyKey = AccessKey | ApiKey
KEY_MODELS: tuple[type[AccessKey] | type[ApiKey], ...] = (AccessKey, ApiKey)


# Identities


def list_identities(
    principal: Principal, *, text: str = "", most: int = MOST_LISTED
) -> list[Identity]:
    """List the account's root, users and service accounts by name."""
    check_may(principal, "iam:ListUsers")
    found = Identity.objects.filter(account_id=account_id_of(principal)).exclude(
        kind=IdentityKind.ROLE
    )
    if text:
        found = found.filter(Q(name__icontains=text) | Q(display_name__icontains=text))
    counted = found.select_related("user").annotate(
        keys_count=Count("access_keys", distinct=True)
        + Count("api_keys", distinct=True),
        policies_count=Count("managed_policies", distinct=True)
        + Count("inline_policies", distinct=True),
    )
    return list(counted.prefetch_related("iam_groups").order_by("kind", "name")[:most])


def get_identity(
    principal: Principal, unique_id: str, action: str = "iam:GetUser"
) -> Identity:
    """Find an identity of the account, root and roles too, and ask the door.

    Raises AccessDenied, and then NoSuchEntity.
    """
    found = (
        Identity.objects.select_related("user", "account")
        .filter(account_id=account_id_of(principal), unique_id=unique_id)
        .first()
    )
    check_may(principal, action, "*" if found is None else found.arn)
    if found is None:
        raise NoSuchEntity(f"There is no user {unique_id}.")
    return found


def get_changeable(principal: Principal, unique_id: str, action: str) -> Identity:
    """Find a user to change; the root user is the root user's own affair.

    A role is none: with a password or key, one could act as it past its trust policy.
    """
    identity = get_identity(principal, unique_id, action)
    if identity.kind == IdentityKind.ROLE:
        raise NoSuchEntity(f"There is no user {unique_id}.")
    if identity.kind == IdentityKind.ROOT and not principal.is_root:
        raise AccessDenied("The root user can be changed by the root user alone.")
    return identity


@audited()
def set_password(principal: Principal, unique_id: str, password: str) -> Identity:
    """Give an identity a console password, or a new one."""
    identity = get_changeable(principal, unique_id, "iam:UpdateLoginProfile")
    users.check_password_strength(password)

    def record() -> Identity:
        user: Any = identity.user
        if user is None:
            identity.user = users.new_sign_in(identity.name, password)
            identity.save(update_fields=["user"])
            return identity
        user.set_password(password)
        user.is_active = True
        user.save(update_fields=["password", "is_active"])
        return identity

    return change(record)


@audited()
def set_active(principal: Principal, unique_id: str, *, is_active: bool) -> Identity:
    """Let an identity act, or stop all that it may do, keys and sign-in alike."""
    identity = get_changeable(principal, unique_id, "iam:UpdateUser")
    if not is_active and identity.pk == principal.identity_id:
        raise AccessDenied("You cannot disable yourself.")

    def record() -> Identity:
        identity.is_active = is_active
        identity.save(update_fields=["is_active"])
        return identity

    return change(record)


@audited()
def delete_identity(principal: Principal, unique_id: str) -> None:
    """Delete a user with the keys, own policies and sign-in."""
    identity = get_changeable(principal, unique_id, "iam:DeleteUser")
    if identity.kind == IdentityKind.ROOT:
        raise AccessDenied("An account's root user cannot be deleted.")
    if identity.pk == principal.identity_id:
        raise AccessDenied("You cannot delete yourself.")
    change(lambda: users.remove(identity))


def set_policies(
    principal: Principal,
    kind: EntityKind,
    unique_id: str,
    policy_ids: Iterable[int],
    seen_ids: Iterable[int],
) -> None:
    """Give an entity these managed policies in the place of those it was seen with."""
    entity = entity_of(principal, kind, unique_id)
    wanted = set(visible_policies(principal).filter(pk__in=list(policy_ids)))
    had: set[ManagedPolicy] = set(entity.managed_policies.select_related("account"))
    going, coming = changes_of(had, wanted, seen_ids)
    for policy in going:
        managed_policies.detach_policy(principal, kind, entity.name, policy.arn)
    for policy in coming:
        managed_policies.attach_policy(principal, kind, entity.name, policy.arn)


def set_groups(
    principal: Principal,
    unique_id: str,
    group_ids: Iterable[int],
    seen_ids: Iterable[int],
) -> None:
    """Make a user a member of these groups in the place of those it was seen in."""
    user = cast(Identity, entity_of(principal, EntityKind.USER, unique_id))
    known = rows_of(principal, EntityKind.GROUP)
    wanted = set(known.filter(pk__in=list(group_ids)))
    going, coming = changes_of(set(user.iam_groups.all()), wanted, seen_ids)
    for group in going:
        groups.remove_user_from_group(principal, group.name, user.name)
    for group in coming:
        groups.add_user_to_group(principal, group.name, user.name)


def changes_of[T: Model](
    had: set[T], wanted: set[T], seen_ids: Iterable[int]
) -> tuple[list[T], list[T]]:
    """Tell which rows go and which come.

    What was not seen, since others added it meanwhile or the page was too short for
    it, stays; what was seen and is gone meanwhile does not come back.
    """
    seen = set(seen_ids)
    going = [one for one in had - wanted if one.pk in seen]
    coming = [one for one in wanted - had if one.pk not in seen]
    return sorted(going, key=str), sorted(coming, key=str)


def entity_of(principal: Principal, kind: EntityKind, unique_id: str) -> Entity:
    """Find an entity by its id; who changes it asks the door, action by action."""
    found: Entity | None = rows_of(principal, kind).filter(unique_id=unique_id).first()
    if found is None:
        raise NoSuchEntity(f"There is no {kind.lower()} {unique_id}.")
    return found


# Groups


def list_groups(principal: Principal, *, text: str = "") -> list[Group]:
    """List the account's groups by name."""
    check_may(principal, "iam:ListGroups")
    found = Group.objects.filter(account_id=account_id_of(principal))
    if text:
        found = found.filter(name__icontains=text)
    counted = found.annotate(
        members_count=Count("members", distinct=True),
        policies_count=Count("managed_policies", distinct=True)
        + Count("inline_policies", distinct=True),
    )
    return list(counted.order_by("name"))


def get_group(
    principal: Principal, unique_id: str, action: str = "iam:GetGroup"
) -> Group:
    """Find a group and ask the door for the action. Raises NoSuchEntity."""
    return cast(Group, find_by_id(principal, EntityKind.GROUP, unique_id, action))


def set_members(
    principal: Principal,
    unique_id: str,
    member_ids: Iterable[int],
    seen_ids: Iterable[int],
) -> None:
    """Make these users members of a group in the place of those it was seen with."""
    group = cast(Group, entity_of(principal, EntityKind.GROUP, unique_id))
    known = rows_of(principal, EntityKind.USER)
    wanted = set(known.filter(pk__in=list(member_ids)))
    going, coming = changes_of(set(group.members.all()), wanted, seen_ids)
    for user in going:
        groups.remove_user_from_group(principal, group.name, user.name)
    for user in coming:
        groups.add_user_to_group(principal, group.name, user.name)


@audited()
def delete_group(principal: Principal, unique_id: str) -> None:
    """Delete a group, whoever is in it; its members stay.

    Raises AccessDenied to those who may not empty it: it may deny something.
    """
    group = get_group(principal, unique_id, "iam:DeleteGroup")
    if group.members.exists():
        check_may(principal, "iam:RemoveUserFromGroup", group.arn)
    if group.inline_policies.exists():
        check_may(principal, "iam:DeleteGroupPolicy", group.arn)
    for policy in group.managed_policies.select_related("account"):
        context = {"iam:policyarn": policy.arn}
        check_may(principal, "iam:DetachGroupPolicy", group.arn, context=context)
    change(only(group).delete)


# Policies


def list_policies(principal: Principal, *, text: str = "") -> list[ManagedPolicy]:
    """List the account's managed policies and the ready-made ones by name."""
    check_may(principal, "iam:ListPolicies")
    found = visible_policies(principal)
    if text:
        found = found.filter(name__icontains=text)
    return list(managed_policies.counted(found).order_by("name"))


def get_policy(
    principal: Principal, unique_id: str, action: str = "iam:GetPolicy"
) -> ManagedPolicy:
    """Find a managed policy by its id and ask the door. Raises NoSuchEntity."""
    rows = visible_policies(principal).select_related("account")
    found = rows.filter(unique_id=unique_id).first()
    check_may(principal, action, "*" if found is None else found.arn)
    if found is None:
        raise NoSuchEntity(f"There is no policy {unique_id}.")
    return found


@audited()
def delete_policy(principal: Principal, unique_id: str) -> None:
    """Delete a managed policy and detach it everywhere.

    Raises AccessDenied to those who may not detach it: it may deny something.
    """
    found = get_policy(principal, unique_id, "iam:DeletePolicy")
    policy = managed_policies.get_own_policy(principal, found.arn, "iam:DeletePolicy")
    check_may_detach(principal, policy)
    auditing.tell(before=policy.document)
    change(only(policy).delete)


def check_may_detach(principal: Principal, policy: ManagedPolicy) -> None:
    context = {"iam:policyarn": policy.arn}
    for identity in policy.identities.select_related("account"):
        is_role = identity.kind == IdentityKind.ROLE
        kind = EntityKind.ROLE if is_role else EntityKind.USER
        check_may(principal, f"iam:Detach{kind}Policy", identity.arn, context=context)
    for group in policy.groups.select_related("account"):
        check_may(principal, "iam:DetachGroupPolicy", group.arn, context=context)


# Keys


def list_keys(
    principal: Principal, identity: Identity | None = None, *, most: int = 500
) -> list[AnyKey]:
    """List an identity's keys, or all whose owners' keys the principal may list.

    Everyone may list their own.
    """
    found: list[AnyKey] = []
    for model in KEY_MODELS:
        rows = model._default_manager.select_related("identity").filter(
            identity__account_id=account_id_of(principal)
        )
        if identity is not None:
            rows = rows.filter(identity=identity)
        visible = (
            key
            for key in rows.order_by("-created_at").iterator(chunk_size=most)
            if may_on_key(principal, "iam:ListAccessKeys", key)
        )
        found += islice(visible, most)
    return found


def may_on_key(principal: Principal, action: str, key: AnyKey) -> bool:
    if action == "iam:ListAccessKeys" and key.identity_id == principal.identity_id:
        return True
    if key.identity.kind == IdentityKind.ROOT and not principal.is_root:
        return False
    return may(principal, action, arn_of_owner(principal, key))


def arn_of_owner(principal: Principal, key: AnyKey) -> str:
    owner = key.identity
    return arn_of(principal, EntityKind.USER, owner.path, owner.name)


def get_key(principal: Principal, key_id: str, action: str) -> AnyKey:
    """Find a key of either kind by its public id. Raises NoSuchEntity, AccessDenied."""
    rows = Q(identity__account_id=account_id_of(principal))
    found: AnyKey | None = (
        AccessKey.objects.select_related("identity")
        .filter(rows, access_key_id=key_id)
        .first()
        or ApiKey.objects.select_related("identity").filter(rows, key_id=key_id).first()
    )
    if found is None:
        raise NoSuchEntity(f"There is no key {key_id}.")
    arn = arn_of_owner(principal, found)
    auditing.asked(action, arn)
    if not may_on_key(principal, action, found):
        raise denied(principal, action, arn)
    return found


@audited()
def create_access_key(
    principal: Principal,
    unique_id: str,
    *,
    name: str = "",
    expires_at: datetime | None = None,
    now: datetime,
) -> NewAccessKey:
    """Create an S3 key pair for an identity. Raises LimitExceeded for a third one."""
    identity = get_changeable(principal, unique_id, "iam:CreateAccessKey")
    return operations.create_access_key(
        identity, name=name, expires_at=expires_at, now=now
    )


@audited()
def create_api_key(
    principal: Principal,
    unique_id: str,
    *,
    name: str = "",
    expires_at: datetime | None = None,
    now: datetime,
) -> NewApiKey:
    """Create a bearer key of the REST dialect for an identity."""
    identity = get_changeable(principal, unique_id, "iam:CreateAccessKey")
    return operations.create_api_key(
        identity, name=name, expires_at=expires_at, now=now
    )


@audited()
def set_key_status(principal: Principal, key_id: str, status: KeyStatus) -> AnyKey:
    """Let a key be used, or not; it can be turned back."""
    key = get_key(principal, key_id, "iam:UpdateAccessKey")

    def record() -> AnyKey:
        key.status = status
        key.save(update_fields=["status"])
        return key

    return change(record)


@audited()
def set_key_expiry(
    principal: Principal, key_id: str, expires_at: datetime | None
) -> AnyKey:
    """Say when a key ends, for example once another has taken its place."""
    key = get_key(principal, key_id, "iam:UpdateAccessKey")

    def record() -> AnyKey:
        key.expires_at = expires_at
        key.save(update_fields=["expires_at"])
        return key

    return change(record)


@audited()
def delete_key(principal: Principal, key_id: str) -> None:
    """Delete a key for good."""
    key = get_key(principal, key_id, "iam:DeleteAccessKey")
    change(only(key).delete)


def expiring_keys(
    principal: Principal, now: datetime, within: timedelta
) -> list[AnyKey]:
    """List the keys that end soon, soonest first, of those the principal may see."""
    return sorted(
        (
            key
            for key in list_keys(principal)
            if key.expires_at is not None and now < key.expires_at <= now + within
        ),
        key=lambda key: key.expires_at or now,
    )
