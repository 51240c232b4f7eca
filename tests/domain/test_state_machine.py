"""A versioned bucket against a model of one, through random histories."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from blobs import store
from blobs.models import Blob
from buckets.access import find_bucket
from buckets.operations import create_bucket, put_bucket_versioning
from buckets.queries import usage
from iam.operations import create_account
from iam.queries import principal_of
from kernel import errors
from kernel.bodies import Body
from objects.copies import CopySource, copy_object
from objects.listings import list_object_versions, list_objects
from objects.operations import delete_object, get_object, put_object

KEYS = st.sampled_from(["a", "a/b", "a/c", "b", "ü", "a/b/c"])
DATA = st.sampled_from([b"", b"x", b"some bytes", b"z" * 20_000])


class VersionedBucket(RuleBasedStateMachine):
    """The model: for each key a list of (version id, data or None), newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        _, identity = create_account("model", now=timezone.now())
        self.root = principal_of(identity)
        create_bucket(self.root, "model", now=timezone.now())
        self.versioning = ""
        self.model: dict[str, list[tuple[str, bytes | None]]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def _add(self, key: str, version_id: str, data: bytes | None) -> None:
        versions = self.model.setdefault(key, [])
        if version_id == "null":
            versions[:] = [one for one in versions if one[0] != "null"]
        versions.insert(0, (version_id, data))

    @rule(key=KEYS, data=DATA)
    def put(self, key: str, data: bytes) -> None:
        info = put_object(
            self.root, "model", key, body=Body.of(data), now=timezone.now()
        )
        assert (info.version_id == "null") == (self.versioning != "Enabled")
        self._add(key, info.version_id, data)

    @rule(source=KEYS, key=KEYS)
    def copy(self, source: str, key: str) -> None:
        current = self.model.get(source, [])
        try:
            _, info = copy_object(
                self.root, CopySource("model", source), "model", key, now=timezone.now()
            )
        except errors.NoSuchKey:
            assert not current or current[0][1] is None
        except errors.InvalidRequest:
            assert source == key
        else:
            self._add(key, info.version_id, current[0][1])

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        deleted = delete_object(self.root, "model", key, now=timezone.now())
        if self.versioning:
            self._add(key, deleted.version_id, None)
        else:
            self.model.pop(key, None)

    @rule(key=KEYS, place=st.integers(0, 3))
    def delete_version(self, key: str, place: int) -> None:
        versions = self.model.get(key, [])
        if place < len(versions):
            version_id, _ = versions.pop(place)
            delete_object(
                self.root, "model", key, version_id=version_id, now=timezone.now()
            )

    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def change_versioning(self, status: str) -> None:
        put_bucket_versioning(self.root, "model", status)
        self.versioning = status

    @rule()
    def sweep(self) -> None:
        store.sweep(now=timezone.now() + timedelta(days=2))

    @invariant()
    def current_objects_are_the_models(self) -> None:
        current = {
            key: versions[0][1]
            for key, versions in self.model.items()
            if versions and versions[0][1] is not None
        }
        listed = [row.key for row in list_objects(self.root, "model").contents]
        assert listed == sorted(current, key=str.encode)
        for key, data in current.items():
            assert b"".join(get_object(self.root, "model", key).chunks) == data

    @invariant()
    def versions_are_the_models(self) -> None:
        expected = [
            (key, version_id, data is None)
            for key in sorted(self.model, key=str.encode)
            for version_id, data in self.model[key]
        ]
        listed = list_object_versions(self.root, "model").versions
        assert [
            (row.key, row.version_id, bool(row.is_delete_marker)) for row in listed
        ] == expected

    @invariant()
    def usage_is_the_models(self) -> None:
        held = usage(find_bucket("model").id)
        rows = [one for versions in self.model.values() for one in versions]
        assert held.objects_count + held.versions_count + held.markers_count == len(
            rows
        )
        size = sum(len(data) for _, data in rows if data is not None)
        assert held.objects_size + held.versions_size == size

    @invariant()
    def no_blob_is_left_without_a_name(self) -> None:
        live = Blob.objects.filter(state="live")
        assert not live.filter(versions=None, places=None, uploads=None).exists()


@pytest.mark.django_db
def test_a_bucket_behaves_as_the_model(settings_of_machine):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(VersionedBucket, settings=settings_of_machine)


@pytest.fixture
def settings_of_machine():
    return settings(
        max_examples=40,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
