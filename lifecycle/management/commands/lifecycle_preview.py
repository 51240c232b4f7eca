"""Show what lifecycle rules would do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from iam.principals import SYSTEM
from kernel.errors import ObjectStoreError
from lifecycle.previews import Preview, Tally, preview_lifecycle
from lifecycle.serializers import read_rules


class Command(BaseCommand):
    help = "Show what a bucket's lifecycle rules would do, and on which days."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("bucket")
        parser.add_argument(
            "--rules", type=Path, help="a JSON file of rules to try, not the saved ones"
        )
        parser.add_argument(
            "--date",
            type=datetime.fromisoformat,
            help="instead of now, e.g. 2030-01-31",
        )

    def handle(
        self,
        *arguments: Any,
        bucket: str,
        rules: Path | None,
        date: datetime | None,
        **options: Any,
    ) -> None:
        moment = date or timezone.now()
        try:
            preview = preview_lifecycle(
                SYSTEM,
                bucket,
                rules=None
                if rules is None
                else read_rules(json.loads(rules.read_text())),
                date=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
            )
        except (ObjectStoreError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.show(preview)

    def show(self, preview: Preview) -> None:
        self.stdout.write(f"{preview.versions_seen} versions looked at")
        self.show_tallies(preview.date, preview.tallies)
        for day in preview.days:
            self.show_tallies(day.date, day.tallies)

    def show_tallies(self, date: datetime, tallies: list[Tally]) -> None:
        if tallies:
            self.stdout.write(f"{date:%Y-%m-%d}")
        for one in tallies:
            place = f" to {one.storage_class}" if one.storage_class else ""
            self.stdout.write(
                f"  {one.rule_id}: {one.action}{place}: {one.count}, {one.size} bytes"
            )
            for key, version_id in one.samples:
                self.stdout.write(f"    {key} {version_id}".rstrip())
