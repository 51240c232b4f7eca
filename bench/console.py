"""make bench-console: how long the console takes to find its way in a full bucket.

The times are those of the server: from the request's first middleware to the whole
answer, without a network between. Run under scripts/with-postgresql it measures
PostgreSQL, else SQLite in a folder made for it alone.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.fill import add_versions
from bench.servers import environment

KEYS = int(os.environ.get("OBJECTSTORE_BENCH_KEYS", "1000000"))
FOLDERS = 100
ROUNDS = 5
BUCKET = "full"
# Ending, type and class: what a store of several years holds.
KINDS = (
    ("jpg", "image/jpeg", "standard"),
    ("log", "text/plain", "standard"),
    ("json", "application/json", "standard"),
    ("mp4", "video/mp4", "cold"),
    ("tar.gz", "application/gzip", "archive"),
)
WORDS = ("invoice", "summer", "report", "camera", "backup", "draft", "index")
# What is measured, the address, and what it may take at most, in seconds.
PLACES = (
    ("first page", "", 0.3),
    ("first page of a folder", "?prefix=folder-042/", 0.3),
    ("next page of a folder", "?prefix=folder-042/&after=folder-042/index", 0.3),
    ("jump to keys in the middle", "?prefix=folder-042/rep", 0.3),
    ("flat, jump to the middle", "?flat=1&after=folder-050/", 0.3),
    ("all versions, in the middle", "?show=versions&prefix=folder-050/", 0.3),
    ("rewound: first page", "?at={past}", 0.3),
    ("rewound: a folder", "?prefix=folder-042/&at={past}", 0.3),
    ("rewound: flat, in the middle", "?flat=1&after=folder-050/&at={past}", 0.3),
    ("rewound: before there was any", "?at=2001-01-01T00:00", 2.0),
    ("search: in many keys", "?q=invoice", 2.0),
    ("search: in one key of all", "?q=needle", 2.0),
    ("search: in none", "?q=not-there-at-all", 2.0),
    ("search: with * and ?", "?q=*/sum??r*99.jpg", 2.0),
    ("search: in a folder", "?prefix=folder-042/&q=report", 2.0),
    ("filter: type", "?type=video/", 2.0),
    ("filter: a tag that is rare", "?tag=team=red", 2.0),
    ("filter: size and date", "?min=900+MiB&since=2025-06-01", 2.0),
    ("sorted by size, a folder", "?prefix=folder-042/&sort=-size", 2.0),
    ("sorted by size, the bucket", "?sort=-size", 2.0),
)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        kept = os.environ.get("OBJECTSTORE_BENCH_DIR", name)
        os.environ.update(environment(Path(kept)))
        os.environ["DJANGO_SETTINGS_MODULE"] = "objectstore_site.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("bootstrap")
        prepare()
        report()


def prepare() -> None:
    """Make the bucket and its keys, unless they are there."""
    from django.utils import timezone

    from buckets.access import find_bucket
    from buckets.models import Bucket
    from buckets.operations import create_bucket, put_bucket_versioning
    from iam.models import Identity
    from iam.queries import principal_of
    from kernel.bodies import Body
    from objects.operations import put_object

    if Bucket.objects.filter(name=BUCKET).exists():
        return
    root = principal_of(Identity.objects.get(kind="root"))
    now = timezone.now()
    create_bucket(root, BUCKET, now=now)
    # Those that look back look at what was there half the store's life ago.
    put_bucket_versioning(root, BUCKET, "Enabled")
    model = put_object(root, BUCKET, "model", body=Body.of(b"x" * 64), now=now)
    bucket = find_bucket(BUCKET)
    print(f"Filling a bucket with {KEYS:,} keys ...", flush=True)
    add_versions(versions(bucket, model, now))


def versions(bucket: Any, model: Any, now: Any) -> Iterator[Any]:
    from kernel.versions import ENTROPY_BYTES, new_version_id
    from objects.models import ObjectVersion

    dice = random.Random(1)
    for n in range(KEYS):
        ending, content_type, storage_class = KINDS[n % len(KINDS)]
        created_at = now - timedelta(seconds=dice.randrange(3 * 365 * 86400))
        word = "needle" if n == KEYS * 7 // 10 else WORDS[n % len(WORDS)]
        yield ObjectVersion(
            bucket_id=bucket.id,
            key=f"folder-{n % FOLDERS:03}/{word}-{n:09}.{ending}",
            version_id=new_version_id(as_ns(created_at), n.to_bytes(ENTROPY_BYTES)),
            is_null=True,
            is_latest=True,
            blob_id=model.blob_id,
            size=int(dice.lognormvariate(12, 3)),
            etag=model.etag,
            content_type=content_type,
            storage_class=storage_class,
            tags={"team": "red"} if n % 50_000 == 7 else {},
            owner_id=bucket.owner_id,
            created_at=created_at,
        )


def as_ns(moment: Any) -> int:
    return int(moment.timestamp()) * 10**9


def report() -> None:
    """Open each place several times, and say the median and the longest."""
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from iam.models import Identity

    user, _ = get_user_model().objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )
    Identity.objects.filter(kind="root").update(user=user)
    browser = Client(headers={"host": "localhost"})
    browser.force_login(user)
    link = reverse("admin:browse", args=[BUCKET])
    print(f"\nServer time in a bucket of {KEYS:,} keys, {ROUNDS} rounds:")
    print(f"{'':32}{'median ms':>12}{'longest ms':>12}{'bound ms':>10}")
    past = f"{timezone.now() - timedelta(days=3 * 365 // 2):%Y-%m-%dT%H:%M}"
    for title, query, bound in PLACES:
        address = link + query.format(past=past)
        taken = [timed(browser, address) for _ in range(ROUNDS)]
        middle, longest = statistics.median(taken), max(taken)
        print(
            f"{title:32}{middle * 1e3:12.0f}{longest * 1e3:12.0f}{bound * 1e3:10.0f}"
            f"{'' if middle <= bound else '  too slow'}",
            flush=True,
        )


def timed(browser: Any, link: str) -> float:
    begin = time.perf_counter()
    answer = browser.get(link)
    taken = time.perf_counter() - begin
    if answer.status_code != 200:
        raise SystemExit(f"{link}: {answer.status_code}")
    return taken


if __name__ == "__main__":
    main()
