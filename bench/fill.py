"""Fill buckets with many keys by bulk SQL, as a store looks after years of use."""

from __future__ import annotations

import os
from pathlib import Path

from bench import servers

FOLDERS = 100
AT_ONCE = 10_000


def fill(folder: Path, buckets: dict[str, int]) -> None:
    """Give each bucket that many keys, in FOLDERS folders. The server must be down."""
    os.environ.update(servers.environment(folder))
    os.environ["DJANGO_SETTINGS_MODULE"] = "objectstore_site.settings"
    import django

    django.setup()
    from django.db import transaction
    from django.utils import timezone

    from buckets.access import find_bucket
    from objects.models import ObjectVersion

    for name, count in buckets.items():
        bucket = find_bucket(name)
        model = ObjectVersion.objects.filter(bucket__name="bench-bucket").first()
        assert model is not None
        with transaction.atomic():
            for begin in range(0, count, AT_ONCE):
                ObjectVersion.objects.bulk_create(
                    (
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
                        for n in range(begin, begin + AT_ONCE)
                    ),
                    batch_size=1000,
                )
