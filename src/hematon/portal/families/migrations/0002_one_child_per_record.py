"""Two children cannot be one record of the hospital."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """The unique constraint is also what finds a child by its number."""

    dependencies = [("families", "0001_children_and_guardianships")]

    operations = [
        migrations.AlterField(
            model_name="child",
            name="record_index",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddConstraint(
            model_name="child",
            constraint=models.UniqueConstraint(
                condition=~models.Q(record_index=""),
                fields=("record_index",),
                name="one_child_per_record_of_the_hospital",
            ),
        ),
    ]
