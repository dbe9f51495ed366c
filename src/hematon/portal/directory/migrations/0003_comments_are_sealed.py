import uuid
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import hematon.portal.vault.fields


def seal(apps: Any, schema_editor: Any) -> None:
    """Put the comments that came so far under seal."""
    review, words = apps.get_model("directory", "Review"), apps.get_model("directory", "Words")
    for one in review.objects.exclude(comment="").iterator():
        words.objects.create(review=one, text=one.comment)
    # Overwritten first, so that a database that only forgets a column does not keep them.
    review.objects.exclude(comment="").update(comment="")


class Migration(migrations.Migration):
    dependencies = [("directory", "0002_photo")]

    operations = [
        migrations.CreateModel(
            name="Words",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("text", hematon.portal.vault.fields.SealedText(editable=False)),
                (
                    "review",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="words",
                        to="directory.review",
                    ),
                ),
            ],
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RemoveField(model_name="review", name="comment"),
    ]
