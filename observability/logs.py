"""Log lines: as text or JSON, with the request they belong to, never with a secret."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from kernel.http.operations import asked_by
from kernel.http.requests import client_address, raw_path
from kernel.telemetry import current
from observability.requests import Outcome

# Its lines are made of facts that hold no secret, so none is looked for.
ACCESS = "objectstore.access"
ACCESS_LINE = (
    '%(client)s %(principal)s "%(method)s %(path)s" %(status)s'
    " %(bytes_in)s+%(bytes_out)s bytes %(milliseconds)s ms"
    " %(operation)s %(request_id)s"
)
access_logger = logging.getLogger(ACCESS)

HIDDEN = "***"
# What follows a scheme, a telling name, or stands before the host of a URL.
SCHEMES = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{6,}")
NAMED = re.compile(
    r"(?i)([\w-]*(?:signature|secret|password|token|credential|api[-_]?key)[\w-]*"
    r"['\"]?\s*[=:]\s*['\"]?)[^\s'\"&,;)}]+"
)
IN_URLS = re.compile(r"://[^/\s@]+@")
# The address of a share link lets in whoever reads it.
SHARED = re.compile(r"(/-/share/)[^/\s?'\"]+")
SHORTEST_SECRET = 8


def without_secrets(text: str) -> str:
    """Hide what looks like a secret, and this server's own wherever they stand."""
    text = SCHEMES.sub(rf"\1\2{HIDDEN}", text)
    text = NAMED.sub(rf"\1{HIDDEN}", text)
    text = IN_URLS.sub(f"://{HIDDEN}@", text)
    text = without_token(text)
    own = own_secrets()
    return own.sub(HIDDEN, text) if own else text


def without_token(path: str) -> str:
    """Hide the token in the path of a share link."""
    return SHARED.sub(rf"\1{HIDDEN}", path) if "/-/share/" in path else path


@lru_cache(maxsize=1)
def own_secrets() -> re.Pattern[str] | None:
    values = (
        settings.SECRET_KEY,
        *settings.OBJECTSTORE_SEALING_KEYS,
        settings.OBJECTSTORE_ROOT_SECRET_KEY,
        settings.OBJECTSTORE_ROOT_API_KEY,
        settings.OBJECTSTORE_ROOT_PASSWORD,
        settings.OBJECTSTORE_METRICS_TOKEN,
    )
    known = [re.escape(value) for value in values if len(value) >= SHORTEST_SECRET]
    return re.compile("|".join(known)) if known else None


class Lines(logging.Formatter):
    """Text, one line an event and more for a traceback."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if record.name == ACCESS else without_secrets(line)


class JsonLines(logging.Formatter):
    """One JSON object an event, with the request, principal, bucket and operation."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line = {
            "time": iso_time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": message if record.name == ACCESS else without_secrets(message),
            **context_of(record),
        }
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


def iso_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def context_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """Give what is known beside the message: an access line's facts, or the request."""
    if record.name == ACCESS and isinstance(record.args, Mapping):
        return record.args
    return {} if current.request is None else facts_of(current.request)


def facts_of(request: Any) -> dict[str, Any]:
    """Say whose request it is and what it is about."""
    asked = asked_by(request)
    principal = getattr(request, "principal", None)
    span = current.span
    facts = {
        "request_id": getattr(request, "request_id", ""),
        "principal": "" if principal is None else principal.arn,
        "key_id": "" if principal is None else principal.key_id,
        "bucket": asked.bucket,
        "operation": asked.operation,
    }
    if span is not None:
        facts["trace_id"] = f"{span.trace_id:032x}"
        facts["span_id"] = f"{span.span_id:016x}"
    return facts


def log_access(request: Any, outcome: Outcome) -> None:
    """Write a request to the access log: its path, never its query or headers.

    A query may hold a signature, and a share link's path a token: who reads a log could
    use them.
    """
    facts = facts_of(request)
    facts.update(
        operation=outcome.operation,
        dialect=outcome.dialect,
        client=client_address(request.META),
        method=request.method,
        path=without_token(raw_path(request)),
        status=outcome.status,
        bytes_in=outcome.received,
        bytes_out=outcome.sent,
        milliseconds=round(outcome.seconds * 1000, 3),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
    )
    access_logger.info(ACCESS_LINE, facts)
