"""A bucket whose versions are as old as a test wants them, and its rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from buckets.configurations import Configuration
from buckets.lifecycle import check_lifecycle
from buckets.operations import put_configuration
from iam.principals import SYSTEM
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from lifecycle.operations import run_lifecycle
from lifecycle.previews import preview_lifecycle
from objects.listings import list_object_versions
from objects.operations import delete_object, put_object

CLASSES = ["standard", "cold", "archive"]
# Ten in the morning of a day in March.
NOW = datetime(2030, 3, 15, 10, 30, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def rules_of(*rules: dict[str, Any]) -> list[Any]:
    """Give rules their normal form; a Status, an ID and a Filter may be left out."""
    document = {
        "Rules": [
            {"ID": f"rule-{number}", "Status": "Enabled", **rule}
            for number, rule in enumerate(rules)
        ]
    }
    return list(check_lifecycle(document, CLASSES)["Rules"])


class Shelf:
    """One bucket, seen by a lifecycle test."""

    def __init__(self, principal: Any, name: str) -> None:
        self.principal, self.name = principal, name

    def put(
        self, key: str, age: float, data: bytes = b"data", **attributes: Any
    ) -> Any:
        return put_object(
            self.principal,
            self.name,
            key,
            body=Body.of(data),
            attributes=ObjectAttributes(**attributes),
            now=days_ago(age),
        )

    def delete(self, key: str, age: float) -> Any:
        return delete_object(self.principal, self.name, key, now=days_ago(age))

    def rules(self, *rules: dict[str, Any], **more: Any) -> list[Any]:
        """Save rules, and what else their document says."""
        found = rules_of(*rules)
        document = check_lifecycle({"Rules": found, **more}, CLASSES)
        put_configuration(self.principal, self.name, Configuration.LIFECYCLE, document)
        return found

    def run(self, now: datetime = NOW) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Run the rules; give counts and bytes by rule, action and class."""
        run = run_lifecycle(self.name, now=now)
        assert run is not None
        assert run.finished_at is not None
        return {
            (one.rule_id, one.action, one.storage_class): (one.count, one.size)
            for one in run.outcomes.all()
        }

    def preview(self, **options: Any) -> Any:
        return preview_lifecycle(SYSTEM, self.name, **{"date": NOW, **options})

    @property
    def versions(self) -> list[tuple[str, bool, str]]:
        """What is left: (key, is it a delete marker, storage class), newest first."""
        found = list_object_versions(self.principal, self.name).versions
        return [
            (one.key, bool(one.is_delete_marker), one.storage_class) for one in found
        ]

    @property
    def keys(self) -> list[str]:
        return [key for key, is_marker, _ in self.versions if not is_marker]


def counted(tallies: Any) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (one.rule_id, str(one.action), one.storage_class): (one.count, one.size)
        for one in tallies
    }


@pytest.fixture
def plain(root: Any, bucket: str) -> Shelf:
    return Shelf(root, bucket)


@pytest.fixture
def kept(root: Any, versioned: str) -> Shelf:
    return Shelf(root, versioned)


@pytest.fixture
def locked(root: Any) -> Shelf:
    from buckets.operations import create_bucket

    create_bucket(root, "locked", has_object_lock=True, now=days_ago(100))
    return Shelf(root, "locked")


@pytest.fixture
def stored(settings: Any) -> None:
    """Keep every object's bytes in files."""
    settings.OBJECTSTORE_INLINE_MAX = 0
