"""What a preview and a run of 1,000,000 versions take, in time and memory.

    .venv/bin/python -m bench.lifecycle
    scripts/with-postgresql .venv/bin/python -m bench.lifecycle

Run and preview are each a process of their own, whose memory is what is told.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench import servers
from bench.fill import add_versions

VERSIONS = 1_000_000
# By bucket: is it versioned, and how many versions a key has.
BUCKETS = {"flat": (False, 1), "deep": (True, 10)}
RULES: list[dict[str, Any]] = [
    {
        "ID": "colder",
        "Transitions": [
            {"Days": 30, "StorageClass": "cold"},
            {"Days": 200, "StorageClass": "archive"},
        ],
    },
    {"ID": "old", "Expiration": {"Days": 365}},
    {
        "ID": "tagged",
        "Filter": {"Tag": {"Key": "k", "Value": "v"}},
        "Expiration": {"Days": 100},
    },
    {
        "ID": "large",
        "Filter": {"And": {"Prefix": "folder-01", "ObjectSizeGreaterThan": 500_000}},
        "Expiration": {"Days": 50},
    },
    {
        "ID": "noncurrent",
        "NoncurrentVersionExpiration": {
            "NoncurrentDays": 90,
            "NewerNoncurrentVersions": 3,
        },
    },
]
# Moving is a matter of the storages: what is carried out here is deletions.
CARRIED_OUT = [rule for rule in RULES if rule["ID"] != "colder"]


def main() -> None:
    if len(sys.argv) > 1:
        set_up()
        {"fill": fill, "preview": preview, "run": run}[sys.argv[1]](*sys.argv[2:])
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        servers.manage(folder, "migrate", "--verbosity", "0")
        servers.manage(folder, "bootstrap")
        for bucket in BUCKETS:
            for step in ("fill", "preview", "run", "run"):
                command = [sys.executable, "-m", "bench.lifecycle", step, bucket]
                environment = {**os.environ, **servers.environment(folder)}
                subprocess.run(command, cwd=servers.ROOT, env=environment, check=True)


def set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "objectstore_site.settings"
    import django

    django.setup()


def fill(name: str) -> None:
    """Add a bucket whose versions share one object's bytes, and its rules."""
    from django.utils import timezone

    from buckets.configurations import Configuration
    from buckets.lifecycle import check_lifecycle
    from buckets.operations import create_bucket, put_configuration
    from iam.queries import first_root
    from kernel.bodies import Body
    from objects.models import ObjectVersion
    from objects.operations import put_object

    root, now = first_root(), timezone.now()
    assert root is not None
    is_versioned, _ = BUCKETS[name]
    create_bucket(root, name, is_versioned=is_versioned, now=now)
    put_object(root, name, "a-model", body=Body.of(b"x" * 100), now=now)
    model = ObjectVersion.objects.get(bucket__name=name)
    shared = {
        field: getattr(model, field)
        for field in ("bucket_id", "blob_id", "etag", "storage_class", "owner_id")
    }
    add_versions(
        ObjectVersion(**shared, is_null=not is_versioned, **facts)
        for facts in versions_of(name, now)
    )
    rules = [{"Status": "Enabled", "Filter": {}, **rule} for rule in CARRIED_OUT]
    classes = ["standard", "cold", "archive"]
    put_configuration(
        root,
        name,
        Configuration.LIFECYCLE,
        check_lifecycle({"Rules": rules}, classes),
    )


def versions_of(name: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Draw versions of up to 400 days, a tenth of them tagged."""
    chance = random.Random(1)
    _, per_key = BUCKETS[name]
    for number in range(VERSIONS):
        key, version = divmod(number, per_key)
        days = version * 400 // per_key + chance.randrange(400 // per_key)
        yield {
            "key": f"folder-{key % 100:03}/file-{key:09}",
            "version_id": f"{number:032}",
            "is_latest": version == 0,
            "size": chance.randrange(1, 10**6),
            "tags": {"k": "v"} if chance.random() < 0.1 else {},
            "created_at": now - timedelta(days=days, seconds=chance.randrange(80_000)),
        }


def preview(name: str) -> None:
    from django.utils import timezone

    from buckets.lifecycle import check_lifecycle
    from iam.principals import SYSTEM
    from lifecycle.previews import preview_lifecycle

    rules = [{"Status": "Enabled", "Filter": {}, **rule} for rule in RULES]
    checked = check_lifecycle({"Rules": rules}, ["standard", "cold", "archive"])
    with told(f"{name}: preview") as facts:
        found = preview_lifecycle(
            SYSTEM, name, rules=checked["Rules"], date=timezone.now()
        )
        today = sum(one.count for one in found.tallies)
        later = sum(one.count for day in found.days for one in day.tallies)
        facts.append(
            f"{found.versions_seen:,} versions, {today:,} actions today,"
            f" {later:,} in the next 30 days"
        )


def run(name: str) -> None:
    from django.utils import timezone

    from lifecycle.operations import run_lifecycle

    with told(f"{name}: run") as facts:
        done = run_lifecycle(name, now=timezone.now())
        assert done is not None
        count = sum(one.count for one in done.outcomes.all())
        facts.append(f"{done.versions_seen:,} versions, {count:,} deletions")


@contextmanager
def told(what: str) -> Iterator[list[str]]:
    """Say how long it took and how much memory was needed on top of what was."""
    facts: list[str] = []
    before, began, worked = memory(), time.monotonic(), time.process_time()
    yield facts
    seconds, busy = time.monotonic() - began, time.process_time() - worked
    after = memory()
    print(
        f"{what}: {', '.join(facts)}: {seconds:.1f} s, {busy:.1f} of them busy,"
        f" {after:.0f} MiB at most, {after - before:.0f} of them for this",
        flush=True,
    )


def memory() -> float:
    """Give the most memory that the process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
