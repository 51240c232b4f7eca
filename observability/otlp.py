"""Telemetry sent by OTLP, as OpenTelemetry's environment variables say.

Traces and logs go through the SDK's queues. Metrics are those of /-/metrics, summed
over all processes of this machine; the process that holds the lock sends them, so that
each number arrives once.
"""

from __future__ import annotations

import atexit
import fcntl
import importlib
import logging
import os
import threading
import time
from collections.abc import Mapping
from multiprocessing import util
from pathlib import Path
from typing import Any

from django.conf import settings
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import export as points
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from kernel.release import release
from kernel.telemetry import endpoints_of, exports
from observability import families
from observability.ledger import read_all
from observability.otlp_logs import LogSender
from observability.spans import SCOPE, Tracer

logger = logging.getLogger("objectstore.telemetry")

SERVICE = "objectstore"
METRICS_EVERY = 60_000
# A trace costs 170 us, more than the small GET that it tells of. So many of each second
# show what happens at any load, for a third of a percent of a core.
TRACES_A_SECOND = 20
EXPORTERS = {
    "TRACES": ("trace_exporter", "OTLPSpanExporter"),
    "METRICS": ("metric_exporter", "OTLPMetricExporter"),
    "LOGS": ("_log_exporter", "OTLPLogExporter"),
}
GRPC = "opentelemetry.exporter.otlp.proto.grpc"
HTTP = "opentelemetry.exporter.otlp.proto.http"


class Telemetry:
    """What this process sends; threads start with the first process that works."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        resource = Resource.create(
            {
                "service.name": environ.get("OTEL_SERVICE_NAME") or SERVICE,
                "service.version": release(),
            }
        )
        self.tracer: Tracer | None = None
        self._ends: list[Any] = []
        if exports("TRACES", environ):
            processor = BatchSpanProcessor(exporter_of("TRACES", environ))
            sampler = sampling._get_from_env_or_default()
            is_told = bool(environ.get("OTEL_TRACES_SAMPLER"))
            most = None if is_told else TRACES_A_SECOND
            self.tracer = Tracer(sampler, resource, processor, most_a_second=most)
            self._ends.append(processor)
        if exports("LOGS", environ):
            provider = LoggerProvider(resource, shutdown_on_exit=False)
            provider.add_log_record_processor(
                BatchLogRecordProcessor(exporter_of("LOGS", environ))
            )
            logging.getLogger().addHandler(LogSender(provider))
            logging.getLogger("objectstore.access").addHandler(LogSender(provider))
            self._ends.append(provider)
        if exports("METRICS", environ) and settings.OBJECTSTORE_METRICS:
            sender = MetricSender(exporter_of("METRICS", environ), resource, environ)
            self._ends.append(sender)
        # The first is for servers' worker processes, which leave without the second.
        util.Finalize(self, self.end, exitpriority=10)
        atexit.register(self.end)

    def end(self) -> None:
        """Send what is waiting."""
        ends, self._ends = self._ends, []
        for one in ends:
            one.shutdown()


def exporter_of(signal: str, environ: Mapping[str, str]) -> Any:
    """Make the exporter of a signal: HTTP, or gRPC where its package is installed."""
    module, name = EXPORTERS[signal]
    package = GRPC if protocol_of(signal, environ) == "grpc" else HTTP
    exporter = getattr(importlib.import_module(f"{package}.{module}"), name)
    return exporter(**endpoint_of(signal, package, environ))


def protocol_of(signal: str, environ: Mapping[str, str]) -> str:
    own = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL")
    return own or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")


def endpoint_of(
    signal: str, package: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """Leave the standard's variables to the exporter; spell out the one it lacks."""
    *standard, other = endpoints_of(signal)
    if any(environ.get(name) for name in standard):
        return {}
    base = environ[other].rstrip("/")
    return {"endpoint": base if package == GRPC else f"{base}/v1/{signal.lower()}"}


class MetricSender:
    """A thread that sends all metrics at intervals, while it holds the lock."""

    def __init__(
        self, exporter: Any, resource: Resource, environ: Mapping[str, str]
    ) -> None:
        self._exporter = exporter
        self._resource = resource
        interval = environ.get("OTEL_METRIC_EXPORT_INTERVAL") or METRICS_EVERY
        self._seconds = int(interval) / 1000
        self._folder = Path(settings.OBJECTSTORE_METRICS_DIR)
        self._start()
        os.register_at_fork(after_in_child=self._start)

    def _start(self) -> None:
        self._lock: Any = None
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="otlp-metrics", daemon=True).start()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self.send()

    def send(self) -> None:
        """Measure and send, unless another process does."""
        try:
            if self._holds_lock():
                self._exporter.export(metrics_data(self._resource, self._folder))
        except Exception:
            logger.exception("metrics could not be sent")

    def _holds_lock(self) -> bool:
        if self._lock is not None:
            return True
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open(self._folder / "sender", "a")  # noqa: SIM115 - held while we live
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._lock = file
        return True

    def shutdown(self) -> None:
        """Send once more, then let another process send."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._lock is not None:
            self.send()
        self._exporter.shutdown()


def metrics_data(resource: Resource, folder: Path) -> points.MetricsData:
    """Draw all families as OTLP has them, counted since the first process began."""
    now = time.time_ns()
    since = int(read_all(folder).since * 1e9) or now
    metrics = [metric_of(family, since, now) for family in families.all_families()]
    scope = points.ScopeMetrics(SCOPE, metrics, "")
    return points.MetricsData([points.ResourceMetrics(resource, [scope], "")])


def metric_of(family: families.Family, since: int, now: int) -> points.Metric:
    data: points.Sum | points.Gauge | points.Histogram
    if family.kind == "histogram":
        data = points.Histogram(
            [
                histogram_point(sample, since, now)
                for sample in family.samples
                if isinstance(sample, families.Spread)
            ],
            points.AggregationTemporality.CUMULATIVE,
        )
    else:
        values = [
            points.NumberDataPoint(sample.labels, since, now, sample.value)
            for sample in family.samples
            if isinstance(sample, families.Sample)
        ]
        data = (
            points.Sum(values, points.AggregationTemporality.CUMULATIVE, True)
            if family.kind == "counter"
            else points.Gauge(values)
        )
    return points.Metric(family.name, family.text, family.unit, data)


def histogram_point(
    spread: families.Spread, since: int, now: int
) -> points.HistogramDataPoint:
    return points.HistogramDataPoint(
        attributes=spread.labels,
        start_time_unix_nano=since,
        time_unix_nano=now,
        count=sum(spread.counts),
        sum=spread.sum,
        bucket_counts=spread.counts,
        explicit_bounds=spread.bounds,
        min=0.0,
        max=0.0,
    )
