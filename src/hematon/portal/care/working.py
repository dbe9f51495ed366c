"""What the team does with a case. Each act is one transaction with its steps and its audit row.

Every act names the revision that its page showed, so that two people at one case never undo each
other without seeing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.models import Purpose
from hematon.portal.audit.record import record
from hematon.portal.care import access, changes, promises
from hematon.portal.care.models import BandMove, Case, Pause, Step, What
from hematon.portal.care.models.case import BAND_RANK, Band
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import CLOSED, TRANSITIONS, Kind, Stage, Status

LOOKING: Final = timedelta(minutes=10)
"""How long others see that somebody works on a case, after its page was opened."""


def look_at(*, case: Case, by: User, at: datetime) -> None:
    """Record that a person was shown a case; nothing else changes by looking."""
    purpose = Purpose.EMERGENCY if access.is_emergency(by, case, at) else ""
    record(by, "case.viewed", case, patient=case.child, purpose=purpose, kind=case.kind)


@transaction.atomic
def open_case(*, case: Case, by: User, at: datetime) -> Case:
    """Note that a person takes a case up; the first reading keeps the promise to read it.

    Returns:
        The case as it is now; `opened_by` is who else works on it, or this person.
    """
    _worker(by, case, at)
    held = Case.objects.select_for_update().get(pk=case.pk)
    if held.first_read_at is None:
        held.first_read_at = at
    if held.opened_by_id in (None, by.pk) or (held.opened_at or at) <= at - LOOKING:
        held.opened_by, held.opened_at = by, at
    held.save(update_fields=["first_read_at", "opened_by", "opened_at"])
    record(by, "case.taken_up", held, kind=held.kind)
    return held


def is_looked_at(case: Case, user: User, at: datetime) -> bool:
    """Say whether somebody else took a case up a moment ago."""
    return (
        case.opened_by_id not in (None, user.pk)
        and case.opened_at is not None
        and case.opened_at > at - LOOKING
    )


def step(
    *,
    case: Case,
    status: Status,
    by: User,
    at: datetime,
    seen: int,
    reason: str = "",
    stage: Stage | None = None,
) -> Case:
    """Take a case one step on; the clock stops where we wait for others, and runs on after.

    Args:
        case: the case.
        status: where it goes.
        by: who does it; the sender may take it back, the team may do the rest.
        at: now; aware.
        seen: the revision on the page.
        reason: of `HoldReason` or `RejectReason`, where the status asks for one.
        stage: how far the work is, if that changes too.

    Raises:
        NotPermitted: not this person's to do.
        NotInThisState: the case moved on, or there is no such step.
        Unfinished: what must be there before it is closed is not.
    """
    own = case.sender_id == by.pk
    if not (own if status == Status.CANCELLED else access.may_work(by, case, at)):
        raise NotPermitted
    with held_at(case, seen) as held:
        if status not in TRANSITIONS[held.status]:
            raise NotInThisState(held.status)
        if status == Status.COMPLETED:
            _can_close(held)
        _stop_or_run(held, status, reason, at)
        held.status = status
        held.hold_reason = reason if status == Status.ON_HOLD else ""
        held.reject_reason = reason if status == Status.REJECTED else ""
        held.closed_at = at if status in CLOSED else None
        if stage is not None:
            held.stage = stage
        held.save()
        Step.objects.create(case=held, status=status, stage=held.stage, reason=reason, at=at, by=by)
        changes.note(held, What.STEPPED, by=by, at=at, code=status.value)
        record(by, "case.stepped", held, status=status.value, reason=reason)
    return held


def move_stage(*, case: Case, stage: Stage, by: User, at: datetime, seen: int) -> Case:
    """Say how far the work is, with no change of status."""
    _worker(by, case, at)
    with held_at(case, seen) as held:
        held.stage = stage
        held.save()
        Step.objects.create(case=held, status=held.status, stage=stage, at=at, by=by)
        changes.note(held, What.STAGED, by=by, at=at, code=stage.value)
        record(by, "case.staged", held, stage=stage.value)
    return held


def complete_records(*, case: Case, by: User, at: datetime, seen: int) -> Case:
    """Say that nothing is missing; the clock of a second opinion begins now.

    Raises:
        NotInThisState: it was said before, or the case is not open.
    """
    _worker(by, case, at)
    with held_at(case, seen) as held:
        if not held.is_open or held.records_complete_at is not None:
            raise NotInThisState(held.status)
        held.records_complete_at = at
        if held.kind == Kind.SECOND_OPINION:
            held.due_at, held.left = promises.answer_by(held.kind, at), None
            if held.status == Status.ON_HOLD and promises.stops(held.kind, held.hold_reason):
                held.left, held.due_at = promises.left(at, held.due_at), None
        held.save()
        changes.note(held, What.RECORDS, by=by, at=at)
        record(by, "case.records_complete", held)
    return held


def assign(*, case: Case, to: User | None, by: User, at: datetime, seen: int) -> Case:
    """Give a case its one owner, or none."""
    _worker(by, case, at)
    if to is not None and not access.may_own(to):
        raise NotPermitted
    with held_at(case, seen) as held:
        held.owner = to
        held.save()
        changes.note(held, What.ASSIGNED, by=by, at=at, to=to)
        record(by, "case.assigned", held, to=to.pk if to else None)
    return held


def ask_reviewer(*, case: Case, to: User | None, by: User, at: datetime, seen: int) -> Case:
    """Ask a clinician to review a case: from now on it is open to this clinician."""
    _worker(by, case, at)
    if to is not None and not access.may_review(to):
        raise NotPermitted
    with held_at(case, seen) as held:
        held.reviewer = to
        held.save()
        changes.note(held, What.REVIEWER, by=by, at=at, to=to)
        record(by, "case.reviewer_asked", held, to=to.pk if to else None)
    return held


def move_band(*, case: Case, band: Band, reason: str, by: User, at: datetime, seen: int) -> Case:
    """Change the suggested reading order of a case, with the reason kept.

    Raises:
        Unfinished: there is no reason.
    """
    _worker(by, case, at)
    if not reason.strip():
        raise Unfinished("reason")
    with held_at(case, seen) as held:
        BandMove.objects.create(
            case=held, before=held.band, after=band, reason=reason, at=at, by=by
        )
        before, held.band, held.rank = held.band, band, BAND_RANK[band]
        if held.first_read_at is None and held.sent_at is not None:
            held.read_due_at = promises.read_by(held.kind, band, held.sent_at)
        held.save()
        changes.note(held, What.BAND, by=by, at=at, code=band.value)
        record(by, "case.band_moved", held, before=before, after=band.value)
    return held


NOT_REACHED: Final = "not-reached"
"""Reason of a step that was a call without an answer."""


def note_attempt(*, case: Case, by: User, at: datetime, seen: int) -> Case:
    """Note a call that nobody answered; every attempt is a step of its own."""
    _worker(by, case, at)
    with held_at(case, seen) as held:
        if not held.is_open:
            raise NotInThisState(held.status)
        held.save()
        Step.objects.create(
            case=held, status=held.status, stage=held.stage, reason=NOT_REACHED, at=at, by=by
        )
        changes.note(held, What.CALL, by=by, at=at)
        record(by, "case.call_missed", held)
    return held


@transaction.atomic
def close_call(*, case: Case, by: User, at: datetime, seen: int) -> Case:
    """Note that the family was reached, which is what it asked for, and close the case."""
    if case.status == Status.RECEIVED:
        case = step(case=case, status=Status.ACCEPTED, by=by, at=at, seen=seen)
        seen = case.revision
    answered(case, at)
    case.save(update_fields=["answered_at"])
    return step(case=case, status=Status.COMPLETED, by=by, at=at, seen=seen)


def answered(case: Case, at: datetime) -> None:
    """Note, inside another act, that the sender has the answer. Only the first counts."""
    if case.answered_at is None:
        case.answered_at = at


@contextmanager
def held_at(case: Case, seen: int) -> Iterator[Case]:
    """Hold a case for one act of the team, made on the revision of a page.

    The act saves the row and says with `changes.note` what the new revision is.

    Raises:
        NotInThisState: it is a draft, or changed since the page was opened.
    """
    with transaction.atomic():
        held = Case.objects.select_for_update().get(pk=case.pk)
        if held.revision != seen or held.status == Status.DRAFT:
            raise NotInThisState("changed since the page was opened")
        held.revision += 1
        yield held


def _worker(by: User, case: Case, at: datetime) -> None:
    if not access.may_work(by, case, at):
        raise NotPermitted


def _can_close(case: Case) -> None:
    if case.answered_at is None:
        raise Unfinished("answer")
    if case.kind == Kind.REFERRAL and case.answer_read_at is None:
        raise Unfinished("answer-read")


def _stop_or_run(case: Case, status: Status, reason: str, at: datetime) -> None:
    if status == Status.ON_HOLD and promises.stops(case.kind, reason):
        Pause.objects.create(case=case, reason=reason, began_at=at)
        if case.due_at is not None:
            case.left, case.due_at = promises.left(at, case.due_at), None
    elif case.status == Status.ON_HOLD:
        case.pauses.filter(ended_at=None).update(ended_at=at)
        if case.left is not None and status not in CLOSED:
            case.due_at = promises.resumed(at, case.left)
        case.left = None
    elif case.status == Status.COMPLETED:
        case.due_at = promises.answer_by(case.kind, at)
