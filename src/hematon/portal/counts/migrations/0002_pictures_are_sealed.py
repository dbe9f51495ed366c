from typing import Any

from django.db import migrations

import hematon.portal.vault.fields


def drop(apps: Any, schema_editor: Any) -> None:
    """Delete the pictures that are there: they live for a day and are not sealed again."""
    apps.get_model("counts", "CountsPicture").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("counts", "0001_initial")]

    operations = [
        migrations.RunPython(drop, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="countspicture",
            name="picture",
            field=hematon.portal.vault.fields.SealedBytes(editable=False),
        ),
    ]
