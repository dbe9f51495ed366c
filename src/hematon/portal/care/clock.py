"""Business days and hours of the programme, on its own clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hematon.portal.ui.site import Office

_SATURDAY = 5


def is_business_day(day: date, office: Office) -> bool:
    """Say whether calls are returned on this day."""
    return day.weekday() < _SATURDAY and day not in office.closed_on


def business_day_after(day: date, office: Office, days: int) -> date:
    """Give the business day that comes this many business days after a day."""
    while days > 0:
        day += timedelta(days=1)
        days -= is_business_day(day, office)
    return day


def due(sent_at: datetime, office: Office, zone: ZoneInfo, days: int) -> datetime:
    """Give when a promise of so many business days ends.

    The clock runs in office hours alone and by the clock on the wall: what comes on Friday at
    4 pm with one day's promise is due on Monday at 4 pm, what comes at night counts from the next
    opening.

    Args:
        sent_at: when it came; aware.
        office: hours and holidays.
        zone: the programme's time zone.
        days: business days promised.

    Returns:
        An aware time in the zone.
    """
    local = sent_at.astimezone(zone)
    day, at = local.date(), local.time()
    if not is_business_day(day, office) or at >= office.closes:
        day, at = business_day_after(day, office, 1), office.opens
    at = max(at, office.opens)
    if at == office.opens:
        # A whole day from the opening ends at the closing of the same day.
        return _on(business_day_after(day, office, days - 1), office.closes, zone)
    return _on(business_day_after(day, office, days), at, zone)


def _on(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone)
