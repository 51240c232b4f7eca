"""Keys compare by bytes, and `manage.py check` says where they do not."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.db import connection

from kernel.database.checks import byte_ordered_columns

pytestmark = pytest.mark.django_db


def found():
    messages = run_checks(databases=["default"])
    return [one.msg for one in messages if one.id == "kernel.E001"]


def test_the_columns_of_keys_are_known():
    assert {
        ("objects_objectversion", "key"),
        ("objects_objectversion", "version_id"),
    } <= set(byte_ordered_columns())


def test_the_migrated_database_is_sound():
    assert found() == []


def test_a_column_with_another_collation():
    if connection.vendor != "postgresql":
        pytest.skip("collations are PostgreSQL's")
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE objects_objectversion"
            ' ALTER COLUMN key TYPE varchar(1024) COLLATE "und-x-icu"'
        )
    (message,) = found()
    assert "objects_objectversion.key" in message
    assert "und-x-icu" in message
