"""Carry out lifecycle rules now."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from kernel.errors import NoSuchBucket
from lifecycle import operations


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
        self.run_once(bucket)
        while every:
            time.sleep(every)
            self.run_once(bucket)

    def run_once(self, bucket: list[str]) -> None:
        for name in bucket or operations.buckets_to_run(timezone.now()):
            try:
                run = operations.run_lifecycle(
                    name, now=timezone.now(), clock=timezone.now
                )
            except NoSuchBucket:
                self.stdout.write(f"{name}: no such bucket")
                continue
            if run is None:
                self.stdout.write(f"{name}: no rules")
                continue
            self.stdout.write(
                f"{name}: {run.versions_seen} versions looked at,"
                f" {run.failures} failures"
            )
            for one in run.outcomes.order_by("rule_id", "action", "storage_class"):
                place = f" to {one.storage_class}" if one.storage_class else ""
                self.stdout.write(
                    f"  {one.rule_id}: {one.action}{place}:"
                    f" {one.count}, {one.size} bytes"
                )
