"""Policies of their own name, and what they are attached to.

Only the newest version of a document is kept: it is the default one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, Q, QuerySet

from iam import operations
from iam.access import check_may
from iam.accounts import account_id_of, account_of, one_at_a_time
from iam.entities import Entity, EntityKind, change, find, only, rows_of
from iam.models import ManagedPolicy
from iam.naming import POLICY_ARN, check_description, check_name, check_path
from iam.pages import FIRST_PAGE, Page, Paging, page_of
from iam.policy import PolicyKind, parse_policy
from iam.principals import Principal
from iam.quotas import check_quota
from kernel import auditing
from kernel.auditing import audited
from kernel.errors import (
    AccessDenied,
    DeleteConflict,
    NoSuchEntity,
    NotImplemented,
    ValidationError,
)

LONGEST_NAME = 128


class Scope(StrEnum):
    """Whose policies a listing shows: the account's, the ready-made ones, or both."""

    ALL = "All"
    LOCAL = "Local"
    AWS = "AWS"


@audited()
def create_policy(
    principal: Principal,
    name: str,
    document: str,
    *,
    path: str = "/",
    description: str = "",
    now: datetime,
) -> ManagedPolicy:
    """Create a policy that can be attached.

    Raises MalformedPolicyDocument, EntityAlreadyExists and LimitExceeded.
    """
    check_name("policyName", name, LONGEST_NAME)
    check_path(path)
    check_description(description)
    arn = f"arn:aws:iam::{principal.account_number}:policy{path}{name}"
    check_may(principal, "iam:CreatePolicy", arn)
    account = account_of(principal)

    def record() -> ManagedPolicy:
        one_at_a_time(account.pk)
        check_quota("PoliciesQuota", account.policies.count())
        return operations.create_policy(
            account, name, document, path=path, description=description, now=now
        )

    return change(record)


def visible_policies(principal: Principal) -> QuerySet[ManagedPolicy]:
    """Give the policies that can be attached: the account's and the ready-made ones."""
    return ManagedPolicy.objects.filter(
        Q(account_id=account_id_of(principal)) | Q(account__isnull=True)
    )


def counted(rows: QuerySet[ManagedPolicy]) -> QuerySet[Any]:
    """Count what each policy is attached to, as `attached_count`."""
    return rows.select_related("account").annotate(
        attached_count=Count("identities", distinct=True)
        + Count("groups", distinct=True)
    )


def get_policy(
    principal: Principal, arn: str, action: str = "iam:GetPolicy"
) -> ManagedPolicy:
    """Find a policy by its ARN, and ask the door. Raises NoSuchEntity."""
    check_may(principal, action, arn)
    return policy_at(principal, arn)


def policy_at(principal: Principal, arn: str) -> ManagedPolicy:
    found = POLICY_ARN.fullmatch(arn)
    if found is None:
        raise ValidationError(f"ARN {arn[:256]} is not valid.")
    owner, path, name = found.groups()
    rows = counted(visible_policies(principal)).filter(
        path=path, name=name, account__isnull=owner == "aws"
    )
    policy: ManagedPolicy | None = rows.first()
    if policy is None or policy.arn != arn:
        raise NoSuchEntity(f"Policy {arn} does not exist or is not attachable.")
    return policy


def arn_named(principal: Principal, name: str) -> str:
    """Give the ARN of the policy of a name: the account's, or else a ready-made one.

    A name that no policy has leads to an ARN that no policy has.
    """
    named = visible_policies(principal).filter(name__iexact=name)
    found = named.order_by("account_id").select_related("account")
    policy = found.filter(account__isnull=False).first() or found.first()
    default = f"arn:aws:iam::{principal.account_number}:policy/{name}"
    return default if policy is None else policy.arn


def put_policy(
    principal: Principal,
    name: str,
    document: str,
    *,
    description: str = "",
    now: datetime,
) -> ManagedPolicy:
    """Create the account's policy of a name, or give it another document.

    Raises MalformedPolicyDocument and LimitExceeded.
    """
    own = ManagedPolicy.objects.select_related("account").filter(
        account_id=account_id_of(principal), name__iexact=name
    )
    policy = own.first()
    if policy is None:
        return create_policy(
            principal, name, document, description=description, now=now
        )
    return create_policy_version(
        principal,
        policy.arn,
        document,
        is_default=True,
        description=description or policy.description,
        now=now,
    )


def get_own_policy(principal: Principal, arn: str, action: str) -> ManagedPolicy:
    """Find a policy to change; nobody changes the ready-made ones."""
    policy = get_policy(principal, arn, action)
    if policy.account_id is None:
        raise AccessDenied("A ready-made policy cannot be changed; copy it instead.")
    return policy


def list_policies(
    principal: Principal,
    *,
    scope: Scope = Scope.ALL,
    only_attached: bool = False,
    path_prefix: str = "/",
    paging: Paging = FIRST_PAGE,
) -> Page[ManagedPolicy]:
    """List policies whose path begins so."""
    check_may(principal, "iam:ListPolicies")
    rows = counted(visible_policies(principal)).filter(path__startswith=path_prefix)
    if scope is not Scope.ALL:
        rows = rows.filter(account__isnull=scope is Scope.AWS)
    if only_attached:
        rows = rows.filter(attached_count__gt=0)
    return page_of(rows, paging, by="unique_id")


