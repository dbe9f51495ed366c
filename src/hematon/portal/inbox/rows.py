"""A case as a row of the list, in words of staff."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hematon.portal.care.models import Case
from hematon.portal.care.models.case import Band
from hematon.portal.care.reading_order import birth_date
from hematon.portal.care.status import Kind, Status
from hematon.portal.care.summary import answers_of_call
from hematon.portal.inbox.basis import SHORT, age_in_words, basis_of
from hematon.portal.inbox.forms import HOLDS
from hematon.portal.ui.site import site

KINDS: Mapping[str, str] = {
    Kind.QUESTION: "Question",
    Kind.SECOND_OPINION: "Second opinion",
    Kind.START: "Get started",
    Kind.LEARN_MORE: "Learn more",
    Kind.REFERRAL: "Referral",
    Kind.CALL: "Call",
}
STATUSES: Mapping[str, str] = {
    Status.RECEIVED: "New",
    Status.ACCEPTED: "Accepted",
    Status.IN_PROGRESS: "In progress",
    Status.ON_HOLD: "On hold",
    Status.COMPLETED: "Closed",
    Status.REJECTED: "Refused",
    Status.CANCELLED: "Taken back by the sender",
}
COLORS: Mapping[str, str] = {
    Band.FIRST: "red",
    Band.SAME_DAY: "orange",
    Band.NOT_KNOWN: "blue",
    Band.ROUTINE: "grey",
}


@dataclass(frozen=True)
class Due:
    """The next time by which a case wants somebody.

    Attributes:
        what: which promise; or why there is none.
        at: when; None where the clock stands.
        is_late: whether it is past.
    """

    what: str
    at: datetime | None = None
    is_late: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    case: Case
    letter: str
    color: str
    band: str
    why: str
    kind: str
    about: str
    age: str
    due: Due
    status: str
    files: int
    held: int
    is_unmatched: bool
    is_taken_up: bool


def due_of(case: Case, now: datetime) -> Due:
    """Give what is due next of a case: its soonest promise that is not kept yet."""
    found = []
    if case.is_open and case.first_read_at is None and case.read_due_at:
        found.append((case.read_due_at, "Read by"))
    if case.reply_due_at:
        found.append((case.reply_due_at, "Reply by"))
    if case.is_open and case.due_at:
        found.append((case.due_at, "Call by" if case.kind == Kind.CALL else "Answer by"))
    if found:
        at, what = min(found)
        return Due(what, at, at < now)
    if case.left is not None:
        return Due("The clock stands")
    if not case.is_open:
        return Due("Nothing is owed")
    if case.kind == Kind.SECOND_OPINION and case.records_complete_at is None:
        return Due("The clock begins with complete records")
    return Due("No time is set")


def status_of(case: Case) -> str:
    """Give where a case stands, with what it waits for."""
    said = STATUSES[case.status]
    if case.status == Status.ON_HOLD:
        said += f": {dict(HOLDS)[case.hold_reason].partition(':')[0].lower()}"
    return said


def row_of(case: Case, now: datetime, files: Mapping[uuid.UUID, tuple[int, int]]) -> Row:
    """Give the row of a case.

    Args:
        case: it.
        now: the time.
        files: how many each case has, and how many wait for the scanner.
    """
    basis, born = basis_of(case), birth_date(case.answers)
    age = ""
    if born is not None and born <= (today := now.astimezone(site().zone).date()):
        age = age_in_words((today - born).days)
    about = ""
    if case.kind == Kind.CALL:
        said = answers_of_call(case.answers)
        about = f"{said['about']}. Best time: {said['time'].lower()}."
    number, held = files.get(case.pk, (0, 0))
    return Row(
        case=case,
        letter=SHORT[Band(case.band)],
        color=COLORS[case.band],
        band=case.get_band_display(),
        why=basis.short if basis else "No basis was kept for this request.",
        kind=KINDS[case.kind],
        about=about,
        age=age,
        due=due_of(case, now),
        status=status_of(case),
        files=number,
        held=held,
        is_unmatched=bool(case.match) and case.child_id is None,
        is_taken_up=case.first_read_at is not None,
    )
