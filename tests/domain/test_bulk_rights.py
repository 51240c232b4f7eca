"""Whoever may list one folder may choose from it, and from no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from kernel.bodies import Body
from kernel.errors import AccessDenied
from objects.bulk import Targets, target_pages, weigh_keys, weigh_targets
from objects.operations import put_object

pytestmark = pytest.mark.django_db(transaction=True)

OWN = ["home/ada/a", "home/ada/deep/b"]
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": "*",
                "Condition": {"StringLike": {"s3:prefix": "home/ada/*"}},
            }
        ],
    }
)


def test_keys_are_asked_for_by_their_folder(
    root: Any, make_principal: Any, bucket: str
) -> None:
    now = timezone.now()
    for key in [*OWN, "home/alan/c"]:
        put_object(root, bucket, key, body=Body.of(b"data"), now=now)
    ada = make_principal("ada", POLICY)
    own = Targets(keys=tuple(OWN))
    assert weigh_keys(ada, bucket, OWN, now=now).current_count == 2
    assert weigh_targets(ada, bucket, own, now=now).count == 2
    pages = [rows for rows, _ in target_pages(ada, bucket, own, {})]
    assert [row.key for rows in pages for row in rows] == OWN
    mixed = [*OWN, "home/alan/c"]
    with pytest.raises(AccessDenied):
        weigh_keys(ada, bucket, mixed, now=now)
    with pytest.raises(AccessDenied):
        list(target_pages(ada, bucket, Targets(keys=tuple(mixed)), {}))
