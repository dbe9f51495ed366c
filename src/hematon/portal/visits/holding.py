"""Holding a time: FREE > HELD by conditional updates, each five minutes of a person a unique row.

Whoever comes second is refused by the database. Locks are taken in one order (visit, times by id,
clinician, child), so that no two wait for each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.visits.finding import Refused, Wanted, why_not
from hematon.portal.visits.models import Closure, Slot, SlotState, Taken
from hematon.portal.visits.opening import ticks

HOLD: Final = timedelta(minutes=10)
HOLD_MOST: Final = timedelta(hours=2)
"""In all, however often it is extended."""
_TRIES: Final = 4
P = ParamSpec("P")
R = TypeVar("R")


def tried_again(act: Callable[P, R]) -> Callable[P, R]:
    """Try an act again when the database gave up waiting: for SQLite's one writer, or a deadlock.

    Each act is one transaction, so a try that failed has left nothing behind.
    """

    @wraps(act)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_TRIES - 1):
            try:
                return act(*args, **kwargs)
            except OperationalError:
                if connection.in_atomic_block:
                    raise
        return act(*args, **kwargs)

    return tried


@tried_again
def hold(*, slot_id: uuid.UUID, wanted: Wanted, by: User) -> Slot:
    """Hold a time for 10 minutes; what the person held before is free again.

    Raises:
        Refused: someone else has it, or it does not fit.
    """
    refuse_taken(slot_id, by, wanted.at)
    try:
        with transaction.atomic():
            slot = take(slot_id, wanted, by)
            record(by, "slot.held", slot)
    except IntegrityError:
        raise Refused("taken") from None
    return slot


@tried_again
def extend(*, slot_id: uuid.UUID, by: User, at: datetime) -> Slot:
    """Hold a time for 10 more minutes from now.

    Raises:
        Refused: the person does not hold it, or has held it for 2 hours.
    """
    with transaction.atomic():
        held = Slot.objects.filter(
            pk=slot_id,
            state=SlotState.HELD,
            held_by=by,
            held_until__gt=at,
            held_since__gt=at - HOLD_MOST,
        )
        if held.update(held_until=at + HOLD) != 1:
            raise Refused("hold")
        slot = Slot.objects.get(pk=slot_id)
        record(by, "slot.extended", slot)
    return slot


def release(*, by: User, at: datetime) -> None:
    """Free what a person holds."""
    with transaction.atomic():
        held = Slot.objects.select_for_update().filter(state=SlotState.HELD, held_by=by)
        slots = list(held.order_by("pk"))
        free(slots)
        for slot in slots:
            record(by, "slot.released", slot)


def refuse_taken(slot_id: uuid.UUID, by: User, at: datetime) -> None:
    """Refuse early, before a lock is asked for: most who come late see it already."""
    theirs = Q(state=SlotState.HELD, held_until__gt=at) & ~Q(held_by=by)
    gone = theirs | Q(state__in=(SlotState.BOOKED, SlotState.CLOSED))
    if Slot.objects.filter(gone, pk=slot_id).exists():
        raise Refused("taken")


def take(slot_id: uuid.UUID, wanted: Wanted, by: User) -> Slot:
    """Hold a time within the caller's transaction.

    Raises:
        Refused: someone else has it, or it does not fit.
    """
    at = wanted.at
    slot = (
        Slot.objects.select_related("rule", "clinician")
        .prefetch_related("clinician__licenses")
        .filter(pk=slot_id)
        .first()
    )
    if slot is None:
        raise Refused("taken")
    if why := why_not(slot, wanted):
        raise Refused(why)
    overlapping = Q(
        clinician=slot.clinician, starts_at__lt=slot.ends_at, ends_at__gt=slot.starts_at
    )
    lapsed = overlapping & Q(state=SlotState.HELD, held_until__lte=at)
    own = Q(state=SlotState.HELD, held_by=by)
    # By id, so that two who free and take at once never wait for each other.
    locked = Slot.objects.select_for_update().filter(Q(pk=slot_id) | lapsed | own).order_by("pk")
    free(
        other
        for other in locked
        if other.state == SlotState.HELD
        and other.held_until is not None
        and (other.held_by_id == by.pk or other.held_until <= at)
    )
    taken = Slot.objects.filter(pk=slot_id, state=SlotState.FREE).update(
        state=SlotState.HELD, held_by=by, held_since=at, held_until=at + HOLD
    )
    if taken != 1:
        raise Refused("taken")
    _occupy(slot, f"clinician:{slot.clinician_id}")
    slot.refresh_from_db(fields=["state", "held_by", "held_since", "held_until"])
    return slot


def free(slots: Iterable[Slot]) -> None:
    """Free times within the caller's transaction; what was closed meanwhile is closed now."""
    keys = [slot.pk for slot in slots]
    if not keys:
        return
    Taken.objects.filter(slot__in=keys).delete()
    given_back = Slot.objects.select_related("rule").filter(pk__in=keys)
    closed = [slot.pk for slot in given_back if _is_closed(slot)]
    nobody = {"held_by": None, "held_since": None, "held_until": None}
    Slot.objects.filter(pk__in=keys).update(state=SlotState.FREE, **nobody)
    Slot.objects.filter(pk__in=closed).update(state=SlotState.CLOSED)


def _is_closed(slot: Slot) -> bool:
    day = slot.starts_at.astimezone(slot.zone).date()
    closures = Closure.objects.filter(
        Q(clinician=None) | Q(clinician=slot.clinician_id), first_day__lte=day, last_day__gte=day
    )
    return slot.rule.withdrawn_at is not None or closures.exists()


def _occupy(slot: Slot, whom: str) -> None:
    numbers = ticks(slot.starts_at, slot.ends_at)
    Taken.objects.bulk_create(Taken(slot=slot, whom=whom, tick=number) for number in numbers)


def occupy_child(slot: Slot, child_id: uuid.UUID) -> None:
    """Keep the child's other visits off this time.

    Raises:
        Refused: the child has another visit then.
    """
    try:
        with transaction.atomic():
            _occupy(slot, f"child:{child_id}")
    except IntegrityError:
        raise Refused("child_busy") from None


def own_hold(slot_id: uuid.UUID, wanted: Wanted, by: User) -> Slot | None:
    """Give the time if the person still holds it, locked; it must still fit."""
    held = (
        Slot.objects.select_for_update(of=("self",))
        .select_related("rule", "clinician")
        .filter(pk=slot_id, state=SlotState.HELD, held_by=by, held_until__gt=wanted.at)
        .first()
    )
    if held is not None and (why := why_not(held, wanted)):
        raise Refused(why)
    return held
