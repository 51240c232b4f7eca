"""What processes share through Redis: rate counters, and news of changed rights.

Neither is needed for an answer. While Redis is away each process counts for itself,
and learns of changes within OBJECTSTORE_PRINCIPAL_CACHE_SECONDS.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from iam.counters import ProcessCounters

logger = logging.getLogger("objectstore.iam")

# Seconds within which Redis must answer: a request waits no longer for a count.
ANSWERS_WITHIN = 0.5
# Seconds for which a Redis that did not answer is then left alone.
REST = 1.0
# Seconds after which a counter goes whose end is not known.
LONGEST = 24 * 3600
CHANNEL = "objectstore.rights-changed"
MOST_KNOWN = 100_000


def connect(url: str, **options: Any) -> Redis:
    """Make a client that tries each command once, for at most ANSWERS_WITHIN."""
    return Redis.from_url(
        url,
        **{
            "socket_timeout": ANSWERS_WITHIN,
            "socket_connect_timeout": ANSWERS_WITHIN,
            "retry": Retry(NoBackoff(), 0),
            **options,
        },
    )


class Server:
    """One Redis as this process knows it: Django makes a cache for each thread."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        # Counters that are there, and until when: adding them needs no command.
        self.known: dict[str, float] = {}
        self._rests_until = 0.0

    def note(self, key: str, seconds: int) -> None:
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known[key] = time.monotonic() + seconds

    def ask[T](self, shared: Callable[[], T], alone: Callable[[], T]) -> T:
        """Do what needs Redis, or the other thing while it does not answer."""
        if time.monotonic() < self._rests_until:
            return alone()
        try:
            return shared()
        except RedisError as error:
            if time.monotonic() >= self._rests_until + REST:
                logger.warning("rates are counted in this process alone: %s", error)
            self._rests_until = time.monotonic() + REST
            return alone()


@cache
def server_at(url: str) -> Server:
    return Server(url)


class SharedCounters(BaseCache):
    """Whole numbers in Redis that expire, for django-ratelimit."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._server = server_at(location)
        self._own = ProcessCounters(location, params)

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        if time.monotonic() < self._server.known.get(key, 0):
            return False
        seconds = int(timeout) if isinstance(timeout, int | float) else LONGEST
        return self._server.ask(
            lambda: self._add(key, value, seconds),
            lambda: self._own.add(key, value, timeout, version),
        )

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        return self._server.ask(
            lambda: self._count(key, delta), lambda: self._count_alone(key, delta)
        )

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        redis = self._server.redis
        return self._server.ask(
            lambda: default if (text := redis.get(key)) is None else int(text),
            lambda: self._own.get(key, default, version),
        )

    def clear(self) -> None:
        self._server.known.clear()
        self._own.clear()
        self._server.redis.flushdb()

    def _add(self, key: str, value: Any, seconds: int) -> bool:
        added = bool(self._server.redis.set(key, value, ex=seconds, nx=True))
        self._server.note(key, seconds)
        return added

    def _count(self, key: str, delta: int) -> int:
        counted = int(self._server.redis.incrby(key, delta))
        if counted == delta:
            # Redis has lost the counter since it was added: it has no end.
            self._server.redis.expire(key, LONGEST)
        return counted

    def _count_alone(self, key: str, delta: int) -> int:
        # The counter may have been added while Redis still answered.
        if self._own.add(key, delta, LONGEST):
            return delta
        return self._own.incr(key, delta)


def is_shared() -> bool:
    """Tell whether there is a Redis that all processes know.

    Projects that count no rates have no cache for it.
    """
    backend = settings.CACHES.get("ratelimit", {}).get("BACKEND")
    return bool(backend == f"{__name__}.SharedCounters")


class Announcements:
    """Tells the other processes that rights have changed, and hears it from them."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard
        self._listening_in = 0
        self._lock = threading.Lock()
        self._client: Redis | None = None

    def announce(self) -> None:
        """Tell the others, as far as they can be reached."""
        if not is_shared():
            return
        try:
            self._redis().publish(CHANNEL, "")
        except RedisError as error:
            logger.warning("other processes hear late of changed rights: %s", error)

    def listen(self) -> None:
        """Hear what others announce from now on; a forked child begins anew."""
        if self._listening_in == os.getpid() or not is_shared():
            return
        with self._lock:
            if self._listening_in != os.getpid():
                self._listening_in = os.getpid()
                threading.Thread(
                    target=self._run,
                    args=(settings.CACHES["ratelimit"]["LOCATION"],),
                    name="rights-changed",
                    daemon=True,
                ).start()

    def _redis(self) -> Redis:
        if self._client is None:
            self._client = connect(settings.CACHES["ratelimit"]["LOCATION"])
        return self._client

    def _run(self, url: str) -> None:
        while True:
            try:
                self._hear(url)
            except RedisError:
                time.sleep(REST)

    def _hear(self, url: str) -> None:
        with connect(url, socket_timeout=None, socket_keepalive=True) as client:
            channel = client.pubsub()
            channel.subscribe(CHANNEL)
            # The first message says that we are subscribed: what was announced
            # before it was not heard.
            for _ in channel.listen():
                self._heard()
