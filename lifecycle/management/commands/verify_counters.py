"""Compare the buckets' counters with what the buckets hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lifecycle import housekeeping


class Command(BaseCommand):
    help = "Compare the buckets' counters with what the buckets hold."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--repair", action="store_true", help="set them right")

    def handle(self, *arguments: Any, repair: bool, **options: Any) -> None:
        differences = housekeeping.verify_counters(repair=repair)
        for one in differences:
            self.stdout.write(f"{one.bucket_name}: {one.counter} is off by {-one.by}")
        if differences and not repair:
            raise CommandError(f"{len(differences)} counters are off")
        self.stdout.write("repaired" if differences else "all counters are right")
