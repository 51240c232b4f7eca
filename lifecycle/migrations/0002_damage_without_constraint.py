"""Let damaged blobs go: the database kept their objects from being deleted."""

import django.db.models.deletion
from django.db import migrations, models


def forget_damage_of_what_is_gone(apps, schema_editor):
    blobs = apps.get_model("blobs", "Blob").objects.values("pk")
    damages = apps.get_model("lifecycle", "Damage").objects
    damages.exclude(blob_id__in=blobs).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("blobs", "0001_initial"),
        ("lifecycle", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="damage",
            name="blob",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="damage",
                to="blobs.blob",
            ),
        ),
        # Undone first: the constraint could not come back otherwise.
        migrations.RunPython(
            migrations.RunPython.noop, forget_damage_of_what_is_gone
        ),
    ]
