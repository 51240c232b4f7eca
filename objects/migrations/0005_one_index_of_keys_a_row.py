"""On SQLite, keep each version in one of two indexes of keys, where objects were in both.

Nothing changes on PostgreSQL, but for what Django knows of it.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

import kernel.database.constraints

triggers = import_module("objects.migrations.0002_usage_triggers")


class OnSqlite:
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "sqlite":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveConstraint(OnSqlite, migrations.RemoveConstraint):
    pass


class AddConstraint(OnSqlite, migrations.AddConstraint):
    pass


def create_triggers(apps, schema_editor):
    """SQLite changes a table by making it anew, which takes its triggers with it."""
    if schema_editor.connection.vendor == "sqlite":
        triggers.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("blobs", "0001_initial"),
        ("buckets", "0002_bucket_revision"),
        ("iam", "0002_names_in_any_case"),
        ("objects", "0004_hold_is_stated"),
    ]
    operations = [
        migrations.RunPython(migrations.RunPython.noop, create_triggers),
        # Done where the table is made anew without its constraint.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="objectversion",
                    name="bucket",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="versions",
                        to="buckets.bucket",
                    ),
                ),
            ],
        ),
        RemoveConstraint(model_name="objectversion", name="version_once"),
        AddConstraint(
            model_name="objectversion",
            constraint=kernel.database.constraints.UniqueBesides(
                condition=models.Q(
                    ("is_delete_marker", True), ("is_latest", False), _connector="OR"
                ),
                fields=("bucket", "key", "version_id"),
                name="version_once",
            ),
        ),
        migrations.RunPython(create_triggers, migrations.RunPython.noop),
    ]
