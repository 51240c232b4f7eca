"""Policies that every account finds ready, under the names that AWS gives them."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from iam.models import ManagedPolicy
from iam.operations import new_id

READY_MADE: dict[str, tuple[str, str | list[str]]] = {
    "AdministratorAccess": ("Everything in the account.", "*"),
    "AmazonS3FullAccess": ("Everything in all buckets.", "s3:*"),
    "AmazonS3ReadOnlyAccess": (
        "Reading and listing in all buckets.",
        ["s3:Get*", "s3:List*", "s3:Describe*"],
    ),
    "IAMFullAccess": ("Everything with users, roles, policies and keys.", "iam:*"),
    "IAMReadOnlyAccess": (
        "Seeing users, roles and policies.",
        ["iam:Get*", "iam:List*", "iam:SimulatePrincipalPolicy"],
    ),
}


def make_ready_made_policies(**_: Any) -> None:
    """Bring the ready-made policies up to date, after each migration."""
    for name, (description, actions) in READY_MADE.items():
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        make(name, description, json.dumps(document))


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
