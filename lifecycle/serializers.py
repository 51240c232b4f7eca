"""The JSON of previews and runs, in the manner of the API reference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from rest_framework import serializers

from buckets.serializers import read_lifecycle
from buckets.spelling import snake
from kernel.errors import InvalidArgument, MalformedJSON
from kernel.http.drf import Strict, rest_time
from lifecycle.models import LifecycleRun
from lifecycle.previews import Preview, Tally


class PreviewRequestSerializer(Strict):
    """The body of a preview; all of it may be left out."""

    rules = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="rules to try; the saved ones if not given",
    )
    date = serializers.CharField(
        required=False, help_text="instead of now: 2030-01-31 or 2030-01-31T00:00:00Z"
    )


class SampleSerializer(serializers.Serializer):  # type: ignore[type-arg]
    key = serializers.CharField()
    version_id = serializers.CharField(allow_blank=True)


class TallySerializer(serializers.Serializer):  # type: ignore[type-arg]
    rule_id = serializers.CharField()
    action = serializers.CharField()
    storage_class = serializers.CharField(allow_null=True)
    count = serializers.IntegerField()
    size = serializers.IntegerField()


class SampledTallySerializer(TallySerializer):
    samples = SampleSerializer(many=True)


class DaySerializer(serializers.Serializer):  # type: ignore[type-arg]
    date = serializers.DateTimeField()
    actions = TallySerializer(many=True)


class PreviewSerializer(serializers.Serializer):  # type: ignore[type-arg]
    bucket_name = serializers.CharField()
    date = serializers.DateTimeField()
    versions_seen = serializers.IntegerField()
    actions = SampledTallySerializer(many=True)
    days = DaySerializer(many=True)


class RunSerializer(serializers.Serializer):  # type: ignore[type-arg]
    run_id = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    versions_seen = serializers.IntegerField()
    failures = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True)
    actions = TallySerializer(many=True)


class RunPageSerializer(serializers.Serializer):  # type: ignore[type-arg]
    runs = RunSerializer(many=True)


def read_rules(document: Any) -> list[Any]:
    """Give the normal form of {"rules": [...]} in the reference's spelling.

    Raises what `check_lifecycle` raises, and MalformedJSON.
    """
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise MalformedJSON('The document must be {"rules": [...]}.')
    classes = settings.OBJECTSTORE_STORAGE_CLASSES
    rules: list[Any] = read_lifecycle(document, classes)["Rules"]
    return rules


def read_date(text: str) -> datetime:
    """Read a date or a time; without a zone it is UTC. Raises InvalidArgument."""
    try:
        date = datetime.fromisoformat(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            "The date must be of the form 2030-01-31 or 2030-01-31T00:00:00Z.",
            argument_name="date",
            argument_value=text[:64],
        ) from None


def rest_preview(preview: Preview) -> dict[str, Any]:
    return {
        "bucket_name": preview.bucket_name,
        "date": rest_time(preview.date),
        "versions_seen": preview.versions_seen,
        "actions": [
            {
                **rest_tally(one),
                "samples": [
                    {"key": key, "version_id": version_id}
                    for key, version_id in one.samples
                ],
            }
            for one in preview.tallies
        ],
        "days": [
            {
                "date": rest_time(day.date),
                "actions": [rest_tally(one) for one in day.tallies],
            }
            for day in preview.days
        ],
    }


def rest_tally(tally: Tally | Any) -> dict[str, Any]:
    return {
        "rule_id": tally.rule_id,
        "action": snake(tally.action),
        "storage_class": tally.storage_class or None,
        "count": tally.count,
        "size": tally.size,
    }


def rest_run(run: LifecycleRun) -> dict[str, Any]:
    outcomes = sorted(
        run.outcomes.all(), key=lambda one: (one.rule_id, one.action, one.storage_class)
    )
    return {
        "run_id": run.pk,
        "started_at": rest_time(run.started_at),
        "updated_at": rest_time(run.updated_at),
        "finished_at": rest_time(run.finished_at) if run.finished_at else None,
        "versions_seen": run.versions_seen,
        "failures": run.failures,
        "error": run.error,
        "actions": [rest_tally(one) for one in outcomes],
    }
