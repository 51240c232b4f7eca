"""The one door: every operation asks here before it does anything.

AWS, "How Amazon S3 authorizes a request": an explicit deny wins; inside the owner's
account an allow by either side is enough; from outside both the caller's own account
and the bucket (by policy or ACL) must allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from buckets import acls, queries
from buckets.configurations import (
    Configuration,
    Configurations,
    configurations_of,
)
from iam.condition_keys import principal_context
from iam.policy import AccessRequest, Decision, evaluate
from iam.principals import Principal
from kernel import auditing
from kernel.errors import (
    AccessDenied,
    InvalidBucketOwnerAWSAccountID,
    NoSuchBucket,
)
from kernel.kept_settings import settings
from kernel.results import BucketInfo, ObjectInfo
from kernel.telemetry import traced

Context = Mapping[str, str | Sequence[str]]
# What policies may ask about a request, or what tells it once there are any.
Described = Context | Callable[[], Context]

# The root user of the owner's account keeps these, so that no policy can lock it out.
ALWAYS_FOR_ROOT = frozenset(
    {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}
)
NO_DECISION = Decision(None)
ACCOUNT_ID = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an action is allowed, and what decided it."""

    is_allowed: bool
    reason: str
    decision: Decision = NO_DECISION


def get_bucket(
    principal: Principal,
    action: str,
    name: str,
    key: str = "",
    *,
    context: Described | None = None,
    expected_owner: str = "",
) -> BucketInfo:
    """Find the bucket and ask the door for the action on it, or on `key` in it.

    Raises NoSuchBucket, or AccessDenied, also when `expected_owner` is another
    account than the bucket's (AWS, "Verifying bucket ownership").
    """
    bucket = find_bucket(name)
    check_owner(bucket, expected_owner)
    check_access(principal, action, bucket, key, context=context)
    return bucket


def find_bucket(name: str) -> BucketInfo:
    """Find a bucket without asking; the caller asks the door itself."""
    bucket = queries.get(name)
    if bucket is None:
        raise NoSuchBucket(bucket_name=name)
    return bucket


def check_owner(bucket: BucketInfo, expected: str) -> None:
    """Raise AccessDenied where another account than the expected one owns it."""
    if not expected or expected in queries.account_names(bucket.owner_id):
        return
    if settings.OBJECTSTORE_S3_FLAVOUR == "aws" and not ACCOUNT_ID.fullmatch(expected):
        raise InvalidBucketOwnerAWSAccountID(
            "The value of the expected bucket owner parameter must be an AWS Account "
            f"ID... [{expected[:64]}]"
        )
    raise AccessDenied()


@traced("door")
def check_access(
    principal: Principal,
    action: str,
    bucket: BucketInfo,
    key: str = "",
    *,
    context: Described | None = None,
    target: ObjectInfo | None = None,
) -> None:
    """Raise AccessDenied unless the principal may do the action."""
    if auditing.current.event is not None:
        resource = resource_arn(bucket.name, key)
        auditing.asked(action, resource, bucket.name, key, bucket.owner_id)
    if principal.is_system or is_plainly_owners(principal, bucket):
        return
    verdict = decide(principal, action, bucket, key, context=context, target=target)
    if not verdict.is_allowed:
        note_refusal(principal, action, bucket, key, verdict.reason)
        raise AccessDenied(verdict_reason(principal, action, bucket, key, verdict))


def note_refusal(
    principal: Principal, action: str, bucket: BucketInfo, key: str, reason: str
) -> None:
    auditing.refused(
        principal,
        action,
        resource_arn(bucket.name, key),
        bucket.name,
        key,
        bucket.owner_id,
        reason=reason,
    )


def is_allowed(
    principal: Principal,
    action: str,
    bucket: BucketInfo,
    key: str = "",
    *,
    context: Described | None = None,
    target: ObjectInfo | None = None,
) -> bool:
    """Tell whether the door would let the action pass."""
    if principal.is_system or is_plainly_owners(principal, bucket):
        return True
    return decide(
        principal, action, bucket, key, context=context, target=target
    ).is_allowed


def is_plainly_owners(principal: Principal, bucket: BucketInfo) -> bool:
    """Tell the commonest case without the engine: the root user, no policy at all."""
    if not (
        principal.is_root
        and principal.account_id == bucket.owner_id
        and not principal.session_policies
        and not principal.policies
    ):
        return False
    configurations = configurations_of(bucket.configurations_text)
    return configurations.policy is None and not configurations.uses_acls


def verdict_reason(
    principal: Principal, action: str, bucket: BucketInfo, key: str, verdict: Verdict
) -> str:
    """Say what AWS says, but nothing of the resource to those who are nobody."""
    if principal.is_anonymous:
        return AccessDenied.message
    return (
        f"User: {principal.arn} is not authorized to perform: {action} on resource: "
        f'"{resource_arn(bucket.name, key)}" because {verdict.reason}'
    )


def resource_arn(bucket_name: str, key: str = "") -> str:
    return f"arn:aws:s3:::{bucket_name}/{key}" if key else f"arn:aws:s3:::{bucket_name}"


