"""The policy engine (AWS, "Policy evaluation logic").

A document is read once into statements whose patterns are compiled; a question is an
AccessRequest, the answer a Decision that keeps the statement which decided it.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from iam.actions import S3_ACTIONS
from iam.conditions import Condition, ConditionError, network
from iam.grammar import GrammarError, PolicyKind, read_policy
from iam.patterns import Context
from iam.statements import AccessRequest, Decision, Effect, Policy, Statement
from kernel.errors import MalformedPolicy, MalformedPolicyDocument

__all__ = [
    "S3_ACTIONS",
    "AccessRequest",
    "Context",
    "Decision",
    "Effect",
    "Policy",
    "PolicyKind",
    "Statement",
    "evaluate",
    "is_public",
    "parse_policy",
]

SILENT = Decision(None)


def parse_policy(
    source: str | Mapping[str, Any],
    *,
    name: str = "",
    kind: PolicyKind,
    bucket: str = "",
) -> Policy:
    """Read a policy; texts that were read before cost nothing.

    Raises MalformedPolicy for a bucket's policy, MalformedPolicyDocument for others.
    """
    text = source if isinstance(source, str) else json.dumps(source)
    return _parsed(text, name, kind, bucket)


@lru_cache(maxsize=4096)
def _parsed(text: str, name: str, kind: PolicyKind, bucket: str) -> Policy:
    try:
        return read_policy(text, name, kind, bucket)
    except (GrammarError, ConditionError) as error:
        if kind in {PolicyKind.BUCKET, PolicyKind.LENIENT_BUCKET}:
            raise MalformedPolicy(str(error)) from None
        text = IDENTITY_TEXTS.get(str(error), str(error))
        raise MalformedPolicyDocument(text) from None


# IAM's words for what S3 calls otherwise.
IDENTITY_TEXTS = {
    "Policies must be valid JSON and the first byte must be '{'": (
        "Syntax errors in policy."
    ),
    "This policy contains invalid Json": "Syntax errors in policy.",
    "Missing required field Action": "Policy statement must contain actions.",
    "Missing required field Resource": "Policy statement must contain resources.",
    "Policy has invalid action": (
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    ),
}


def evaluate(request: AccessRequest, policies: Iterable[Policy]) -> Decision:
    """Decide: an explicit deny first, else the first allow, else nothing.

    An allow that names the caller comes before one that names only its account.
    Three policies of five statements each, with conditions and variables, take 5 us.
    """
    action = request.action.lower()
    policies = tuple(policies)
    for policy in policies:
        for statement in policy.denials:
            if statement.applies(request, action):
                return decision_of(policy, statement)
    return first_grant(request, action, policies)


def first_grant(
    request: AccessRequest, action: str, policies: tuple[Policy, ...]
) -> Decision:
    delegated = SILENT
    for policy in policies:
        for statement in policy.grants:
            if not statement.applies(request, action):
                continue
            if not statement.delegates(request):
                return decision_of(policy, statement)
            if delegated is SILENT:
                delegated = decision_of(policy, statement, is_delegated=True)
    return delegated


def decision_of(
    policy: Policy, statement: Statement, *, is_delegated: bool = False
) -> Decision:
    return Decision(
        statement.effect, policy.name, statement.sid, statement.index, is_delegated
    )


# A fixed value of one of these keys bounds who may come (AWS, "The meaning of
# 'public'").
BOUNDING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
BOUNDING_OPERATORS = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
)


def is_public(policy: Policy) -> bool:
    """Tell whether a bucket's policy lets the public in."""
    return any(is_public_grant(statement) for statement in policy.grants)


def is_public_grant(statement: Statement) -> bool:
    principals = statement.principals
    if principals is None or not (principals.is_everyone or principals.is_negated):
        return False
    return not any(is_bounding(one) for one in statement.conditions)


def is_bounding(condition: Condition) -> bool:
    if condition.if_exists or condition.quantifier:
        return False
    if condition.key == "aws:sourceip":
        return condition.operator == "IpAddress" and not any(
            pattern.has_variables or is_wide_network(pattern.text)
            for pattern in condition.patterns
        )
    if condition.key not in BOUNDING_KEYS:
        return False
    return condition.operator in BOUNDING_OPERATORS and all(
        is_fixed(condition.key, pattern.text) for pattern in condition.patterns
    )


def is_fixed(key: str, text: str) -> bool:
    """Tell whether a value has no wildcard and no variable.

    An access point's ARN may have one in its last part, as its account is fixed.
    """
    if key == "s3:dataaccesspointarn":
        text = text.rpartition(":")[0] if text.count(":") == 5 else text
    return not any(mark in text for mark in ("*", "?", "${"))


def is_wide_network(text: str) -> bool:
    """AWS counts ranges wider than a /8 (a /32 of IPv6) as public."""
    found = network(text)
    narrowest = 8 if isinstance(found, ipaddress.IPv4Network) else 32
    return found.prefixlen < narrowest
