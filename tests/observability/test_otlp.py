"""Telemetry as a real receiver gets it from a real server and worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.observability.receiver import Receiver, attributes_of, eventually
from tests.servers import API_KEY, ROOT, SECRET_ACCESS_KEY, LiveStore

SENDER = "4bf92f3577b34da6a3ce929d0e0e4736"
FAST = {
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_BLRP_SCHEDULE_DELAY": "50",
    "OTEL_METRIC_EXPORT_INTERVAL": "200",
    "OTEL_TRACES_SAMPLER": "parentbased_always_on",
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def store(receiver: Receiver, tmp_path_factory: Any) -> Iterator[LiveStore]:
    store = LiveStore(
        tmp_path_factory.mktemp("traced"),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=blue",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment=test",
        OBJECTSTORE_ACCESS_LOG="-",
        **FAST,
    )
    store.start()
    yield store
    store.stop()


def ask(
    store: LiveStore, method: str, path: str, data: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    request = urllib.request.Request(store.url + path, data=data, method=method)
    request.add_header("Authorization", f"Bearer {API_KEY}")
    for name, value in headers.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def trace_of(receiver: Receiver, name: str, **attributes: Any) -> list[Any]:
    """Give all spans of the first trace whose outermost is this one."""

    def look() -> list[Any]:
        for span in receiver.spans():
            told = attributes_of(span)
            if span.name == name and attributes.items() <= told.items():
                return [
                    one for one in receiver.spans() if one.trace_id == span.trace_id
                ]
        return []

    return eventually(look)


def test_an_upload_is_a_trace_of_the_storeys_it_went_through(store, receiver):
    ask(store, "PUT", "/v1/buckets/traced")
    path = "/v1/buckets/traced/objects/large"
    assert ask(store, "PUT", path, b"x" * 100_000)[0] == 200
    spans = trace_of(receiver, "rest PutObject", **{"url.path": path})
    root = next(span for span in spans if span.name == "rest PutObject")
    inner = [span for span in spans if span is not root]
    assert {span.name for span in inner} == {
        *("authenticate", "door", "query", "blob write", "commit"),
    }
    ids = {span.span_id for span in spans}
    assert all(span.parent_span_id in ids for span in inner)
    assert all(
        root.start_time_unix_nano
        <= span.start_time_unix_nano
        <= span.end_time_unix_nano
        <= root.end_time_unix_nano
        for span in inner
    )
    assert root.kind == root.SPAN_KIND_SERVER
    told = attributes_of(root)
    assert told["http.response.status_code"] == 200
    assert told["http.request.body.size"] == 100_000
    assert told["objectstore.principal"].endswith(":root")


def test_a_query_tells_its_statement_and_no_value(store, receiver):
    ask(store, "GET", "/objects/no-such-key")
    ask(store, "PUT", "/objects/key", b"value")
    ask(store, "GET", "/objects/key")
    spans = trace_of(receiver, "keyvalue GetObject", **{"url.path": "/objects/key"})
    texts = [
        attributes_of(one)["db.query.text"] for one in spans if one.name == "query"
    ]
    assert any("SELECT" in text for text in texts)
    assert not any("'key'" in text for text in texts)


def test_a_request_goes_on_with_its_senders_trace(store, receiver):
    ask(
        store,
        "PUT",
        "/objects/followed",
        b"1",
        traceparent=f"00-{SENDER}-{'b7' * 8}-01",
    )
    spans = eventually(
        lambda: [one for one in receiver.spans() if one.trace_id.hex() == SENDER]
    )
    root = next(one for one in spans if one.name == "keyvalue PutObject")
    assert root.parent_span_id.hex() == "b7" * 8


def test_what_the_sender_does_not_sample_is_not_traced(store, receiver):
    other = "0" * 31 + "1"
    ask(store, "PUT", "/objects/unseen", b"1", traceparent=f"00-{other}-{'b7' * 8}-00")
    ask(store, "PUT", "/objects/seen", b"1")
    assert trace_of(receiver, "keyvalue PutObject", **{"url.path": "/objects/seen"})
    assert not [one for one in receiver.spans() if one.trace_id.hex() == other]


def test_a_refusal_is_named_in_the_span_that_refused(store, receiver):
    ask(store, "GET", "/traced-not", **{"Authorization": "Bearer wrong-wrong-wrong"})
    spans = trace_of(receiver, "s3 ListObjects", **{"url.path": "/traced-not"})
    refused = next(span for span in spans if span.name == "authenticate")
    assert attributes_of(refused) == {"error.type": "AuthenticationFailed"}
    assert refused.status.code == refused.status.STATUS_CODE_UNSET


def test_metrics_are_sent_with_the_resource_and_headers_of_the_environment(
    store, receiver
):
    ask(store, "PUT", "/objects/measured", b"x" * 1000)

    def puts() -> float:
        metric = receiver.metrics().get("objectstore_requests_total")
        for point in metric.sum.data_points if metric else ():
            told = attributes_of(point)
            if (told["dialect"], told["operation"]) == ("keyvalue", "PutObject"):
                return float(point.as_double)
        return 0.0

    assert eventually(puts) >= 1
    durations = receiver.metrics()["objectstore_request_duration_seconds"].histogram
    point = durations.data_points[0]
    assert sum(point.bucket_counts) == point.count >= 1
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert receiver.metrics()["objectstore_buckets"].gauge.data_points
    assert {one["x-tenant"] for one in receiver.headers} == {"blue"}
    told = attributes_of(
        receiver.messages("/v1/metrics")[0].resource_metrics[0].resource
    )
    assert told["service.name"] == "objectstore"
    assert told["deployment.environment"] == "test"


def test_log_records_tell_their_request_and_trace(store, receiver):
    ask(store, "PUT", "/objects/logged", b"x")
    records = eventually(
        lambda: [
            one
            for one in receiver.logs()
            if attributes_of(one).get("path") == "/objects/logged"
        ]
    )
    told = attributes_of(records[0])
    assert told["operation"] == "PutObject"
    assert told["bucket"] == "key-value"
    assert told["request_id"]
    [span, *_] = trace_of(
        receiver, "keyvalue PutObject", **{"url.path": "/objects/logged"}
    )
    assert records[0].trace_id == span.trace_id


def test_no_secret_is_sent(store, receiver):
    url = "/v1/buckets/traced/objects/large/signed-url"
    ask(
        store, "POST", url, b'{"method": "GET"}', **{"Content-Type": "application/json"}
    )
    trace_of(receiver, "rest SignUrl")
    everything = b"".join(m.SerializeToString() for _, m in list(receiver.received))
    for secret in (API_KEY, SECRET_ACCESS_KEY):
        assert secret.encode() not in everything


def test_a_workers_task_is_a_trace_and_counted(store, receiver):
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "-A", "objectstore_site", "worker"),
            *("--beat", "--concurrency", "1"),
            *("--schedule", str(store.folder / "schedule"), "--pidfile="),
        ],
        cwd=ROOT,
        env=store.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = (
            "import django; django.setup();"
            "from objects.tasks import sweep_blobs; sweep_blobs.delay()"
        )
        environment = {
            **store.environment,
            "DJANGO_SETTINGS_MODULE": "objectstore_site.settings",
        }
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True
        )
        spans = trace_of(receiver, "objects.tasks.sweep_blobs")
        root = next(one for one in spans if one.name == "objects.tasks.sweep_blobs")
        assert root.kind == root.SPAN_KIND_CONSUMER
        assert attributes_of(root)["objectstore.task.state"] == "success"

        def swept() -> float:
            metric = receiver.metrics()["objectstore_sweeps_total"]
            return float(metric.sum.data_points[0].as_double)

        assert eventually(swept) >= 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def test_what_waits_is_sent_when_the_server_stops(receiver, tmp_path):
    """The variable is the one of BoxDrive's document, which the standard lacks."""
    store = LiveStore(
        tmp_path,
        OTEL_EXPORTER_HTTP_ENDPOINT=receiver.url,
        OTEL_BSP_SCHEDULE_DELAY="600000",
    )
    store.start()
    try:
        ask(store, "PUT", "/objects/last-words", b"x")
    finally:
        store.stop()
    path = {"url.path": "/objects/last-words"}
    assert trace_of(receiver, "keyvalue PutObject", **path)


def test_nothing_of_it_is_there_where_nothing_is_sent(tmp_path):
    """Redis's client imports parts of OpenTelemetry by itself where it finds them."""
    code = (
        "import sys, objectstore_site.wsgi, objectstore_site.urls;"
        "from iam.authenticate import authenticate;"
        "from kernel.database.rows import fetch_all;"
        "ours = {'observability.otlp', 'observability.spans'} & set(sys.modules);"
        "sent = [name for name in sys.modules if name.startswith('opentelemetry.exp')];"
        "wrapped = [hasattr(f, '__wrapped__') for f in (authenticate, fetch_all)];"
        "print(ours, sent, wrapped)"
    )
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("OTEL_")},
        "OBJECTSTORE_DATA_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set() [] [False, False]"
