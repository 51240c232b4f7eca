"""The policy grammar and its evaluation (AWS, "IAM JSON policy reference").

A document is parsed once into statements whose patterns are compiled; a question is
an AccessRequest, the answer a Decision that keeps the statement which decided it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from iam.actions import OBJECT_ACTIONS, S3_ACTIONS
from iam.conditions import Condition, ConditionError, parse_conditions
from iam.patterns import Context, Pattern
from kernel.errors import MalformedPolicy, MalformedPolicyDocument, ObjectStoreError

MOST_BYTES = 20 * 1024
MOST_STATEMENTS = 500
NOTHING: Context = {}
VERSIONS = frozenset({"2012-10-17", "2008-10-17"})


class PolicyKind(StrEnum):
    """What a policy is attached to; that decides which elements it must have."""

    IDENTITY = "identity"
    BUCKET = "bucket"
    TRUST = "trust"


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One question: may this principal do this action on this resource, now?

    `context` has the condition keys in lower case; what the request lacks is absent.
    """

    action: str
    resource: str
    principal_arn: str = "*"
    principal_account: str = ""
    canonical_id: str = ""
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policies say: allow, deny, or (None) nothing at all.

    The deciding statement is named by its policy, its place and its Sid.
    """

    effect: Effect | None
    policy: str = ""
    sid: str = ""
    statement: int | None = None

    @property
    def is_allowed(self) -> bool:
        return self.effect is Effect.ALLOW

    @property
    def is_denied(self) -> bool:
        return self.effect is Effect.DENY


SILENT = Decision(None)


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal or NotPrincipal element."""

    is_everyone: bool = False
    aws: tuple[str, ...] = ()
    canonical_ids: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    is_negated: bool = False

    def matches(self, request: AccessRequest) -> bool:
        return self._names(request) is not self.is_negated

    def _names(self, request: AccessRequest) -> bool:
        if self.is_everyone:
            return True
        if request.canonical_id and request.canonical_id in self.canonical_ids:
            return True
        return any(names_arn(one, request) for one in self.aws)


def names_arn(name: str, request: AccessRequest) -> bool:
    """Tell whether an AWS principal is the caller: a user or role, or its account."""
    account = request.principal_account
    if account and name in (account, f"arn:aws:iam::{account}:root"):
        return True
    return request.principal_arn != "*" and name == request.principal_arn


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed statement."""

    index: int
    sid: str
    effect: Effect
    actions: tuple[Pattern, ...]
    resources: tuple[Pattern, ...]
    conditions: tuple[Condition, ...]
    principals: Principals | None
    is_not_action: bool = False
    is_not_resource: bool = False

    def applies(self, request: AccessRequest, action: str) -> bool:
        """Tell whether the statement speaks of the request; `action` is lower case.

        Statements of literal and prefix patterns take 0.9 us.
        """
        if self.principals is not None and not self.principals.matches(request):
            return False
        named = any(one.matches(action, NOTHING) for one in self.actions)
        if named is self.is_not_action:
            return False
        context = request.context
        if self.resources:
            named = any(
                one.matches(request.resource, context) for one in self.resources
            )
            if named is self.is_not_resource:
                return False
        return all(condition.holds(context) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy and the document it was read from."""

    name: str
    statements: tuple[Statement, ...]
    document: Mapping[str, Any] = field(hash=False, compare=False)


def evaluate(request: AccessRequest, policies: Iterable[Policy]) -> Decision:
    """Decide: an explicit deny first, else the first allow, else nothing."""
    action = request.action.lower()
    allowed = SILENT
    for policy in policies:
        for statement in policy.statements:
            is_deny = statement.effect is Effect.DENY
            if (is_deny or allowed is SILENT) and statement.applies(request, action):
                decision = Decision(
                    statement.effect, policy.name, statement.sid, statement.index
                )
                if is_deny:
                    return decision
                allowed = decision
    return allowed


# Parsing


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
        return _Parser(kind, bucket).policy(text, name)
    except (_GrammarError, ConditionError) as error:
        raise refusal_of(kind)(str(error)) from None


def refusal_of(kind: PolicyKind) -> type[ObjectStoreError]:
    return MalformedPolicy if kind is PolicyKind.BUCKET else MalformedPolicyDocument


class _GrammarError(ValueError):
    """A rule of the grammar is broken; the text is AWS's where it is known."""


ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
SID = re.compile(r"[ -~]{0,512}")
ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")


