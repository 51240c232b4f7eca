"""Compare all stored bytes with their checksums."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from lifecycle import housekeeping, queries


class Command(BaseCommand):
    help = "Read all stored bytes back and report what is damaged; nothing is deleted."

    def handle(self, *arguments: Any, **options: Any) -> None:
        done = housekeeping.scrub(now=timezone.now(), anew=True)
        self.stdout.write(f"{done.blobs} blobs read, {done.size} bytes")
        damages = queries.damages().order_by("blob_id")
        for one in damages:
            self.stdout.write(f"blob {one.blob_id}: {one.problem}")
            for place in queries.places_of(one.blob_id):
                self.stdout.write(f"  {place}")
        problems = [f"{len(damages)} blobs are damaged"] if damages else []
        problems += [f"{name} does not answer" for name in done.unanswered]
        if problems:
            raise CommandError(", ".join(problems))
