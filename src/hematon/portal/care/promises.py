"""What the programme promises for each kind of case, in business time.

The spans are the programme's own, signed (`programme.rules`), and pages print them from here:
what is promised is written nowhere else. Office hours and holidays stand in the site file.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final, Literal

from django.utils.translation import ngettext

from hematon.portal.care import clock
from hematon.portal.care.models.case import Band
from hematon.portal.care.status import HoldReason, Kind
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Pause, Promise, Promises, RequestKind, Span
from hematon.portal.programme.thresholds import Thresholds
from hematon.portal.ui.site import site

_HOUR = 3600
_LETTER: Final[dict[Band, Literal["A", "B", "C"]]] = {
    Band.FIRST: "A",
    Band.SAME_DAY: "B",
    Band.ROUTINE: "C",
}
_PAUSES = {
    HoldReason.FAMILY: Pause.WAITING_FOR_FAMILY,
    HoldReason.RECORDS: Pause.WAITING_FOR_RECORDS,
    # A result that another laboratory owes us is a record that is not there yet.
    HoldReason.RESULT: Pause.WAITING_FOR_RECORDS,
}


def read_by(kind: str, band: str, at: datetime) -> datetime:
    """Give by when a person looks at it: the soonest of what its band and its kind are promised.

    What nobody could sort is read as soon as the signed rules rank missing data.
    """
    promised = rules.current(Promises)
    letter = _LETTER.get(Band(band)) or rules.current(Thresholds).missing
    spans = (promised.bands[letter], _promise(promised, kind).read_within)
    ends = [_ends(span, at) for span in spans]
    if letter == "B":
        ends.append(_same_day(at, promised.same_day))
    return min(ends)


def answer_by(kind: str, at: datetime) -> datetime:
    """Give by when it is answered; for a second opinion from when the records are complete."""
    return _ends(_promise(rules.current(Promises), kind).answer_within, at)


def reply_by(at: datetime) -> datetime:
    """Give by when a message is answered."""
    return _ends(rules.current(Promises).kinds[RequestKind.MESSAGE].answer_within, at)


def read_within(kind: str) -> str:
    """Say in how much time a person reads what is sent now, in the language of the page."""
    return _said(_promise(rules.current(Promises), kind).read_within)


def answer_within(kind: str) -> str:
    """Say in how much time it is answered, in the language of the page."""
    return _said(_promise(rules.current(Promises), kind).answer_within)


def stops(kind: str, reason: str) -> bool:
    """Say whether waiting for this stops the clock of this kind: only what others owe us does."""
    waits = _PAUSES.get(HoldReason(reason)) if reason else None
    return waits is not None and waits in _promise(rules.current(Promises), kind).pauses


def left(at: datetime, due_at: datetime) -> int:
    """Give how many seconds of a promise are left; 0 when it is broken."""
    here = site()
    return clock.between(at, due_at, here.office, here.zone)


def resumed(at: datetime, seconds: int) -> datetime:
    """Give when a promise ends that had so many seconds left."""
    here = site()
    return clock.after(at, seconds, here.office, here.zone) if seconds else at


def _promise(promised: Promises, kind: str) -> Promise:
    return promised.kinds[RequestKind(Kind(kind).value.replace("-", "_"))]


def _said(span: Span) -> str:
    hours, days = span.business_hours, span.business_days
    if hours is not None:
        return ngettext("%(n)s business hour", "%(n)s business hours", hours) % {"n": hours}
    assert days is not None
    return ngettext("%(n)s business day", "%(n)s business days", days) % {"n": days}


def _ends(span: Span, at: datetime) -> datetime:
    here = site()
    if span.business_hours is not None:
        return clock.after(at, span.business_hours * _HOUR, here.office, here.zone)
    assert span.business_days is not None
    return clock.due(at, here.office, here.zone, span.business_days)


def _same_day(at: datetime, until: time) -> datetime:
    here = site()
    # The moment itself where the office is open, its next opening elsewhere.
    begins = clock.after(at, 1, here.office, here.zone) - timedelta(seconds=1)
    day = begins.date()
    if begins.time() > until:
        day = here.office.business_day_after(day, 1)
    return datetime.combine(day, here.office.closes, tzinfo=here.zone)
