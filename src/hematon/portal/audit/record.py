"""Adding to the audit. Call it inside the transaction of what it records, as its last write.

The row is linked to the one before it, so writers queue: on PostgreSQL for a lock that ends with
the transaction, on SQLite for the database itself (its transactions begin IMMEDIATE). What a
transaction does after this, it does with every other writer waiting.
"""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import connections, router, transaction
from django.db.models import Model
from django.utils import timezone

from hematon.errors import HematonError
from hematon.portal.audit.chain import COLUMNS, GENESIS, link
from hematon.portal.audit.context import answering
from hematon.portal.audit.events import EVENTS
from hematon.portal.audit.models import Event, Outcome, Purpose
from hematon.portal.vault.keys import keyring

_LOCK: Final = 0x68656D61746F6E
"""PostgreSQL's locks of applications are numbers; this one spells the name."""


class UnknownEventError(HematonError):
    """A part of the portal did something that `events.EVENTS` or its codes do not know."""


def record(
    actor: Model | AnonymousUser | None,
    action: str,
    subject: Model | None = None,
    *,
    patient: Model | None = None,
    purpose: str = "",
    outcome: str = Outcome.SUCCESS,
    **detail: int | str | bool | None,
) -> None:
    """Write one event.

    Args:
        actor: the signed-in person; None or anonymous for a family without an account.
        action: what was done, a key of `events.EVENTS`.
        subject: the row it was done to.
        patient: the child it was about, where that is another row.
        purpose: a code of `Purpose`, where a record was used for something other than its page;
            if not given, what `context.used_for` said of this request.
        outcome: a code of `Outcome`.
        detail: counts and codes; no value that a family typed.

    Raises:
        UnknownEventError: `events.EVENTS` does not have the action, or there is no such code.
    """
    if action not in EVENTS:
        raise UnknownEventError(f"{action} is not an action: add it to audit/events.py")
    if (purpose and purpose not in Purpose) or outcome not in Outcome:
        raise UnknownEventError(f"{action}: {purpose or outcome} is no code of audit/models.py")
    using = router.db_for_write(Event)
    with transaction.atomic(using=using):
        sequence, before = _head(using)
        here = answering()
        event = Event(
            sequence=sequence + 1,
            at=timezone.now(),
            actor_id=actor.pk if isinstance(actor, Model) else None,
            action=action,
            subject=name_of(subject),
            patient=name_of(patient),
            purpose=str(purpose or (here.purpose if here else "")),
            outcome=str(outcome),
            route=here.route if here else "",
            client=here.client if here else "",
            detail=detail,
        )
        event.chain = link(keyring().audit, before, tuple(getattr(event, name) for name in COLUMNS))
        event.save(force_insert=True, using=using)


def name_of(row: Model | None) -> str:
    """Name a row by kind and id, as `subject` and `patient` do."""
    return f"{row._meta.label_lower}:{row.pk}" if row is not None else ""


def _head(using: str) -> tuple[int, str]:
    """Give the last row's number and chain, after everyone before us has committed theirs."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    head = Event.objects.using(using).order_by("-sequence").values_list("sequence", "chain").first()
    return head or (0, GENESIS)
