"""Figures for pictures and browser tests: three days of requests and of growth."""

from __future__ import annotations

from tests.servers import LiveStore

MAKE = """
import math
from datetime import timedelta
from django.utils import timezone
from iam.models import Account
from monitoring import heartbeats, outcomes, traffic
from monitoring.models import Capacity, Span, Traffic

now = timezone.now()
first = traffic.start_of(Span.MINUTE, now) - timedelta(days=1)
for minute in range(24 * 60):
    wave = 1.2 + math.sin(minute / 230) + 0.25 * math.sin(minute / 17)
    requests = int(900 * wave)
    Traffic.objects.create(
        span=Span.MINUTE,
        begun_at=first + timedelta(minutes=minute),
        requests=requests,
        refused=requests // 40,
        failed=requests // 90 if 700 < minute < 760 else 0,
        sent=requests * 210_000,
        received=requests * 64_000,
        latency=[requests // 9] * 7 + [requests // 30] * 4 + [0] * 7,
        operations={"GetObject": requests * 6 // 10, "PutObject": requests // 5,
                    "ListObjectsV2": requests // 8, "HeadObject": requests // 14,
                    "DeleteObject": requests // 40},
    )
account = Account.objects.order_by("pk").first()
for day in range(60):
    Capacity.objects.create(
        account=account,
        span=Span.DAY,
        begun_at=traffic.start_of(Span.DAY, now) - timedelta(days=59 - day),
        objects_count=4000 + 90 * day,
        current_size=(2.2 + day * 0.08 + 0.2 * math.sin(day / 5)) * 2**20,
        earlier_size=(0.1 + day * 0.004) * 2**20,
    )
heartbeats.note_alive(heartbeats.WORKER, "celery@store", now)
heartbeats.note_alive(heartbeats.BEAT, "schedule@store", now)
outcomes.keep("objects.tasks.sweep_blobs", 0.2, "")
"""

COUNT = """
from django.utils import timezone
from console import jobs
from console.models import JobKind
from iam.queries import first_root
from objectstore_site.celery import app

app.conf.task_always_eager = True
jobs.start_job(first_root(), JobKind.USAGE, "{bucket}", {{"prefix": ""}},
               now=timezone.now())
"""


def give_figures(store: LiveStore) -> None:
    """Write down figures as if the store had served for a while."""
    store.manage("shell", "--verbosity", "0", "-c", MAKE)


def count_usage(store: LiveStore, bucket: str) -> None:
    """Make the report of what a bucket holds."""
    store.manage("shell", "--verbosity", "0", "-c", COUNT.format(bucket=bucket))
