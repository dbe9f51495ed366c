from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from hematon.portal.audit.chain import COLUMNS, GENESIS, link
from hematon.portal.vault.keys import keyring


def chain(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Number and sign what was recorded before there was a chain, in the order it came."""
    Event = apps.get_model("audit", "Event")
    rows = Event.objects.using(schema_editor.connection.alias).order_by("id")
    before = GENESIS
    for sequence, event in enumerate(rows.iterator(chunk_size=1000), start=1):
        event.sequence = sequence
        before = event.chain = link(
            keyring().audit, before, tuple(getattr(event, name) for name in COLUMNS)
        )
        event.save(update_fields=["sequence", "chain"])


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_what_a_row_says"),
    ]

    operations = [
        migrations.RunPython(chain, migrations.RunPython.noop),
    ]
