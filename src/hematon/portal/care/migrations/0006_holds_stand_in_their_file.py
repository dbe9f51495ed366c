"""A legal hold is a line of its file; a second place for it could say otherwise."""

from django.db import migrations


class Migration(migrations.Migration):
    """Drop the flag, which nothing ever set."""

    dependencies = [("care", "0005_found_among_children")]

    operations = [migrations.RemoveField(model_name="case", name="legal_hold")]
