"""What happens to objects in a storage class, from the first byte to the last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.storage import storages

from blobs import store
from blobs.locations import parse
from blobs.models import Blob
from buckets.configurations import Configuration
from buckets.lifecycle import check_lifecycle
from buckets.operations import put_configuration
from kernel.bodies import Body
from kernel.results import CompletedPart, ObjectAttributes
from lifecycle.operations import run_lifecycle
from objects.copies import CopySource, copy_object
from objects.multipart import (
    complete_multipart_upload,
    create_multipart_upload,
    upload_part,
)
from objects.operations import delete_object, get_object, put_object

NOW = datetime(2030, 3, 15, 10, 30, tzinfo=UTC)
BEFORE = NOW - timedelta(days=10)
CLASSES = ["standard", "cold", "archive"]
COLD = ObjectAttributes(storage_class="cold")


@pytest.mark.django_db
class WholeLife:
    """To be inherited beside a fixture `location`: the class `cold` is there."""

    # Bytes of the larger objects.
    size = 300_000

    @pytest.fixture(autouse=True)
    def _cold_is_there(self, request: Any, settings: Any) -> None:
        if "django_db" not in request.keywords:
            return
        location = request.getfixturevalue("location")
        settings.STORAGES = {**settings.STORAGES, "cold": parse(location)}
        settings.OBJECTSTORE_INLINE_MAX = 0
        settings.OBJECTSTORE_MIN_PART = 1

    @pytest.fixture
    def paths(self) -> Iterator[list[str]]:
        """The files of cold so far; at the end the sweep has left none."""
        paths: list[str] = []
        yield paths
        assert paths
        for path in paths:
            assert not storages["cold"].exists(path)
        assert not Blob.objects.exclude(state="live").exists()
        assert not Blob.objects.filter(storage_class="cold").exists()

    def note(self, paths: list[str]) -> None:
        found = Blob.objects.filter(storage_class="cold", kind="stored")
        paths += found.values_list("path", flat=True)
        assert all(storages["cold"].exists(path) for path in paths)

    def put(self, root: Any, bucket: str, key: str, data: bytes, **more: Any) -> Any:
        return put_object(root, bucket, key, body=Body.of(data), now=BEFORE, **more)

    def read(self, root: Any, bucket: str, key: str, **more: Any) -> bytes:
        return b"".join(get_object(root, bucket, key, **more).chunks)

    def delete(self, root: Any, bucket: str, *keys: str) -> None:
        for key in keys:
            delete_object(root, bucket, key, now=NOW)
        store.sweep(now=NOW + timedelta(days=2))

    def test_an_object_is_put_read_and_deleted(
        self, root: Any, bucket: str, paths: list[str]
    ) -> None:
        data = os.urandom(self.size)
        self.put(root, bucket, "key", data, attributes=COLD)
        self.note(paths)
        assert self.read(root, bucket, "key") == data
        found = self.read(root, bucket, "key", byte_range="bytes=1000-200000")
        assert found == data[1000:200_001]
        assert self.read(root, bucket, "key", byte_range="bytes=-7") == data[-7:]
        self.delete(root, bucket, "key")

    def test_sealed_bytes_are_read_by_range(
        self, root: Any, bucket: str, paths: list[str]
    ) -> None:
        data = os.urandom(self.size)
        sealed = ObjectAttributes(
            storage_class="cold", encryption={"algorithm": "AES256"}
        )
        self.put(root, bucket, "key", data, attributes=sealed)
        self.note(paths)
        found = self.read(root, bucket, "key", byte_range="bytes=65530-131080")
        assert found == data[65_530:131_081]
        self.delete(root, bucket, "key")

    def test_an_upload_in_parts(self, root: Any, bucket: str, paths: list[str]) -> None:
        upload_id = create_multipart_upload(
            root, bucket, "key", attributes=COLD, now=BEFORE
        ).upload_id
        pieces = [os.urandom(size) for size in (self.size, 70_000, 11)]
        parts = [
            upload_part(
                root, bucket, "key", upload_id, number, body=Body.of(piece), now=BEFORE
            )
            for number, piece in enumerate(pieces, 1)
        ]
        done = [CompletedPart(part.part_number, part.etag) for part in parts]
        complete_multipart_upload(root, bucket, "key", upload_id, done, now=BEFORE)
        self.note(paths)
        assert len(paths) == 3
        whole = b"".join(pieces)
        assert self.read(root, bucket, "key") == whole
        start = self.size - 5
        found = self.read(
            root, bucket, "key", byte_range=f"bytes={start}-{start + 70_010}"
        )
        assert found == whole[start : start + 70_011]
        self.delete(root, bucket, "key")

    def test_copies_to_it_within_it_and_out_of_it(
        self, root: Any, bucket: str, paths: list[str]
    ) -> None:
        data = os.urandom(self.size)
        self.put(root, bucket, "near", data)
        for source, key, where in (
            ("near", "far", "cold"),
            ("far", "shared", "cold"),
            ("far", "back", "standard"),
        ):
            copy_object(
                root,
                CopySource(bucket, source),
                bucket,
                key,
                attributes=ObjectAttributes(storage_class=where),
                now=NOW,
            )
        self.note(paths)
        assert len(paths) == 1
        for key in ("far", "shared", "back"):
            assert self.read(root, bucket, key) == data
        self.delete(root, bucket, "far")
        assert self.read(root, bucket, "shared") == data
        self.delete(root, bucket, "shared")

    def test_a_lifecycle_rule_moves_to_it(
        self, root: Any, bucket: str, paths: list[str]
    ) -> None:
        data = os.urandom(self.size)
        self.put(root, bucket, "key", data)
        (near,) = Blob.objects.values_list("path", flat=True)
        rule = {
            "ID": "down",
            "Status": "Enabled",
            "Filter": {},
            "Transitions": [{"Days": 5, "StorageClass": "cold"}],
        }
        rules = check_lifecycle({"Rules": [rule]}, CLASSES)
        put_configuration(root, bucket, Configuration.LIFECYCLE, rules)
        run_lifecycle(bucket, now=NOW)
        store.sweep(now=NOW + timedelta(days=2))
        self.note(paths)
        assert not storages["standard"].exists(near)
        assert self.read(root, bucket, "key") == data
        self.delete(root, bucket, "key")

    def test_an_upload_that_breaks_off_leaves_nothing(
        self, root: Any, bucket: str, paths: list[str]
    ) -> None:
        def break_off(size: int) -> bytes:
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            put_object(
                root,
                bucket,
                "key",
                body=Body(break_off, self.size),
                attributes=COLD,
                now=BEFORE,
            )
        paths += Blob.objects.values_list("path", flat=True)
        store.sweep(now=NOW)
