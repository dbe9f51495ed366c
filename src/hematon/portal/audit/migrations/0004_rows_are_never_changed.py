from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from hematon.portal.audit import guards


def set_guards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    guards.run(schema_editor.connection, guards.SET)


def lift_guards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    guards.run(schema_editor.connection, guards.LIFT)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("audit", "0003_rows_so_far_are_chained"),
    ]

    operations = [
        migrations.AlterField("event", "sequence", models.BigIntegerField(unique=True)),
        migrations.AlterField("event", "chain", models.CharField(max_length=64)),
        migrations.AlterField("event", "at", models.DateTimeField(db_index=True)),
        migrations.AlterField("event", "action", models.CharField(db_index=True, max_length=60)),
        migrations.AlterField(
            "event", "subject", models.CharField(blank=True, db_index=True, max_length=80)
        ),
        migrations.AlterField(
            "event", "patient", models.CharField(blank=True, db_index=True, max_length=80)
        ),
        migrations.AlterField(
            "event",
            "purpose",
            models.CharField(
                blank=True,
                choices=[
                    ("TREAT", "Treatment"),
                    ("BTG", "Break-glass"),
                    ("HOPERAT", "Running the service"),
                    ("PATRQT", "Asked for by the family"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField("event", "route", models.CharField(blank=True, max_length=80)),
        migrations.AlterField("event", "client", models.CharField(blank=True, max_length=32)),
        migrations.RunPython(set_guards, lift_guards),
    ]
