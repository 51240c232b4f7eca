"""The schedule in the database, which operators change."""

from __future__ import annotations

import pytest
from django_celery_beat import schedulers
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from objectstore_site.celery import app
from objectstore_site.schedule import KeptSchedule

pytestmark = pytest.mark.django_db


def test_what_an_operator_changed_outlives_a_restart(settings, monkeypatch):
    # It would close the connection that holds the test's transaction.
    monkeypatch.setattr(schedulers, "close_old_connections", lambda: None)
    KeptSchedule(app=app).setup_schedule()
    names = set(PeriodicTask.objects.values_list("name", flat=True))
    assert names >= set(settings.CELERY_BEAT_SCHEDULE)
    daily = IntervalSchedule.objects.create(every=1, period="days")
    changed = PeriodicTask.objects.get(task="lifecycle.tasks.start_lifecycle")
    changed.interval, changed.enabled = daily, False
    changed.save()
    KeptSchedule(app=app).setup_schedule()
    changed.refresh_from_db()
    assert (changed.interval, changed.enabled) == (daily, False)
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == names
