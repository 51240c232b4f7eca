"""Remove freed bytes and what crashed uploads left, now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from blobs import store


class Command(BaseCommand):
    help = "Remove freed bytes and what crashed uploads left. The worker does it too."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--grace",
            type=int,
            help="seconds that bytes are kept for readers; 0 only while nobody writes",
        )

    def handle(self, *arguments: Any, grace: int | None, **options: Any) -> None:
        if grace is not None and grace < 0:
            raise CommandError("--grace must not be negative.")
        wait = None if grace is None else timedelta(seconds=grace)
        swept = store.sweep(now=timezone.now(), free_grace=wait, pending_grace=wait)
        self.stdout.write(f"{swept.blobs} blobs removed, {swept.size} bytes freed")
