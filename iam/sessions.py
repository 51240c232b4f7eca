"""Temporary credentials (AWS, "AWS STS API reference").

The session token carries the session, sealed: the secret, whom it acts as and what
narrows it. So no session is stored, none has to be cleaned up, and every process that
has the sealing keys knows every session. What ends one early is its identity, which
is looked up: a role that is deleted, a user who is disabled, a policy that denies what
was issued before a time (aws:TokenIssueTime).
"""

from __future__ import annotations

import json
import re
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from iam import queries
from iam.condition_keys import principal_context
from iam.managed_policies import policy_at
from iam.models import Identity, IdentityKind, ManagedPolicy
from iam.naming import (
    ROLE_ARN,
    check_between,
    check_length,
    check_pattern,
    check_tags,
)
from iam.operations import new_id
from iam.policy import (
    AccessRequest,
    Context,
    Decision,
    Policy,
    PolicyKind,
    evaluate,
    parse_policy,
)
from iam.principals import Principal, PrincipalKind, Session
from iam.queries import Credential
from iam.sealing import open_token, seal_token
from kernel import auditing
from kernel.auditing import audited
from kernel.database.commit import commit
from kernel.errors import (
    AccessDenied,
    ExpiredToken,
    InvalidToken,
    PackedPolicyTooLarge,
    ValidationError,
)

SHORTEST = 900
DEFAULT_FOR_ROLES = 3600
LONGEST_CHAINED = 3600
DEFAULT_FOR_USERS = 12 * 3600
LONGEST_FOR_USERS = 36 * 3600
LONGEST_FOR_ROOT = 3600
LONGEST_POLICY = 2048
MOST_POLICIES = 10
LONGEST_SESSION_NAME = 64
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,}", re.ASCII)
LONGEST_EXTERNAL_ID = 1224
# A token travels in a header: servers take 8 KiB of those, proxies often no more.
MOST_PACKED = 4096
# A policy that says nothing, and so allows nothing.
NOTHING = Policy("gone", (), {})


@dataclass(frozen=True, slots=True)
class Claims:
    """What a session token says."""

    access_key_id: str
    secret: str
    identity: str
    issued_at: int
    expires_at: int
    key_ends_at: int = 0
    name: str = ""
    policy: str = ""
    policies: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    source_identity: str = ""
    is_rate_limited: bool = True

    def packed(self) -> bytes:
        return zlib.compress(json.dumps(asdict(self)).encode())

    @classmethod
    def unpacked(cls, data: bytes) -> Claims:
        return cls(**json.loads(zlib.decompress(data)))


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """A key pair with the token that makes it good, until it expires."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    packed_percent: int


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """A session of a role."""

    credentials: TemporaryCredentials
    arn: str
    unique_id: str
    source_identity: str


# Getting a session


@audited()
def get_session_token(
    principal: Principal, *, duration: int | None = None, now: datetime
) -> TemporaryCredentials:
    """Give a user or root temporary credentials for what they may do anyway.

    Needs no allowing policy, but a denying one holds. Raises AccessDenied for
    credentials that are temporary already.
    """
    if principal.session is not None or principal.identity_id is None:
        raise AccessDenied("Cannot call GetSessionToken with session credentials")
    longest = LONGEST_FOR_ROOT if principal.is_root else LONGEST_FOR_USERS
    if duration is None:
        duration = min(DEFAULT_FOR_USERS, longest)
    check_between("durationSeconds", duration, SHORTEST, LONGEST_FOR_USERS)
    action = "sts:GetSessionToken"
    auditing.asked(action, principal.arn, account_id=principal.account_id)
    request = access_request(principal, action, "*", {})
    if evaluate(request, principal.policies).is_denied:
        raise denied(principal, action, "*")
    return issue(
        new_claims(
            principal,
            principal.unique_id,
            min(duration, longest),
            now,
            is_rate_limited=principal.is_rate_limited,
        )
    )


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What AssumeRole adds to a session, which can only make it less."""

    policy: str = ""
    policy_arns: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    external_id: str = ""
    source_identity: str = ""


