"""Closed cases at the end of the time that the programme's rules keep them.

Colorado asks hospitals to keep a minor's record until the age of 28 or ten years after the last
use, whichever is later (the shipped rules name the source). Where a birth date was never asked
for, the child is taken to have been born on the day of the request: kept longer, never shorter.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.care.status import CLOSED, Kind
from hematon.portal.files import actions as files
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention
from hematon.portal.ui.retention import CALLBACK, held
from hematon.portal.ui.site import site

BIRTH_DATE: Final = "birth-date"
"""The question whose answer holds the child's birth date."""


def over(now: datetime) -> Iterator[uuid.UUID]:
    """Give the closed cases whose time is over and that no legal hold keeps."""
    keep = rules.current(Retention)
    kept = held("care.case")
    calls = Q(kind=Kind.CALL, closed_at__lt=now - CALLBACK)
    # Nothing that closed later can be over, so its answers need not be opened.
    others = ~Q(kind=Kind.CALL) & Q(closed_at__lt=now - timedelta(days=365 * keep.closed_years))
    rows = Case.objects.filter(calls | others, status__in=CLOSED)
    for case in rows.order_by("closed_at", "pk").iterator():
        if case.pk not in kept and (case.kind == Kind.CALL or _of_age(case, keep, now)):
            yield case.pk


def purge(now: datetime) -> int:
    """Delete the cases whose time is over, with all that hangs on them; one transaction each.

    Returns:
        How many were deleted.
    """
    return sum(_purge(pk) for pk in list(over(now)))


@transaction.atomic
def _purge(pk: uuid.UUID) -> int:
    case = Case.objects.select_for_update().filter(pk=pk, status__in=CLOSED).first()
    if case is None or pk in held("care.case"):
        return 0
    kind = case.kind
    files.let_go_of(holder=case.pk)
    case.delete()
    case.pk = pk
    record(None, "case.purged", case, kind=kind)
    return 1


def _of_age(case: Case, keep: Retention, now: datetime) -> bool:
    assert case.sent_at is not None
    assert case.closed_at is not None
    today = now.astimezone(site().zone).date()
    used = case.closed_at.astimezone(site().zone).date()
    born = _born(case) or case.sent_at.astimezone(site().zone).date()
    return today >= keep.record_until(born=born, used=used)


def _born(case: Case) -> date | None:
    said = case.answers.get(BIRTH_DATE, {}).get("date")
    return date.fromisoformat(said) if said else None
