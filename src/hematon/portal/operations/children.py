"""Children whom nothing here needs any longer: no link, no request, no visit, no agreement.

A row is made when an adult names a child, and outlives every one of these; what it says is a
name and a birth date.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from hematon.portal.audit.record import record
from hematon.portal.families.models import Child
from hematon.portal.visits.models import Appointment, VideoConsent


def unneeded() -> QuerySet[Child]:
    """Give the children whom no row is about."""
    return Child.objects.filter(
        ~Exists(Appointment.objects.filter(child_id=OuterRef("pk"))),
        ~Exists(VideoConsent.objects.filter(child_id=OuterRef("pk"))),
        guardianships=None,
        cases=None,
    )


def purge() -> int:
    """Delete them; one transaction each.

    Returns:
        How many were deleted.
    """
    return sum(_purge(pk) for pk in list(unneeded().values_list("pk", flat=True)))


@transaction.atomic
def _purge(pk: uuid.UUID) -> int:
    child = Child.objects.select_for_update().filter(pk=pk).first()
    # Asked again under the lock: a link or a request may have come.
    if child is None or not unneeded().filter(pk=pk).exists():
        return 0
    Child.objects.filter(pk=pk).delete()
    record(None, "child.purged", child)
    return 1
