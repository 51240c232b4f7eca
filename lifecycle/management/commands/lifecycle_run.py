"""Carry out lifecycle rules now."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from kernel.errors import NoSuchBucket
from lifecycle import operations
from lifecycle.models import LifecycleRun


class Command(BaseCommand):
    help = "Carry out what lifecycle rules say is due. The worker does it each day."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "bucket", nargs="*", help="all that have not had today's run, if none given"
        )

        parser.add_argument(
            "--every",
            type=float,
            metavar="SECONDS",
            help="look again and again, where no worker does",
        )

    def handle(
        self, *arguments: Any, bucket: list[str], every: float | None, **options: Any
    ) -> None:
        if every is not None and every <= 0:
            raise CommandError("--every must be more than 0 seconds.")
        stopped = self.run_once(bucket)
        while every:
            time.sleep(every)
            self.run_once(bucket)
        if stopped:
            raise CommandError("; ".join(stopped))

    def run_once(self, bucket: list[str]) -> list[str]:
        """Run each bucket's rules; tell of those that could not go on."""
        stopped = []
        for name in bucket or operations.buckets_to_run(timezone.now()):
            try:
                run = operations.run_lifecycle(
                    name, now=timezone.now(), clock=timezone.now
                )
            except NoSuchBucket:
                self.stdout.write(f"{name}: no such bucket")
                # One that was found by its rules has been deleted since.
                stopped += [f"there is no bucket {name}"] if bucket else []
            except operations.RunStoppedError as error:
                stopped.append(f"{name} is stopped for now at {error}")
                self.stdout.write(stopped[-1])
            else:
                self.report(name, run)
        return stopped

    def report(self, name: str, run: LifecycleRun | None) -> None:
        if run is None:
            self.stdout.write(f"{name}: no rules")
            return
        self.stdout.write(
            f"{name}: {run.versions_seen} versions looked at, {run.failures} failures"
        )
        for one in run.outcomes.order_by("rule_id", "action", "storage_class"):
            place = f" to {one.storage_class}" if one.storage_class else ""
            self.stdout.write(
                f"  {one.rule_id}: {one.action}{place}: {one.count}, {one.size} bytes"
            )
