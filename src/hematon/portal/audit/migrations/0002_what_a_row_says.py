from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.AddField("event", "sequence", models.BigIntegerField(null=True)),
        migrations.AddField("event", "chain", models.CharField(default="", max_length=64)),
        migrations.AddField(
            "event",
            "patient",
            models.CharField(blank=True, db_index=True, default="", max_length=80),
        ),
        migrations.AddField(
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
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "event",
            "outcome",
            models.CharField(
                choices=[("success", "Done"), ("refused", "Refused"), ("failed", "Failed")],
                default="success",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "event", "route", models.CharField(blank=True, default="", max_length=80)
        ),
        migrations.AddField(
            "event", "client", models.CharField(blank=True, default="", max_length=32)
        ),
    ]
