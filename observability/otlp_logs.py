"""Log records sent by OTLP, with what JSON lines tell and nothing more."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from observability.logs import context_of, without_secrets

# What the sender itself logs must not be sent, or it would never come to an end.
OWN = ("opentelemetry", "urllib3", "objectstore.telemetry")
SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
formatter = logging.Formatter()


class LogSender(logging.Handler):
    """Hands log records to OpenTelemetry's queue."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(OWN):
            return
        try:
            self._provider.get_logger(record.name).emit(drawn(record))
        except Exception:
            self.handleError(record)


def drawn(record: logging.LogRecord) -> LogRecord:
    facts = dict(context_of(record))
    trace_id = int(facts.pop("trace_id", "0"), 16)
    span_id = int(facts.pop("span_id", "0"), 16)
    return LogRecord(
        timestamp=int(record.created * 1e9),
        observed_timestamp=int(record.created * 1e9),
        trace_id=trace_id or None,
        span_id=span_id or None,
        severity_text=record.levelname,
        severity_number=SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
        body=without_secrets(record.getMessage()),
        attributes={**facts, **exception_of(record)},
    )


def exception_of(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    return {
        "exception.type": record.exc_info[0].__name__,
        "exception.stacktrace": without_secrets(
            formatter.formatException(record.exc_info)
        ),
    }
