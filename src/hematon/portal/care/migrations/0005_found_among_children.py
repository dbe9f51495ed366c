"""Cases from before are found as children are found, and keep their place in the reading order."""

from datetime import date
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from hematon.portal.families.matching import child_index

RANKS = {"a": 1, "b": 3, "u": 4, "c": 5}


def bring_over(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Number the ranks anew, and hash name and birth date as the rows of children do."""
    cases = apps.get_model("care", "Case").objects
    for band, rank in RANKS.items():
        cases.filter(band=band).update(rank=rank)
    for case in cases.exclude(match="").iterator():
        name, born = (case.answers.get(key, {}) for key in ("child-name", "birth-date"))
        if name.get("child_name") and born.get("date"):
            index = child_index(name["child_name"], date.fromisoformat(born["date"]))
            cases.filter(pk=case.pk).update(match=index)


class Migration(migrations.Migration):
    dependencies = [("care", "0004_child_and_changes")]

    operations = [migrations.RunPython(bring_over, migrations.RunPython.noop)]
