"""Make a user, service account or role in an account."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from iam import operations
from iam.models import Account, Identity, IdentityKind
from kernel.errors import ObjectStoreError


class Command(BaseCommand):
    help = "Make a user in an account (by name, number or canonical id). Prints JSON."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("account")
        parser.add_argument("name")
        parser.add_argument("--path", default="/")
        parser.add_argument(
            "--kind", default="user", choices=["user", "service", "role"]
        )
        parser.add_argument(
            "--policy", default="", help="a policy document, or @file, as its own"
        )

    def handle(self, *arguments: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                identity = make_user(options)
        except ObjectStoreError as error:
            raise CommandError(error.text) from error
        facts = {"name": identity.name, "arn": identity.arn, "id": identity.unique_id}
        self.stdout.write(json.dumps(facts, indent=2))


def make_user(options: dict[str, Any]) -> Identity:
    identity = operations.create_identity(
        find_account(options["account"]),
        options["name"],
        kind=IdentityKind(options["kind"]),
        path=options["path"],
        now=timezone.now(),
    )
    if options["policy"]:
        document = read_document(options["policy"])
        operations.put_identity_policy(identity, "own", document)
    return identity


def find_account(name: str) -> Account:
    """Find an account by its name, number or canonical id."""
    for field in ("name", "number", "canonical_id"):
        account = Account.objects.filter(**{field: name}).first()
        if account is not None:
            return account
    raise CommandError(f"There is no account {name}.")


def read_document(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        with open(text[1:], encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The policy cannot be read: {error}") from error
