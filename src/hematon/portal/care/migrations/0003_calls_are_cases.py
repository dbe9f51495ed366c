import json
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from hematon.portal.vault.sealing import blind_index

ANSWERS = (
    "relationship",
    "name",
    "phone",
    "time",
    "language",
    "other_language",
    "interpreter",
    "about",
    "note",
    "counts",
)
REASON = {"not_reached": "not-reached"}


def seal_calls(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make a case of each request to be called, its answers sealed, with what came of it."""
    case_of, step_of = apps.get_model("care", "Case"), apps.get_model("care", "Step")
    for old in apps.get_model("care", "CallbackRequest").objects.all():
        changes = list(old.changes.order_by("pk"))
        called = old.status == "called"
        answers = {name: getattr(old, name) for name in ANSWERS}
        said = json.dumps(["call", answers], sort_keys=True, separators=(",", ":"))
        closed_at = changes[-1].at if called and changes else None
        first = changes[1].at if len(changes) > 1 else None
        case = case_of.objects.create(
            id=old.pk,
            kind="call",
            status="completed" if called else "received",
            reference=old.reference,
            key=old.key,
            digest=blind_index(said, "care.case.digest"),
            language=old.page_language,
            interpreter=old.interpreter,
            answers=answers,
            begun_at=old.sent_at,
            saved_at=old.sent_at,
            sent_at=old.sent_at,
            read_due_at=old.due_at,
            first_read_at=first,
            due_at=old.due_at,
            answered_at=closed_at,
            closed_at=closed_at,
            band="u",
            rank=3,
        )
        for change in changes:
            step_of.objects.create(
                case=case,
                status="completed" if change.status == "called" else "received",
                reason=REASON.get(change.status, ""),
                at=change.at,
                by_id=change.by_id,
            )


class Migration(migrations.Migration):
    dependencies = [("care", "0002_cases")]

    operations = [
        migrations.RunPython(seal_calls, migrations.RunPython.noop),
        migrations.DeleteModel(name="StatusChange"),
        migrations.DeleteModel(name="CallbackRequest"),
    ]
