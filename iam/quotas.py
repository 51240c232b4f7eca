"""How many of each kind an account may have, and how many it has."""

from __future__ import annotations

from django.conf import settings

from iam.access import check_may
from iam.accounts import account_id_of
from iam.models import (
    USERS,
    AccessKey,
    Group,
    Identity,
    IdentityKind,
    ManagedPolicy,
)
from iam.principals import Principal
from kernel.errors import LimitExceeded

# AWS, "IAM and AWS STS quotas".
QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "PoliciesQuota": 1500,
    "GroupsPerUserQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "VersionsPerPolicyQuota": 1,
}


def quotas() -> dict[str, int]:
    """Give how many there may be, by the names that GetAccountSummary has."""
    most_keys = settings.OBJECTSTORE_ACCESS_KEYS_PER_USER
    return {**QUOTAS, "AccessKeysPerUserQuota": most_keys}


def check_quota(name: str, has: int) -> None:
    """Raise LimitExceeded for one more than the quota allows."""
    most = quotas()[name]
    if has >= most:
        noun = name.removesuffix("Quota")
        raise LimitExceeded(f"Cannot exceed quota for {noun}: {most}")


def get_account_summary(principal: Principal) -> dict[str, int]:
    """Count what the account has, beside what it may have."""
    check_may(principal, "iam:GetAccountSummary")
    account_id = account_id_of(principal)
    identities = Identity.objects.filter(account_id=account_id)
    root_keys = AccessKey.objects.filter(
        identity__account_id=account_id, identity__kind=IdentityKind.ROOT
    )
    return {
        "Users": identities.filter(kind__in=USERS).count(),
        "Groups": Group.objects.filter(account_id=account_id).count(),
        "Roles": identities.filter(kind=IdentityKind.ROLE).count(),
        "Policies": ManagedPolicy.objects.filter(account_id=account_id).count(),
        "AccountAccessKeysPresent": int(root_keys.exists()),
        **quotas(),
    }