class _Parser:
    def __init__(self, kind: PolicyKind, bucket: str) -> None:
        self.kind = kind
        self.bucket = bucket
        self.has_variables = False

    def policy(self, text: str, name: str) -> Policy:
        if len(text.encode()) > MOST_BYTES:
            raise _GrammarError(f"Policy is larger than {MOST_BYTES} bytes")
        document = read_object(text)
        unknown = set(document) - {"Version", "Id", "Statement"}
        if unknown:
            raise _GrammarError(f"Unknown field {min(unknown)}")
        version = document.get("Version", "2008-10-17")
        if version not in VERSIONS:
            raise _GrammarError("The policy must contain a valid version string")
        self.has_variables = version == "2012-10-17"
        statements = listed(document.get("Statement"))
        if not statements:
            raise _GrammarError("Missing required field Statement")
        if len(statements) > MOST_STATEMENTS:
            raise _GrammarError("The policy has too many statements")
        return Policy(
            name,
            tuple(self.statement(n, one) for n, one in enumerate(statements)),
            document,
        )

    def statement(self, index: int, element: Any) -> Statement:
        if not isinstance(element, dict):
            raise _GrammarError("Statement must be an object")
        unknown = set(element) - ELEMENTS
        if unknown:
            raise _GrammarError(f"Unknown field {min(unknown)}")
        sid = element.get("Sid", "")
        if not isinstance(sid, str) or not SID.fullmatch(sid):
            raise _GrammarError("Statement IDs (SID) must be plain text")
        action_name, actions = self.one_of(element, "Action", "NotAction")
        resource_name, resources = self.resources(element)
        statement = Statement(
            index=index,
            sid=sid,
            effect=self.effect(element),
            actions=tuple(self.action(one) for one in actions),
            resources=tuple(self.resource(one) for one in resources),
            conditions=parse_conditions(
                element.get("Condition", {}), has_variables=self.has_variables
            ),
            principals=self.principals(element),
            is_not_action=action_name == "NotAction",
            is_not_resource=resource_name == "NotResource",
        )
        self.check_levels(statement)
        return statement

    def effect(self, element: Mapping[str, Any]) -> Effect:
        try:
            return Effect(element.get("Effect", ""))
        except ValueError:
            raise _GrammarError(
                f"Invalid effect: {element.get('Effect', '')}"
            ) from None

    def one_of(
        self, element: Mapping[str, Any], *names: str
    ) -> tuple[str, Sequence[str]]:
        present = [name for name in names if name in element]
        if len(present) != 1:
            raise _GrammarError(f"Missing required field {names[0]}")
        values = listed(element[present[0]])
        if not values or not all(isinstance(one, str) for one in values):
            raise _GrammarError(f"{present[0]} must be one or more strings")
        return present[0], values

    def resources(self, element: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
        if self.kind is PolicyKind.TRUST:
            if "Resource" in element or "NotResource" in element:
                raise _GrammarError("Has prohibited field Resource")
            return "Resource", ()
        return self.one_of(element, "Resource", "NotResource")

    def action(self, text: str) -> Pattern:
        if not ACTION.fullmatch(text):
            raise _GrammarError("Policy has invalid action")
        return Pattern(text.lower(), has_variables=False)

    def resource(self, text: str) -> Pattern:
        if self.kind is PolicyKind.BUCKET:
            self.check_bucket_resource(text)
        elif text != "*" and not text.startswith("arn:"):
            raise _GrammarError(f'Resource {text} must be in ARN format or "*".')
        return Pattern(text, has_variables=self.has_variables)

    def check_bucket_resource(self, text: str) -> None:
        """A bucket's policy speaks of the bucket and of nothing else."""
        prefix = "arn:aws:s3:::"
        if not text.startswith(prefix):
            raise _GrammarError("Policy has invalid resource")
        named = text.removeprefix(prefix).partition("/")[0]
        pattern = Pattern(named, has_variables=False)
        if self.bucket and not pattern.matches(self.bucket, NOTHING):
            raise _GrammarError("Policy has invalid resource")

    def principals(self, element: Mapping[str, Any]) -> Principals | None:
        present = [name for name in ("Principal", "NotPrincipal") if name in element]
        if self.kind is PolicyKind.IDENTITY:
            if present:
                raise _GrammarError("Policy document should not specify a principal.")
            return None
        if len(present) != 1:
            raise _GrammarError("Missing required field Principal")
        is_negated = present[0] == "NotPrincipal"
        return parse_principals(element[present[0]], is_negated)

    def check_levels(self, statement: Statement) -> None:
        """Refuse a bucket policy statement whose actions can never meet a resource."""
        if self.kind is not PolicyKind.BUCKET or statement.is_not_action:
            return
        if statement.is_not_resource:
            return
        has_object = any(
            "/" in one.text or "*" in one.text for one in statement.resources
        )
        has_bucket = any("/" not in one.text for one in statement.resources)
        for action in statement.actions:
            known = {one for one in LOWER_ACTIONS if action.matches(one, NOTHING)}
            if not known and action.text != "*":
                raise _GrammarError("Policy has invalid action")
            fits = (has_object and known & LOWER_OBJECT_ACTIONS) or (
                has_bucket and known - LOWER_OBJECT_ACTIONS
            )
            if known and not fits:
                raise _GrammarError(
                    "Action does not apply to any resource(s) in statement"
                )


def read_object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        if isinstance(error, _GrammarError):
            raise
        raise _GrammarError(
            "Policies must be valid JSON and the first byte must be '{'"
        ) from None
    if not isinstance(document, dict):
        raise _GrammarError(
            "Policies must be valid JSON and the first byte must be '{'"
        )
    return document


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _GrammarError("Duplicate keys are not allowed in a policy")
    return found


def listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


ARN_PRINCIPAL = re.compile(
    r"arn:aws:(iam|sts)::[A-Za-z0-9_-]*:(root|(user|role|assumed-role|federated-user)/.+)"
)
ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,64}")


