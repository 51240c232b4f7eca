"""The schedule of jobs: it begins as settings say, and stays as operators change it."""

from __future__ import annotations

import socket
import time
from datetime import datetime
from typing import Any

from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from monitoring.heartbeats import BEAT, EVERY_SECONDS, note_alive

# Seconds: as far as the clocks of two nodes may differ, as for signatures.
SHORTEST_LIFE = 900


class KeptSchedule(DatabaseScheduler):
    """A schedule in the database that a restart does not set back.

    Its base class writes every entry of the settings anew at each start.
    """

    _said_at = float("-inf")

    def tick(self, *arguments: Any, **named: Any) -> Any:
        """Begin what is due; say every half minute that somebody does."""
        if time.monotonic() - self._said_at >= EVERY_SECONDS:
            self._said_at = time.monotonic()
            note_alive(BEAT, f"schedule@{socket.gethostname()}", timezone.now())
        self._heed_clock(timezone.now())
        return super().tick(*arguments, **named)

    def _heed_clock(self, now: datetime) -> None:
        """Begin intervals anew where the clock went back: they would end in years."""
        ahead = [one for one in self._schedule.values() if one.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = entry.model.last_run_at = now
            self._dirty.add(entry.name)
        if ahead:
            # Its order is that of the times that are not to come.
            self._heap = None

    def apply_async(self, entry: Any, *arguments: Any, **named: Any) -> Any:
        """Send a task's message, which lapses when the next is sent.

        So where no worker takes any up, a day's do not wait to be run one by one.
        """
        every = getattr(entry.schedule, "run_every", None)
        if every is not None:
            lives = max(every.total_seconds(), SHORTEST_LIFE)
            entry.options.setdefault("expires", lives)
        return super().apply_async(entry, *arguments, **named)

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        known = set(PeriodicTask.objects.values_list("name", flat=True))
        super().update_from_dict(
            {name: entry for name, entry in mapping.items() if name not in known}
        )
