"""Make an account with its root identity and, where they are given, its keys."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from iam import operations
from kernel.errors import ObjectStoreError


class Command(BaseCommand):
    help = "Make an account; ids that are not given are drawn. Prints JSON."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("name")
        parser.add_argument("--canonical-id", default="")
        parser.add_argument("--number", default="", help="12 digits")
        parser.add_argument("--email", default="")

    def handle(self, *arguments: Any, **options: Any) -> None:
        try:
            account, root = operations.create_account(
                options["name"],
                canonical_id=options["canonical_id"],
                number=options["number"],
                email=options["email"],
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            raise CommandError(error.text) from error
        facts = {
            "name": account.name,
            "canonical_id": account.canonical_id,
            "number": account.number,
            "root_arn": root.arn,
        }
        self.stdout.write(json.dumps(facts, indent=2))
