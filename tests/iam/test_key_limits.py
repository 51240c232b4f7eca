"""A user has two S3 key pairs, whichever door they are made at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from iam import access_keys, administration, operations
from iam.models import AccessKey, Identity
from iam.principals import Principal
from iam.quotas import get_account_summary
from kernel.errors import LimitExceeded

DAY = timedelta(days=1)


@pytest.fixture
def user(root: Principal, make_principal: Any) -> Identity:
    return Identity.objects.get(pk=make_principal("ann").identity_id)


def by_iam(root: Principal, user: Identity) -> None:
    access_keys.create_access_key(root, user.name, now=timezone.now())


def by_form(root: Principal, user: Identity) -> None:
    administration.create_access_key(root, user.unique_id, now=timezone.now())


def by_command(root: Principal, user: Identity) -> None:
    call_command("create_key", "main", "--user", user.name)


@pytest.mark.parametrize("make", [by_iam, by_form, by_command])
def test_a_third_pair_is_refused(root: Principal, user: Identity, make: Any) -> None:
    make(root, user)
    make(root, user)
    with pytest.raises((LimitExceeded, CommandError), match="AccessKeysPerUser: 2"):
        make(root, user)
    assert AccessKey.objects.filter(identity=user).count() == 2


def test_the_root_user_has_two_as_well(root: Principal) -> None:
    identity = Identity.objects.get(pk=root.identity_id)
    by_form(root, identity)
    by_form(root, identity)
    with pytest.raises(LimitExceeded):
        by_form(root, identity)


def test_disabled_pairs_count_and_ended_ones_do_not(
    root: Principal, user: Identity
) -> None:
    now = timezone.now()
    operations.create_access_key(user, expires_at=now - DAY, now=now - 2 * DAY)
    operations.create_access_key(user, expires_at=now + DAY, now=now)
    operations.create_access_key(user, now=now)
    AccessKey.objects.filter(identity=user).update(status="Inactive")
    with pytest.raises(LimitExceeded):
        operations.create_access_key(user, now=now)


def test_a_setting_says_how_many(
    root: Principal, user: Identity, settings: Any
) -> None:
    settings.OBJECTSTORE_ACCESS_KEYS_PER_USER = 1
    by_form(root, user)
    with pytest.raises(LimitExceeded):
        by_iam(root, user)
    assert get_account_summary(root)["AccessKeysPerUserQuota"] == 1


def test_bearer_keys_are_not_counted(root: Principal, user: Identity) -> None:
    for _ in range(4):
        administration.create_api_key(root, user.unique_id, now=timezone.now())
    assert user.api_keys.count() == 4
