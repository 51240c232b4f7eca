"""The door for what belongs to an account: identities, policies, keys, its bucket list.

Only identity policies speak of these; the root user may do everything in its account.
"""

from __future__ import annotations

from iam.condition_keys import principal_context
from iam.policy import AccessRequest, Context, evaluate
from iam.principals import Principal
from kernel import auditing
from kernel.errors import AccessDenied


def account_arn(principal: Principal, kind: str, name: str) -> str:
    """Name a user, group or policy of the principal's account."""
    return f"arn:aws:iam::{principal.account_number}:{kind}/{name}"


def may(
    principal: Principal,
    action: str,
    resource: str = "*",
    *,
    context: Context | None = None,
) -> bool:
    """Tell whether the principal may do an account's action on a resource.

    Credentials of GetSessionToken may do nothing with identities (AWS, "Permissions
    for GetSessionToken").
    """
    if principal.is_system:
        return True
    if principal.account_id is None:
        return False
    if principal.has_session_token and action.startswith("iam:"):
        return False
    request = account_request(principal, action, resource, context)
    decision = evaluate(request, principal.policies)
    is_allowed = not decision.is_denied and (principal.is_root or decision.is_allowed)
    if is_allowed and principal.session_policies:
        return evaluate(request, principal.session_policies).is_allowed
    return is_allowed


def account_request(
    principal: Principal, action: str, resource: str, context: Context | None = None
) -> AccessRequest:
    """Write the question that identity policies are asked."""
    return AccessRequest(
        action=action,
        resource=resource,
        principal_arn=principal.arn,
        principal_account=principal.account_number,
        canonical_id=principal.canonical_id,
        context={**principal_context(principal), **(context or {})},
    )


def check_may(
    principal: Principal,
    action: str,
    resource: str = "*",
    *,
    context: Context | None = None,
) -> None:
    """Raise AccessDenied unless the principal may do an account's action."""
    auditing.asked(action, resource, account_id=principal.account_id)
    if not may(principal, action, resource, context=context):
        raise denied(principal, action, resource)


def denied(principal: Principal, action: str, resource: str) -> AccessDenied:
    """Give the refusal of an account's action, and write it down."""
    auditing.refused(
        principal, action, resource, reason="no identity-based policy allows the action"
    )
    return AccessDenied(
        f"User: {principal.arn} is not authorized to perform: {action} on "
        f'resource: "{resource}"'
    )
