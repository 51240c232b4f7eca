"""The counters of this machine, handed on to what keeps them over time."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from monitoring import traffic
from observability import counters
from observability.ledger import Name, read_all

# The console's own pages and what orchestrators ask are nobody's use of the store.
NOT_COUNTED = frozenset({"console", "site"})


def roll_up() -> int:
    """Keep what was counted since the last time; give how many series there are."""
    now = timezone.now()
    folder = Path(settings.OBJECTSTORE_METRICS_DIR)
    totals = series_of(read_all(folder).total()) if settings.OBJECTSTORE_METRICS else {}
    # Machines that share one database keep their counters apart.
    traffic.record(f"{socket.gethostname()} {folder}"[:255], totals, now)
    traffic.roll_up(now)
    traffic.measure_capacity(now)
    return len(totals)


def series_of(numbers: Mapping[Name, list[float]]) -> dict[str, list[float]]:
    """Name each series of requests by one text; leave out the seconds' sum."""
    return {
        " ".join(name[1:]): [
            *values[: counters.SUM],
            values[counters.RECEIVED],
            values[counters.SENT],
        ]
        for name, values in numbers.items()
        if name[0] == counters.REQUESTS and name[1] not in NOT_COUNTED
    }
