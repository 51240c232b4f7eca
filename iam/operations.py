"""Accounts, identities, keys and policies: made, changed and removed."""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from iam.accounts import one_at_a_time
from iam.models import (
    USERS,
    AccessKey,
    Account,
    ApiKey,
    Group,
    Identity,
    IdentityKind,
    InlinePolicy,
    ManagedPolicy,
)
from iam.policy import PolicyKind, parse_policy
from iam.quotas import check_quota
from iam.sealing import seal
from kernel.database.commit import commit
from kernel.errors import EntityAlreadyExists, InvalidRequest

LETTERS_AND_DIGITS = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """Draw an id as AWS writes them: a four-letter prefix and 16 characters."""
    return prefix + "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(16))


def digest_of(api_key: str) -> str:
    """Give what is kept of a bearer key; its 256 random bits need no salt."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def create_account(
    name: str,
    *,
    now: datetime,
    canonical_id: str = "",
    number: str = "",
    email: str = "",
) -> tuple[Account, Identity]:
    """Create an account and its root identity.

    Raises EntityAlreadyExists when the id or number is taken.
    """
    canonical_id = canonical_id or secrets.token_hex(32)
    number = number or str(secrets.randbelow(9 * 10**11) + 10**11)

    def record() -> tuple[Account, Identity]:
        taken = Account.objects.filter(canonical_id=canonical_id) | (
            Account.objects.filter(number=number)
        )
        if taken.exists():
            raise EntityAlreadyExists(f"The account {name} exists already.")
        account = Account.objects.create(
            name=name,
            canonical_id=canonical_id,
            number=number,
            email=email,
            created_at=now,
        )
        root = Identity.objects.create(
            account=account,
            kind=IdentityKind.ROOT,
            name=name[:64],
            unique_id=number,
            display_name=name,
            created_at=now,
        )
        return account, root

    return commit(record)


def create_identity(
    account: Account,
    name: str,
    *,
    kind: IdentityKind = IdentityKind.USER,
    path: str = "/",
    now: datetime,
    **fields: Any,
) -> Identity:
    """Create a user, service account or role.

    Raises EntityAlreadyExists when the account has one of this name.
    """
    prefix = "AROA" if kind == IdentityKind.ROLE else "AIDA"

    def record() -> Identity:
        one_at_a_time(account.pk)
        if names_of(account, kind).filter(name__iexact=name).exists():
            noun = "Role" if kind == IdentityKind.ROLE else "User"
            raise EntityAlreadyExists(f"{noun} with name {name} already exists.")
        return Identity.objects.create(
            account=account,
            kind=kind,
            name=name,
            path=path,
            unique_id=new_id(prefix),
            created_at=now,
            **fields,
        )

    return commit(record)


def names_of(account: Account, kind: IdentityKind) -> QuerySet[Identity]:
    """Give the identities that a name must be new among: users and services share."""
    kinds = USERS if kind in USERS else (kind,)
    return Identity.objects.filter(account=account, kind__in=kinds)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A bearer key, in the only moment that it can be shown."""

    key: ApiKey
    api_key: str


def create_api_key(
    identity: Identity,
    *,
    api_key: str = "",
    name: str = "",
    expires_at: datetime | None = None,
    is_rate_limited: bool = True,
    now: datetime,
) -> NewApiKey:
    """Create a bearer key of 256 random bits, or of a given text.

    Raises InvalidRequest for a given text under 8 characters, and
    EntityAlreadyExists when the key exists.
    """
    if api_key and len(api_key) < 8:
        raise InvalidRequest("An API key needs 8 characters at least.")
    api_key = api_key or f"osk_{secrets.token_urlsafe(32)}"
    digest = digest_of(api_key)

    def record() -> ApiKey:
        if ApiKey.objects.filter(digest=digest).exists():
            raise EntityAlreadyExists("This API key exists already.")
        return ApiKey.objects.create(
            identity=identity,
            key_id=new_id("AKEY"),
            digest=digest,
            name=name,
            expires_at=expires_at,
            is_rate_limited=is_rate_limited,
            created_at=now,
        )

    return NewApiKey(commit(record), api_key)


