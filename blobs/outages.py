"""Storages that were slow to fail lately: requests need not wait for them in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from kernel.errors import ServiceUnavailable

# A failure that took longer than this, in seconds, kept a thread from other requests.
SLOW = 1.0
# How long such a storage is then left alone, but for one request that tries it again.
REST = 5.0


class Outages:
    """Knows which storages to leave alone for a while, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until: dict[str, float] = {}
        self._refused: dict[str, str] = {}
        self._lock = Lock()

    def check(self, name: str) -> None:
        """Raise ServiceUnavailable at once for a storage that is left alone."""
        if name not in self._rests_until:
            return
        with self._lock:
            now = self._clock()
            if now < self._rests_until.get(name, now):
                raise ServiceUnavailable(
                    "The storage did not answer lately. Please try again."
                )
            self._rests_until[name] = now + REST

    def note_failure(self, name: str, waited: float, refused: str = "") -> None:
        """Leave a storage alone that took `waited` seconds to fail, if that is long.

        `refused` is the file for which it did answer, with an error: such files are no
        outage until there are two without a success between.
        """
        if waited < SLOW:
            return
        with self._lock:
            if not refused or self._refused.setdefault(name, refused) != refused:
                self._rests_until[name] = self._clock() + REST

    def note_success(self, name: str) -> None:
        self._refused.pop(name, None)
        self._rests_until.pop(name, None)
