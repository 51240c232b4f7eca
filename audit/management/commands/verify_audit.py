"""Compare the audit log with its seals."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import seals


class Command(BaseCommand):
    help = "Compare the audit log with its seals."

    def handle(self, *arguments: Any, **options: Any) -> None:
        found = [str(flaw) for flaw in seals.flaws()]
        if found:
            raise CommandError("The log is not as it was sealed: " + "\n".join(found))
        last = seals.last_seal()
        self.stdout.write(
            "nothing is sealed yet"
            if last is None
            else f"all events up to {last.last_id} are as they were sealed: "
            f"{last.digest}"
        )
