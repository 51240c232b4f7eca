"""Draw another revision at each change of a bucket, whoever makes it."""

from django.db import migrations, models

import buckets.models

# All columns but the revision itself: that the trigger sets it must not set it off.
COLUMNS = (
    "name, uuid, owner_id, region, storage_class, versioning, has_object_lock,"
    " configurations, quota_bytes, quota_objects, created_at"
)
SQLITE = (
    f"CREATE TRIGGER bucket_revision AFTER UPDATE OF {COLUMNS} ON buckets_bucket"  # noqa: S608
    " BEGIN UPDATE buckets_bucket SET revision = random() WHERE id = NEW.id; END"
)
POSTGRESQL = """
    CREATE FUNCTION bucket_revision() RETURNS trigger AS $$
    BEGIN NEW.revision := (random() * 9007199254740992)::bigint; RETURN NEW; END
    $$ LANGUAGE plpgsql;
    CREATE TRIGGER bucket_revision BEFORE UPDATE ON buckets_bucket
    FOR EACH ROW EXECUTE FUNCTION bucket_revision();
"""


def create(apps, schema_editor):
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    schema_editor.execute(SQLITE if is_sqlite else POSTGRESQL, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER bucket_revision")
    else:
        schema_editor.execute("DROP FUNCTION bucket_revision() CASCADE")


class Migration(migrations.Migration):
    dependencies = [("buckets", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="bucket",
            name="revision",
            field=models.BigIntegerField(
                db_default=0, default=buckets.models.new_revision
            ),
        ),
        migrations.RunPython(create, drop),
    ]
