"""Identities and keys, loaded with their policies and kept for seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q, prefetch_related_objects
from django.utils import timezone

from iam.models import (
    AccessKey,
    ApiKey,
    Identity,
    InlinePolicy,
    KeyStatus,
    ManagedPolicy,
)
from iam.policy import Policy, PolicyKind, parse_policy
from iam.principals import Principal, PrincipalKind
from iam.sealing import unseal
from iam.shared import Announcements
from kernel.database.commit import commit
from kernel.errors import InsufficientStorage, ServiceUnavailable

# How often "last used" is written for a key in constant use, in seconds.
USED_EVERY = 60
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Credential:
    """A key that may be used now: whose it is and what it signs with."""

    principal: Principal
    secret: str
    expires_at: datetime | None


class _Kept:
    """Credentials of this process, by what names them, for a few seconds.

    Asking the database at each request costs 380 us, a look here under 1 us. A
    change made in this process clears it at once; others hear of it through Redis,
    or see it within OBJECTSTORE_PRINCIPAL_CACHE_SECONDS.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[float, Credential | None]] = {}
        self._cleared = 0

    def get(
        self, name: tuple[str, str], load: Callable[[], Credential | None]
    ) -> Credential | None:
        kept = self._found.get(name)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        announcements.listen()
        cleared = self._cleared
        credential = load()
        if len(self._found) >= MOST_KEPT:
            self._found.clear()
        until = time.monotonic() + settings.OBJECTSTORE_PRINCIPAL_CACHE_SECONDS
        # What was cleared meanwhile may have been loaded before the change.
        if cleared == self._cleared:
            self._found[name] = (until, credential)
        return credential

    def clear(self) -> None:
        self._cleared += 1
        self._found.clear()


kept = _Kept()
announcements = Announcements(heard=kept.clear)


def rights_changed(**_: Any) -> None:
    """Forget what was kept: here at once, and everywhere once the change is durable."""
    kept.clear()
    transaction.on_commit(_forget_everywhere)


def _forget_everywhere() -> None:
    kept.clear()
    announcements.announce()


def api_key(digest: str) -> Credential | None:
    """Find an active bearer key by its SHA-256."""
    return _usable(kept.get(("api", digest), lambda: _load_api_key(Q(digest=digest))))


def api_key_by_id(key_id: str) -> Credential | None:
    """Find an active bearer key by its public id."""
    return _usable(kept.get(("id", key_id), lambda: _load_api_key(Q(key_id=key_id))))


def access_key(access_key_id: str) -> Credential | None:
    """Find an active S3 key pair by its id."""
    name = ("s3", access_key_id)
    return _usable(kept.get(name, lambda: _load_access_key(access_key_id)))


def check_sealing_keys() -> None:
    """Raise ImproperlyConfigured where this node's keys are not the cluster's."""
    newest = AccessKey.objects.order_by("-pk").first()
    if newest is not None:
        unseal(newest.sealed_secret)


def keys_that_stay_sealed() -> list[str]:
    """List the active S3 keys whose secrets no sealing key of this node opens.

    A secret does not say what sealed it, so each is tried: 10,000 a second.
    """
    active = AccessKey.objects.filter(status=KeyStatus.ACTIVE).order_by("access_key_id")
    pairs = active.values_list("access_key_id", "sealed_secret")
    return [name for name, secret in pairs.iterator() if not opens(secret)]


def opens(sealed: str) -> bool:
    try:
        unseal(sealed)
    except ImproperlyConfigured:
        return False
    return True


def _usable(credential: Credential | None) -> Credential | None:
    if credential is None or credential.expires_at is None:
        return credential
    return credential if credential.expires_at > timezone.now() else None


def _load_api_key(condition: Q) -> Credential | None:
    key = (
        ApiKey.objects.select_related("identity__account")
        .filter(condition, status=KeyStatus.ACTIVE)
        .first()
    )
    return None if key is None else _credential(key, key.key_id, key.digest)


def _load_access_key(access_key_id: str) -> Credential | None:
    key = (
        AccessKey.objects.select_related("identity__account")
        .filter(access_key_id=access_key_id, status=KeyStatus.ACTIVE)
        .first()
    )
    if key is None:
        return None
    return _credential(key, key.access_key_id, unseal(key.sealed_secret))


