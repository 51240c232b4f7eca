"""Dashboard, health, usage and jobs: what they show, to whom, and what they do."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from console import charts, jobs
from console.models import Job, JobKind, JobState
from console.settings.policies import IDENTITY_POLICIES
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from lifecycle.models import LifecycleRun, ScrubRun
from monitoring import outcomes, traffic
from monitoring.models import TaskOutcome, Traffic
from objects.models import ObjectVersion
from objects.operations import put_object

ROLES = {title: text for title, _, text in IDENTITY_POLICIES}
NOTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        ],
    }
)


@pytest.fixture
def served(db: Any) -> None:
    """A minute in which something was answered."""
    now = timezone.now()
    Traffic.objects.create(
        span="minute",
        begun_at=traffic.start_of("minute", now) - timedelta(minutes=2),
        requests=1234,
        refused=30,
        failed=4,
        sent=5 * 2**20,
        received=2**20,
        latency=[0] * 4 + [1234] + [0] * 13,
        operations={"GetObject": 1000, "PutObject": 234},
    )


@pytest.fixture
def filled(root: Any, bucket: str) -> str:
    for key, size, kind in (
        ("photos/a.jpg", 3000, "image/jpeg"),
        ("photos/2026/b.jpg", 5000, "image/jpeg"),
        ("notes.txt", 100, "text/plain"),
    ):
        put_object(
            root,
            bucket,
            key,
            body=Body.of(bytes(size)),
            attributes=ObjectAttributes(content_type=kind),
            now=timezone.now(),
        )
    return bucket


# Dashboard


@pytest.mark.parametrize("name", ["", "1h", "24h", "7d", "90d", "nonsense"])
def test_dashboard_draws_each_range(
    operator: Client, served: None, filled: str, name: str
) -> None:
    traffic.roll_up(timezone.now())
    traffic.measure_capacity(timezone.now())
    response = operator.get("/admin/", {"range": name})
    figures = response.context_data["figures"]
    assert figures.whole.requests == 1234
    assert figures.failed_percent == "0.32 %"
    assert figures.operations[0][:2] == ("GetObject", 1000)
    requests, latency, moved = figures.charts
    assert [shape.name for shape in requests.shapes] == [
        "answered",
        "refused",
        "failed",
    ]
    assert not latency.is_empty
    assert not moved.is_empty
    assert b"1,234" in response.content
    assert response.context_data["growth"].rows[-1][1] == "7.9 KiB"


def test_no_latency_is_told_of_times_without_requests(
    operator: Client, served: None
) -> None:
    figures = operator.get("/admin/", {"range": "1h"}).context_data["figures"]
    requests, latency, _ = figures.charts
    assert [row[1:] for row in latency.rows].count(["–", "–"]) == 59
    assert [row[1] for row in requests.rows].count("0") == 59
    # One dash, where there was something.
    assert [shape.path.count("M") for shape in latency.shapes] == [1, 1]
    assert latency.shapes[0].path.endswith("h16.7")


def test_no_time_and_no_part_is_told_of_no_requests(operator: Client) -> None:
    figures = operator.get("/admin/").context_data["figures"]
    assert (figures.slow, figures.failed_percent) == ("–", "–")


def test_figures_of_the_server_are_for_its_operators(
    sign_in: Any, served: None
) -> None:
    plain = sign_in("plain", NOTHING)
    assert plain.get("/admin/").context_data["figures"] is None
    auditor = sign_in("auditor", ROLES["Auditor"])
    assert auditor.get("/admin/").context_data["figures"] is not None


def test_other_accounts_see_no_figures_and_no_health(
    operator: Client, other_root: Any, django_user_model: Any
) -> None:
    from iam.models import Identity

    user = django_user_model.objects.create_user("other", is_staff=True)
    Identity.objects.filter(pk=other_root.identity_id).update(user=user)
    client = Client()
    client.force_login(user)
    front = client.get("/admin/")
    assert front.context_data["figures"] is None
    assert b"/admin/health/" not in front.content
    assert client.get("/admin/health/").status_code == 403
    assert client.post("/admin/jobs/", {"task": "1"}).status_code == 403


def test_what_fails_is_on_the_dashboard(
    operator: Client, root: Any, account: Any, bucket: str
) -> None:
    outcomes.keep("objects.tasks.sweep_blobs", 1.0, "OSError: disk is gone")
    Job.objects.create(
        kind=JobKind.PURGE,
        identity_id=root.identity_id,
        account=account,
        bucket_name=bucket,
        state=JobState.FAILED,
        created_at=timezone.now(),
    )
    response = operator.get("/admin/")
    assert b"disk is gone" in response.content
    assert len(response.context_data["failed"]) == 1


# Health


def test_health_says_cause_and_remedy(operator: Client) -> None:
    page = operator.get("/admin/health/")
    assert page.status_code == 200
    assert b"None was ever seen" in page.content
    assert b"What to do:" in page.content
    assert page.context_data["wrong_count"] >= 1
    assert b"/admin/health/" in operator.get("/admin/").content


def test_health_is_refused_to_others(sign_in: Any, account: Any) -> None:
    plain = sign_in("plain", NOTHING)
    assert plain.get("/admin/health/").status_code == 403
    assert b"/admin/health/" not in plain.get("/admin/").content
    assert sign_in("eye", ROLES["Auditor"]).get("/admin/health/").status_code == 200


# Usage


def test_usage_is_counted_by_a_job_and_shown_from_its_report(
    operator: Client, filled: str
) -> None:
    page = f"/admin/buckets/{filled}/usage/"
    assert b"Not counted yet" in operator.get(page).content
    operator.post(page)
    job = Job.objects.get(kind=JobKind.USAGE)
    assert (job.state, job.done_count, job.marker) == (JobState.DONE, 3, {})
    shown = operator.get(page)
    assert [part.name for part in shown.context_data["folders"]] == [
        "photos/",
        "(not in a folder)",
    ]
    assert shown.context_data["folders"][0].percent == 98.8
    types = shown.context_data["breakdowns"][0].parts
    assert [(part.name, part.count) for part in types] == [
        ("image/jpeg", 2),
        ("text/plain", 1),
    ]
    inside = operator.get(page, {"folder": "photos/"})
    assert [part.name for part in inside.context_data["folders"]] == [
        "2026/",
        "(not in a folder)",
    ]
    assert operator.get(page, {"folder": "none/"}).status_code == 200


def test_usage_says_what_could_be_saved(
    operator: Client, root: Any, versioned: str
) -> None:
    now = timezone.now()
    for key, size in (("a", 300), ("a", 100), ("b", 600)):
        put_object(root, versioned, key, body=Body.of(bytes(size)), now=now)
    old = ObjectVersion.objects.filter(key="b")
    old.update(created_at=now - timedelta(days=100))
    page = f"/admin/buckets/{versioned}/usage/"
    operator.post(page)
    savings = operator.get(page).context_data["savings"]
    assert [(one.name, one.size, one.percent) for one in savings] == [
        ("Delete earlier versions", 300, 30.0),
        ("Delete or move what was written over 90 days ago", 600, 60.0),
    ]


def test_map_of_a_bucket_shows_what_is_in_its_folders(
    operator: Client, root: Any, filled: str
) -> None:
    body = Body.of(bytes(50))
    put_object(root, filled, "plain/file", body=body, now=timezone.now())
    page = f"/admin/buckets/{filled}/usage/"
    operator.post(page)
    drawn = operator.get(page).context_data["drawn"]
    shown = {one.part.name: (one.part.size, one.tone) for one in drawn}
    assert shown == {
        "photos/2026/": (5000, 0),
        "photos/(not in a folder)": (3000, 0),
        "(not in a folder)": (100, 1),
        "plain/": (50, 2),
    }
    assert sum(one.part.percent for one in drawn) == pytest.approx(100, abs=0.3)
    area = sum(one.tile.width * one.tile.height for one in drawn)
    assert area == pytest.approx(100 * 100)
    inside = operator.get(page, {"folder": "photos/"}).context_data["drawn"]
    assert {one.part.name for one in inside} == {"2026/", "(not in a folder)"}


def test_usage_is_counted_once_at_a_time(
    operator: Client, root: Any, account: Any, filled: str
) -> None:
    Job.objects.create(
        kind=JobKind.USAGE,
        identity_id=root.identity_id,
        account=account,
        bucket_name=filled,
        state=JobState.RUNNING,
        created_at=timezone.now(),
    )
    operator.post(f"/admin/buckets/{filled}/usage/")
    assert Job.objects.count() == 1
    page = operator.get(f"/admin/buckets/{filled}/usage/").content
    assert b"being counted" in page


def test_usage_is_refused_to_those_who_may_not_list(sign_in: Any, filled: str) -> None:
    plain = sign_in("plain", NOTHING)
    page = f"/admin/buckets/{filled}/usage/"
    assert plain.get(page).status_code == 403
    assert plain.post(page).status_code == 403
    assert Job.objects.count() == 0


# Jobs


def test_job_has_a_log(operator: Client, root: Any, filled: str) -> None:
    operator.post(f"/admin/buckets/{filled}/usage/")
    job = Job.objects.get()
    texts = [text for _, text in job.log]
    assert texts[0].startswith("Asked for by")
    assert texts[1] == "A worker began."
    assert texts[-1] == "Done: 3 done."
    assert b"A worker began." in operator.get(f"/admin/jobs/{job.pk}/").content
    jobs.retry_job(root, job.pk)
    job.refresh_from_db()
    assert any("run again" in text for _, text in job.log)


def test_log_is_bounded(root: Any, account: Any, filled: str) -> None:
    job = Job(created_at=timezone.now())
    for number in range(500):
        jobs.tell(job, timezone.now(), str(number))
    assert [text for _, text in job.log[-1:]] == ["499"]
    assert len(job.log) == jobs.MOST_LINES


def test_long_job_tells_its_progress(root: Any, account: Any, filled: str) -> None:
    now = timezone.now()
    job = Job.objects.create(
        kind=JobKind.USAGE,
        state=JobState.RUNNING,
        identity_id=root.identity_id,
        account=account,
        bucket_name=filled,
        created_at=now - timedelta(hours=1),
        log=[jobs.line(now - timedelta(hours=1), "begin")],
    )
    jobs.note(job, jobs.bulk.Step(done_count=1200), now)
    job.refresh_from_db()
    assert job.log[-1][1] == "1,200 done so far."


@pytest.fixture
def scheduled(db: Any) -> PeriodicTask:
    interval = IntervalSchedule.objects.create(every=60, period="seconds")
    return PeriodicTask.objects.create(
        name="forget old figures",
        task="monitoring.tasks.forget_old_figures",
        interval=interval,
    )


def test_schedule_shows_outcomes_and_runs_now(
    operator: Client, scheduled: PeriodicTask
) -> None:
    page = operator.get("/admin/jobs/").content
    assert b"Forget old figures" in page
    assert b"not run yet" in page
    response = operator.post("/admin/jobs/", {"task": scheduled.pk})
    assert response.status_code == 302
    outcome = TaskOutcome.objects.get(task=scheduled.task)
    assert outcome.succeeded_at is not None
    from audit.models import AuditEvent

    event = AuditEvent.objects.get(action="objectstore:RunTask")
    assert event.parameters == {"task": scheduled.task}
    assert operator.post("/admin/jobs/", {"task": "999999"}).status_code == 404
    assert operator.post("/admin/jobs/", {"task": "x"}).status_code == 400


def test_auditor_sees_the_schedule_and_runs_nothing(
    sign_in: Any, account: Any, scheduled: PeriodicTask
) -> None:
    auditor = sign_in("auditor", ROLES["Auditor"])
    page = auditor.get("/admin/jobs/").content
    assert b"Forget old figures" in page
    assert b"Run now" not in page
    assert auditor.post("/admin/jobs/", {"task": scheduled.pk}).status_code == 403
    assert TaskOutcome.objects.count() == 0
    plain = sign_in("plain", NOTHING)
    assert b"Forget old figures" not in plain.get("/admin/jobs/").content


def test_runs_and_scrubs_are_shown(
    operator: Client, bucket: str, other_root: Any
) -> None:
    from buckets.access import find_bucket
    from buckets.operations import create_bucket

    now = timezone.now()
    create_bucket(other_root, "not-ours", now=now)
    for name in (bucket, "not-ours"):
        LifecycleRun.objects.create(
            bucket_id=find_bucket(name).id,
            rules=[],
            started_at=now,
            updated_at=now,
            finished_at=now,
            versions_seen=77,
        )
    ScrubRun.objects.create(started_at=now, updated_at=now, blobs=12, size=4096)
    page = operator.get("/admin/jobs/")
    (run,) = page.context_data["runs"]
    assert run.bucket.name == bucket
    assert b"12 files" in page.content
    assert b"under way" in page.content


def test_who_may_not_list_may_not_count_by_a_job(
    make_principal: Any, filled: str
) -> None:
    stranger = make_principal("stranger")
    job = jobs.start_job(
        stranger, JobKind.USAGE, filled, {"prefix": ""}, now=timezone.now()
    )
    job.refresh_from_db()
    assert job.state == JobState.FAILED


# Drawing


def test_tiles_fill_the_map_and_keep_their_shares() -> None:
    named = [(str(n), float(n)) for n in (50, 25, 12, 6, 4, 2, 1)]
    laid = charts.tiles(named)
    assert sum(tile.width * tile.height for tile in laid) == pytest.approx(10_000)
    for tile in laid:
        share = tile.width * tile.height / 10_000
        assert share == pytest.approx(tile.value / 100)
        assert tile.x + tile.width <= 100.001
        assert tile.y + tile.height <= 100.001
    assert charts.tiles([("a", 0.0)]) == []


def test_lines_have_gaps_where_nothing_was_measured() -> None:
    now = timezone.now()
    line = charts.Line("a", "x", [None, 4, 2, None, 1])
    drawn = charts.lines("T", [now] * 5, [line], str, "%H")
    assert drawn.shapes[0].path == "M300.0 0.00L500.0 50.00M800.0 75.00h200.0"
    assert [row[1] for row in drawn.rows] == ["–", "4", "2", "–", "1"]
    assert drawn.summary == "T; at most: a 4."


def test_bars_stand_upon_each_other() -> None:
    now = timezone.now()
    drawn = charts.bars(
        "T",
        [now, now],
        [charts.Series("a", "x", [1, 3]), charts.Series("b", "y", [1, 1])],
        str,
        "%H",
    )
    assert drawn.top == "4"
    assert drawn.shapes[0].path.startswith("M50.0 75.00h400.0v25.00")
    assert drawn.shapes[1].path.startswith("M50.0 50.00h400.0v25.00")
    assert len(drawn.rows) == len(drawn.columns) == 2
