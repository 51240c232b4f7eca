"""The schedule of jobs: it begins as settings say, and stays as operators change it."""

from __future__ import annotations

from typing import Any

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler


class KeptSchedule(DatabaseScheduler):
    """A schedule in the database that a restart does not set back.

    Its base class writes every entry of the settings anew at each start.
    """

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        known = set(PeriodicTask.objects.values_list("name", flat=True))
        super().update_from_dict(
            {name: entry for name, entry in mapping.items() if name not in known}
        )
