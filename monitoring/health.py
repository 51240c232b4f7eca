"""What is well and what is not: each check with its cause and the remedy, in words.

`/-/ready` asks the checks that serving depends on, the health page asks all; neither
decides anything itself.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from celery import current_app
from cryptography import x509
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.db import DatabaseError, connection
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.timesince import timesince

from blobs.room import folder_of, kept_free
from iam.queries import check_sealing_keys, keys_that_stay_sealed
from lifecycle.models import LifecycleRun, ScrubRun
from lifecycle.queries import damages
from lifecycle.restores import failing_jobs
from monitoring.heartbeats import BEAT, SILENT_AFTER, WORKER
from monitoring.models import Heartbeat, TaskOutcome
from objects.models import ObjectVersion

FULL_PERCENT, FILLING_PERCENT = 95, 85
LONG_QUEUE = 1000
MOST_NAMED = 5
CLOCK_SECONDS = 5.0
CERTIFICATE_DAYS = 14
BACKUP_DAYS = 2
SCRUB_DAYS = 35
SWEEP_MINUTES = 15
SWEEP_TASK = "objects.tasks.sweep_blobs"
SCRUB_TASK = "lifecycle.tasks.scrub_blobs"
# Touched by whoever makes the backups, when one is done.
BACKUP_MARK = "last-backup"
START_WORKER = (
    "Start it: celery -A objectstore_site worker --beat (make run does so), "
    "or systemctl start objectstore-worker."
)
MAKE_ROOM = (
    "Add space, purge what is not needed, or let lifecycle rules move or expire "
    "objects: deleting goes on. The sweep then gives the space back."
)


class DiskUsage(Protocol):
    """What shutil tells of a disk, in bytes."""

    @property
    def total(self) -> int: ...

    @property
    def free(self) -> int: ...


class State(StrEnum):
    """How something is; the worst comes first on the page."""

    BAD = "bad"
    WARN = "warn"
    UNKNOWN = "quiet"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: how it is, why, and what to do about it."""

    title: str
    state: State
    text: str
    remedy: str = ""


Check = Callable[[datetime], list[Finding]]


def good(title: str, text: str) -> list[Finding]:
    return [Finding(title, State.GOOD, text)]


def not_good(state: State, title: str, text: str, remedy: str) -> list[Finding]:
    return [Finding(title, state, text, remedy)]


# What serving depends on


def check_database(now: datetime) -> list[Finding]:
    """Read a table that every request reads."""
    title = "Database"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM iam_account LIMIT 1")
            cursor.fetchone()
    except DatabaseError as error:
        return not_good(
            State.BAD,
            title,
            f"It does not answer: {first_line(error)}",
            "See that the database runs and that DATABASE_URL leads to it; a new one "
            "is prepared by manage.py migrate.",
        )
    return good(title, f"{connection.vendor} answers.")


def check_default_storage(now: datetime) -> list[Finding]:
    """Look at the disk that new objects go to; storages elsewhere may come back."""
    name = str(settings.OBJECTSTORE_DEFAULT_STORAGE_CLASS)
    return [] if folder_of(name) is None else check_storage(name)


NEEDED_TO_SERVE: dict[str, Check] = {
    "database": check_database,
    "storage": check_default_storage,
}


def failures_of_serving(now: datetime) -> dict[str, str]:
    """Give what keeps this process from serving, by name; nothing where it can."""
    failures = {}
    for name, check in NEEDED_TO_SERVE.items():
        found = asked(name, check, now)
        bad = [finding.text for finding in found if finding.state is State.BAD]
        if bad:
            failures[name] = bad[0]
    return failures


# The rest


