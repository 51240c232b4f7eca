"""Stores of earlier releases come up whole, and their migrations can be undone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.special import SeparateDatabaseAndState

from scripts.keep_release import OWN_APPS
from tests.site import kept_releases as kept

# What migrations mean to change, as `table` or `table.column`, each with its reason.
CHANGED: dict[str, str] = {
    "objects_multipartupload.has_legal_hold": "off is told from never stated",
}
ARCHIVES = [pytest.param(one, id=one.name) for one in kept.archives()]


def test_a_release_is_kept():
    assert ARCHIVES, "keep one: python scripts/keep_release.py <release>"


@pytest.fixture(scope="module", params=ARCHIVES)
def upgraded(request, tmp_path_factory):
    """A kept store, migrated and serving; with what it told and held before."""
    folder = tmp_path_factory.mktemp("upgraded")
    told = kept.unpack(request.param, folder)
    before = kept.rows_of(folder / kept.DATABASE)
    store = kept.store_in(folder)
    store.manage("migrate", "--verbosity", "0")
    after = kept.rows_of(folder / kept.DATABASE)
    store.serve()
    yield SimpleNamespace(
        store=store, folder=folder, told=told, before=before, after=after
    )
    store.stop()


def test_no_row_is_lost(upgraded):
    assert kept.rows_lost(upgraded.before, upgraded.after, CHANGED) == []


def test_everything_is_told_as_before(upgraded):
    assert list(kept.lost(upgraded.told, kept.tell(upgraded.store))) == []


def test_the_counters_are_right(upgraded):
    assert "all counters are right" in upgraded.store.manage("verify_counters")


def test_it_is_written_to(upgraded):
    s3 = kept.client(upgraded.store, "s3")
    bucket = "versioned"
    s3.put_object(Bucket=bucket, Key="new", Body=b"after")
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"after"
    uploads = s3.list_multipart_uploads(Bucket="plain")["Uploads"]
    place = {"Bucket": "plain", "Key": uploads[0]["Key"]}
    upload = {**place, "UploadId": uploads[0]["UploadId"]}
    parts = [
        {"PartNumber": one["PartNumber"], "ETag": one["ETag"]}
        for one in s3.list_parts(**upload)["Parts"]
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    size = sum(one["Size"] for one in upgraded.told["buckets"]["plain"]["parts"][0])
    assert s3.head_object(**place)["ContentLength"] == size
    assert "all counters are right" in upgraded.store.manage("verify_counters")


def applied(rows):
    """The migrations of ours that a kept database has, by app and name."""
    columns, found = rows["django_migrations"]
    places = columns.index("app"), columns.index("name")
    return {(row[places[0]], row[places[1]]) for row in found if row[places[0]] in OWN}


OWN = {config.label for config in apps.get_app_configs() if config.name in OWN_APPS}


def later_than(known):
    """The migrations of ours that came after, by app."""
    found = {}
    for (label, name), migration in MigrationLoader(None).disk_migrations.items():
        if label in OWN and (label, name) not in known:
            found.setdefault(label, []).append(migration)
    return found


def irreversible(migration):
    """What of a migration cannot be undone, unless it says why."""
    if getattr(migration, "irreversible_because", ""):
        return []
    return [one for one in flat(migration.operations) if not one.reversible]


def flat(operations):
    for one in operations:
        if isinstance(one, SeparateDatabaseAndState):
            yield from flat(one.database_operations)
        else:
            yield one


@pytest.mark.parametrize("archive", ARCHIVES)
def test_migrations_since_can_be_undone_or_say_why_not(archive, tmp_path):
    kept.unpack(archive, tmp_path)
    later = later_than(applied(kept.rows_of(tmp_path / kept.DATABASE)))
    for found in later.values():
        for migration in found:
            assert irreversible(migration) == [], migration


@pytest.mark.slow
@pytest.mark.parametrize("archive", ARCHIVES)
def test_an_upgrade_is_undone_and_done_again(archive, tmp_path):
    told = kept.unpack(archive, tmp_path)
    database = tmp_path / kept.DATABASE
    before = kept.rows_of(database)
    store = kept.store_in(tmp_path)
    store.manage("migrate", "--verbosity", "0")
    later = later_than(applied(before))
    if any(
        hasattr(one, "irreversible_because")
        for found in later.values()
        for one in found
    ):
        pytest.skip("a migration since says why it cannot be undone")
    for label in later:
        names = sorted(name for app, name in applied(before) if app == label)
        target = names[-1] if names else "zero"
        store.manage("migrate", label, target, "--verbosity", "0")
    undone = kept.rows_of(database)
    assert applied(undone) == applied(before)
    assert kept.rows_lost(before, undone, CHANGED) == []
    store.manage("migrate", "--verbosity", "0")
    store.serve()
    try:
        assert list(kept.lost(told, kept.tell(store))) == []
    finally:
        store.stop()


def test_a_kept_release_has_data_of_every_kind(tmp_path):
    newest = max(kept.archives(), key=lambda one: len(rows_in(one, tmp_path)))
    rows = rows_in(newest, tmp_path)
    tables = [name for name in rows if name.partition("_")[0] in OWN]
    assert [name for name in tables if not rows[name][1] and name not in EMPTY] == []


# Tables of many-to-many fields that no program has filled.
EMPTY = {"iam_managedpolicy_identities"}


def rows_in(archive, folder):
    target = folder / archive.name
    if not target.exists():
        kept.unpack(archive, target)
    return kept.rows_of(target / kept.DATABASE)


def test_what_cannot_be_undone_is_found():
    class Silent(migrations.Migration):
        operations = [
            SeparateDatabaseAndState(
                database_operations=[migrations.RunSQL("DELETE FROM a")]
            )
        ]

    class Explained(Silent):
        irreversible_because = "What was deleted was a copy."

    assert len(irreversible(Silent("one", "app"))) == 1
    assert irreversible(Explained("one", "app")) == []


def test_what_is_lost_is_found():
    rows = {"a": (["id", "name"], [(1, "one"), (2, "two")])}
    renamed = {"a": (["id", "title"], [(1, "one"), (2, "two")])}
    fewer = {"a": (["id", "name"], [(1, "one")])}
    assert kept.rows_lost(rows, rows, {}) == []
    assert kept.rows_lost(rows, {}, {}) == ["a"]
    assert kept.rows_lost(rows, fewer, {}) == ["a"]
    assert kept.rows_lost(rows, renamed, {}) == ["a.name"]
    assert kept.rows_lost(rows, renamed, {"a.name": "is title now"}) == []
    assert list(kept.lost({"a": [1, 2]}, {"a": [1, 3], "b": 1})) == ["/a/1: 2 became 3"]
    assert list(kept.lost({"a": [1]}, {})) == ["/a"]
