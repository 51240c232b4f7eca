"""Retention and legal hold of objects."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from django.utils import timezone

from kernel.errors import MalformedXML
from objects import retention
from s3api.handlers.objects import bypasses_governance
from s3api.reading import needed, read_xml, text_of
from s3api.requests import S3Request
from s3api.xml import document, element, elements, empty, time_text


def get_retention(request: S3Request) -> HttpResponse:
    info = retention.get_object_retention(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    until = info.retain_until
    return document(
        "Retention",
        elements(
            {"Mode": info.lock_mode, "RetainUntilDate": until and time_text(until)}
        ),
    )


def put_retention(request: S3Request) -> HttpResponse:
    root = read_xml(request.body, "Retention")
    mode, date = text_of(root, "Mode") or "", text_of(root, "RetainUntilDate")
    if bool(mode) != bool(date):
        raise MalformedXML()
    retention.put_object_retention(
        request.principal,
        request.bucket,
        request.key,
        mode,
        read_date(date) if date else None,
        version_id=request.version_id,
        bypass_governance=bypasses_governance(request),
        expected_owner=request.expected_owner,
        now=timezone.now(),
    )
    return empty()


def read_date(text: str) -> datetime:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedXML() from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def get_legal_hold(request: S3Request) -> HttpResponse:
    info = retention.get_object_legal_hold(
        request.principal,
        request.bucket,
        request.key,
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    return document(
        "LegalHold", element("Status", "ON" if info.has_legal_hold else "OFF")
    )


def put_legal_hold(request: S3Request) -> HttpResponse:
    status = needed(read_xml(request.body, "LegalHold"), "Status")
    if status not in {"ON", "OFF"}:
        raise MalformedXML()
    retention.put_object_legal_hold(
        request.principal,
        request.bucket,
        request.key,
        is_held=status == "ON",
        version_id=request.version_id,
        expected_owner=request.expected_owner,
    )
    return empty()
