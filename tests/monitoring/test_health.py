"""The health checks: what each says when its part is well, and when it is not."""

from __future__ import annotations

import os
from collections import namedtuple
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from buckets.models import Bucket
from lifecycle.models import LifecycleRun, ScrubRun
from monitoring import health, heartbeats, outcomes
from monitoring.health import Finding, State
from monitoring.models import Heartbeat, TaskOutcome
from objects.models import RestoreJob
from tests.certificates import make_certificate

NOW = timezone.now()
Usage = namedtuple("Usage", "total used free")


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def is_told(finding: Finding, state: State, word: str) -> bool:
    """Tell whether a finding that is not good has its cause and its remedy."""
    return finding.state is state and word in finding.text and bool(finding.remedy)


def test_every_check_finds_something(db: Any) -> None:
    for name, check in health.CHECKS.items():
        findings = check(NOW)
        assert findings, name
        for finding in findings:
            assert finding.title
            assert finding.text
            if finding.state in {State.BAD, State.WARN}:
                assert finding.remedy, finding


def test_what_is_worst_comes_first(db: Any) -> None:
    states = [finding.state for finding in health.all_findings(NOW)]
    assert states == sorted(states, key=list(State).index)
    # No worker has ever run here.
    assert states[0] is State.BAD


def test_database_that_is_away_is_not_ready(
    client: Client, db: Any, monkeypatch: Any
) -> None:
    def fail(*_: Any) -> Any:
        raise DatabaseError("no route to host")

    with monkeypatch.context() as away:
        away.setattr(health.connection, "cursor", fail)
        assert is_told(only(health.check_database(NOW)), State.BAD, "no route to host")
        response = client.get("/-/ready")
    assert response.status_code == 503
    assert response.json()["failures"] == {"database": "bad"}


def test_disk_that_cannot_be_written_is_not_ready(
    client: Client, db: Any, settings: Any, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    settings.STORAGES = {
        **settings.STORAGES,
        "standard": {
            "BACKEND": "blobs.storage.LocalBlobStorage",
            "OPTIONS": {"location": str(in_the_way / "blobs")},
        },
    }
    response = client.get("/-/ready")
    assert response.status_code == 503
    assert response.json()["failures"] == {"storage": "bad"}
    found = {one.title: one for one in health.check_storages(NOW)}
    assert found["Storage class standard"].state is State.BAD
    assert found["Storage class cold"].state is State.GOOD


def test_ready_asks_what_the_page_asks() -> None:
    assert health.NEEDED_TO_SERVE["database"] is health.CHECKS["database"]


@pytest.mark.parametrize(
    ("free", "state"), [(50, State.GOOD), (10, State.WARN), (3, State.BAD)]
)
def test_full_disk(
    db: Any, client: Client, monkeypatch: Any, free: int, state: State
) -> None:
    usage = Usage(100 * 2**30, (100 - free) * 2**30, free * 2**30)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda folder: usage)
    finding = only(health.check_disks(NOW))
    assert finding.state is state
    assert f"{100 - free} %" in finding.text
    # It may still be read and deleted from.
    assert client.get("/-/ready").status_code == 200


def test_worker_that_is_silent(db: Any) -> None:
    heartbeats.note_alive(heartbeats.WORKER, "worker@here", NOW)
    worker, schedule = health.check_processes(NOW + timedelta(seconds=30))
    assert worker.state is State.GOOD
    assert is_told(schedule, State.BAD, "None was ever seen")
    worker, _ = health.check_processes(NOW + timedelta(hours=3))
    assert is_told(worker, State.BAD, "worker@here was last seen 3\xa0hours ago")


def test_silent_processes_are_forgotten_in_the_end(db: Any) -> None:
    heartbeats.note_alive(heartbeats.WORKER, "old", NOW - timedelta(days=8))
    heartbeats.note_alive(heartbeats.WORKER, "new", NOW)
    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["new"]


@pytest.mark.parametrize(("length", "state"), [(3, State.GOOD), (5000, State.WARN)])
def test_queue(db: Any, monkeypatch: Any, length: int, state: State) -> None:
    monkeypatch.setattr(health, "queue_length", lambda: length)
    finding = only(health.check_queue(NOW))
    assert (finding.state, f"{length:,} messages" in finding.text) == (state, True)


def test_broker_that_is_away(db: Any, monkeypatch: Any) -> None:
    def fail() -> int:
        raise OSError("connection refused")

    monkeypatch.setattr(health, "queue_length", fail)
    assert is_told(only(health.check_queue(NOW)), State.BAD, "connection refused")


def test_messages_in_the_folder_are_counted(db: Any) -> None:
    from objectstore_site.celery import app

    before = health.queue_length()
    assert before is not None
    with app.connection_for_write() as broker:
        queue = broker.SimpleQueue(app.conf.task_default_queue)
        queue.put("one")
        try:
            assert health.queue_length() == before + 1
        finally:
            queue.get(block=False).ack()
            queue.close()


