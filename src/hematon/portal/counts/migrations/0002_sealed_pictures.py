from django.db import migrations, models

import hematon.portal.counts.models
import hematon.portal.vault.fields


class Migration(migrations.Migration):
    dependencies = [("counts", "0001_initial")]

    operations = [
        # Pictures in the open live for a day at most; they go with their table.
        migrations.DeleteModel(name="CountsPicture"),
        migrations.CreateModel(
            name="CountsPicture",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=hematon.portal.counts.models.random_id,
                        editable=False,
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("session", models.CharField(db_index=True, max_length=64)),
                ("page", models.PositiveSmallIntegerField()),
                ("picture", hematon.portal.vault.fields.SealedBytes()),
                ("kept_at", models.DateTimeField()),
                ("purge_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
