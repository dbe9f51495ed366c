"""What staff do with opening rules, closures and times: each act in one transaction."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.directory.models import Expert
from hematon.portal.ui.site import site
from hematon.portal.visits.finding import Refused, bounds
from hematon.portal.visits.models import Closure, Rule, Slot, SlotState
from hematon.portal.visits.opening import Opening, days, times

HORIZON_DAYS: Final = 92
"""How far ahead times are made."""


def add_rule(
    *,
    clinician: Expert,
    opening: Opening,
    kind: str,
    interpreter_hours: int,
    by: User | None,
    at: datetime,
) -> Rule:
    """Keep a rule and make its times."""
    with transaction.atomic():
        rule = Rule.objects.create(
            clinician=clinician,
            weekdays=sorted(opening.weekdays),
            opens=opening.opens,
            closes=opening.closes,
            zone=opening.zone,
            first_day=opening.first_day,
            last_day=opening.last_day,
            every_weeks=opening.every_weeks,
            minutes=opening.minutes,
            kind=kind,
            interpreter_hours=interpreter_hours,
        )
        made = _make(rule, at)
        record(by, "rule.added", rule, times=made)
    return rule


def withdraw_rule(*, rule: Rule, by: User, at: datetime) -> int:
    """Take a rule back: its free times go, what is held or booked stays.

    Returns:
        How many visits stand in its times and must be held or moved.
    """
    with transaction.atomic():
        held = Rule.objects.select_for_update().get(pk=rule.pk)
        if held.withdrawn_at is None:
            held.withdrawn_at = at
            held.save(update_fields=["withdrawn_at"])
            gone, _ = _never_booked(held.slots.filter(starts_at__gt=at)).delete()
            record(by, "rule.withdrawn", held, times=gone)
        return held.slots.filter(state=SlotState.BOOKED, starts_at__gt=at).count()


def open_times(*, at: datetime) -> int:
    """Make the times of every rule up to the horizon, and drop free ones that are over.

    Returns:
        How many were made.
    """
    made = 0
    for rule in Rule.objects.filter(withdrawn_at=None).select_related("clinician"):
        with transaction.atomic():
            made += _make(rule, at)
    with transaction.atomic():
        _never_booked(Slot.objects.filter(ends_at__lt=at - timedelta(days=1))).delete()
    return made


def _make(rule: Rule, at: datetime) -> int:
    today = at.astimezone(rule.opening_zone).date()
    closed = list(Closure.objects.filter(Q(clinician=rule.clinician) | Q(clinician=None)))
    wanted = [
        Slot(
            rule=rule,
            clinician=rule.clinician,
            starts_at=start,
            ends_at=end,
            kind=rule.kind,
            interpreter_hours=rule.interpreter_hours,
            state=SlotState.CLOSED if _is_closed(day, closed) else SlotState.FREE,
        )
        for day in days(rule.opening, today, today + timedelta(days=HORIZON_DAYS))
        for start, end in times(rule.opening, day)
        if start > at
    ]
    before = rule.slots.count()
    Slot.objects.bulk_create(wanted, ignore_conflicts=True)
    return rule.slots.count() - before


def _is_closed(day: date, closed: list[Closure]) -> bool:
    """Say whether a day is closed: by a closure, or as a holiday of the site."""
    return day in site().office.closed_on or any(
        closure.first_day <= day <= closure.last_day for closure in closed
    )


def _never_booked(slots: QuerySet[Slot]) -> QuerySet[Slot]:
    # A cancelled visit still says when it would have been.
    return slots.filter(state__in=(SlotState.FREE, SlotState.CLOSED), appointments=None)


def close_days(
    *, clinician: Expert | None, first: date, last: date, by: User, at: datetime
) -> tuple[Closure, int]:
    """Close days for a clinician or for everyone.

    Returns:
        The closure, and how many visits stand in it and must be moved by a person.
    """
    with transaction.atomic():
        closure = Closure.objects.create(clinician=clinician, first_day=first, last_day=last)
        inside = _inside(closure)
        ahead = [slot.pk for slot in inside if slot.starts_at > at]
        Slot.objects.filter(pk__in=ahead, state=SlotState.FREE).update(state=SlotState.CLOSED)
        booked = Slot.objects.filter(pk__in=ahead, state=SlotState.BOOKED).count()
        record(by, "closure.added", closure, booked=booked)
    return closure, booked


def lift_closure(*, closure: Closure, by: User, at: datetime) -> None:
    """Open the days again, where no other closure stands."""
    with transaction.atomic():
        inside = _inside(closure)
        others = Closure.objects.exclude(pk=closure.pk)
        free = [
            slot.pk
            for slot in inside
            if slot.starts_at > at
            and slot.rule.withdrawn_at is None
            and not _is_closed(
                slot.starts_at.astimezone(slot.zone).date(),
                [c for c in others if c.clinician_id in (None, slot.clinician_id)],
            )
        ]
        Slot.objects.filter(pk__in=free, state=SlotState.CLOSED).update(state=SlotState.FREE)
        record(by, "closure.lifted", closure, times=len(free))
        closure.delete()


def _inside(closure: Closure) -> list[Slot]:
    """Give the times whose day, by their own clinic's clock, is in a closure."""
    found = Slot.objects.select_related("rule", "clinician")
    if closure.clinician is not None:
        found = found.filter(clinician=closure.clinician)
    inside: list[Slot] = []
    for zone in set(found.values_list("rule__zone", flat=True)):
        first, end = bounds(closure.first_day, closure.last_day, ZoneInfo(zone))
        inside += found.filter(rule__zone=zone, starts_at__gte=first, starts_at__lt=end)
    return inside


def close_time(*, slot: Slot, by: User) -> None:
    """Close one free time.

    Raises:
        Refused: someone holds it or has booked it.
    """
    with transaction.atomic():
        free = Slot.objects.filter(pk=slot.pk, state=SlotState.FREE)
        if free.update(state=SlotState.CLOSED) != 1:
            raise Refused("taken")
        record(by, "slot.closed", slot)


def reopen_time(*, slot: Slot, by: User) -> None:
    """Open one closed time again.

    Raises:
        Refused: it is not closed.
    """
    with transaction.atomic():
        closed = Slot.objects.filter(pk=slot.pk, state=SlotState.CLOSED, rule__withdrawn_at=None)
        if closed.update(state=SlotState.FREE) != 1:
            raise Refused("taken")
        record(by, "slot.opened", slot)