@audited()
def delete_policy(principal: Principal, arn: str) -> None:
    """Delete a policy that is attached to nothing. Raises DeleteConflict."""
    policy = get_own_policy(principal, arn, "iam:DeletePolicy")
    auditing.tell(before=policy.document)
    row = only(policy)

    def record() -> None:
        if policy.identities.exists() or policy.groups.exists():
            raise DeleteConflict("Cannot delete a policy attached to entities.")
        row.delete()

    change(record)


# Versions


def version_id(policy: ManagedPolicy) -> str:
    return f"v{policy.version}"


@audited()
def create_policy_version(
    principal: Principal,
    arn: str,
    document: str,
    *,
    is_default: bool,
    description: str | None = None,
    now: datetime,
) -> ManagedPolicy:
    """Put a new document in the place of a policy's.

    Raises MalformedPolicyDocument, and NotImplemented for a version that is not to
    be the default one: there is no place to keep it.
    """
    policy = get_own_policy(principal, arn, "iam:CreatePolicyVersion")
    check_description(description or "")
    parse_policy(document, name=policy.name, kind=PolicyKind.IDENTITY)
    if not is_default:
        raise NotImplemented(
            "Only the default version of a policy is kept: use --set-as-default."
        )

    def record() -> ManagedPolicy:
        current = ManagedPolicy.objects.select_for_update().get(pk=policy.pk)
        auditing.tell(before=current.document, after=document)
        current.document = document
        current.version += 1
        current.updated_at = now
        if description is not None:
            current.description = description
        current.save(update_fields=["document", "version", "updated_at", "description"])
        return current

    return change(record)


def get_policy_version(principal: Principal, arn: str, version: str) -> ManagedPolicy:
    """Give a policy whose version this is. Raises NoSuchEntity for earlier ones."""
    policy = get_policy(principal, arn, "iam:GetPolicyVersion")
    check_version(policy, version)
    return policy


def list_policy_versions(principal: Principal, arn: str) -> ManagedPolicy:
    """Give a policy whose one version is all that there is."""
    return get_policy(principal, arn, "iam:ListPolicyVersions")


def set_default_policy_version(principal: Principal, arn: str, version: str) -> None:
    """Make a version the default one, which the one there is, is."""
    policy = get_own_policy(principal, arn, "iam:SetDefaultPolicyVersion")
    check_version(policy, version)


def delete_policy_version(principal: Principal, arn: str, version: str) -> None:
    """Delete a version that is not the default. Raises DeleteConflict."""
    policy = get_own_policy(principal, arn, "iam:DeletePolicyVersion")
    check_version(policy, version)
    raise DeleteConflict("Cannot delete the default version of a policy.")


def check_version(policy: ManagedPolicy, version: str) -> None:
    if version != version_id(policy):
        raise NoSuchEntity(
            f"Policy {policy.arn} version {version[:32]} does not exist."
        )


# Attaching


@audited()
def attach_policy(
    principal: Principal, kind: EntityKind, name: str, policy_arn: str
) -> None:
    """Attach a policy; once more changes nothing.

    Raises NoSuchEntity and LimitExceeded.
    """
    entity = find_attaching(principal, kind, name, "Attach", policy_arn)
    policy = policy_at(principal, policy_arn)

    def record() -> None:
        one_at_a_time(account_id_of(principal))
        others = entity.managed_policies.exclude(pk=policy.pk)
        check_quota(f"AttachedPoliciesPer{kind}Quota", others.count())
        entity.managed_policies.add(policy)

    change(record)


@audited()
def detach_policy(
    principal: Principal, kind: EntityKind, name: str, policy_arn: str
) -> None:
    """Detach a policy. Raises NoSuchEntity for one that is not attached."""
    entity = find_attaching(principal, kind, name, "Detach", policy_arn)
    policy = policy_at(principal, policy_arn)

    def record() -> None:
        if not entity.managed_policies.filter(pk=policy.pk).exists():
            raise NoSuchEntity(f"Policy {policy_arn} was not found.")
        entity.managed_policies.remove(policy)

    change(record)


def find_attaching(
    principal: Principal, kind: EntityKind, name: str, verb: str, policy_arn: str
) -> Entity:
    context = {"iam:policyarn": policy_arn}
    return find(principal, kind, name, f"iam:{verb}{kind}Policy", context=context)


def list_attached_policies(
    principal: Principal,
    kind: EntityKind,
    name: str,
    *,
    path_prefix: str = "/",
    paging: Paging = FIRST_PAGE,
) -> Page[ManagedPolicy]:
    """List the policies attached to an entity."""
    entity = find(principal, kind, name, f"iam:ListAttached{kind}Policies")
    rows: QuerySet[ManagedPolicy] = entity.managed_policies.select_related("account")
    rows = rows.filter(path__startswith=path_prefix)
    return page_of(rows, paging, by="unique_id")


@dataclass(frozen=True, slots=True)
class Attachments:
    """What a policy is attached to in the principal's account."""

    users: tuple[Any, ...]
    groups: tuple[Any, ...]
    roles: tuple[Any, ...]


def list_entities_for_policy(
    principal: Principal, arn: str, *, path_prefix: str = "/"
) -> Attachments:
    """List whom a policy is attached to."""
    policy = get_policy(principal, arn, "iam:ListEntitiesForPolicy")

    def attached(kind: EntityKind) -> tuple[Any, ...]:
        rows = rows_of(principal, kind).filter(
            Q(managed_policies=policy), path__startswith=path_prefix
        )
        return tuple(rows.order_by("name"))

    return Attachments(
        users=attached(EntityKind.USER),
        groups=attached(EntityKind.GROUP),
        roles=attached(EntityKind.ROLE),
    )
