import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import hematon.portal.vault.fields


class Migration(migrations.Migration):
    # An upload lives for an hour: the old ones are dropped, not sealed again.

    dependencies = [
        ("clinic", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel(name="Upload"),
        migrations.CreateModel(
            name="Upload",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("session", models.CharField(db_index=True, max_length=64)),
                ("kept_at", models.DateTimeField(db_index=True)),
                ("setting", models.CharField(max_length=40)),
                ("content", hematon.portal.vault.fields.SealedBytes(editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
