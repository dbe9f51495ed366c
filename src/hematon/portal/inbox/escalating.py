"""Promises that were not kept: intake is told once of each, and the case stays where it is.

Telling intake moves nothing: the owner stays the owner. To give a case to somebody else is an act
of a person (`care.working.assign`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from hematon.portal.audit.record import record
from hematon.portal.care import telling
from hematon.portal.care.models import Case
from hematon.portal.care.status import OPEN, Status
from hematon.portal.inbox.models import Escalation, Promised

_FIELDS: Final[dict[Promised, str]] = {
    Promised.READ: "read_due_at",
    Promised.ANSWER: "due_at",
    Promised.REPLY: "reply_due_at",
}
MOST: Final = 200
"""In one run, so that a worker that was off for a week does not hold everything up."""


def missed(at: datetime) -> Iterator[tuple[Case, Promised]]:
    """Give every case with a promise that is past and of which nobody was told."""
    for promised, field in _FIELDS.items():
        told = Escalation.objects.filter(
            case=OuterRef("pk"), promised=promised, due_at=OuterRef(field)
        )
        late = Q(**{f"{field}__lt": at})
        if promised == Promised.READ:
            late &= Q(first_read_at=None)
        # A family that writes about a finished request is owed a reply all the same.
        owed = ~Q(status=Status.DRAFT) if promised == Promised.REPLY else Q(status__in=OPEN)
        rows = Case.objects.filter(late, owed).exclude(Exists(told))
        for case in rows.order_by(field, "pk")[:MOST]:
            yield case, promised


def tell(*, at: datetime) -> int:
    """Tell intake of every promise that was not kept; one transaction each.

    Returns:
        How many were told of.
    """
    return sum(_tell(case, promised, at) for case, promised in list(missed(at)))


@transaction.atomic
def _tell(case: Case, promised: Promised, at: datetime) -> int:
    held = Case.objects.select_for_update().get(pk=case.pk)
    due_at = getattr(held, _FIELDS[promised])
    kept = promised == Promised.READ and held.first_read_at is not None
    if kept or due_at is None or due_at >= at:
        return 0
    if promised != Promised.REPLY and not held.is_open:
        return 0
    _row, is_new = Escalation.objects.get_or_create(
        case=held, promised=promised, due_at=due_at, defaults={"at": at}
    )
    if not is_new:
        return 0
    key = f"late:{held.pk}:{promised.value}:{due_at:%Y%m%dT%H%M%S}"
    telling.tell_intake(key=key, at=at)
    record(None, "case.escalated", held, promised=promised.value)
    return 1
