"""Policies that every account finds ready: AWS's by their names, and people's roles."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from iam.models import ManagedPolicy
from iam.operations import new_id

Statement = dict[str, Any]


def allow(actions: str | list[str], resources: str | list[str] = "*") -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


OWN_KEYS = [
    "iam:ListAccessKeys",
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
]
READY_MADE: dict[str, tuple[str, list[Statement]]] = {
    "AdministratorAccess": ("Everything in the account.", [allow("*")]),
    "AmazonS3FullAccess": ("Everything in all buckets.", [allow("s3:*")]),
    "AmazonS3ReadOnlyAccess": (
        "Reading and listing in all buckets.",
        [allow(["s3:Get*", "s3:List*", "s3:Describe*"])],
    ),
    "IAMFullAccess": (
        "Everything with users, roles, policies and keys.",
        [allow("iam:*")],
    ),
    "IAMReadOnlyAccess": (
        "Seeing users, roles and policies.",
        [allow(["iam:Get*", "iam:List*", "iam:SimulatePrincipalPolicy"])],
    ),
    "Operator": (
        "Everything with buckets and objects, nothing with people and keys.",
        [allow(["s3:*", "objectstore:*"])],
    ),
    "Auditor": (
        "Reads everything, changes nothing.",
        [
            allow(
                [
                    *("s3:Get*", "s3:List*", "iam:Get*", "iam:List*"),
                    *("iam:Simulate*", "objectstore:Get*", "objectstore:List*"),
                ]
            )
        ],
    ),
    "SelfService": (
        "Own buckets, whose names begin with the user's name and a dash; own keys.",
        [
            allow(
                "s3:*",
                [
                    "arn:aws:s3:::${aws:username}-*",
                    "arn:aws:s3:::${aws:username}-*/*",
                ],
            ),
            allow(OWN_KEYS, "arn:aws:iam::*:user/${aws:username}"),
        ],
    ),
}


def make_ready_made_policies(**_: Any) -> None:
    """Bring the ready-made policies up to date, after each migration."""
    for name, (description, _statements) in READY_MADE.items():
        make(name, description, document_of(name))


def document_of(name: str) -> str:
    """Write a ready-made policy as JSON."""
    _, statements = READY_MADE[name]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def make(name: str, description: str, document: str) -> None:
    now = timezone.now()
    policy, is_new = ManagedPolicy.objects.get_or_create(
        account=None,
        name=name,
        defaults={
            "description": description,
            "document": document,
            "unique_id": new_id("ANPA"),
            "created_at": now,
            "updated_at": now,
        },
    )
    if not is_new and policy.document != document:
        policy.document = document
        policy.description = description
        policy.version += 1
        policy.updated_at = now
        policy.save()
