"""Principals of many people at once are those that each has alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from iam import queries
from iam.models import Group, InlinePolicy, ManagedPolicy
from iam.queries import principal_of, principals_of
from kernel.errors import InsufficientStorage, ObjectStoreError, ServiceUnavailable


def allowing(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_many_have_what_each_has_alone(account: Any, make_principal: Any) -> None:
    make_principal("ada", allowing("s3:GetObject"), allowing("s3:PutObject"))
    make_principal("bob")
    make_principal("eve", allowing("s3:ListBucket"))
    people = {one.name: one for one in account.identities.all()}
    now = timezone.now()
    team = Group.objects.create(
        account=account, name="team", unique_id="AGPA1", created_at=now
    )
    InlinePolicy.objects.create(
        group=team, name="of-team", document=allowing("s3:DeleteObject")
    )
    managed = ManagedPolicy.objects.create(
        name="both-ways",
        account=account,
        unique_id="ANPA1",
        document=allowing("s3:PutObjectTagging"),
        created_at=now,
        updated_at=now,
    )
    managed.identities.add(people["ada"])
    managed.groups.add(team)
    team.members.add(people["ada"], people["bob"])
    listed = list(people.values())
    for identity, found in zip(listed, principals_of(listed), strict=True):
        alone = principal_of(identity)
        assert {policy.name for policy in found.policies} == {
            policy.name for policy in alone.policies
        }
        assert len(found.policies) == len(alone.policies)
        assert set(found.policies) == set(alone.policies)
        assert found.arn == alone.arn


@pytest.mark.parametrize("refusal", [InsufficientStorage, ServiceUnavailable])
def test_a_key_serves_where_its_use_cannot_be_noted(
    client: Any,
    bucket: str,
    api_key: str,
    monkeypatch: Any,
    refusal: type[ObjectStoreError],
) -> None:
    """Reading goes on where the database's disk is full, or another keeps it busy."""

    def fail(record: Any) -> None:
        raise refusal

    monkeypatch.setattr(queries, "commit", fail)
    headers = {"Authorization": f"Bearer {api_key}"}
    answer = client.get(f"/v1/buckets/{bucket}/objects", headers=headers)
    assert answer.status_code == 200