def test_sealing_keys_of_another_store(root: Any, account: Any, settings: Any) -> None:
    from iam.administration import create_access_key

    identity = account.identities.get(kind="root")
    create_access_key(root, identity.unique_id, name="k", now=NOW)
    assert only(health.check_keys(NOW)).state is State.GOOD
    settings.OBJECTSTORE_SEALING_KEYS = ["another"]
    assert is_told(only(health.check_keys(NOW)), State.BAD, "does not open")
    # As where the first was lost, and a new key made so that the store serves again.
    create_access_key(root, identity.unique_id, name="new", now=NOW)
    assert is_told(only(health.check_keys(NOW)), State.WARN, "secrets of 1 S3 keys: AK")


def test_clock_that_is_ahead(db: Any) -> None:
    now = timezone.now()
    assert only(health.check_clock(now)).state is State.GOOD
    heartbeats.note_alive(heartbeats.WORKER, "w", now + timedelta(minutes=2))
    assert is_told(only(health.check_clock(now)), State.WARN, "differ by 120 seconds")


def test_task_that_fails_and_goes_well_again(db: Any) -> None:
    outcomes.keep(health.SWEEP_TASK, 1.5, "OSError: disk is gone")
    finding = only(health.check_tasks(timezone.now()))
    assert is_told(finding, State.BAD, "disk is gone")
    outcomes.keep(health.SWEEP_TASK, 1.5, "")
    assert only(health.check_tasks(timezone.now())).state is State.GOOD
    assert only(health.check_sweep(timezone.now())).state is State.GOOD
    TaskOutcome.objects.update(succeeded_at=NOW - timedelta(hours=2))
    assert is_told(only(health.check_sweep(NOW)), State.WARN, "2\xa0hours ago")


def test_outcomes_of_scheduled_tasks_are_kept(db: Any) -> None:
    from monitoring.tasks import forget_old_figures
    from objectstore_site.celery import app

    app.conf.task_always_eager = True
    forget_old_figures.delay()
    kept = TaskOutcome.objects.get(task="monitoring.tasks.forget_old_figures")
    assert kept.succeeded_at is not None
    assert not kept.is_failing


def test_restores_that_fail(db: Any) -> None:
    assert only(health.check_restores(NOW)).state is State.GOOD
    RestoreJob.objects.create(
        version_row_id=1, tier="Bulk", days=1, due_at=NOW, error="no such file"
    )
    assert is_told(only(health.check_restores(NOW)), State.WARN, "no such file")


def test_scrub_that_found_damage_or_is_long_ago(db: Any) -> None:
    assert only(health.check_scrub(NOW)).state is State.UNKNOWN
    long_ago = NOW - timedelta(days=60)
    ScrubRun.objects.create(
        started_at=long_ago, updated_at=long_ago, finished_at=long_ago
    )
    assert is_told(only(health.check_scrub(NOW)), State.WARN, "month")


def test_backup_is_told_by_a_file(db: Any, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert only(health.check_backup(NOW)).state is State.UNKNOWN
    mark = tmp_path / health.BACKUP_MARK
    mark.touch()
    assert only(health.check_backup(timezone.now())).state is State.GOOD
    old = (NOW - timedelta(days=5)).timestamp()
    os.utime(mark, (old, old))
    assert is_told(only(health.check_backup(NOW)), State.WARN, "5\xa0days ago")


def test_certificate(settings: Any, tmp_path: Path) -> None:
    assert only(health.check_certificate(NOW)).state is State.UNKNOWN
    certificate = make_certificate(tmp_path)
    settings.TLS_CERTIFICATE = str(certificate)
    ends = health.x509.load_pem_x509_certificate(
        Path(certificate).read_bytes()
    ).not_valid_after_utc
    states: list[tuple[datetime, State]] = [
        (ends - timedelta(days=20), State.GOOD),
        (ends - timedelta(days=3), State.WARN),
        (ends + timedelta(days=1), State.BAD),
    ]
    for now, state in states:
        assert only(health.check_certificate(now)).state is state
    settings.TLS_CERTIFICATE = str(tmp_path / "none")
    assert is_told(only(health.check_certificate(NOW)), State.BAD, "cannot be read")


def test_check_that_fails_is_a_finding(db: Any, monkeypatch: Any) -> None:
    def fail(now: datetime) -> list[Finding]:
        raise RuntimeError("what is this")

    monkeypatch.setitem(health.CHECKS, "sweep", fail)
    found = [one for one in health.all_findings(NOW) if "what is this" in one.text]
    assert is_told(only(found), State.BAD, "could not be checked")


def test_lifecycle_run_that_failed_and_goes_well_again(bucket: str) -> None:
    now = timezone.now()
    row = Bucket.objects.get(name=bucket)
    for minutes, error, state in ((9, "away", State.WARN), (5, "", State.GOOD)):
        moment = now - timedelta(minutes=minutes)
        LifecycleRun.objects.create(
            bucket=row,
            rules=[],
            started_at=moment,
            updated_at=moment,
            finished_at=moment,
            error=error,
        )
        (found,) = health.check_lifecycle(now)
        assert found.state == state, error
