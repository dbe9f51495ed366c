"""What people do in the inbox beyond one step of a case: replies that hold, filters, texts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import access, talking, working
from hematon.portal.care.models import Case, Message, Note
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.status import HoldReason, RejectReason, Status
from hematon.portal.inbox.looking import asked_of
from hematon.portal.inbox.models import NAME_MOST, Box, SavedFilter, Unsaved

FILTERS_MOST: Final = 12
"""Of one person; more would be no shortcut."""


@transaction.atomic
def reply(
    *,
    case: Case,
    key: str,
    text: str,
    template: str,
    holds: str,
    confidential: bool,
    by: User,
    at: datetime,
    seen: int,
) -> Message:
    """Write to the sender, and let the case wait where the message asks for something.

    Args:
        case: the case.
        key: made by the server with the page; the same key again is the same message.
        text: as typed.
        template: what it was begun with; empty for nothing.
        holds: of `HoldReason`, or empty where the case goes on.
        confidential: for the young person alone.
        by: who writes.
        at: now; aware.
        seen: the revision on the page.

    Raises:
        NotPermitted, SentBefore: as in `talking.send_message`.
        NotInThisState: the case moved on since, or cannot wait where it stands.
        Unfinished: nobody outside the team could read it.
    """
    if not access.readers(case, at, confidential_to_minor=confidential):
        raise Unfinished("readers")
    is_repeat = Message.objects.filter(key=key, case=case).exists()
    made = talking.send_message(
        case=case,
        key=key,
        text=text,
        by=by,
        language=case.language,
        at=at,
        template=template,
        confidential_to_minor=confidential,
        seen=seen,
    )
    _forget(case, by, Box.MESSAGE)
    if holds and not is_repeat:
        _wait(case, HoldReason(holds), by, at)
    return made


def _wait(case: Case, reason: HoldReason, by: User, at: datetime) -> None:
    held = Case.objects.get(pk=case.pk)
    if held.status == Status.ON_HOLD and held.hold_reason == reason:
        return
    if held.status == Status.RECEIVED:
        held = working.step(case=held, status=Status.ACCEPTED, by=by, at=at, seen=held.revision)
    if held.status == Status.ON_HOLD:
        held = working.step(case=held, status=Status.IN_PROGRESS, by=by, at=at, seen=held.revision)
    working.step(case=held, status=Status.ON_HOLD, by=by, at=at, seen=held.revision, reason=reason)


@transaction.atomic
def keep_note(*, case: Case, text: str, by: User, at: datetime) -> Note:
    """Keep a note that only the team reads.

    Raises:
        NotPermitted: not one of the team.
    """
    made = talking.write_note(case=case, text=text, by=by, at=at)
    _forget(case, by, Box.NOTE)
    return made


def refuse(*, case: Case, reason: RejectReason, by: User, at: datetime, seen: int) -> Case:
    """Refuse a case: only after the sender was told why in words.

    Raises:
        Unfinished: there is somebody to tell, and no message of the team.
    """
    if access.readers(case, at) and not case.messages.filter(from_staff=True).exists():
        raise Unfinished("reply")
    return working.step(case=case, status=Status.REJECTED, by=by, at=at, seen=seen, reason=reason)


@transaction.atomic
def give(
    *, case: Case, owner: User | None, reviewer: User | None, by: User, at: datetime, seen: int
) -> str:
    """Give a case its owner and its reviewer; what stays as it was is no act.

    Returns:
        What was done, in a sentence.
    """
    done = []
    if owner != case.owner:
        seen = working.assign(case=case, to=owner, by=by, at=at, seen=seen).revision
        done.append(f"Owner: {owner or 'nobody'}.")
    if reviewer != case.reviewer:
        working.ask_reviewer(case=case, to=reviewer, by=by, at=at, seen=seen)
        done.append(f"Reviewer: {reviewer or 'nobody'}.")
    return " ".join(done) or "Nothing was changed."


def assign_all(
    *, chosen: Sequence[tuple[Case, int]], to: User | None, by: User, at: datetime
) -> tuple[int, int]:
    """Give several cases of the list to one person; each stands for itself.

    Args:
        chosen: cases with the revision that the list showed.
        to: who gets them.
        by: who gives them.
        at: now.

    Returns:
        How many were given, and how many moved on since the list was made.
    """
    given = stale = 0
    for case, seen in chosen:
        try:
            working.assign(case=case, to=to, by=by, at=at, seen=seen)
            given += 1
        except (NotInThisState, NotPermitted):
            stale += 1
    return given, stale


@transaction.atomic
def keep_filter(*, user: User, name: str, codes: Mapping[str, str], at: datetime) -> SavedFilter:
    """Keep what a list shows under a name of one's own.

    Raises:
        Unfinished: there is no name, or the person has as many as there is room for.
    """
    name = " ".join(name.split())[:NAME_MOST]
    if not name:
        raise Unfinished("name")
    if SavedFilter.objects.filter(user=user).count() >= FILTERS_MOST:
        raise Unfinished("room")
    made = SavedFilter.objects.create(
        user=user, name=name, codes=asked_of(codes).codes(), made_at=at
    )
    record(user, "inbox.filter_kept", made)
    return made


@transaction.atomic
def drop_filter(*, kept: SavedFilter, by: User) -> None:
    """Drop one of one's own filters.

    Raises:
        NotPermitted: it is another person's.
    """
    if kept.user_id != by.pk:
        raise NotPermitted
    key = kept.pk
    kept.delete()
    kept.pk = key
    record(by, "inbox.filter_dropped", kept)


@transaction.atomic
def keep_typed(*, case: Case, box: Box, text: str, by: User, at: datetime) -> uuid.UUID | None:
    """Keep what is being typed, so that a session that ends takes nothing with it.

    Nothing is recorded: it is a draft of a text, which only its writer sees.

    Raises:
        NotPermitted: not one of the team.
    """
    if not access.may_work(by, case, at):
        raise NotPermitted
    if not text.strip():
        _forget(case, by, box)
        return None
    row, is_new = Unsaved.objects.select_for_update().get_or_create(
        case=case, by=by, box=box, defaults={"text": text, "at": at}
    )
    if not is_new:
        row.text, row.at = text, at
        row.save(update_fields=["text", "at"])
    return row.pk


def _forget(case: Case, by: User, box: Box) -> None:
    Unsaved.objects.filter(case=case, by=by, box=box).delete()
