"""Files of a request: those under a question of the draft, and those added after it was sent.

A file's row says which question it answers (`StoredFile.step`). Added files come in batches,
`added-1`, `added-2`: a batch can be changed until the team is told of it, and stays after.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import sending, talking, tasks
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.files import access, actions
from hematon.portal.files.models import State, StoredFile

TOLD: Final = "files-added"
"""Template of the message by which the team is told of a batch."""
_WITH_FILES: Final = frozenset({Kind.QUESTION, Kind.SECOND_OPINION, Kind.START})
_ASKED_FOR: Final = frozenset({HoldReason.RECORDS, HoldReason.RESULT, HoldReason.FAMILY})


def answers_of(case: Case) -> dict[str, Any]:
    """Give the answers of a draft, with what its files answer as the files are now."""
    kept = {key: answer for key, answer in case.answers.items() if key not in tasks.UPLOADS}
    for step, count in _good(case).items():
        if step in tasks.UPLOADS:
            kept[step] = {"count": count}
    return kept


def _good(case: Case) -> Counter[str]:
    files = access.files_of(case.pk).exclude(state=State.INFECTED)
    return Counter(files.values_list("step", flat=True))


def state_of(case: Case, step: str) -> frozenset[tuple[uuid.UUID, str]]:
    """Give what stands under a question now, to see whether a page changed it."""
    return frozenset(access.files_of(case.pk, step).values_list("pk", "state"))


def note_change(*, case: Case, step: str, at: datetime) -> Case:
    """Note in a draft that its files changed: a page from before sends nothing any more.

    Raises:
        NotInThisState: it was sent meanwhile; the files are with the request.
    """
    count = _good(case)[step]
    answer = {"count": count} if count else None
    return sending.save_answer(case=case, question=step, answer=answer, at=at)


def let_go_unasked(*, case: Case, by: User, at: datetime) -> None:
    """Take back, inside the sending, what was sent under questions that are asked no more."""
    asked = tasks.asked_uploads(case.kind, case.answers)
    for stored in access.files_of(case.pk):
        if stored.step in tasks.UPLOADS and stored.step not in asked:
            actions.remove(stored=stored, by=by, at=at, reason="not_asked")


def shown(case: Case) -> list[StoredFile]:
    """Give the files of a request as its sender sees them, first sent first."""
    return list(access.files_of(case.pk).filter(taken_by=case.sender))


def told_count(case: Case) -> str:
    """Say how many files came with a request; nothing when none did."""
    count = sum(stored.state != State.INFECTED for stored in shown(case))
    said = ngettext("We have %(n)s file from you.", "We have %(n)s files from you.", count)
    return said % {"n": count} if count else ""


def own_file(case: Case, user: User, key: uuid.UUID) -> StoredFile:
    """Give one file of a request to the person who sent it.

    Raises:
        Http404: another sent it, such as the team; or it is not there. All alike.
    """
    stored = access.get_file(case.pk, key)
    if stored.taken_by_id != user.pk:
        raise Http404
    return stored


@transaction.atomic
def note_opened(*, stored: StoredFile, by: User) -> None:
    """Record that a person opened a file that they sent."""
    record(by, "files.opened_by_sender", stored, kind=stored.kind)


def may_add(case: Case) -> bool:
    """Say whether files can be added to a request that was sent."""
    return case.is_open and case.kind in _WITH_FILES


def is_asked_for(case: Case) -> bool:
    """Say whether the team waits for something that can be a file."""
    return may_add(case) and case.status == Status.ON_HOLD and case.hold_reason in _ASKED_FOR


def batch(case: Case) -> str:
    """Give the step of the files that the team was not told of yet."""
    told = case.messages.filter(from_staff=False, template=TOLD).count()
    return f"added-{told + 1}"


def untold(case: Case) -> list[StoredFile]:
    """Give the files that were added since the team was last told."""
    return list(access.files_of(case.pk, batch(case)).exclude(state=State.INFECTED))


def tell(*, case: Case, by: User, language: str, at: datetime) -> Message | None:
    """Tell the team of a batch, once however often it is pressed.

    Returns:
        The message; None when there is nothing new to tell.

    Raises:
        NotPermitted: not this person's case.
        NotInThisState: it was taken back.
        SentBefore: the batch changed while it was told.
    """
    step, files = batch(case), untold(case)
    if not files:
        return None
    if case.status == Status.ON_HOLD and case.hold_reason == HoldReason.RECORDS:
        # What we waited for has come: the clock runs on.
        talking.files_came(case=case, by=by, at=at)
    said = ngettext("I sent %(n)s file:", "I sent %(n)s files:", len(files)) % {"n": len(files)}
    return talking.send_message(
        case=case,
        key=f"files-{case.pk}-{step.removeprefix('added-')}",
        text="\n".join([said, *(stored.name for stored in files)]),
        by=by,
        language=language,
        at=at,
        template=TOLD,
    )


def rules_for(key: str) -> list[str]:
    """Give what a page says above its box besides the limits."""
    if key == "files-newest-count":
        return [_("Send the newest one. Every page with numbers helps.")]
    if key == "files-marrow":
        return [_("Send the report. We tell you how to send slides, if we need them.")]
    if key == "files-imaging":
        return [_("Send the report, not the pictures.")]
    return []