def check_storages(now: datetime) -> list[Finding]:
    """Ask each storage class, all at once: one that is away answers slowly."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(check_storage, settings.OBJECTSTORE_STORAGE_CLASSES)
        return [finding for findings in found for finding in findings]


def check_storage(name: str) -> list[Finding]:
    """Write where blobs are written: a full or read-only disk is not well."""
    title = f"Storage class {name}"
    try:
        folder = folder_of(name)
        if folder is None:
            storages[name].exists("is-this-reachable")
        else:
            write_in(folder)
    except Exception as error:
        return not_good(
            State.BAD,
            title,
            f"It cannot be used: {first_line(error)}",
            "See that the disk is mounted, writable and not full, or that the "
            f"address and keys in OBJECTSTORE_STORAGE_{name.upper()} are right.",
        )
    if folder is None:
        return good(title, f"{type(storages[name]).__name__} answers.")
    usage = shutil.disk_usage(folder)
    text = f"It can be written; {in_units(usage.free)} are free."
    if usage.free < kept_free(usage.total):
        # Still ready: reads and deletes must get through to it.
        return not_good(State.WARN, title, f"{text} {too_little(usage)}", MAKE_ROOM)
    return good(title, text)


def write_in(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"ready")
        file.flush()


def check_disks(now: datetime) -> list[Finding]:
    """Look at each disk once, whatever lies on it."""
    places = {"the data folder": Path(settings.DATA_DIR)}
    for name in settings.OBJECTSTORE_STORAGE_CLASSES:
        folder = folder_of(name)
        if folder is not None and folder.is_dir():
            places[f"storage class {name}"] = folder
    by_disk = {
        folder.stat().st_dev: (name, folder)
        for name, folder in reversed(places.items())
        if folder.is_dir()
    }
    return [
        disk_finding(f"Disk of {name}", folder) for name, folder in by_disk.values()
    ]


def disk_finding(title: str, folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    percent = 100 * (usage.total - usage.free) // max(usage.total, 1)
    text = f"{percent} % of the disk is used, {in_units(usage.free)} are free."
    if usage.free < kept_free(usage.total):
        return Finding(title, State.BAD, f"{text} {too_little(usage)}", MAKE_ROOM)
    if percent < FILLING_PERCENT:
        return Finding(title, State.GOOD, text)
    state = State.BAD if percent >= FULL_PERCENT else State.WARN
    least = in_units(kept_free(usage.total))
    harm = f"Below {least} uploads are refused with InsufficientStorage."
    return Finding(title, state, f"{text} {harm}", MAKE_ROOM)


def too_little(usage: DiskUsage) -> str:
    return (
        f"{in_units(kept_free(usage.total))} are kept free for deletions "
        "(OBJECTSTORE_MIN_FREE_BYTES), so uploads are refused with InsufficientStorage."
    )


def check_processes(now: datetime) -> list[Finding]:
    return [
        life_of(
            "Worker",
            WORKER,
            "Jobs, lifecycle rules and the sweep wait until one runs.",
            now,
        ),
        life_of("Schedule", BEAT, "Nothing that is due by time is begun.", now),
    ]


def life_of(title: str, kind: str, harm: str, now: datetime) -> Finding:
    seen = list(Heartbeat.objects.filter(kind=kind).order_by("-seen_at"))
    alive = [one for one in seen if one.seen_at > now - SILENT_AFTER]
    if alive:
        names = listed([one.name for one in alive])
        return Finding(title, State.GOOD, f"{len(alive)} alive: {names}.")
    if not seen:
        return Finding(title, State.BAD, f"None was ever seen. {harm}", START_WORKER)
    last = f"{seen[0].name} was last seen {ago(seen[0].seen_at, now)}."
    return Finding(title, State.BAD, f"{last} {harm}", START_WORKER)


def check_queue(now: datetime) -> list[Finding]:
    title = "Queue"
    try:
        length = queue_length()
    except Exception as error:
        return not_good(
            State.BAD,
            title,
            f"The broker does not answer: {first_line(error)}",
            "See that it runs and that CELERY_BROKER_URL leads to it. Jobs are noted "
            "meanwhile, and sent once it is back.",
        )
    if length is None:
        return [Finding(title, State.UNKNOWN, "This broker does not tell its length.")]
    if length > LONG_QUEUE:
        return not_good(
            State.WARN,
            title,
            f"{length:,} messages wait.",
            "The workers do not keep up: start more of them, or look whether one job "
            "keeps them busy.",
        )
    return good(title, f"{length:,} messages wait.")


def queue_length() -> int | None:
    """Count the messages that no worker has taken."""
    queue = current_app.conf.task_default_queue
    with current_app.connection_for_read(transport_options=broker_options()) as broker:
        broker.ensure_connection(max_retries=1, timeout=3)
        size = getattr(broker.default_channel, "_size", None)
        return None if size is None else int(size(queue))


def broker_options() -> dict[str, object]:
    return dict(current_app.conf.broker_transport_options or {})


def check_redis(now: datetime) -> list[Finding]:
    title = "Shared cache"
    if "redis" not in settings.CACHES["default"]["BACKEND"]:
        return [
            Finding(
                title,
                State.UNKNOWN,
                "None is set: each process counts rate limits by itself.",
            )
        ]
    try:
        caches["default"].set("objectstore health", "ready", 10)
        caches["default"].get("objectstore health")
    except Exception as error:
        return not_good(
            State.BAD,
            title,
            f"Redis does not answer: {first_line(error)}",
            "See that it runs and that OBJECTSTORE_CACHE_URL leads to it. Without it "
            "rate limits do not hold over all processes, and a changed right is heard "
            "of some seconds later.",
        )
    return good(title, "Redis answers.")


def check_keys(now: datetime) -> list[Finding]:
    title = "Sealing keys"
    remedy = (
        "Give every process the same OBJECTSTORE_SEALING_KEYS, old keys behind the new "
        "one; see the page on backup for keys that are lost."
    )
    try:
        check_sealing_keys()
    except ImproperlyConfigured as error:
        return not_good(State.BAD, title, str(error), remedy)
    sealed = keys_that_stay_sealed()
    if sealed:
        text = f"They do not open the secrets of {len(sealed):,} S3 keys: "
        return not_good(State.WARN, title, f"{text}{listed(sealed)}.", remedy)
    return good(title, "They open the secrets in the database.")


def check_clock(now: datetime) -> list[Finding]:
    """Compare this machine's clock with the database's and the other machines'."""
    title = "Clock"
    # A heartbeat is of the past, unless the clock it was written by is ahead.
    ahead = max(
        ((one.seen_at - now).total_seconds() for one in Heartbeat.objects.all()),
        default=0.0,
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            theirs = cursor.fetchone()[0]
        ahead = max(ahead, abs((theirs - timezone.now()).total_seconds()))
    if ahead > CLOCK_SECONDS:
        return not_good(
            State.WARN,
            title,
            f"Clocks differ by {ahead:.0f} seconds.",
            "Let all machines keep time by NTP (timedatectl set-ntp true): signed "
            "requests are refused when clocks are 15 minutes apart.",
        )
    return good(title, f"It is {now:%Y-%m-%d %H:%M:%S} UTC, and no clock disagrees.")


def check_tasks(now: datetime) -> list[Finding]:
    title = "Scheduled tasks"
    failing = [one for one in TaskOutcome.objects.order_by("task") if one.is_failing]
    if not failing:
        return good(title, "None failed the last time it ran.")
    return [
        Finding(
            f"Task {one.task}",
            State.BAD,
            f"It failed {ago(one.failed_at, now)}: {one.error}",
            "The worker's log says more. It is tried again when it is next due, or at "
            "once by Run now on the jobs page.",
        )
        for one in failing
        if one.failed_at is not None
    ]


def check_lifecycle(now: datetime) -> list[Finding]:
    title = "Lifecycle rules"
    later = LifecycleRun.objects.filter(
        bucket=OuterRef("bucket"), pk__gt=OuterRef("pk")
    )
    failed = LifecycleRun.objects.exclude(error="").filter(
        ~Exists(later), started_at__gt=now - timedelta(days=2)
    )
    names = list(failed.order_by("bucket__name").values_list("bucket__name", flat=True))
    if names:
        return not_good(
            State.WARN,
            title,
            f"The last run failed in {listed(names)}.",
            "The bucket's lifecycle page shows the cause. What is left is done by the "
            "next run.",
        )
    return good(title, "No bucket's last run failed.")


def check_restores(now: datetime) -> list[Finding]:
    title = "Restores from archives"
    failing = failing_jobs().order_by("due_at")
    count = failing.count()
    if not count:
        return good(title, "None failed when it was last tried.")
    first = failing[0]
    version = ObjectVersion.objects.filter(pk=first.version_row_id)
    place = version.values_list("bucket__name", "key").first() or ("", "")
    return not_good(
        State.WARN,
        title,
        f"{count:,} failed, that of {'/'.join(place)} among them: {first.error}",
        "See that the archive answers and has the files. They are tried again, each "
        "time later, an hour at most; manage.py run_restores tries them at once.",
    )


def check_sweep(now: datetime) -> list[Finding]:
    title = "Sweep"
    last = TaskOutcome.objects.filter(task=SWEEP_TASK).first()
    if last is None or last.succeeded_at is None:
        return [Finding(title, State.UNKNOWN, "None has ended yet.")]
    text = f"The last one ended {ago(last.succeeded_at, now)}."
    if last.succeeded_at < now - timedelta(minutes=SWEEP_MINUTES):
        return not_good(
            State.WARN,
            title,
            f"{text} The space of deleted objects is not given back meanwhile.",
            "See that a worker and the schedule run, and that its task is enabled.",
        )
    return good(title, text)


def check_scrub(now: datetime) -> list[Finding]:
    title = "Scrub"
    damaged = damages().count()
    if damaged:
        return not_good(
            State.BAD,
            title,
            f"{damaged:,} stored files are missing or damaged.",
            "manage.py scrub names each file and whose it is. Bring them back from a "
            "copy, or delete what they are of; until then reading one fails rather "
            "than to give wrong bytes. Then scrub again.",
        )
    run = ScrubRun.objects.filter(finished_at__isnull=False).order_by("-pk").first()
    if run is None or run.finished_at is None:
        return [Finding(title, State.UNKNOWN, "No pass over all bytes has ended yet.")]
    text = f"All bytes were as they should be {ago(run.finished_at, now)}."
    if run.finished_at < now - timedelta(days=SCRUB_DAYS):
        return not_good(
            State.WARN,
            title,
            text,
            "Let each hour read more (OBJECTSTORE_SCRUB_BYTES), and see that the "
            "worker runs.",
        )
    return good(title, text)


def check_backup(now: datetime) -> list[Finding]:
    title = "Backup"
    mark = Path(settings.DATA_DIR) / BACKUP_MARK
    remedy = (
        f"Let the backup end by touching {BACKUP_MARK} in the data folder; the page on "
        "backup has the commands."
    )
    try:
        made = datetime.fromtimestamp(mark.stat().st_mtime, UTC)
    except OSError:
        return [
            Finding(title, State.UNKNOWN, "The store was told of none.", remedy),
        ]
    text = f"The last one ended {ago(made, now)}."
    if made < now - timedelta(days=BACKUP_DAYS):
        return not_good(State.WARN, title, text, f"See why none followed. {remedy}")
    return good(title, text)


def check_certificate(now: datetime) -> list[Finding]:
    title = "TLS certificate"
    if not settings.TLS_CERTIFICATE:
        return [
            Finding(
                title,
                State.UNKNOWN,
                "The server speaks no TLS itself; where a proxy does, its "
                "certificate is to be watched there.",
            )
        ]
    try:
        data = Path(settings.TLS_CERTIFICATE).read_bytes()
        ends = x509.load_pem_x509_certificate(data).not_valid_after_utc
    except (OSError, ValueError) as error:
        return not_good(
            State.BAD,
            title,
            f"It cannot be read: {first_line(error)}",
            "OBJECTSTORE_TLS_CERTIFICATE must name a file in PEM.",
        )
    remedy = "Renew it, put it in the same place and restart the server."
    if ends <= now:
        return not_good(State.BAD, title, f"It ended {ago(ends, now)}.", remedy)
    text = f"It ends in {timesince(now, ends, depth=1)}, on {ends:%Y-%m-%d}."
    if ends <= now + timedelta(days=CERTIFICATE_DAYS):
        return not_good(State.WARN, title, text, remedy)
    return good(title, text)


# Other storeys add theirs; the order is the page's where states are the same.
CHECKS: dict[str, Check] = {
    "database": check_database,
    "storages": check_storages,
    "disks": check_disks,
    "processes": check_processes,
    "queue": check_queue,
    "cache": check_redis,
    "keys": check_keys,
    "clock": check_clock,
    "tasks": check_tasks,
    "lifecycle": check_lifecycle,
    "restores": check_restores,
    "sweep": check_sweep,
    "scrub": check_scrub,
    "backup": check_backup,
    "certificate": check_certificate,
}


def all_findings(now: datetime) -> list[Finding]:
    """Ask every check; what is worst comes first."""
    found = [
        finding for name, check in CHECKS.items() for finding in asked(name, check, now)
    ]
    order = list(State)
    return sorted(found, key=lambda finding: order.index(finding.state))


def asked(name: str, check: Check, now: datetime) -> list[Finding]:
    """Give what a check finds; one that fails has found something too."""
    try:
        return check(now)
    except Exception as error:
        return not_good(
            State.BAD,
            name.capitalize(),
            f"This could not be checked: {first_line(error)}",
            "The database may be away, or not migrated; see the first finding.",
        )


def first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return text or type(error).__name__


def ago(moment: datetime, now: datetime) -> str:
    if (now - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, now, depth=1)} ago"


def listed(names: list[str]) -> str:
    text = ", ".join(names[:MOST_NAMED])
    return f"{text} and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else text


def in_units(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
