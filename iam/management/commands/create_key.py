"""Make an S3 key pair or a bearer key for an identity."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from iam import operations
from iam.management.commands.create_user import find_account
from iam.models import Identity, IdentityKind
from kernel.errors import ObjectStoreError

MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Make a key for an account's root or one of its users. Prints JSON."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("account")
        parser.add_argument("--user", default="", help="empty: the account's root")
        parser.add_argument("--kind", default="s3", choices=["s3", "bearer"])
        parser.add_argument("--access-key-id", default="")
        parser.add_argument("--secret-access-key", default="")
        parser.add_argument("--api-key", default="")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument("--days", type=int, default=0, help="0: never expires")
        parser.add_argument("--no-rate-limit", action="store_true")

    def handle(self, *arguments: Any, **options: Any) -> None:
        if not 0 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
        identity = find_identity(options["account"], options["user"])
        now = timezone.now()
        common: dict[str, Any] = {
            "name": options["name"],
            "expires_at": now + timedelta(days=options["days"])
            if options["days"]
            else None,
            "is_rate_limited": not options["no_rate_limit"],
            "now": now,
        }
        make = make_bearer_key if options["kind"] == "bearer" else make_access_key
        try:
            facts = make(identity, options, common)
        except ObjectStoreError as error:
            raise CommandError(error.text) from error
        self.stdout.write(json.dumps(facts, indent=2))


def find_identity(account_name: str, user: str) -> Identity:
    identities = Identity.objects.filter(account=find_account(account_name))
    found = (
        identities.filter(name=user).exclude(kind=IdentityKind.ROOT).first()
        if user
        else identities.filter(kind=IdentityKind.ROOT).first()
    )
    if found is None:
        raise CommandError(f"The account has no user {user}.")
    return found


def make_bearer_key(
    identity: Identity, options: dict[str, Any], common: dict[str, Any]
) -> dict[str, str]:
    made = operations.create_api_key(identity, api_key=options["api_key"], **common)
    return {"key_id": made.key.key_id, "api_key": made.api_key}


def make_access_key(
    identity: Identity, options: dict[str, Any], common: dict[str, Any]
) -> dict[str, str]:
    made = operations.create_access_key(
        identity,
        access_key_id=options["access_key_id"],
        secret_access_key=options["secret_access_key"],
        **common,
    )
    return {
        "access_key_id": made.key.access_key_id,
        "secret_access_key": made.secret_access_key,
    }
