"""Who has what open in an emergency, and a view's only way to those rows."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.apps import apps
from django.db.models import Model, QuerySet

from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event, Purpose
from hematon.portal.audit.record import name_of
from hematon.portal.privacy.models import BreakGlass

MAY_BREAK: Final = (Role.INTAKE, Role.CLINICIAN)
"""Who looks after families. Nobody else has a reason that an emergency could give."""
BREAKABLE: Final = {"case": "care.Case"}
"""What can be opened, by the word in the address; named, because that app is above this one. The
app that keeps it asks `opened_by` or `is_broken` wherever it decides who may open a record."""


def is_broken(user: User, subject: Model, at: datetime) -> bool:
    """Say whether this person may open this record now because of an emergency.

    Args:
        user: who; still has to hold a role that may.
        subject: the record.
        at: now.
    """
    return open_now(user, at).filter(subject=name_of(subject)).exists() and user.holds(*MAY_BREAK)


def open_now(user: User, at: datetime) -> QuerySet[BreakGlass]:
    """Give what this person has open, the first to end first."""
    rows = BreakGlass.objects.filter(user=user, at__lte=at, expires_at__gt=at)
    return rows.order_by("expires_at", "pk")


def opened_by(user: User, kind: type[Model], at: datetime) -> list[str]:
    """Give the keys of the records of one kind that this person has open in an emergency now."""
    if not user.holds(*MAY_BREAK):
        return []
    label = f"{kind._meta.label_lower}:"
    rows = open_now(user, at).filter(subject__startswith=label)
    return [subject.removeprefix(label) for subject in rows.values_list("subject", flat=True)]


def patient_of(subject: Model) -> Model | None:
    """Give the child that a record is about, where somebody has said which."""
    child = getattr(subject, "child", None)
    return child if isinstance(child, Model) else None


def subject_of(word: str, pk: uuid.UUID) -> Model | None:
    """Find what is to be opened; None when there is no such record."""
    try:
        model = apps.get_model(BREAKABLE[word])
    except (KeyError, LookupError):
        return None
    found: Model | None = model._default_manager.filter(pk=pk).first()
    return found


def openings(user: User, *, reviewed: bool) -> QuerySet[BreakGlass]:
    """Give emergency openings for the privacy officer: to review, or reviewed."""
    if not user.holds(Role.PRIVACY):
        return BreakGlass.objects.none()
    rows = BreakGlass.objects.filter(reviewed_at__isnull=not reviewed)
    return rows.select_related("user", "reviewed_by").order_by("-at" if reviewed else "at", "pk")


def used(opening: BreakGlass) -> QuerySet[Event]:
    """Give what the person did with the record because of the emergency, in its order."""
    rows = Event.objects.filter(
        actor=opening.user,
        purpose=Purpose.EMERGENCY,
        at__gte=opening.at,
        # An answer that was begun in the last second is recorded after it.
        at__lte=opening.expires_at + timedelta(minutes=1),
    )
    return rows.exclude(action="glass.broken").order_by("sequence")


def opening(user: User, pk: uuid.UUID) -> BreakGlass | None:
    """Give one of them."""
    if not user.holds(Role.PRIVACY):
        return None
    return BreakGlass.objects.select_related("user", "reviewed_by").filter(pk=pk).first()
