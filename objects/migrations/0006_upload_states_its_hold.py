"""An upload under way tells a legal hold that is off from one it never stated."""

from django.db import migrations, models

FORGET = (
    "UPDATE objects_multipartupload SET has_legal_hold = NULL WHERE NOT has_legal_hold"
)


class Migration(migrations.Migration):
    dependencies = [("objects", "0005_one_index_of_keys_a_row")]

    operations = [
        migrations.AlterField(
            model_name="multipartupload",
            name="has_legal_hold",
            field=models.BooleanField(null=True, help_text="null: nothing was said"),
        ),
        migrations.RunSQL(FORGET, migrations.RunSQL.noop),
    ]
