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
        current_size=(31 + day * 0.6 + 1.5 * math.sin(day / 5)) * 2**20,
        earlier_size=(1 + day * 0.03) * 2**20,
    )
heartbeats.note_alive(heartbeats.WORKER, "celery@store", now)
heartbeats.note_alive(heartbeats.BEAT, "schedule@store", now)
outcomes.keep("objects.tasks.sweep_blobs", 0.2, "")
"""

# Ages by folder, in days of the oldest and of the newest file.
AGE = """
import json
from contextlib import suppress
from datetime import timedelta
from django.utils import timezone
from buckets.queries import get
from buckets.quotas import put_bucket_quota
from console.models import Job, JobKind, JobState
from iam.entities import EntityKind
from iam.inline_policies import put_policy
from iam.models import Identity
from iam.principals import RequestFacts
from iam.queries import principal_of
from kernel.errors import AccessDenied
from objects.models import ObjectVersion
from objects.operations import delete_object, get_object

READS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject",
     "Resource": "arn:aws:s3:::invoices/*"}]}

now = timezone.now()
ages = {"2024/": (900, 420), "2025/": (600, 130), "2026/harbour/": (88, 2),
        "2026/summer/": (75, 52), "2026/winter/": (300, 260), "clients/": (240, 5),
        "press/": (190, 172), "raw/": (45, 22), "notes/": (20, 1)}
rows = ObjectVersion.objects.filter(bucket_id=get("team-photos").id)
for prefix, (oldest, newest) in ages.items():
    found = list(rows.filter(key__startswith=prefix).order_by("is_latest", "key"))
    for place, one in enumerate(found):
        days = oldest - (oldest - newest) * place / max(len(found) - 1, 1)
        rows.filter(pk=one.pk).update(created_at=now - timedelta(days=days))

# What the audit log tells of.
ada = principal_of(Identity.objects.get(name="ada")).asking(
    RequestFacts(source_ip="203.0.113.7", user_agent="aws-cli/2.31")
)
for refused in (
    lambda: get_object(ada, "invoices", "2026/03.xml"),
    lambda: delete_object(ada, "backups", "db/007.dump", now=now),
):
    with suppress(AccessDenied):
        refused()
root = Identity.objects.get(kind="root")
admin = principal_of(root).asking(RequestFacts(source_ip="198.51.100.24"))
put_bucket_quota(admin, "backups", quota_bytes=5_500_000, quota_objects=None)
put_policy(admin, EntityKind.USER, "ada", "reads-invoices", json.dumps(READS))
for kind, state, planned, done, failed, minutes, error in (
    (JobKind.PURGE, JobState.FAILED, 40, 0, 0, 1500, "AccessDenied: s3:DeleteObject"),
    (JobKind.EDIT, JobState.CANCELLED, 900, 400, 0, 900, ""),
    (JobKind.RESTORE, JobState.DONE, 310, 310, 0, 300, ""),
    (JobKind.MOVE, JobState.DONE, 96, 94, 2, 190, ""),
    (JobKind.PURGE, JobState.DONE, 1840, 1840, 0, 60, ""),
    (JobKind.COPY, JobState.RUNNING, 5200, 3224, 0, 4, ""),
):
    began = now - timedelta(minutes=minutes)
    ended = None if state == JobState.RUNNING else began + timedelta(minutes=3)
    Job.objects.create(
        kind=kind, state=state, identity=root, account=root.account,
        bucket_name="team-photos", parameters={"prefix": "2026/"},
        planned_count=planned, planned_size=planned * 300_000,
        done_count=done, done_size=done * 300_000, failed_count=failed, error=error,
        created_at=began, started_at=began, finished_at=ended, heard_at=ended or now,
    )
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


def give_ages(store: LiveStore) -> None:
    """Let the pictures be of two years, and some jobs have run."""
    store.manage("shell", "--verbosity", "0", "-c", AGE)


def count_usage(store: LiveStore, bucket: str) -> None:
    """Make the report of what a bucket holds."""
    store.manage("shell", "--verbosity", "0", "-c", COUNT.format(bucket=bucket))
