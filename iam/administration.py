"""Users, groups, policies and keys, as an account's people manage them.

Each operation asks the door first, in IAM's own actions. Nothing here reaches another
account, and the root user is changed by the root user alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet

from iam import operations
from iam.access import account_arn, check_may, denied, may
from iam.models import (
    AccessKey,
    Account,
    ApiKey,
    Group,
    Identity,
    IdentityKind,
    InlinePolicy,
    KeyStatus,
    ManagedPolicy,
)
from iam.operations import NewAccessKey, NewApiKey
from iam.policy import PolicyKind, parse_policy
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit
from kernel.errors import (
    AccessDenied,
    EntityAlreadyExists,
    InvalidArgument,
    NoSuchEntity,
)

AnyKey = AccessKey | ApiKey
KEY_MODELS: tuple[type[AccessKey] | type[ApiKey], ...] = (AccessKey, ApiKey)


def account_of(principal: Principal) -> Account:
    return Account.objects.get(pk=account_id_of(principal))


def account_id_of(principal: Principal) -> int:
    """Give the row of the principal's account. Raises AccessDenied for nobody's."""
    if principal.account_id is None:
        raise AccessDenied()
    return principal.account_id


def arn_of(principal: Principal, identity: Identity) -> str:
    return account_arn(principal, "user", identity.name)


def names_of(rows: Iterable[Any]) -> list[str]:
    return sorted(row.name for row in rows)


# Identities


def list_identities(
    principal: Principal, *, text: str = "", most: int = 500
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
    """Find an identity of the account, and ask the door for the action on it.

    Raises NoSuchEntity and AccessDenied.
    """
    found = (
        Identity.objects.select_related("user", "account")
        .filter(account_id=account_id_of(principal), unique_id=unique_id)
        .first()
    )
    if found is None:
        check_may(principal, action)
        raise NoSuchEntity(f"There is no user {unique_id}.")
    check_may(principal, action, arn_of(principal, found))
    return found


def get_changeable(principal: Principal, unique_id: str, action: str) -> Identity:
    """Find an identity to change; the root user is the root user's own affair."""
    identity = get_identity(principal, unique_id, action)
    if identity.kind == IdentityKind.ROOT and not principal.is_root:
        raise AccessDenied("The root user can be changed by the root user alone.")
    return identity


@audited()
def create_identity(
    principal: Principal,
    name: str,
    *,
    kind: IdentityKind = IdentityKind.USER,
    display_name: str = "",
    description: str = "",
    password: str = "",
    now: datetime,
) -> Identity:
    """Create a user or service account; with a password it can sign in to the console.

    Raises EntityAlreadyExists, InvalidArgument for a weak password, AccessDenied.
    """
    check_may(principal, "iam:CreateUser", account_arn(principal, "user", name))
    if password:
        check_may(
            principal, "iam:CreateLoginProfile", account_arn(principal, "user", name)
        )
        check_password_strength(password)
    account = account_of(principal)

    def record() -> Identity:
        user = new_sign_in(name, password) if password else None
        return operations.create_identity(
            account,
            name,
            kind=kind,
            now=now,
            display_name=display_name,
            description=description,
            user=user,
        )

    return commit(record)


def new_sign_in(name: str, password: str) -> Any:
    users = get_user_model().objects
    if users.filter(username=name).exists():
        raise EntityAlreadyExists(f"A sign-in called {name} already exists.")
    return users.create_user(username=name, password=password, is_staff=True)


