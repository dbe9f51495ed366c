"""What the visits app lets go: visits, and agreements to video, kept as long as the record."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from hematon.portal.audit.record import record
from hematon.portal.care.models import Case
from hematon.portal.families.models import Child
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention, years_before
from hematon.portal.ui.retention import held
from hematon.portal.ui.site import site
from hematon.portal.ui.upkeep import purges
from hematon.portal.visits.models import Appointment, JoinAnswer, VideoConsent, VisitStep


@purges("visits, over")
def purge_visits(*, now: datetime, dry: bool) -> int:
    """Delete visits that need not be kept any longer."""
    over = list(_visits_over(now))
    return len(over) if dry else sum(_purge_visit(pk, now) for pk in over)


@purges("agreements to visits by video")
def purge_agreements(*, now: datetime, dry: bool) -> int:
    """Delete agreements that need not be kept any longer and that no visit stands on."""
    over = list(_agreements_over(now))
    return len(over) if dry else sum(_purge_agreement(pk, now) for pk in over)


def _visits_over(now: datetime) -> Iterator[uuid.UUID]:
    keep = rules.current(Retention)
    # Nothing later can be over, so its child need not be opened.
    old = Appointment.objects.filter(slot__ends_at__lte=years_before(now, keep.closed_years))
    for visit in old.select_related("slot").order_by("slot__ends_at", "pk"):
        if _is_over(visit.child_id, visit.slot.ends_at, now):
            yield visit.pk


def _agreements_over(now: datetime) -> Iterator[uuid.UUID]:
    keep = rules.current(Retention)
    old = VideoConsent.objects.filter(at__lte=years_before(now, keep.closed_years))
    used = Appointment.objects.filter(child_id=OuterRef("child_id"))
    for agreed in old.exclude(Exists(used)).order_by("at", "pk"):
        if _is_over(agreed.child_id, agreed.at, now):
            yield agreed.pk


def _is_over(child_id: uuid.UUID, used: datetime, now: datetime) -> bool:
    """Say whether what is kept about a child since a time is over, and no legal hold keeps it."""
    if Case.objects.filter(pk__in=held("care.case"), child=child_id).exists():
        return False
    zone = site().zone
    last = used.astimezone(zone).date()
    child = Child.objects.filter(pk=child_id).first()
    born: date = child.birth_date if child else last
    until = rules.current(Retention).record_until(born=born, used=last)
    return now.astimezone(zone).date() >= until


@transaction.atomic
def _purge_visit(pk: uuid.UUID, now: datetime) -> int:
    visit = Appointment.objects.select_for_update(of=("self",)).select_related("slot").get(pk=pk)
    if not _is_over(visit.child_id, visit.slot.ends_at, now):
        return 0
    JoinAnswer.objects.filter(appointment=visit).delete()
    VisitStep.objects.filter(appointment=visit).delete()
    Appointment.objects.filter(pk=pk).delete()
    record(None, "visit.purged", visit)
    return 1


@transaction.atomic
def _purge_agreement(pk: uuid.UUID, now: datetime) -> int:
    agreed = VideoConsent.objects.select_for_update().get(pk=pk)
    if not _is_over(agreed.child_id, agreed.at, now):
        return 0
    VideoConsent.objects.filter(pk=pk).delete()
    record(None, "visit.agreement_purged", agreed)
    return 1
