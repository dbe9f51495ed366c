"""Messages with the sender and notes among the team, each kept once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import access, changes, promises, telling, working
from hematon.portal.care.models import Case, Message, Note, Pause, Step, What
from hematon.portal.care.refused import NotInThisState, NotPermitted, SentBefore
from hematon.portal.care.status import HoldReason, Kind, Status

ANSWERED_BY_MESSAGE = frozenset({Kind.QUESTION, Kind.LEARN_MORE, Kind.START, Kind.CALL})
"""For these a written reply is the answer; the others are answered by a report."""


@transaction.atomic
def send_message(
    *,
    case: Case,
    key: str,
    text: str,
    by: User,
    language: str,
    at: datetime,
    template: str = "",
    confidential_to_minor: bool = False,
    seen: int | None = None,
) -> Message:
    """Write to the team or to the sender; the same key sent again is the same message.

    A message of the sender ends a wait for the sender and starts the promise of a reply; one of
    the team keeps that promise, and answers the kinds that a reply answers. The other side is told
    that something waits.

    Args:
        case: the case.
        key: made by the server with the page.
        text: as typed.
        by: who writes.
        language: of the message.
        at: now; aware.
        template: name of the template it was begun with.
        confidential_to_minor: parents neither see it nor are told.
        seen: the revision on a page of the team; a family always writes to the case as it is.

    Raises:
        NotPermitted: not this person's case.
        NotInThisState: it is a draft, was taken back, or moved on since a page of the team.
        SentBefore: the key was used with another text.
    """
    from_staff = access.may_work(by, case, at)
    if not from_staff and not access.may_write(by, case, at):
        raise NotPermitted
    held = Case.objects.select_for_update().get(pk=case.pk)
    earlier = Message.objects.filter(key=key).first()
    if earlier is not None:
        if (earlier.case_id, earlier.by_id, earlier.text) != (held.pk, by.pk, text):
            raise SentBefore(held)
        return earlier
    if held.status in (Status.DRAFT, Status.CANCELLED):
        raise NotInThisState(held.status)
    if seen is not None and held.revision != seen:
        raise NotInThisState("changed since the page was opened")
    message = Message.objects.create(
        case=held,
        key=key,
        from_staff=from_staff,
        by=by,
        text=text,
        language=language,
        template=template,
        confidential_to_minor=confidential_to_minor,
        at=at,
    )
    held.revision += 1
    if from_staff:
        held.reply_due_at = None
        if held.kind in ANSWERED_BY_MESSAGE:
            working.answered(held, at)
    else:
        held.reply_due_at = held.reply_due_at or promises.reply_by(at)
        if held.status == Status.ON_HOLD and held.hold_reason == HoldReason.FAMILY:
            _run_on(held, by, at)
    held.save()
    changes.note(held, What.MESSAGE, by=by, at=at, code="team" if from_staff else "sender")
    if from_staff:
        telling.tell_readers(held, message, at)
    else:
        telling.tell_team(held, key=f"answer:{message.pk}", at=at)
    record(by, "case.message_sent", held, from_staff=from_staff, template=template)
    return message


@transaction.atomic
def files_came(*, case: Case, by: User, at: datetime) -> Case:
    """Note that who is outside the team added files to a sent case: a wait for records ends.

    The files are taken before, outside of any transaction (`files.actions.take`).

    Raises:
        NotPermitted: not this person's case.
        NotInThisState: nothing is owed any more.
    """
    if not access.may_write(by, case, at):
        raise NotPermitted
    held = Case.objects.select_for_update().get(pk=case.pk)
    if not held.is_open:
        raise NotInThisState(held.status)
    held.revision += 1
    held.reply_due_at = held.reply_due_at or promises.reply_by(at)
    if held.status == Status.ON_HOLD and held.hold_reason in (
        HoldReason.FAMILY,
        HoldReason.RECORDS,
    ):
        _run_on(held, by, at)
    held.save()
    changes.note(held, What.FILES, by=by, at=at)
    telling.tell_team(held, key=f"files:{held.pk}:{held.revision}", at=at)
    record(by, "case.files_came", held)
    return held


@transaction.atomic
def read_messages(*, case: Case, by: User, at: datetime) -> int:
    """Note that the other side's messages were shown.

    Returns:
        How many were new.
    """
    mine = access.may_work(by, case, at)
    fresh = access.messages_for(by, case, at).filter(from_staff=not mine, read_at=None)
    return fresh.update(read_at=at)


@transaction.atomic
def write_note(*, case: Case, text: str, by: User, at: datetime) -> Note:
    """Write a note that only the team reads.

    Raises:
        NotPermitted: not one of the team.
    """
    if not access.may_work(by, case, at):
        raise NotPermitted
    note = Note.objects.create(case=case, text=text, by=by, at=at)
    record(by, "case.note_written", case)
    return note


def _run_on(case: Case, by: User, at: datetime) -> None:
    Pause.objects.filter(case=case, ended_at=None).update(ended_at=at)
    if case.left is not None:
        case.due_at, case.left = promises.resumed(at, case.left), None
    case.status, case.hold_reason = Status.IN_PROGRESS, ""
    Step.objects.create(case=case, status=case.status, stage=case.stage, at=at, by=by)
