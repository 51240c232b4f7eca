from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0003_edit_jobs"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("purge", "Purge"),
                    ("restore", "Undelete"),
                    ("copy", "Copy"),
                    ("move", "Move"),
                    ("usage", "Usage count"),
                    ("edit", "Edit"),
                    ("rewind", "Rewind"),
                ],
                max_length=10,
            ),
        ),
    ]
