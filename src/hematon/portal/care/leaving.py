"""Links between adults and children, at the end of the time that the programme's rules keep them.

Here and not with the links, because a case that a legal hold keeps also keeps who could see it.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from hematon.portal.audit.record import record
from hematon.portal.families.models import Guardianship, LinkChange, Status
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention, years_before
from hematon.portal.ui.retention import held


def ended(now: datetime) -> QuerySet[Guardianship]:
    """Give the links whose time is over, without those of a child whose case a legal hold keeps."""
    until = years_before(now, rules.current(Retention).ended_access_years)
    over = Guardianship.objects.filter(
        status__in=(Status.ENDED, Status.REFUSED), ended_at__lte=until
    )
    return over.exclude(child__cases__in=held("care.case"))


def purge_links(now: datetime) -> int:
    """Delete the links whose time is over, with every step of them; one transaction each.

    Returns:
        How many were deleted.
    """
    return sum(_purge_link(pk, now) for pk in list(ended(now).values_list("pk", flat=True)))


@transaction.atomic
def _purge_link(pk: uuid.UUID, now: datetime) -> int:
    rows = Guardianship.objects.select_for_update().filter(pk=pk)
    link = rows.first()
    if link is None or not ended(now).filter(pk=pk).exists():
        return 0
    # As rows: the model refuses to delete one step by itself.
    LinkChange.objects.filter(link=link).delete()
    rows.delete()
    record(None, "guardian.purged", link, patient=link.child)
    return 1