@audited()
def assume_role(
    principal: Principal,
    role_arn: str,
    session_name: str,
    *,
    duration: int | None = None,
    narrowing: Narrowing | None = None,
    now: datetime,
) -> AssumedRole:
    """Give temporary credentials of a role to one whom its trust policy names.

    Raises AccessDenied, also where there is no such role; ValidationError,
    MalformedPolicyDocument and PackedPolicyTooLarge.
    """
    narrowing = narrowing or Narrowing()
    check_pattern("roleSessionName", session_name, SESSION_NAME)
    check_length("roleSessionName", session_name, LONGEST_SESSION_NAME)
    check_narrowing(narrowing)
    role = role_at(role_arn)
    owner = principal.account_id if role is None else role.account_id
    auditing.asked("sts:AssumeRole", role_arn, account_id=owner)
    if role is None:
        raise denied(principal, "sts:AssumeRole", role_arn)
    narrowing = inherited(principal, narrowing)
    context = session_context(session_name, narrowing)
    check_may_assume(principal, role, "sts:AssumeRole", context)
    if narrowing.tags:
        check_may_assume(principal, role, "sts:TagSession", context)
    if narrowing.source_identity:
        check_may_assume(principal, role, "sts:SetSourceIdentity", context)
    claims = new_claims(
        principal,
        role.unique_id,
        session_seconds(principal, role, duration),
        now,
        name=session_name,
        policy=narrowing.policy,
        policies=session_policy_ids(role, narrowing.policy_arns),
        tags=dict(narrowing.tags),
        source_identity=narrowing.source_identity,
    )
    return AssumedRole(
        credentials=issue(claims),
        arn=session_arn(role, session_name),
        unique_id=f"{role.unique_id}:{session_name}",
        source_identity=narrowing.source_identity,
    )


def inherited(principal: Principal, narrowing: Narrowing) -> Narrowing:
    """Let a session's source identity go on into the next one.

    Raises AccessDenied for another one: it says who acts, whatever roles lie between
    (AWS, "Monitor and control actions taken with assumed roles").
    """
    source = principal.session_context.get("aws:sourceidentity", "")
    if narrowing.source_identity not in ("", source or narrowing.source_identity):
        raise AccessDenied("The source identity of a session cannot be changed.")
    return replace(narrowing, source_identity=narrowing.source_identity or source)


def check_narrowing(narrowing: Narrowing) -> None:
    check_length("externalId", narrowing.external_id, LONGEST_EXTERNAL_ID)
    check_tags(narrowing.tags)
    if narrowing.source_identity:
        check_pattern("sourceIdentity", narrowing.source_identity, SESSION_NAME)
        check_length("sourceIdentity", narrowing.source_identity, LONGEST_SESSION_NAME)
    if len(narrowing.policy_arns) > MOST_POLICIES:
        raise ValidationError(f"A session has {MOST_POLICIES} policies at most.")
    if narrowing.policy:
        check_length("policy", narrowing.policy, LONGEST_POLICY)
        parse_policy(narrowing.policy, name="session", kind=PolicyKind.IDENTITY)


def session_seconds(principal: Principal, role: Identity, duration: int | None) -> int:
    """Say how long the session lasts; one that another session makes, an hour."""
    longest = role.max_session_seconds
    if duration is None:
        return min(DEFAULT_FOR_ROLES, longest)
    check_between("durationSeconds", duration, SHORTEST, 12 * 3600)
    if duration > longest:
        raise ValidationError(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for "
            "this role."
        )
    if principal.session is not None and duration > LONGEST_CHAINED:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles "
            "assumed by role chaining."
        )
    return duration


def role_at(arn: str) -> Identity | None:
    """Find a role of any account by its ARN. Raises ValidationError for no ARN."""
    found = ROLE_ARN.fullmatch(arn)
    if found is None:
        raise ValidationError(f"{arn[:256]} is invalid")
    number, path, name = found.groups()
    roles = Identity.objects.select_related("account").filter(
        account__number=number,
        account__is_active=True,
        kind=IdentityKind.ROLE,
        is_active=True,
    )
    return roles.filter(path=path, name=name).first()


