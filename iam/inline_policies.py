"""The policies that one user, group or role has for itself."""

from __future__ import annotations

from typing import Any

from iam import operations
from iam.entities import Entity, EntityKind, change, find, only
from iam.models import Group, InlinePolicy
from iam.naming import check_name
from iam.pages import FIRST_PAGE, Page, Paging, page_of
from iam.principals import Principal
from kernel import auditing
from kernel.auditing import audited
from kernel.errors import NoSuchEntity

LONGEST_NAME = 128


@audited()
def put_policy(
    principal: Principal, kind: EntityKind, name: str, policy_name: str, document: str
) -> None:
    """Set one of an entity's own policies. Raises MalformedPolicyDocument."""
    check_name("policyName", policy_name, LONGEST_NAME)
    entity = find(principal, kind, name, f"iam:Put{kind}Policy")
    if isinstance(entity, Group):
        change(lambda: operations.put_group_policy(entity, policy_name, document))
    else:
        change(lambda: operations.put_identity_policy(entity, policy_name, document))


def get_policy(
    principal: Principal, kind: EntityKind, name: str, policy_name: str
) -> tuple[Entity, InlinePolicy]:
    """Give an entity and one of its own policies. Raises NoSuchEntity."""
    entity = find(principal, kind, name, f"iam:Get{kind}Policy")
    return entity, policy_of(entity, kind, policy_name)


@audited()
def delete_policy(
    principal: Principal, kind: EntityKind, name: str, policy_name: str
) -> None:
    """Remove one of an entity's own policies. Raises NoSuchEntity."""
    entity = find(principal, kind, name, f"iam:Delete{kind}Policy")
    policy = policy_of(entity, kind, policy_name)
    auditing.tell(before=policy.document)
    change(only(policy).delete)


def policy_of(entity: Entity, kind: EntityKind, policy_name: str) -> InlinePolicy:
    rows: Any = entity.inline_policies
    found: InlinePolicy | None = rows.filter(name=policy_name).first()
    if found is None:
        raise NoSuchEntity(
            f"The {kind.lower()} policy with name {policy_name} cannot be found."
        )
    return found


def list_policies(
    principal: Principal,
    kind: EntityKind,
    name: str,
    *,
    paging: Paging = FIRST_PAGE,
) -> Page[str]:
    """List the names of an entity's own policies."""
    plural = f"{kind}Policies"
    entity = find(principal, kind, name, f"iam:List{plural}")
    rows: Any = entity.inline_policies.all()
    page: Page[InlinePolicy] = page_of(rows, paging)
    return page.of(lambda policy: policy.name)