def parse_principals(element: Any, is_negated: bool) -> Principals:
    if element == "*":
        return Principals(is_everyone=True, is_negated=is_negated)
    if not isinstance(element, dict) or not element:
        raise _GrammarError("Invalid principal in policy")
    names: dict[str, list[str]] = {}
    for kind, values in element.items():
        texts = listed(values)
        if kind not in PRINCIPAL_KINDS or not all(isinstance(t, str) for t in texts):
            raise _GrammarError("Invalid principal in policy")
        names[kind] = texts
    aws = names.get("AWS", [])
    for text in aws:
        if not (
            text == "*" or ARN_PRINCIPAL.fullmatch(text) or ACCOUNT.fullmatch(text)
        ):
            raise _GrammarError("Invalid principal in policy")
    return Principals(
        is_everyone="*" in aws or "*" in names.get("CanonicalUser", []),
        aws=tuple(aws),
        canonical_ids=tuple(names.get("CanonicalUser", [])),
        services=tuple(names.get("Service", [])),
        is_negated=is_negated,
    )


PRINCIPAL_KINDS = frozenset({"AWS", "CanonicalUser", "Service", "Federated"})


# What counts as public


# A fixed value of one of these keys bounds who may come (AWS, "The meaning of
# 'public'").
BOUNDING_KEYS = frozenset(
    {
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
POSITIVE = (
    "StringEquals",
    "StringLike",
    "ArnEquals",
    "ArnLike",
    "StringEqualsIgnoreCase",
)


def is_public(policy: Policy) -> bool:
    """Tell whether a bucket's policy lets the public in."""
    return any(
        statement.effect is Effect.ALLOW
        and statement.principals is not None
        and (statement.principals.is_everyone or statement.principals.is_negated)
        and not any(is_bounding(one) for one in statement.conditions)
        for statement in policy.statements
    )


def is_bounding(condition: Condition) -> bool:
    if condition.if_exists or condition.quantifier == "ForAllValues":
        return False
    if condition.key == "aws:sourceip" and condition.operator == "IpAddress":
        return all(not is_wide_network(one.text) for one in condition.patterns)
    return (
        condition.key in BOUNDING_KEYS
        and condition.operator in POSITIVE
        and all(
            not one.has_variables and "*" not in one.text and "?" not in one.text
            for one in condition.patterns
        )
    )


def is_wide_network(text: str) -> bool:
    """AWS counts ranges wider than a /8 (a /32 of IPv6) as public."""
    address, _, width = text.partition("/")
    return bool(width) and int(width) < (32 if ":" in address else 8)


LOWER_ACTIONS = frozenset(action.lower() for action in S3_ACTIONS)
LOWER_OBJECT_ACTIONS = frozenset(action.lower() for action in OBJECT_ACTIONS)