@dataclass(frozen=True, slots=True)
class NewAccessKey:
    """An S3 key pair, in the only moment that its secret is shown."""

    key: AccessKey
    secret_access_key: str


def create_access_key(
    identity: Identity,
    *,
    access_key_id: str = "",
    secret_access_key: str = "",
    name: str = "",
    expires_at: datetime | None = None,
    is_rate_limited: bool = True,
    now: datetime,
) -> NewAccessKey:
    """Create an S3 key pair, drawn or given.

    Raises LimitExceeded where the identity has as many as AWS lets it have, and
    EntityAlreadyExists when the id is taken.
    """
    access_key_id = access_key_id or new_id("AKIA")
    secret_access_key = secret_access_key or secrets.token_urlsafe(30)

    def record() -> AccessKey:
        # One at a time counts and adds.
        one_at_a_time(identity.account_id)
        check_quota("AccessKeysPerUserQuota", lasting_keys(identity, now).count())
        if AccessKey.objects.filter(access_key_id=access_key_id).exists():
            raise EntityAlreadyExists(f"The access key {access_key_id} exists already.")
        return AccessKey.objects.create(
            identity=identity,
            access_key_id=access_key_id,
            sealed_secret=seal(secret_access_key),
            name=name,
            expires_at=expires_at,
            is_rate_limited=is_rate_limited,
            created_at=now,
        )

    return NewAccessKey(commit(record), secret_access_key)


def lasting_keys(identity: Identity, now: datetime) -> QuerySet[AccessKey]:
    """Give an identity's key pairs whose end has not come.

    Those that are over do not count, so that a key can be rotated time and again.
    """
    lasts = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return AccessKey.objects.filter(lasts, identity=identity)


def create_group(
    account: Account, name: str, *, path: str = "/", now: datetime
) -> Group:
    """Create a group. Raises EntityAlreadyExists."""

    def record() -> Group:
        one_at_a_time(account.pk)
        if Group.objects.filter(account=account, name__iexact=name).exists():
            raise EntityAlreadyExists(f"Group with name {name} already exists.")
        return Group.objects.create(
            account=account,
            name=name,
            path=path,
            unique_id=new_id("AGPA"),
            created_at=now,
        )

    return commit(record)


def create_policy(
    account: Account | None,
    name: str,
    document: str,
    *,
    path: str = "/",
    description: str = "",
    now: datetime,
) -> ManagedPolicy:
    """Create a managed policy.

    Raises MalformedPolicyDocument and EntityAlreadyExists.
    """
    parse_policy(document, name=name, kind=PolicyKind.IDENTITY)

    def record() -> ManagedPolicy:
        if account is not None:
            one_at_a_time(account.pk)
        taken = ManagedPolicy.objects.filter(account=account, name__iexact=name)
        if taken.exists():
            raise EntityAlreadyExists(f"A policy called {name} already exists.")
        return ManagedPolicy.objects.create(
            account=account,
            name=name,
            path=path,
            description=description,
            document=document,
            unique_id=new_id("ANPA"),
            created_at=now,
            updated_at=now,
        )

    return commit(record)


def put_identity_policy(identity: Identity, name: str, document: str) -> InlinePolicy:
    """Set one of an identity's own policies. Raises MalformedPolicyDocument."""
    parse_policy(document, name=name, kind=PolicyKind.IDENTITY)
    return commit(
        lambda: InlinePolicy.objects.update_or_create(
            identity=identity, name=name, defaults={"document": document}
        )[0]
    )


def put_group_policy(group: Group, name: str, document: str) -> InlinePolicy:
    """Set one of a group's own policies. Raises MalformedPolicyDocument."""
    parse_policy(document, name=name, kind=PolicyKind.IDENTITY)
    return commit(
        lambda: InlinePolicy.objects.update_or_create(
            group=group, name=name, defaults={"document": document}
        )[0]
    )
