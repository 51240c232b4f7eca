"""What /-/metrics tells, to whom, and that it is right across processes."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.observability.receiver import eventually
from tests.servers import API_KEY, LiveStore

# More than the buffers between server and client hold.
LARGE = 32 * 1024 * 1024


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Iterator[LiveStore]:
    store = LiveStore(
        tmp_path_factory.mktemp("counted"),
        OBJECTSTORE_WORKERS="2",
        OBJECTSTORE_METRICS_TOKEN="token-of-the-scraper",
    )
    store.start()
    yield store
    store.stop()


def ask(
    store: LiveStore, method: str, path: str, data: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {API_KEY}", **headers}
    request = urllib.request.Request(
        store.url + path, data=data, method=method, headers=headers
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def scrape(store: LiveStore) -> dict[tuple[str, frozenset[Any]], float]:
    status, text = ask(store, "GET", "/-/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(numbers: dict[Any, float], name: str, **labels: str) -> float:
    return numbers.get((f"objectstore_{name}", frozenset(labels.items())), 0.0)


def grown(store: LiveStore, before: Any, name: str, by: float, **labels: str) -> bool:
    """Tell whether a counter comes to have grown by so much: streams end after all."""

    def has_grown() -> bool:
        return (
            value(scrape(store), name, **labels) - value(before, name, **labels) == by
        )

    return eventually(has_grown)


def test_requests_of_all_processes_are_counted(store):
    ask(store, "PUT", "/counted-bucket")
    before = scrape(store)
    for _ in range(40):
        # A connection each, so that both processes get some.
        assert ask(store, "PUT", "/counted-bucket/key", b"x" * 100)[0] == 200
        assert ask(store, "GET", "/counted-bucket/key")[0] == 200
    assert ask(store, "GET", "/counted-bucket/none")[0] == 404
    s3 = {"dialect": "s3", "operation": "GetObject"}
    assert grown(store, before, "requests_total", 40, **s3, status="2xx")
    assert grown(store, before, "requests_total", 1, **s3, status="4xx")
    assert grown(store, before, "request_duration_seconds_count", 41, **s3)
    put = {"dialect": "s3", "operation": "PutObject"}
    assert grown(store, before, "received_bytes_total", 4000, **put)
    after = scrape(store)
    assert value(after, "processes") == 2
    sent = value(after, "sent_bytes_total", **s3)
    assert sent - value(before, "sent_bytes_total", **s3) >= 4000
    assert value(after, "request_duration_seconds_sum", **s3) > 0
    assert value(after, "commit_duration_seconds_count") >= 40
    assert value(after, "commit_writes_sum") >= 40


def test_dialects_name_their_operations_as_aws_does(store):
    before = scrape(store)
    ask(store, "PUT", "/v1/buckets/named-bucket")
    ask(store, "GET", "/v1/buckets/named-bucket/lifecycle")
    ask(store, "GET", "/objects")
    ask(store, "DELETE", "/objects/none")
    ask(store, "GET", "/named-bucket?list-type=2")
    ask(store, "GET", "/named-bucket", Authorization="Bearer not-a-key-at-all")
    ask(store, "GET", "/-/live")
    ask(store, "GET", "/admin/login/")
    ask(store, "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15")
    for dialect, operation, status in (
        ("rest", "CreateBucket", "2xx"),
        ("rest", "GetBucketLifecycle", "4xx"),
        ("keyvalue", "ListObjectsV2", "2xx"),
        ("keyvalue", "DeleteObject", "4xx"),
        ("s3", "ListObjectsV2", "2xx"),
        ("s3", "ListObjects", "4xx"),
        ("query", "GetCallerIdentity", "2xx"),
        ("site", "Live", "2xx"),
        ("console", "Page", "2xx"),
    ):
        labels = {"dialect": dialect, "operation": operation, "status": status}
        assert grown(store, before, "requests_total", 1, **labels), labels


def test_paths_and_methods_that_mean_nothing_make_no_series(store):
    ask(store, "GET", "/-/metrics")
    before = set(scrape(store))
    for number in range(20):
        ask(store, "BREW", f"/pot-{number}/tea")
        ask(store, "GET", f"/pot-{number}/tea?torrent")
        ask(store, "GET", f"/v1/nothing/{number}")
    names = {labels for _, labels in set(scrape(store)) - before}
    assert len({dict(labels).get("operation") for labels in names} - {None}) <= 3


def test_a_streamed_answer_counts_what_was_sent_once_it_ends(store):
    assert ask(store, "PUT", "/counted-bucket/large", b"x" * LARGE)[0] == 200
    before = scrape(store)
    connection = socket.create_connection(("127.0.0.1", store.port))
    connection.sendall(
        b"GET /counted-bucket/large HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Authorization: Bearer " + API_KEY.encode() + b"\r\n\r\n"
    )
    assert connection.recv(100)
    # This scrape, and the download that nobody reads on.
    assert eventually(lambda: value(scrape(store), "requests_in_flight") == 2)
    connection.close()
    get = {"dialect": "s3", "operation": "GetObject"}
    assert grown(store, before, "requests_total", 1, **get, status="2xx")
    assert eventually(lambda: value(scrape(store), "requests_in_flight") == 1)
    assert ask(store, "GET", "/counted-bucket/large")[0] == 200
    assert grown(store, before, "requests_total", 2, **get, status="2xx")
    sent = value(scrape(store), "sent_bytes_total", **get)
    assert LARGE <= sent - value(before, "sent_bytes_total", **get) <= 2 * LARGE


def is_there(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_process_leaves_its_counts(store):
    before = scrape(store)
    for _ in range(10):
        ask(store, "PUT", "/objects/outlives", b"1")
    files = list((store.folder / "metrics").glob("*.numbers"))
    killed = int(files[0].name.partition("-")[0])
    os.kill(killed, signal.SIGKILL)
    # Until it is gone, its socket takes requests that nobody will answer.
    assert eventually(lambda: not is_there(killed))
    store.wait_until_ready()
    put = {"dialect": "keyvalue", "operation": "PutObject", "status": "2xx"}
    assert grown(store, before, "requests_total", 10, **put)


def test_buckets_objects_and_bytes_are_those_of_the_counters(store):
    before = scrape(store)
    ask(store, "PUT", "/measured-bucket")
    ask(store, "PUT", "/measured-bucket/a", b"x" * 500)
    ask(store, "PUT", "/measured-bucket/b", b"x" * 300)
    after = scrape(store)
    for name, by in (("buckets", 1), ("objects", 2), ("object_bytes", 800)):
        assert value(after, name) - value(before, name) == by
    assert value(after, "bucket_objects", bucket="measured-bucket") == 2
    assert value(after, "bucket_bytes", bucket="measured-bucket") == 800
    assert value(after, "database_up") == 1


def test_sweeps_of_another_process_are_counted(store):
    before = scrape(store)
    store.manage("sweep")
    assert value(scrape(store), "sweeps_total") - value(before, "sweeps_total") == 1


# Who may see them


@pytest.fixture
def far(client: Any, db: Any) -> Any:
    """Ask from an address outside of the networks."""
    return lambda **headers: client.get(
        "/-/metrics", REMOTE_ADDR="203.0.113.9", **headers
    )


def test_this_machine_may_see_them_and_others_may_not(client, db, far):
    assert client.get("/-/metrics").status_code == 200
    assert far().status_code == 403


def test_listed_networks_may_see_them(far, settings):
    settings.OBJECTSTORE_METRICS_NETWORKS = ["203.0.113.0/24", "fd00::/8"]
    assert far().status_code == 200


def test_a_token_opens_from_everywhere(far, settings):
    settings.OBJECTSTORE_METRICS_TOKEN = "token-of-the-scraper"
    assert far(HTTP_AUTHORIZATION="Bearer token-of-the-scraper").status_code == 200
    assert far(HTTP_AUTHORIZATION="Bearer another-token").status_code == 403
    assert far(HTTP_AUTHORIZATION="Bearer ").status_code == 403


def test_no_token_opens_where_none_is_set(far):
    assert far(HTTP_AUTHORIZATION="Bearer ").status_code == 403


def test_a_proxy_on_this_machine_does_not_lend_its_address(client, db, settings):
    forwarded = {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert client.get("/-/metrics", **forwarded).status_code == 403
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["127.0.0.1"]
    assert client.get("/-/metrics", **forwarded).status_code == 403
    forwarded = {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    assert client.get("/-/metrics", **forwarded).status_code == 200


def test_turned_off_there_is_nothing(client, db, settings):
    settings.OBJECTSTORE_METRICS = False
    assert client.get("/-/metrics").status_code == 400


def test_where_the_database_fails_the_rest_is_told(client, db, monkeypatch):
    from django.db import OperationalError

    from observability import queries

    def fail(*_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(queries, "holdings", fail)
    text = client.get("/-/metrics").content.decode()
    assert "objectstore_database_up 0" in text
    assert "objectstore_requests_in_flight" in text
