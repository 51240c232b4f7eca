"""What the benches fill buckets with is whole, as if requests had brought it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from bench.fill import add_versions
from buckets.access import find_bucket
from buckets.queries import usage
from kernel.bodies import Body
from objects.listings import list_objects
from objects.models import ObjectVersion
from objects.operations import delete_object, put_object


# VACUUM runs outside transactions.
@pytest.mark.django_db(transaction=True)
def test_filling_counts_once_and_leaves_the_counters_at_work(
    root: Any, bucket: str
) -> None:
    now = timezone.now()
    put_object(root, bucket, "model", body=Body.of(b"x" * 64), now=now)
    model = ObjectVersion.objects.get(bucket__name=bucket)
    add_versions(
        ObjectVersion(
            bucket_id=model.bucket_id,
            key=f"filled/{n}\t\\.txt",
            version_id=f"{n:032}",
            is_null=True,
            is_latest=True,
            blob_id=model.blob_id,
            size=64,
            etag=model.etag,
            storage_class=model.storage_class,
            tags={"team": "red"},
            owner_id=model.owner_id,
            created_at=now,
        )
        for n in range(3)
    )
    held = usage(find_bucket(bucket).id)
    assert (held.objects_count, held.objects_size) == (4, 4 * 64)
    keys = [one.key for one in list_objects(root, bucket, prefix="filled/").contents]
    assert keys == [f"filled/{n}\t\\.txt" for n in range(3)]
    assert ObjectVersion.objects.filter(tags__team="red").count() == 3
    delete_object(root, bucket, keys[0], now=now)
    assert usage(find_bucket(bucket).id).objects_count == 3
