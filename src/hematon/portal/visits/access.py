"""A view's only way to a visit, a time or a rule.

A family sees the visits of children for whom it may act now: the link is looked up at every
request, so that taking it away bites at once, for visits booked before too.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from hematon.portal.accounts.models import Role, User
from hematon.portal.directory.models import Expert
from hematon.portal.visits import whose
from hematon.portal.visits.models import (
    Appointment,
    Closure,
    JoinAnswer,
    Rule,
    Slot,
    SlotState,
    VideoConsent,
)

STAFF = (Role.SCHEDULER, Role.CLINICIAN)


def _visits() -> QuerySet[Appointment]:
    return Appointment.objects.select_related(
        "slot", "slot__rule", "slot__clinician", "guardian"
    ).prefetch_related("slot__clinician__licenses")


def visits_of(user: User, at: datetime) -> QuerySet[Appointment]:
    """Give the visits of the children for whom a person may act now, the latest last."""
    children = [child.pk for child in whose.children_of(user, at)]
    return _visits().filter(child_id__in=children).order_by("slot__starts_at", "pk")


def get_visit(user: User, pk: uuid.UUID, at: datetime) -> Appointment | None:
    """Give one visit; None for "not yours" and "not there" alike."""
    return visits_of(user, at).filter(pk=pk).first()


def held_by(user: User, slot_id: str, at: datetime) -> Slot | None:
    """Give the time that this person holds now."""
    try:
        key = uuid.UUID(slot_id)
    except ValueError:
        return None
    return (
        Slot.objects.select_related("rule", "clinician")
        .filter(pk=key, state=SlotState.HELD, held_by=user, held_until__gt=at)
        .first()
    )


def agreed(user: User, child_id: uuid.UUID, version: str) -> VideoConsent | None:
    """Give the person's agreement to these words for this child."""
    return VideoConsent.objects.filter(by=user, child_id=child_id, text_version=version).first()


def place_told(visit: Appointment, user: User, since: datetime) -> JoinAnswer | None:
    """Give the latest answer of where the child is, if it was given since then."""
    return visit.joins.filter(by=user, at__gte=since).order_by("-at").first()


# --- staff ---------------------------------------------------------------------------------------


def visit_for_staff(user: User, pk: uuid.UUID) -> Appointment | None:
    """Give one visit to schedulers and clinicians."""
    return _visits().filter(pk=pk).first() if user.holds(*STAFF) else None


def visits_in(slots: list[Slot]) -> dict[uuid.UUID, Appointment]:
    """Give the visits of these times, by time; cancelled ones are left out."""
    found = _visits().filter(slot__in=[slot.pk for slot in slots]).exclude(status="cancelled")
    return {visit.slot_id: visit for visit in found}


def schedule(
    user: User, first: datetime, last: datetime, clinician: Expert | None
) -> QuerySet[Slot]:
    """Give the times between two moments to schedulers and clinicians."""
    if not user.holds(*STAFF):
        return Slot.objects.none()
    found = Slot.objects.filter(starts_at__gte=first, starts_at__lt=last)
    if clinician is not None:
        found = found.filter(clinician=clinician)
    return found.select_related("rule", "clinician").order_by(
        "starts_at", "clinician__family_name", "pk"
    )


def slot_for_staff(user: User, pk: uuid.UUID) -> Slot | None:
    """Give one time to schedulers."""
    if not user.holds(Role.SCHEDULER):
        return None
    return (
        Slot.objects.select_related("rule", "clinician")
        .prefetch_related("clinician__licenses")
        .filter(pk=pk)
        .first()
    )


def rules_for(user: User) -> QuerySet[Rule]:
    """Give the rules in force to schedulers."""
    if not user.holds(Role.SCHEDULER):
        return Rule.objects.none()
    return (
        Rule.objects.filter(withdrawn_at=None)
        .select_related("clinician")
        .order_by("clinician__family_name", "opens", "pk")
    )


def closures_for(user: User) -> QuerySet[Closure]:
    """Give the closures to schedulers, the next first."""
    if not user.holds(Role.SCHEDULER):
        return Closure.objects.none()
    return Closure.objects.select_related("clinician").order_by("first_day", "pk")
