"""The schedule in the database, which operators change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat import schedulers
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from objects.tasks import sweep_blobs
from objectstore_site.celery import app
from objectstore_site.schedule import KeptSchedule

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept_connection(monkeypatch):
    # It would close the connection that holds the test's transaction.
    monkeypatch.setattr(schedulers, "close_old_connections", lambda: None)


def test_what_an_operator_changed_outlives_a_restart(settings):
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


def test_a_message_lapses_when_the_next_is_sent(monkeypatch):
    scheduler = KeptSchedule(app=app)
    scheduler.setup_schedule()
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    often = IntervalSchedule.objects.create(every=7, period="seconds")
    nightly = CrontabSchedule.objects.create(minute="30", hour="2")
    sent = []

    def send(*arguments, **named):
        sent.append(named.get("expires"))

    monkeypatch.setattr(sweep_blobs, "apply_async", send)
    for schedule in ({"interval": hourly}, {"interval": often}, {"crontab": nightly}):
        row = PeriodicTask.objects.create(
            name=f"sweep by {schedule}", task=sweep_blobs.name, **schedule
        )
        scheduler.apply_async(scheduler.Entry(row, app=app), advance=False)
    assert sent == [3600, 900, None]


def test_a_clock_that_was_ahead_stops_no_task(monkeypatch):
    now = timezone.now()
    KeptSchedule(app=app).setup_schedule()
    PeriodicTask.objects.update(last_run_at=now + timedelta(days=4000))
    scheduler = KeptSchedule(app=app)
    assert scheduler.tick() <= 60
    waits = [one.is_due().next for one in scheduler.schedule.values() if one.args == []]
    assert max(waits) <= 24 * 3600
    scheduler.sync()
    latest = PeriodicTask.objects.order_by("-last_run_at").first()
    assert latest.last_run_at < now + timedelta(hours=1)