def session_policy_ids(role: Identity, arns: Sequence[str]) -> list[str]:
    """Find managed policies of the role's account. Raises NoSuchEntity."""
    if not arns:
        return []
    account = queries.principal_of(role)
    return [policy_at(account, arn).unique_id for arn in arns]


# Who may assume a role


def check_may_assume(
    principal: Principal, role: Identity, action: str, context: Context
) -> None:
    """Ask the role's trust policy and the caller's own ones.

    A trust policy that names the caller is enough inside the role's account; one that
    names the caller's account leaves it to the caller's policies, and so does another
    account (AWS, "Cross-account policy evaluation logic").
    """
    if principal.account_id is None:
        raise AccessDenied()
    if principal.is_root:
        raise AccessDenied("Roles may not be assumed by root accounts.")
    request = access_request(principal, action, role.arn, context)
    own = own_decision(principal, request)
    trust = trust_decision(role, request)
    if own.is_denied or not trust.is_allowed:
        raise denied(principal, action, role.arn)
    is_enough = not trust.is_delegated and trusts_alone(principal, role)
    if not (own.is_allowed or is_enough):
        raise denied(principal, action, role.arn)


SILENT = Decision(None)


def own_decision(principal: Principal, request: AccessRequest) -> Decision:
    decision = evaluate(request, principal.policies)
    if decision.is_allowed and principal.session_policies:
        return evaluate(request, principal.session_policies)
    return decision


def trust_decision(role: Identity, request: AccessRequest) -> Decision:
    if not role.trust_policy:
        return SILENT
    return evaluate(request, (parse_policy(role.trust_policy, kind=PolicyKind.TRUST),))


def trusts_alone(principal: Principal, role: Identity) -> bool:
    """Tell whether a trust policy that names the caller is enough.

    Ceph's gateway asks callers of other accounts for no policy of their own.
    """
    if principal.session_policies:
        return False
    is_own = role.account_id == principal.account_id
    return is_own or bool(settings.OBJECTSTORE_S3_FLAVOUR == "rgw")


def access_request(
    principal: Principal, action: str, resource: str, context: Context
) -> AccessRequest:
    return AccessRequest(
        action=action,
        resource=resource,
        principal_arn=principal.arn,
        principal_account=principal.account_number,
        canonical_id=principal.canonical_id,
        context={**principal_context(principal), **context},
    )


def session_context(session_name: str, narrowing: Narrowing) -> Context:
    """Give what trust policies can ask (AWS, "Keys available for AWS STS")."""
    context: dict[str, str | Sequence[str]] = {"sts:rolesessionname": session_name}
    if narrowing.external_id:
        context["sts:externalid"] = narrowing.external_id
    if narrowing.source_identity:
        context["sts:sourceidentity"] = narrowing.source_identity
    if narrowing.tags:
        context["aws:tagkeys"] = list(narrowing.tags)
    tags = {f"aws:requesttag/{k}".lower(): v for k, v in narrowing.tags.items()}
    return {**context, **tags}


def denied(principal: Principal, action: str, resource: str) -> AccessDenied:
    return AccessDenied(
        f"User: {principal.arn} is not authorized to perform: {action} on resource: "
        f"{resource}"
    )


# Making and reading tokens


def new_claims(
    principal: Principal,
    identity: str,
    seconds: int,
    now: datetime,
    *,
    name: str = "",
    policy: str = "",
    policies: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    source_identity: str = "",
    is_rate_limited: bool = True,
) -> Claims:
    """Say what a token is to say; it does not outlast the key that it began with."""
    expires_at = int((now + timedelta(seconds=seconds)).timestamp())
    key_ends_at = principal.key_ends_at and int(principal.key_ends_at.timestamp())
    return Claims(
        access_key_id=new_id("ASIA"),
        secret=secrets.token_urlsafe(30),
        identity=identity,
        issued_at=int(now.timestamp()),
        expires_at=min(expires_at, key_ends_at or expires_at),
        key_ends_at=key_ends_at or 0,
        name=name,
        policy=policy,
        policies=policies,
        tags=tags or {},
        source_identity=source_identity,
        is_rate_limited=is_rate_limited,
    )