def _credential(key: ApiKey | AccessKey, key_id: str, secret: str) -> Credential | None:
    identity = key.identity
    if not (identity.is_active and identity.account.is_active):
        return None
    _note_use(key)
    principal = principal_of(
        identity, key_id=key_id, is_rate_limited=key.is_rate_limited
    )._replace(key_ends_at=key.expires_at)
    return Credential(principal, secret, key.expires_at)


def _note_use(key: ApiKey | AccessKey) -> None:
    now = timezone.now()
    last = key.last_used_at
    if last is None or (now - last).total_seconds() >= USED_EVERY:
        rows = type(key)._default_manager.filter(pk=key.pk)
        # Where the disk is full or the database busy, reading goes on all the same.
        with suppress(InsufficientStorage, ServiceUnavailable):
            commit(lambda: rows.update(last_used_at=now))


def principal_of(
    identity: Identity, *, key_id: str = "", is_rate_limited: bool = True
) -> Principal:
    """Make the principal of an identity, with all policies that speak for it."""
    return _principal(identity, policies_of(identity), key_id, is_rate_limited)


def principals_of(identities: Sequence[Identity]) -> list[Principal]:
    """Make the principals of many identities, by as many queries as for a few."""
    prefetch_related_objects(
        list(identities),
        "account",
        "inline_policies",
        "managed_policies",
        "iam_groups__inline_policies",
        "iam_groups__managed_policies",
    )
    parse = cache(_parsed)
    return [
        _principal(one, [parse(*policy) for policy in _documents_of(one)])
        for one in identities
    ]


def _documents_of(identity: Identity) -> list[tuple[str, str]]:
    """List names and documents of what was fetched with an identity."""
    owners: list[Any] = [identity, *identity.iam_groups.all()]
    inline = [policy for one in owners for policy in one.inline_policies.all()]
    # Who has a managed policy twice, by a group too, has it once.
    managed = {
        policy.pk: policy for one in owners for policy in one.managed_policies.all()
    }
    return [(policy.name, policy.document) for policy in [*inline, *managed.values()]]


def _principal(
    identity: Identity,
    policies: Iterable[Policy],
    key_id: str = "",
    is_rate_limited: bool = True,
) -> Principal:
    account = identity.account
    return Principal(
        kind=PrincipalKind(identity.kind),
        account_id=account.pk,
        canonical_id=account.canonical_id,
        account_number=account.number,
        account_name=account.name,
        identity_id=identity.pk,
        name=identity.name,
        unique_id=identity.unique_id,
        arn=identity.arn,
        policies=tuple(policies),
        key_id=key_id or f"identity:{identity.pk}",
        is_rate_limited=is_rate_limited,
        tags=tuple(identity.tags.items()),
    )


def policies_of(identity: Identity) -> list[Policy]:
    """List an identity's policies: its own, attached ones, and its groups'."""
    groups = list(identity.iam_groups.values_list("pk", flat=True))
    inline = InlinePolicy.objects.filter(
        Q(identity=identity) | Q(group__in=groups)
    ).values_list("name", "document")
    managed = (
        ManagedPolicy.objects.filter(Q(identities=identity) | Q(groups__in=groups))
        .distinct()
        .values_list("name", "document")
    )
    return [_parsed(name, document) for name, document in [*inline, *managed]]


def _parsed(name: str, document: str) -> Policy:
    return parse_policy(document, name=name, kind=PolicyKind.IDENTITY)


def principal_of_user(user: Any) -> Principal | None:
    """Give the principal that a signed-in Django user acts as."""
    identity = (
        Identity.objects.select_related("account")
        .filter(user_id=user.pk, is_active=True, account__is_active=True)
        .first()
    )
    return None if identity is None else principal_of(identity)


def account_root(name: str) -> Principal | None:
    """Give the root of the account of this name, number or canonical id."""
    named = Q(account__name=name) | Q(account__number=name)
    credential = kept.get(
        ("root", name),
        lambda: _load_root(named | Q(account__canonical_id=name)),
    )
    return None if credential is None else credential.principal


def first_root() -> Principal | None:
    """Give the root of the first account, for servers that ask for no key."""
    credential = kept.get(("root", ""), lambda: _load_root(Q()))
    return None if credential is None else credential.principal


def _load_root(condition: Q) -> Credential | None:
    identity = (
        Identity.objects.select_related("account")
        .filter(condition, kind=PrincipalKind.ROOT)
        .order_by("account_id")
        .first()
    )
    return None if identity is None else Credential(principal_of(identity), "", None)
