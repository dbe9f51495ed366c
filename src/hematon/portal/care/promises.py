"""What the programme promises for each kind of case, in business time."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.care import clock
from hematon.portal.care.models.case import Band
from hematon.portal.care.status import Kind
from hematon.portal.ui.site import site

_HOUR = 3600


def read_by(band: str, at: datetime) -> datetime:
    """Give by when a person looks at it: within a business hour, the same day, or a day."""
    here = site()
    whole = clock.day_seconds(here.office)
    if band == Band.FIRST:
        return clock.after(at, _HOUR, here.office, here.zone)
    if band == Band.SAME_DAY:
        opens = clock.after(at, 1, here.office, here.zone)
        return datetime.combine(opens.date(), here.office.closes, tzinfo=here.zone)
    return clock.after(at, whole, here.office, here.zone)


def answer_by(kind: str, at: datetime) -> datetime:
    """Give by when it is answered; for a second opinion from when the records are complete."""
    here = site()
    days = (
        here.second_opinion.business_days
        if kind == Kind.SECOND_OPINION
        else here.answer_business_days
    )
    return clock.due(at, here.office, here.zone, days)


def reply_by(at: datetime) -> datetime:
    """Give by when a message is answered."""
    here = site()
    return clock.due(at, here.office, here.zone, here.answer_business_days)


def left(at: datetime, due_at: datetime) -> int:
    """Give how many seconds of a promise are left; 0 when it is broken."""
    here = site()
    return clock.between(at, due_at, here.office, here.zone)


def resumed(at: datetime, seconds: int) -> datetime:
    """Give when a promise ends that had so many seconds left."""
    here = site()
    return clock.after(at, seconds, here.office, here.zone) if seconds else at
