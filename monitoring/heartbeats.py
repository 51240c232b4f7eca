"""Signs of life of workers and of the schedule, written every half minute."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from django.db import DatabaseError, connections
from django.utils import timezone

from kernel.database.commit import commit
from kernel.errors import ObjectStoreError
from monitoring.models import Heartbeat

logger = logging.getLogger("objectstore")

WORKER, BEAT = "worker", "beat"
EVERY_SECONDS = 30
# After how long without a sign a process counts as gone, and when it is forgotten.
SILENT_AFTER = timedelta(minutes=2)
FORGOTTEN_AFTER = timedelta(days=7)


def note_alive(kind: str, name: str, now: datetime) -> None:
    """Write down that a process is alive; it lives on without a database."""

    def record() -> None:
        Heartbeat.objects.update_or_create(
            name=name[:255], defaults={"kind": kind, "seen_at": now}
        )
        Heartbeat.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()

    try:
        commit(record)
    except (DatabaseError, ObjectStoreError) as error:
        logger.warning("%s could not say that it is alive: %s", name, error)


def start_beating(kind: str, name: str) -> None:
    """Say so every half minute from now on, also while a long task runs."""
    stopped = threading.Event()

    def run() -> None:
        while True:
            note_alive(kind, name, timezone.now())
            # A child that is forked meanwhile must not end this connection.
            connections.close_all()
            if stopped.wait(EVERY_SECONDS):
                return

    threading.Thread(target=run, name="heartbeat", daemon=True).start()
