"""Users, groups and sessions through the domain, on whichever database runs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from iam import access_keys, administration, groups, queries, roles, sessions, users
from iam.entities import EntityKind
from iam.inline_policies import put_policy
from iam.models import Identity, ManagedPolicy
from iam.pages import Paging
from iam.ready_made import READY_MADE, make_ready_made_policies
from kernel.errors import (
    AccessDenied,
    EntityAlreadyExists,
    ExpiredToken,
    InvalidToken,
    NoSuchEntity,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_pages_hold_every_name_once(root):
    names = ["Ab", "aa", "a.b", "B", "_b", "a=c"]
    for name in names:
        users.create_user(root, name, now=NOW)
    found, marker = [], ""
    while True:
        page = users.list_users(root, paging=Paging(marker, 1))
        found += [user.name for user in page.items]
        marker = page.next_marker
        if not marker:
            break
    assert sorted(found) == sorted(names)
    whole = [user.name for user in users.list_users(root).items]
    assert whole == found


def test_names_differ_by_more_than_case(root, account):
    users.create_user(root, "Anna", now=NOW)
    with pytest.raises(EntityAlreadyExists):
        users.create_user(root, "anna", now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Identity.objects.create(
            account=account, kind="user", name="ANNA", unique_id="X", created_at=NOW
        )


@pytest.mark.parametrize(
    "act",
    [
        lambda root, role: administration.set_password(root, role, "a-long-phrase-7"),
        lambda root, role: administration.create_access_key(root, role, now=NOW),
        lambda root, role: administration.create_api_key(root, role, now=NOW),
        lambda root, role: administration.set_active(root, role, is_active=False),
        lambda root, role: administration.delete_identity(root, role),
    ],
)
def test_rights_over_users_reach_no_role(root, act):
    """A role is acted as by those whom its trust policy names, and by nobody else."""
    trust = '{"Statement": {"Effect": "Deny", "Action": "sts:*", "Principal": "*"}}'
    role = roles.create_role(root, "backup", trust, now=NOW)
    with pytest.raises(NoSuchEntity):
        act(root, role.unique_id)
    kept = Identity.objects.get(pk=role.pk)
    assert kept.is_active
    assert kept.user is None
    assert not kept.access_keys.exists()
    assert not kept.api_keys.exists()


def test_kept_credentials_follow_a_group(root):
    user = users.create_user(root, "anna", now=NOW)
    key = access_keys.create_access_key(root, "anna", now=NOW).key
    before = queries.access_key(key.access_key_id)
    groups.create_group(root, "team", now=NOW)
    groups.add_user_to_group(root, "team", "anna")
    document = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    put_policy(root, EntityKind.GROUP, "team", "all", document)
    after = queries.access_key(key.access_key_id)
    assert before.principal.policies == ()
    assert [policy.name for policy in after.principal.policies] == ["all"]
    assert after.principal.unique_id == user.unique_id


def test_a_token_ends_by_time(root):
    now = timezone.now()
    made = sessions.get_session_token(root, duration=900, now=now)
    found = sessions.credential(made.access_key_id, made.session_token)
    assert found.principal.arn == root.arn
    assert found.secret == made.secret_access_key
    early = now - timedelta(seconds=900)
    ended = sessions.get_session_token(root, duration=900, now=early)
    with pytest.raises(ExpiredToken):
        sessions.credential(ended.access_key_id, ended.session_token)


def test_a_token_ends_with_its_identity(root, make_principal):
    anna = make_principal("anna")
    made = sessions.get_session_token(anna, now=timezone.now())
    sessions.credential(made.access_key_id, made.session_token)
    identity = Identity.objects.get(name="anna")
    identity.is_active = False
    identity.save()
    with pytest.raises(InvalidToken):
        sessions.credential(made.access_key_id, made.session_token)


def test_another_sealing_key_opens_no_token(root, settings):
    made = sessions.get_session_token(root, now=timezone.now())
    old = list(settings.OBJECTSTORE_SEALING_KEYS)
    settings.OBJECTSTORE_SEALING_KEYS = ["another", *old]
    sessions.credential(made.access_key_id, made.session_token)
    queries.kept.clear()
    settings.OBJECTSTORE_SEALING_KEYS = ["another"]
    with pytest.raises(InvalidToken):
        sessions.credential(made.access_key_id, made.session_token)


def test_ready_made_policies_are_brought_up_to_date():
    found = ManagedPolicy.objects.filter(account__isnull=True)
    assert set(found.values_list("name", flat=True)) == set(READY_MADE)
    found.filter(name="IAMFullAccess").update(document="{}")
    make_ready_made_policies()
    changed = found.get(name="IAMFullAccess")
    assert "iam:*" in changed.document
    assert changed.version == 2
    make_ready_made_policies()
    assert found.get(name="IAMFullAccess").version == 2


TRUSTS_ALL = '{"Statement": {"Effect": "Allow", "Action": "sts:*", "Principal": "*"}}'
ALLOWS_ALL = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def as_token(made):
    return sessions.credential(made.access_key_id, made.session_token).principal


def test_no_session_outlasts_the_key_that_it_began_with(root, make_principal):
    now = timezone.now()
    ends_at = (now + timedelta(minutes=2)).replace(microsecond=0)
    anna = make_principal("anna", ALLOWS_ALL)
    made = administration.create_access_key(
        root, anna.unique_id, expires_at=ends_at, now=now
    )
    signing = queries.access_key(made.key.access_key_id).principal
    roles.create_role(root, "first", TRUSTS_ALL, now=now)
    put_policy(root, EntityKind.ROLE, "first", "all", ALLOWS_ALL)
    second = roles.create_role(root, "second", TRUSTS_ALL, now=now)
    arn = second.arn.replace("second", "first")
    own = sessions.get_session_token(signing, now=now)
    first = sessions.assume_role(signing, arn, "one", now=now).credentials
    chained = sessions.assume_role(as_token(first), second.arn, "two", now=now)
    assert own.expires_at == first.expires_at == ends_at
    assert chained.credentials.expires_at == ends_at
    lasting = sessions.get_session_token(anna, now=now)
    assert lasting.expires_at > ends_at


def test_a_source_identity_goes_on_from_role_to_role(root, make_principal):
    now = timezone.now()
    anna = make_principal("anna", ALLOWS_ALL)
    role = roles.create_role(root, "backup", TRUSTS_ALL, now=now)
    put_policy(root, EntityKind.ROLE, "backup", "all", ALLOWS_ALL)
    named = sessions.Narrowing(source_identity="anna-herself")
    first = sessions.assume_role(anna, role.arn, "one", narrowing=named, now=now)
    session = as_token(first.credentials)
    second = sessions.assume_role(session, role.arn, "two", now=now)
    assert second.source_identity == "anna-herself"
    sessions.assume_role(session, role.arn, "same", narrowing=named, now=now)
    other = sessions.Narrowing(source_identity="bert")
    with pytest.raises(AccessDenied):
        sessions.assume_role(session, role.arn, "two", narrowing=other, now=now)
