"""Links between adults and children, at the end of the time that the programme's rules keep them.

Here and not with the links, because a case that a legal hold keeps also keeps who could see it.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from hematon.portal.audit.record import record
from hematon.portal.families.access import over_since
from hematon.portal.families.models import Guardianship, LinkChange, Status
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import AgeRules, Retention, years_before
from hematon.portal.ui.retention import held
from hematon.portal.ui.site import site


def ended(now: datetime) -> list[uuid.UUID]:
    """Give the links whose time is over, without those of a child whose case a legal hold keeps."""
    until = _until(now)
    return [link.pk for link in _old(until).iterator() if _is_over(link, until)]


def purge_links(now: datetime) -> int:
    """Delete the links whose time is over, with every step of them; one transaction each.

    Returns:
        How many were deleted.
    """
    return sum(_purge_link(pk, _until(now)) for pk in ended(now))


def _until(now: datetime) -> datetime:
    return years_before(now, rules.current(Retention).ended_access_years)


def _old(until: datetime) -> QuerySet[Guardianship]:
    """Give the links that can be over; a birth date is sealed, so each must be looked at."""
    began = Q(status=Status.ACTIVE, starts_at__lte=until)
    rows = Guardianship.objects.filter(began | Q(ended_at__lte=until))
    return rows.exclude(child__cases__in=held("care.case")).select_related("child")


def _is_over(link: Guardianship, until: datetime) -> bool:
    return over_since(link, until, rules.current(AgeRules), site().zone) is not None


@transaction.atomic
def _purge_link(pk: uuid.UUID, until: datetime) -> int:
    rows = _old(until).filter(pk=pk)
    link = rows.select_for_update(of=("self",)).first()
    if link is None or not _is_over(link, until):
        return 0
    # As rows: the model refuses to delete one step by itself.
    LinkChange.objects.filter(link=link).delete()
    Guardianship.objects.filter(pk=pk).delete()
    record(None, "guardian.purged", link, patient=link.child)
    return 1
