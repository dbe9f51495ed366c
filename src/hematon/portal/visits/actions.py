"""What families and staff do with visits: each act once, in one transaction.

Which time is whose is `holding`'s: HELD > BOOKED is one conditional update more.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.notify import actions as outbox
from hematon.portal.notify.models import Kind
from hematon.portal.visits.finding import Refused, Wanted
from hematon.portal.visits.holding import (
    free,
    occupy_child,
    own_hold,
    refuse_taken,
    take,
    tried_again,
)
from hematon.portal.visits.models import (
    LIVE,
    TRANSITIONS,
    Appointment,
    JoinAnswer,
    Slot,
    SlotState,
    Status,
    VideoConsent,
    VisitKind,
    VisitStep,
)

REMIND_BEFORE: Final = {
    Kind.VISIT_IN_TWO_DAYS: timedelta(hours=48),
    Kind.VISIT_IN_TWO_HOURS: timedelta(hours=2),
}
"""By kind of notice."""


@dataclass(frozen=True)
class Agreement:
    """That someone agreed to video: to which words, and who they are to the child."""

    name: str
    relationship: str
    text_version: str
    language: str


@dataclass(frozen=True)
class Booking:
    """What a family says of a visit.

    Attributes:
        child_id: whose visit.
        kind: how to meet.
        state: where the child will be.
        language: to speak; `other_language` names one that is not in the list.
        interpreter: whether one must join.
        page_language: of the pages and mails.
        with_whom: who will be with the child.
        phone: where we reach the family, also when video fails.
        note: what the family wants to say.
        case_id: the request that the visit belongs to.
    """

    child_id: uuid.UUID
    kind: str
    state: str
    language: str
    other_language: str
    interpreter: bool
    page_language: str
    with_whom: str = ""
    phone: str = ""
    note: str = ""
    case_id: uuid.UUID | None = None

    def wanted(self, at: datetime) -> Wanted:
        """Give what a time must fit."""
        return Wanted(self.kind, self.state, self.interpreter, at)


# --- booking -------------------------------------------------------------------------------------


@tried_again
def confirm(
    *,
    slot_id: uuid.UUID,
    guardian: User,
    booking: Booking,
    at: datetime,
    by: User | None = None,
    agreement: Agreement | None = None,
    needs_agreement: bool = False,
) -> Appointment:
    """Book a time. The same family sending it again gets the visit it made.

    A time whose hold has lapsed is booked all the same if nobody else has it.

    Args:
        slot_id: the time.
        guardian: whose visit it is to see and to join.
        booking: what the family said.
        at: now.
        by: who does it, when staff book for a family.
        agreement: to visits by video, if given now.
        needs_agreement: whether one must be given now or have been given before.

    Raises:
        Refused: someone else has it, it does not fit, or the child is busy then.
    """
    actor = by or guardian
    try:
        refuse_taken(slot_id, actor, at)
        with transaction.atomic():
            slot = own_hold(slot_id, booking.wanted(at), actor) or take(
                slot_id, booking.wanted(at), actor
            )
            occupy_child(slot, booking.child_id)
            booked = Slot.objects.filter(pk=slot.pk, state=SlotState.HELD, held_by=actor).update(
                state=SlotState.BOOKED, held_by=None, held_since=None, held_until=None
            )
            if booked != 1:
                raise Refused("taken")
            appointment = Appointment.objects.create(
                slot=slot,
                child_id=booking.child_id,
                guardian=guardian,
                case_id=booking.case_id,
                kind=booking.kind,
                page_language=booking.page_language,
                language=booking.language,
                other_language=booking.other_language,
                interpreter=booking.interpreter,
                location_state=booking.state,
                status=Status.PENDING if booking.interpreter else Status.BOOKED,
                with_whom=booking.with_whom,
                phone=booking.phone,
                note=booking.note,
                made_at=at,
            )
            agrees = booking.kind == VisitKind.VIDEO and needs_agreement
            if agrees:
                if agreement is None:
                    raise Refused("consent")
                _agree(appointment.child_id, agreement, actor, at)
            _step(appointment, actor, at)
            _remind(appointment, at)
            _tell(appointment, Kind.VISIT_BOOKED, at)
            record(
                actor,
                "visit.booked",
                appointment,
                kind=booking.kind,
                interpreter=booking.interpreter,
                for_family=by is not None,
                consent=agrees,
            )
    except (IntegrityError, Refused) as error:
        # What was sent twice at once: the first made the visit while this one waited.
        earlier = _booked_before(slot_id, guardian, booking.child_id)
        if earlier is not None:
            return earlier
        raise error if isinstance(error, Refused) else Refused("taken") from None
    return appointment


def _booked_before(slot_id: uuid.UUID, guardian: User, child_id: uuid.UUID) -> Appointment | None:
    return Appointment.objects.filter(
        slot=slot_id, guardian=guardian, child_id=child_id, status__in=LIVE
    ).first()


@tried_again
def move(
    *, appointment: Appointment, slot_id: uuid.UUID, booking: Booking, by: User, at: datetime
) -> Appointment:
    """Move a visit to another time; the room, the calendar entry and what was agreed stay.

    Raises:
        Refused: as `confirm`, or the visit has begun, ended or was cancelled.
    """
    try:
        with transaction.atomic():
            visit = _locked(appointment)
            if visit.slot_id == slot_id:
                return visit
            if visit.status not in LIVE or visit.slot.starts_at <= at:
                raise Refused("not_now")
            old = visit.slot
            slot = own_hold(slot_id, booking.wanted(at), by) or take(
                slot_id, booking.wanted(at), by
            )
            # The child's own old time must not stand in the way of an overlapping new one.
            free(Slot.objects.select_for_update().filter(pk=old.pk))
            occupy_child(slot, visit.child_id)
            booked = Slot.objects.filter(pk=slot.pk, state=SlotState.HELD, held_by=by).update(
                state=SlotState.BOOKED, held_by=None, held_since=None, held_until=None
            )
            if booked != 1:
                raise Refused("taken")
            _unremind(visit)
            visit.slot = slot
            visit.kind = booking.kind
            visit.location_state = booking.state
            visit.language, visit.other_language = booking.language, booking.other_language
            visit.interpreter = booking.interpreter
            # An interpreter found for the old time is not one for the new.
            visit.status = Status.PENDING if booking.interpreter else Status.BOOKED
            visit.with_whom, visit.phone = booking.with_whom, booking.phone
            visit.note = booking.note
            visit.sequence += 1
            visit.save()
            _step(visit, by, at)
            _remind(visit, at)
            _tell(visit, Kind.VISIT_CHANGED, at)
            record(by, "visit.moved", visit, kind=visit.kind, sequence=visit.sequence)
    except IntegrityError:
        raise Refused("taken") from None
    return visit


@tried_again
def cancel(*, appointment: Appointment, by: User, at: datetime, late: bool = False) -> Appointment:
    """Cancel a visit; its time is free again. Cancelling twice is the same as once.

    Args:
        appointment: the visit.
        by: who cancels.
        at: now.
        late: whether it may have begun; for staff.

    Raises:
        Refused: it has begun or is over.
    """
    with transaction.atomic():
        visit = _locked(appointment)
        if visit.status == Status.CANCELLED:
            return visit
        if visit.status not in LIVE or (visit.slot.starts_at <= at and not late):
            raise Refused("not_now")
        free(Slot.objects.select_for_update().filter(pk=visit.slot_id))
        _unremind(visit)
        visit.status = Status.CANCELLED
        visit.sequence += 1
        visit.save(update_fields=["status", "sequence"])
        _step(visit, by, at)
        _tell(visit, Kind.VISIT_CANCELLED, at)
        record(by, "visit.cancelled", visit, sequence=visit.sequence)
    return visit


def mark(*, appointment: Appointment, status: Status, seen: str, by: User, at: datetime) -> None:
    """Record what came of a visit, or that its interpreter was found.

    Args:
        appointment: the visit.
        status: what it becomes.
        seen: the status on the page that was sent; another person may have been quicker.
        by: who.
        at: now.

    Raises:
        Refused: it moved on, the step is not one it can take, or it has not begun.
    """
    with transaction.atomic():
        visit = _locked(appointment)
        if visit.status != seen or status not in TRANSITIONS[visit.status]:
            raise Refused("not_now")
        if status in (Status.COMPLETED, Status.NO_SHOW) and visit.slot.starts_at > at:
            raise Refused("not_now")
        visit.status = status
        if status == Status.BOOKED:
            # A calendar showed it as tentative.
            _unremind(visit)
            visit.sequence += 1
            _remind(visit, at)
            _tell(visit, Kind.VISIT_CHANGED, at)
        visit.save(update_fields=["status", "sequence"])
        _step(visit, by, at)
        record(by, "visit.marked", visit, status=status.value)


def _locked(appointment: Appointment) -> Appointment:
    return (
        Appointment.objects.select_for_update(of=("self",))
        .select_related("slot", "slot__rule", "guardian")
        .get(pk=appointment.pk)
    )


def _step(visit: Appointment, by: User, at: datetime) -> None:
    VisitStep.objects.create(
        appointment=visit,
        status=visit.status,
        starts_at=visit.slot.starts_at,
        sequence=visit.sequence,
        at=at,
        by=by,
    )


# --- agreeing and joining ------------------------------------------------------------------------


def agree(*, appointment: Appointment, agreement: Agreement, by: User, at: datetime) -> None:
    """Keep that a guardian agreed to visits by video."""
    with transaction.atomic():
        consent = _agree(appointment.child_id, agreement, by, at)
        record(by, "video.agreed", consent, text_version=agreement.text_version)


def _agree(child_id: uuid.UUID, agreement: Agreement, by: User, at: datetime) -> VideoConsent:
    return VideoConsent.objects.create(
        child_id=child_id,
        by=by,
        name=agreement.name,
        relationship=agreement.relationship,
        text_version=agreement.text_version,
        language=agreement.language,
        at=at,
    )


def answer_at_join(
    *, appointment: Appointment, state: str, with_whom: str, fits: bool, by: User, at: datetime
) -> JoinAnswer:
    """Keep where the child is, and who is there, as a family joins."""
    with transaction.atomic():
        answer = JoinAnswer.objects.create(
            appointment=appointment, by=by, state=state, with_whom=with_whom, fits=fits, at=at
        )
        record(by, "visit.place_told", appointment, fits=fits)
    return answer


# --- notices -------------------------------------------------------------------------------------


def _reminders(visit: Appointment) -> dict[str, tuple[Kind, datetime]]:
    """Give key, kind and moment of each reminder; a visit that was moved has new keys."""
    return {
        f"visit:{visit.pk}:{visit.sequence}:{kind}": (kind, visit.slot.starts_at - before)
        for kind, before in REMIND_BEFORE.items()
    }


def _remind(visit: Appointment, at: datetime) -> None:
    for key, (kind, when) in _reminders(visit).items():
        if when > at:
            outbox.enqueue(
                key=key,
                kind=kind,
                user=visit.guardian,
                language=visit.page_language,
                at=at,
                not_before=when,
            )


def _unremind(visit: Appointment) -> None:
    """Take back the reminders of what the visit was; before its sequence rises."""
    for key in _reminders(visit):
        outbox.cancel(key=key)


def _tell(visit: Appointment, kind: Kind, at: datetime) -> None:
    outbox.enqueue(
        key=f"visit:{visit.pk}:{visit.sequence}:{kind}",
        kind=kind,
        user=visit.guardian,
        language=visit.page_language,
        at=at,
    )
