"""What a policy is once it is read: statements that a request can be held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from iam.conditions import Condition
from iam.patterns import Context, PatternSet

NOTHING: Context = {}


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

    The deciding statement is named by its policy, its place and its Sid. An allow
    that names only the caller's account is delegated: inside that account, identity
    policies decide (AWS, "AWS account principals").
    """

    effect: Effect | None
    policy: str = ""
    sid: str = ""
    statement: int | None = None
    is_delegated: bool = False

    @property
    def is_allowed(self) -> bool:
        return self.effect is Effect.ALLOW

    @property
    def is_denied(self) -> bool:
        return self.effect is Effect.DENY


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal or NotPrincipal element."""

    is_everyone: bool = False
    arns: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    canonical_ids: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    is_negated: bool = False

    def match(self, request: AccessRequest) -> bool:
        if self.is_negated:
            return not (self.name_itself(request) or self.name_root(request))
        return self.name_itself(request) or self.name_account(request)

    def name_itself(self, request: AccessRequest) -> bool:
        """Tell whether the caller is meant; a role's session is meant by its role."""
        if self.is_everyone or request.principal_arn in self.arns:
            return True
        return bool(self.arns) and request.context.get("aws:principalarn") in self.arns

    def name_root(self, request: AccessRequest) -> bool:
        """Tell whether the caller is an account that is named, and no user of it.

        NotPrincipal names the account beside its user, and means the user alone (AWS,
        "AWS JSON policy elements: NotPrincipal").
        """
        is_root = request.principal_arn.endswith(":root")
        return is_root and self.name_account(request)

    def name_account(self, request: AccessRequest) -> bool:
        return (
            request.principal_account in self.accounts
            or request.canonical_id in self.canonical_ids
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed statement."""

    index: int
    sid: str
    effect: Effect
    actions: PatternSet
    resources: PatternSet
    conditions: tuple[Condition, ...]
    principals: Principals | None
    is_not_action: bool = False
    is_not_resource: bool = False

    def applies(self, request: AccessRequest, action: str) -> bool:
        """Tell whether the statement speaks of the request; `action` is lower case."""
        if self.actions.matches(action, NOTHING) is self.is_not_action:
            return False
        context = request.context
        if (
            self.resources
            and self.resources.matches(request.resource, context)
            is self.is_not_resource
        ):
            return False
        if self.principals is not None and not self.principals.match(request):
            return False
        for condition in self.conditions:  # noqa: SIM110 - see PatternSet
            if not condition.holds(context):
                return False
        return True

    def delegates(self, request: AccessRequest) -> bool:
        """Tell whether the statement leaves the choice to the caller's account."""
        principals = self.principals
        if principals is None or principals.is_negated:
            return False
        return not principals.name_itself(request)


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy and the document it was read from."""

    name: str
    statements: tuple[Statement, ...]
    document: Mapping[str, Any] = field(hash=False, compare=False, repr=False)
    denials: tuple[Statement, ...] = field(init=False, compare=False, repr=False)
    grants: tuple[Statement, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "denials", tuple(self._of(Effect.DENY)))
        object.__setattr__(self, "grants", tuple(self._of(Effect.ALLOW)))

    @property
    def condition_keys(self) -> list[str]:
        """The keys that its conditions ask for, in lower case."""
        return [
            condition.key
            for statement in self.statements
            for condition in statement.conditions
        ]

    def _of(self, effect: Effect) -> Iterator[Statement]:
        return (one for one in self.statements if one.effect is effect)
