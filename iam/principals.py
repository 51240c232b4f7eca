"""Who asks: the principal that every operation is called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from iam.policy import Policy
from kernel.results import Owner


class RequestFacts(NamedTuple):
    """What policies may ask about a request (AWS "global condition keys")."""

    request_id: str = ""
    source_ip: str = ""
    is_secure: bool = False
    user_agent: str = ""
    referer: str = ""
    authentication: str = ""
    pays: bool = False
    signed_at: str = ""
    payload_hash: str = ""


NO_REQUEST = RequestFacts()


NO_CONTEXT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Session:
    """What temporary credentials add to the identity they act as.

    `context` has the condition keys that differ for a session, in lower case.
    """

    name: str = ""
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


class PrincipalKind(StrEnum):
    ANONYMOUS = "anonymous"
    ROOT = "root"
    USER = "user"
    SERVICE = "service"
    ROLE = "role"
    SYSTEM = "system"


class Principal(NamedTuple):
    """An authenticated identity with its policies, or nobody in particular.

    `account_id` is the account's row; `canonical_id` and `account_number` are the
    names that ACLs and policies use. `session_policies`, where there are any, must
    allow what the identity's policies allow. `key_ends_at` is the end of the key that
    signed, or that a session began with.
    """

    kind: PrincipalKind
    account_id: int | None = None
    canonical_id: str = ""
    account_number: str = ""
    account_name: str = ""
    identity_id: int | None = None
    name: str = ""
    unique_id: str = ""
    arn: str = "*"
    policies: tuple[Policy, ...] = ()
    session_policies: tuple[Policy, ...] = ()
    key_id: str = ""
    key_ends_at: datetime | None = None
    is_rate_limited: bool = True
    tags: tuple[tuple[str, str], ...] = ()
    session: Session | None = None
    facts: RequestFacts = NO_REQUEST

    @property
    def is_root(self) -> bool:
        return self.kind is PrincipalKind.ROOT

    @property
    def is_anonymous(self) -> bool:
        return self.kind is PrincipalKind.ANONYMOUS

    @property
    def is_system(self) -> bool:
        return self.kind is PrincipalKind.SYSTEM

    @property
    def has_session_token(self) -> bool:
        """Tell whether GetSessionToken made the credentials."""
        return self.session is not None and self.kind is not PrincipalKind.ROLE

    @property
    def session_context(self) -> Mapping[str, str]:
        """Give the condition keys that temporary credentials change."""
        return NO_CONTEXT if self.session is None else self.session.context

    @property
    def owner(self) -> Owner:
        return Owner(self.canonical_id, self.account_name)

    def asking(self, facts: RequestFacts) -> Principal:
        """Give the same principal with the facts of one request."""
        # The last field: `_replace` takes 2 us of each request.
        return tuple.__new__(Principal, (*self[:-1], facts))


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS)
# The store itself: lifecycle, jobs and management commands.
SYSTEM = Principal(PrincipalKind.SYSTEM, name="system")
