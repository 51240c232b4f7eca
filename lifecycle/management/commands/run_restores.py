"""Carry out what RestoreObject has asked for."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from lifecycle import restores


class Command(BaseCommand):
    help = "Make restored copies that are due, and remove those whose days are over."

    def handle(self, *arguments: Any, **options: Any) -> None:
        now = timezone.now()
        done = restores.carry_out_restores(
            restores.due_jobs(now), now=now, clock=timezone.now
        )
        self.stdout.write(
            f"{done.made} copies made, {done.removed} removed, {done.failed} failed"
        )
