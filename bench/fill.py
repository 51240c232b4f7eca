"""Fill buckets with many keys by bulk SQL, as a store looks after years of use."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import batched
from pathlib import Path
from typing import Any

from bench import servers

FOLDERS = 100
AT_ONCE = 10_000


def fill(folder: Path, buckets: dict[str, int]) -> None:
    """Give each bucket that many keys, in FOLDERS folders. The server must be down."""
    os.environ.update(servers.environment(folder))
    os.environ["DJANGO_SETTINGS_MODULE"] = "objectstore_site.settings"
    import django

    django.setup()
    from django.utils import timezone

    from buckets.access import find_bucket
    from objects.models import ObjectVersion

    for name, count in buckets.items():
        bucket = find_bucket(name)
        model = ObjectVersion.objects.filter(bucket__name="bench-bucket").first()
        assert model is not None
        add_versions(
            ObjectVersion(
                bucket_id=bucket.id,
                key=f"folder-{n % FOLDERS:03}/file-{n:09}",
                version_id=f"{n:032}",
                is_null=True,
                is_latest=True,
                blob_id=model.blob_id,
                size=model.size,
                etag=model.etag,
                storage_class=model.storage_class,
                owner_id=bucket.owner_id,
                created_at=timezone.now(),
            )
            for n in range(count)
        )


def add_versions(versions: Iterable[Any]) -> None:
    """Add versions in bulk, and leave the tables as if they had long been there."""
    from django.db import connection

    if connection.vendor == "postgresql":
        copy_versions(versions)
    else:
        insert_versions(versions)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM objects_objectversion")
        cursor.execute("ANALYZE")


def insert_versions(versions: Iterable[Any]) -> None:
    from django.db import transaction

    from objects.models import ObjectVersion

    with transaction.atomic():
        for some in batched(versions, AT_ONCE):
            ObjectVersion.objects.bulk_create(some, batch_size=1000)


def copy_versions(versions: Iterable[Any]) -> None:
    """Copy versions into PostgreSQL without triggers, and set the counters once.

    In one transaction each row's trigger leaves a dead version of the same counter for
    the next one to walk over: a million rows would take hours.
    """
    from django.db import connection, transaction

    from lifecycle import counters
    from objects.models import ObjectVersion

    fields = [one for one in ObjectVersion._meta.concrete_fields if not one.primary_key]
    columns = ", ".join(str(one.column) for one in fields)
    statement = f"COPY objects_objectversion ({columns}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with cursor.copy(statement) as rows:
            for version in versions:
                rows.write_row(
                    [
                        one.get_db_prep_save(getattr(version, one.attname), connection)
                        for one in fields
                    ]
                )
        counters.repair()