def check_password_strength(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise InvalidArgument(" ".join(error.messages)) from None


@audited()
def set_password(principal: Principal, unique_id: str, password: str) -> Identity:
    """Give an identity a console password, or a new one."""
    identity = get_changeable(principal, unique_id, "iam:UpdateLoginProfile")
    check_password_strength(password)

    def record() -> Identity:
        user: Any = identity.user
        if user is None:
            identity.user = new_sign_in(identity.name, password)
            identity.save(update_fields=["user"])
            return identity
        user.set_password(password)
        user.is_active = True
        user.save(update_fields=["password", "is_active"])
        return identity

    return commit(record)


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

    return commit(record)


@audited()
def delete_identity(principal: Principal, unique_id: str) -> None:
    """Delete an identity with its keys, own policies and sign-in."""
    identity = get_changeable(principal, unique_id, "iam:DeleteUser")
    if identity.kind == IdentityKind.ROOT:
        raise AccessDenied("An account's root user cannot be deleted.")
    if identity.pk == principal.identity_id:
        raise AccessDenied("You cannot delete yourself.")

    def record() -> None:
        user: Any = identity.user
        identity.delete()
        if user is not None:
            user.delete()

    commit(record)


@audited()
def attach_policies(
    principal: Principal, unique_id: str, policy_ids: Iterable[int]
) -> None:
    """Give an identity these managed policies in the place of all it had."""
    identity = get_changeable(principal, unique_id, "iam:AttachUserPolicy")
    wanted = list(visible_policies(principal).filter(pk__in=list(policy_ids)))
    auditing.tell(
        before=names_of(identity.managed_policies.all()), after=names_of(wanted)
    )
    commit(lambda: identity.managed_policies.set(wanted))


@audited()
def join_groups(principal: Principal, unique_id: str, group_ids: Iterable[int]) -> None:
    """Make an identity a member of these groups and no others."""
    identity = get_changeable(principal, unique_id, "iam:AddUserToGroup")
    wanted = list(
        Group.objects.filter(
            account_id=account_id_of(principal), pk__in=list(group_ids)
        )
    )
    for group in wanted:
        check_may(
            principal, "iam:AddUserToGroup", account_arn(principal, "group", group.name)
        )
    auditing.tell(before=names_of(identity.iam_groups.all()), after=names_of(wanted))
    commit(lambda: identity.iam_groups.set(wanted))


@audited()
def put_own_policy(
    principal: Principal, unique_id: str, name: str, document: str
) -> InlinePolicy:
    """Set one of an identity's own policies. Raises MalformedPolicyDocument."""
    identity = get_changeable(principal, unique_id, "iam:PutUserPolicy")
    return operations.put_identity_policy(identity, name, document)


@audited()
def delete_own_policy(principal: Principal, unique_id: str, name: str) -> None:
    """Remove one of an identity's own policies."""
    identity = get_changeable(principal, unique_id, "iam:DeleteUserPolicy")
    own = InlinePolicy.objects.filter(identity=identity, name=name)
    commit(lambda: [policy.delete() for policy in own])


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
    found = Group.objects.filter(
        account_id=account_id_of(principal), unique_id=unique_id
    ).first()
    name = found.name if found is not None else "*"
    check_may(principal, action, account_arn(principal, "group", name))
    if found is None:
        raise NoSuchEntity(f"There is no group {unique_id}.")
    return found


@audited()
def create_group(principal: Principal, name: str, *, now: datetime) -> Group:
    """Create a group. Raises EntityAlreadyExists."""
    check_may(principal, "iam:CreateGroup", account_arn(principal, "group", name))
    return operations.create_group(account_of(principal), name, now=now)


@audited()
def change_group(
    principal: Principal,
    unique_id: str,
    *,
    member_ids: Iterable[int],
    policy_ids: Iterable[int],
) -> Group:
    """Set who is in a group and which managed policies it has."""
    group = get_group(principal, unique_id, "iam:AddUserToGroup")
    get_group(principal, unique_id, "iam:AttachGroupPolicy")
    members = list(
        Identity.objects.filter(
            account_id=account_id_of(principal), pk__in=list(member_ids)
        ).exclude(kind=IdentityKind.ROOT)
    )
    policies = list(visible_policies(principal).filter(pk__in=list(policy_ids)))

    auditing.tell(
        before={
            "members": names_of(group.members.all()),
            "policies": names_of(group.managed_policies.all()),
        },
        after={"members": names_of(members), "policies": names_of(policies)},
    )

    def record() -> Group:
        group.members.set(members)
        group.managed_policies.set(policies)
        return group

    return commit(record)


@audited()
def delete_group(principal: Principal, unique_id: str) -> None:
    """Delete a group; its members stay."""
    group = get_group(principal, unique_id, "iam:DeleteGroup")
    commit(group.delete)


# Policies


def visible_policies(principal: Principal) -> QuerySet[ManagedPolicy]:
    return ManagedPolicy.objects.filter(
        Q(account_id=account_id_of(principal)) | Q(account__isnull=True)
    )


def list_policies(principal: Principal, *, text: str = "") -> list[ManagedPolicy]:
    """List the account's managed policies and the ready-made ones by name."""
    check_may(principal, "iam:ListPolicies")
    found = visible_policies(principal)
    if text:
        found = found.filter(name__icontains=text)
    counted = found.annotate(
        attached_count=Count("identities", distinct=True)
        + Count("groups", distinct=True)
    )
    return list(counted.order_by("name"))


def get_policy(
    principal: Principal, unique_id: str, action: str = "iam:GetPolicy"
) -> ManagedPolicy:
    """Find a managed policy and ask the door for the action. Raises NoSuchEntity."""
    found = visible_policies(principal).filter(unique_id=unique_id).first()
    name = found.name if found is not None else "*"
    check_may(principal, action, account_arn(principal, "policy", name))
    if found is None:
        raise NoSuchEntity(f"There is no policy {unique_id}.")
    return found


def get_own_policy(principal: Principal, unique_id: str, action: str) -> ManagedPolicy:
    policy = get_policy(principal, unique_id, action)
    if policy.account_id is None:
        raise AccessDenied("A ready-made policy cannot be changed; copy it instead.")
    return policy


@audited()
def create_policy(
    principal: Principal,
    name: str,
    document: str,
    *,
    description: str = "",
    now: datetime,
) -> ManagedPolicy:
    """Create a managed policy. Raises MalformedPolicyDocument, EntityAlreadyExists."""
    check_may(principal, "iam:CreatePolicy", account_arn(principal, "policy", name))
    return operations.create_policy(
        account_of(principal), name, document, description=description, now=now
    )


@audited()
def change_policy(
    principal: Principal,
    unique_id: str,
    *,
    document: str,
    description: str,
    now: datetime,
) -> ManagedPolicy:
    """Give a managed policy another document. Raises MalformedPolicyDocument."""
    policy = get_own_policy(principal, unique_id, "iam:CreatePolicyVersion")
    parse_policy(document, name=policy.name, kind=PolicyKind.IDENTITY)

    def record() -> ManagedPolicy:
        auditing.tell(before=policy.document, after=document)
        policy.document = document
        policy.description = description
        policy.version += 1
        policy.updated_at = now
        policy.save()
        return policy

    return commit(record)


@audited()
def delete_policy(principal: Principal, unique_id: str) -> None:
    """Delete a managed policy and detach it everywhere."""
    policy = get_own_policy(principal, unique_id, "iam:DeletePolicy")
    auditing.tell(before=policy.document)
    commit(policy.delete)


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
        found += rows.order_by("-created_at")[:most]
    return [key for key in found if may_on_key(principal, "iam:ListAccessKeys", key)]


def may_on_key(principal: Principal, action: str, key: AnyKey) -> bool:
    if action == "iam:ListAccessKeys" and key.identity_id == principal.identity_id:
        return True
    if key.identity.kind == IdentityKind.ROOT and not principal.is_root:
        return False
    return may(principal, action, arn_of(principal, key.identity))


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
    arn = arn_of(principal, found.identity)
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
    """Create an S3 key pair for an identity."""
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

    return commit(record)


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

    return commit(record)


@audited()
def delete_key(principal: Principal, key_id: str) -> None:
    """Delete a key for good."""
    key = get_key(principal, key_id, "iam:DeleteAccessKey")
    commit(key.delete)


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
