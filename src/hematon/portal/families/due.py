"""By when a request for access is answered: business days of the programme."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import Promises, RequestKind
from hematon.portal.ui.site import site


def answer_by(asked_at: datetime) -> datetime:
    """Give the closing hour of the day when an answer is due; the day it came does not count."""
    here = site()
    day = here.office.business_day_after(asked_at.astimezone(here.zone).date(), promised_days())
    return datetime.combine(day, here.office.closes, tzinfo=here.zone)


def promised_days() -> int:
    """Give the business days that a family is promised; hours are promised as a day."""
    return current(Promises).kinds[RequestKind.ACCESS].answer_within.business_days or 1
