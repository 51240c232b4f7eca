"""Rate limits: who is counted, where, until when, and what the answer is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from iam import counters
from iam.principals import ANONYMOUS, Principal, PrincipalKind, RequestFacts
from iam.rate_limits import OperationClass, count, network_of, parsed
from kernel.errors import TooManyRequests

USER = Principal(PrincipalKind.USER, key_id="key-1")
LIMITS = {str(one): "" for one in OperationClass}


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.OBJECTSTORE_RATE_LIMITS = {
        **LIMITS,
        OperationClass.LIST: "2/m",
        OperationClass.OBJECT_GET: "3/10s",
    }
    settings.OBJECTSTORE_RATE_LIMITED_DIALECTS = ["rest"]


def ask(
    principal: Principal = USER,
    dialect: str = "rest",
    operation: OperationClass = OperationClass.LIST,
) -> Any:
    request = RequestFactory().get("/")
    count(request, principal, dialect, operation)
    return getattr(request, "rate_usage", None)


def test_usage_is_left_for_the_headers(clock):
    usage = ask()
    assert usage.headers == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": str(usage.reset),
        "X-RateLimit-Window": "60",
    }
    assert clock.seconds < usage.reset <= clock.seconds + 60
    assert ask().remaining == 0


def test_one_more_than_the_limit_is_refused_with_the_time_to_wait(clock):
    request = RequestFactory().get("/")
    ask()
    ask()
    with pytest.raises(TooManyRequests) as refusal:
        count(request, USER, "rest", OperationClass.LIST)
    wait = refusal.value.details["retry_after"]
    assert 1 <= wait <= 60
    assert refusal.value.text.endswith(f"after {wait} seconds.")
    assert request.rate_usage.remaining == 0


def test_a_new_window_begins_anew(clock):
    ask()
    reset = ask().reset
    clock.seconds = reset + 0.5
    assert ask().remaining == 1


def test_waiting_as_long_as_told_is_enough(clock):
    ask()
    ask()
    with pytest.raises(TooManyRequests) as refusal:
        ask()
    clock.seconds += refusal.value.details["retry_after"] + 0.5
    assert ask().remaining == 1


def test_each_class_of_operations_is_counted_by_itself(clock):
    ask()
    ask()
    usage = ask(operation=OperationClass.OBJECT_GET)
    assert (usage.limit, usage.remaining, usage.window) == (3, 2, 10)


def test_each_key_is_counted_by_itself(clock):
    ask()
    assert ask(USER._replace(key_id="key-2")).remaining == 1


def test_without_a_key_the_address_is_counted(clock):
    def at(address: str) -> Principal:
        return ANONYMOUS.asking(RequestFacts(source_ip=address))

    assert ask(at("192.0.2.1")).remaining == 1
    assert ask(at("192.0.2.1")).remaining == 0
    assert ask(at("192.0.2.2")).remaining == 1
    assert ask(ANONYMOUS).remaining == 1


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("::1", "::1", True),
        ("no address", "another", False),
    ],
)
def test_addresses_of_one_network_of_ipv6_are_counted_together(one, other, is_same):
    assert (network_of(one) == network_of(other)) is is_same


@pytest.mark.parametrize(
    "exempt",
    [
        {"dialect": "s3"},
        {"operation": OperationClass.BUCKET},
        {"principal": USER._replace(is_rate_limited=False)},
    ],
    ids=["a dialect without limits", "a class without a limit", "a key without"],
)
def test_what_is_not_counted(exempt):
    assert [ask(**exempt) for _ in range(5)] == [None] * 5


@pytest.mark.parametrize(
    ("rate", "found"),
    [
        ("5000/m", (5000, 60)),
        ("1/s", (1, 1)),
        ("7/10s", (7, 10)),
        ("9/2h", (9, 7200)),
        ("3/d", (3, 86400)),
    ],
)
def test_rates_as_they_are_written(rate, found):
    assert parsed(rate) == found


@pytest.mark.parametrize("rate", ["many", "5", "5/", "5/y", "/m", "5/xm", "-1/m"])
def test_a_rate_that_cannot_be_read_is_named(rate):
    with pytest.raises(ImproperlyConfigured, match=rate):
        parsed(rate)


def test_counters_expire_and_running_ones_are_kept(clock, monkeypatch):
    monkeypatch.setattr(counters, "MOST_COUNTERS", 2)
    cache = counters.ProcessCounters("", {})
    assert cache.add("short", 1, timeout=1)
    assert cache.add("long", 1, timeout=100)
    assert not cache.add("long", 5, timeout=100)
    clock.seconds += 2
    assert cache.add("third", 1, timeout=100)
    assert set(cache._counters) == {"long", "third"}
    assert (cache.get("short"), cache.get("long")) == (None, 1)
    assert cache.add("fourth", 1, timeout=100)
    assert cache.get("long") == 1


def test_counters_count_up_and_down(clock):
    cache = counters.ProcessCounters("", {})
    cache.add("a", 1, timeout=10)
    assert (cache.incr("a"), cache.incr("a", 5), cache.decr("a", 2)) == (2, 7, 5)
    with pytest.raises(ValueError, match="nothing"):
        cache.incr("nothing")
    clock.seconds += 10
    with pytest.raises(ValueError, match="a"):
        cache.incr("a")
    cache.add("b", 1)
    cache.clear()
    assert cache.get("b", 9) == 9


def test_no_count_is_lost_between_threads():
    import threading

    cache = caches["ratelimit"]
    cache.add("a", 0, timeout=60)

    def work() -> None:
        of_this_thread = caches["ratelimit"]
        for _ in range(1000):
            of_this_thread.incr("a")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("a") == 8000


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("path", ["/v1/buckets", "/objects/key", "/kv/key"])
def test_guessing_keys_is_counted_by_address(client, settings, path):
    settings.OBJECTSTORE_RATE_LIMITS = {**LIMITS, OperationClass.BUCKET: "2/h"}
    settings.OBJECTSTORE_RATE_LIMITED_DIALECTS = ["rest", "keyvalue"]
    caches["ratelimit"].clear()
    guess = {"headers": {"Authorization": "Bearer a-guess"}}

    def statuses(address: str) -> list[int]:
        asked = [client.get(path, REMOTE_ADDR=address, **guess) for _ in range(3)]
        assert all("X-RateLimit-Remaining" in one for one in asked)
        return [one.status_code for one in asked]

    assert statuses("192.0.2.1") == [401, 401, 429]
    assert statuses("192.0.2.2") == [401, 401, 429]