def issue(claims: Claims) -> TemporaryCredentials:
    """Seal claims into a token. Raises PackedPolicyTooLarge.

    Nothing is kept of a session but its event, which leads from the key id that acts
    to whoever asked for it.
    """
    packed = claims.packed()
    if len(packed) > MOST_PACKED:
        raise PackedPolicyTooLarge()
    expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
    auditing.tell(
        after={"access_key_id": claims.access_key_id, "expires_at": str(expires_at)}
    )
    commit(lambda: None)
    return TemporaryCredentials(
        access_key_id=claims.access_key_id,
        secret_access_key=claims.secret,
        session_token=seal_token(packed),
        expires_at=expires_at,
        packed_percent=100 * len(packed) // MOST_PACKED,
    )


def credential(access_key_id: str, token: str) -> Credential:
    """Find whom a session token lets its key pair act as.

    Raises InvalidToken for one that is not ours, not of this key, or whose identity
    is gone, and ExpiredToken.
    """
    found = queries.kept.get(("token", token), lambda: load(token))
    if found is None or found.principal.key_id != access_key_id:
        raise InvalidToken()
    if found.expires_at is not None and found.expires_at <= timezone.now():
        raise ExpiredToken()
    return found


def load(token: str) -> Credential | None:
    """Read a token. What is no token raises InvalidToken, so that none is kept."""
    data = open_token(token)
    if data is None:
        raise InvalidToken()
    claims = Claims.unpacked(data)
    identity = (
        Identity.objects.select_related("account")
        .filter(unique_id=claims.identity, is_active=True, account__is_active=True)
        .first()
    )
    if identity is None:
        return None
    return Credential(
        principal_of(identity, claims),
        claims.secret,
        datetime.fromtimestamp(claims.expires_at, UTC),
    )


def principal_of(identity: Identity, claims: Claims) -> Principal:
    """Make the principal of a session."""
    principal = queries.principal_of(
        identity, key_id=claims.access_key_id, is_rate_limited=claims.is_rate_limited
    )
    session = Session(claims.name, condition_keys(principal, claims))
    if claims.key_ends_at:
        ends_at = datetime.fromtimestamp(claims.key_ends_at, UTC)
        principal = principal._replace(key_ends_at=ends_at)
    if principal.kind is not PrincipalKind.ROLE:
        return principal._replace(session=session)
    return principal._replace(
        arn=session_arn(identity, claims.name),
        unique_id=f"{identity.unique_id}:{claims.name}",
        session_policies=tuple(session_policies(claims)),
        tags=tuple({**identity.tags, **claims.tags}.items()),
        session=session,
    )


def session_arn(role: Identity, session_name: str) -> str:
    number = role.account.number
    return f"arn:aws:sts::{number}:assumed-role/{role.name}/{session_name}"


def session_policies(claims: Claims) -> list[Policy]:
    """Read what narrows a session; a policy that is gone leaves it nothing."""
    found: list[Policy] = []
    if claims.policy:
        found.append(
            parse_policy(claims.policy, name="session", kind=PolicyKind.IDENTITY)
        )
    if claims.policies:
        found.append(NOTHING)
        rows = ManagedPolicy.objects.filter(unique_id__in=claims.policies)
        found += [
            parse_policy(document, name=name, kind=PolicyKind.IDENTITY)
            for name, document in rows.values_list("name", "document")
        ]
    return found


def condition_keys(principal: Principal, claims: Claims) -> dict[str, str]:
    """Give the condition keys of a session; a role's has its role's ARN, no user."""
    issued_at = datetime.fromtimestamp(claims.issued_at, UTC)
    keys = {
        "aws:tokenissuetime": issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:multifactorauthpresent": "false",
        "aws:sourceidentity": claims.source_identity,
    }
    if principal.kind is PrincipalKind.ROLE:
        keys |= {
            "aws:principalarn": principal.arn,
            "aws:principaltype": "AssumedRole",
            "aws:username": "",
        }
    if settings.OBJECTSTORE_S3_FLAVOUR == "rgw":
        keys["sts:authentication"] = "true"
    return keys
