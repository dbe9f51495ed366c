"""By when a request for access is answered: business days of the programme."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import Promises, RequestKind
from hematon.portal.ui.site import Office, Site, site

_SATURDAY = 5


def answer_by(asked_at: datetime) -> datetime:
    """Give the closing hour of the day on which an answer is due."""
    return days_after(asked_at, promised_days(), site())


def promised_days() -> int:
    """Give the business days that a family is promised; hours are promised as a day."""
    return current(Promises).kinds[RequestKind.ACCESS].answer_within.business_days or 1


def days_after(asked_at: datetime, days: int, here: Site) -> datetime:
    """Give the closing hour so many business days later; the day it came does not count."""
    day = asked_at.astimezone(here.zone).date()
    while days:
        day += timedelta(days=1)
        days -= _is_open(day, here.office)
    return datetime.combine(day, here.office.closes, tzinfo=here.zone)


def _is_open(day: date, office: Office) -> bool:
    return day.weekday() < _SATURDAY and day not in office.closed_on
