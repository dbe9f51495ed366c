"""Adding to the audit. Call it inside the transaction of what it records."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from hematon.portal.audit.models import Event


def record(
    actor: Model | AnonymousUser | None,
    action: str,
    subject: Model | None = None,
    **detail: int | str | bool | None,
) -> None:
    """Write one event.

    Args:
        actor: the signed-in person; None or anonymous for a family without an account.
        action: what was done, `thing.done`.
        subject: the row it was done to.
        detail: counts and codes; no value that a family typed.
    """
    Event.objects.create(
        actor_id=actor.pk if isinstance(actor, Model) else None,
        action=action,
        subject=f"{subject._meta.label_lower}:{subject.pk}" if subject is not None else "",
        detail=detail,
    )