def decide(
    principal: Principal,
    action: str,
    bucket: BucketInfo,
    key: str = "",
    *,
    context: Described | None = None,
    target: ObjectInfo | None = None,
) -> Verdict:
    """Weigh identity policies, session policies, the bucket policy and ACLs."""
    if callable(context):
        context = context()
    context = {**(context or {}), **owner_context(principal, bucket)}
    configurations = configurations_of(bucket.configurations_text)
    request = access_request(principal, action, bucket.name, key, context, target)
    identity = evaluate(request, principal.policies)
    resource = bucket_decision(request, principal, bucket, configurations)
    for decision in (identity, resource):
        if decision.is_denied and not (
            decision is resource and keeps_right(principal, action, bucket)
        ):
            return Verdict(False, "of an explicit deny", decision)
    if principal.session_policies:
        session = evaluate(request, principal.session_policies)
        if not session.is_allowed:
            return Verdict(False, "no session policy allows the action", session)
    is_own = principal.account_id == bucket.owner_id and not principal.is_anonymous
    # What names the bucket's own account leaves its users to their own policies.
    may_delegate = not is_own or principal.is_root or identity.is_allowed
    grantee = principal if may_delegate else principal._replace(canonical_id="")
    grants_directly = resource.is_allowed and not (is_own and resource.is_delegated)
    granted = grants_directly or acl_allows(
        grantee, action, bucket, configurations, target
    )
    if not is_own and wants_payer(configurations) and not pays(principal):
        return Verdict(False, "the bucket's requesters pay, and this one does not say")
    if is_own:
        return own_account_verdict(
            principal, bucket, identity, resource, granted, target
        )
    return other_account_verdict(principal, identity, resource, granted)


def wants_payer(configurations: Configurations) -> bool:
    return configurations.get(Configuration.REQUEST_PAYMENT) == "Requester"


def pays(principal: Principal) -> bool:
    """Tell whether a caller takes the costs on; nobody in particular cannot."""
    return principal.facts.pays and not principal.is_anonymous


def keeps_right(principal: Principal, action: str, bucket: BucketInfo) -> bool:
    return (
        principal.is_root
        and principal.account_id == bucket.owner_id
        and action in ALWAYS_FOR_ROOT
    )


def own_account_verdict(
    principal: Principal,
    bucket: BucketInfo,
    identity: Decision,
    resource: Decision,
    granted: bool,
    target: ObjectInfo | None,
) -> Verdict:
    if granted:
        return Verdict(True, "the bucket allows it", resource)
    if is_others_object(bucket, target):
        return Verdict(False, "the object belongs to another account", resource)
    if principal.is_root:
        return Verdict(True, "the account's root user may do everything in it")
    if identity.is_allowed:
        return Verdict(True, "an identity policy allows it", identity)
    return Verdict(False, "no identity-based policy allows the action", identity)


def is_others_object(bucket: BucketInfo, target: ObjectInfo | None) -> bool:
    """Tell whether ACLs decide alone: the writer, not the bucket's owner, owns it."""
    return (
        target is not None
        and target.owner_id != bucket.owner_id
        and configurations_of(bucket.configurations_text).uses_acls
    )


def other_account_verdict(
    principal: Principal, identity: Decision, resource: Decision, granted: bool
) -> Verdict:
    if not granted:
        return Verdict(False, "no resource-based policy allows the action", resource)
    if principal.is_anonymous or principal.is_root or identity.is_allowed:
        return Verdict(True, "the bucket allows it", resource)
    return Verdict(False, "no identity-based policy allows the action", identity)


def bucket_decision(
    request: AccessRequest,
    principal: Principal,
    bucket: BucketInfo,
    configurations: Configurations,
) -> Decision:
    policy = configurations.policy
    if policy is None:
        return NO_DECISION
    decision = evaluate(request, (policy,))
    is_outsider = principal.account_id != bucket.owner_id
    if (
        decision.is_allowed
        and is_outsider
        and configurations.public_access_block.get("RestrictPublicBuckets")
        and configurations.is_policy_public
    ):
        return NO_DECISION
    return decision


def acl_allows(
    principal: Principal,
    action: str,
    bucket: BucketInfo,
    configurations: Configurations,
    target: ObjectInfo | None,
) -> bool:
    if not configurations.uses_acls:
        return False
    ignore = bool(configurations.public_access_block.get("IgnorePublicAcls"))
    if target is None:
        permission = acls.BUCKET_PERMISSIONS.get(action, "")
        return acls.grants(
            configurations.acl, permission, principal, ignore_public=ignore
        )
    permission = acls.OBJECT_PERMISSIONS.get(action, "")
    if permission and target.owner_id == principal.account_id:
        return principal.is_root
    return acls.grants(target.acl, permission, principal, ignore_public=ignore)


def access_request(
    principal: Principal,
    action: str,
    bucket_name: str,
    key: str,
    context: Context | None,
    target: ObjectInfo | None,
) -> AccessRequest:
    return AccessRequest(
        action=action,
        resource=resource_arn(bucket_name, key),
        principal_arn=principal.arn,
        principal_account=principal.account_number,
        canonical_id=principal.canonical_id,
        context={
            **principal_context(principal),
            **tag_context(target),
            **(context or {}),
        },
    )


def owner_context(principal: Principal, bucket: BucketInfo) -> dict[str, str]:
    """Tell whose the bucket is; nobody in particular has policies that would ask."""
    if principal.is_anonymous:
        return {}
    is_own = principal.account_id == bucket.owner_id
    number = principal.account_number if is_own else ""
    number = number or queries.account_number(bucket.owner_id)
    return {"aws:resourceaccount": number, "s3:resourceaccount": number}


def tag_context(target: ObjectInfo | None) -> dict[str, str]:
    if target is None:
        return {}
    return {f"s3:existingobjecttag/{k}".lower(): v for k, v in target.tags.items()}
