"""What was begun and not sent: warned of, then deleted."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.care.sending import DRAFT_KEPT
from hematon.portal.care.status import Status

REMINDED_AFTER: Final = timedelta(days=23)
"""From the last saved answer; a week is left."""


def to_remind(at: datetime) -> QuerySet[Case]:
    """Give the drafts whose last answer is 23 days old or older, and that are still there."""
    ends_by = at + (DRAFT_KEPT - REMINDED_AFTER)
    return Case.objects.filter(
        status=Status.DRAFT, sender__isnull=False, ends_at__gt=at, ends_at__lte=ends_by
    ).order_by("ends_at", "pk")


def purge(at: datetime) -> int:
    """Delete the drafts whose time is over; one transaction each, so that one fault holds up one.

    Returns:
        How many were deleted.
    """
    over = Case.objects.filter(status=Status.DRAFT, ends_at__lte=at, legal_hold=False)
    return sum(_purge(pk, at) for pk in list(over.values_list("pk", flat=True)))


@transaction.atomic
def _purge(pk: uuid.UUID, at: datetime) -> int:
    held = (
        Case.objects.select_for_update()
        .filter(pk=pk, status=Status.DRAFT, ends_at__lte=at, legal_hold=False)
        .first()
    )
    if held is None:
        return 0
    key, kind = held.pk, held.kind
    held.delete()
    held.pk = key
    record(None, "case.purged", held, kind=kind)
    return 1
