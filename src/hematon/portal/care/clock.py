"""Business days and hours of the programme, on its own clock.

Promises run in office hours alone and by the clock on the wall: what comes on Friday at 4 pm with
one day's promise is due on Monday at 4 pm, what comes at night counts from the next opening. A
business day is as many seconds as the office is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hematon.portal.ui.site import Office


def day_seconds(office: Office) -> int:
    """Give how long a business day is."""
    return _seconds(office.closes) - _seconds(office.opens)


def due(sent_at: datetime, office: Office, zone: ZoneInfo, days: int) -> datetime:
    """Give when a promise of so many business days ends; see `after`."""
    return after(sent_at, days * day_seconds(office), office, zone)


def after(start: datetime, seconds: int, office: Office, zone: ZoneInfo) -> datetime:
    """Give when so many seconds of office hours have passed.

    Args:
        start: when the clock begins; aware.
        seconds: of business time; at least 1.
        office: hours and holidays.
        zone: the programme's time zone.

    Returns:
        An aware time in the zone, within office hours.
    """
    for opens, closes in _open_from(start.astimezone(zone).replace(tzinfo=None), office):
        length = int((closes - opens).total_seconds())
        if seconds <= length:
            return (opens + timedelta(seconds=seconds)).replace(tzinfo=zone)
        seconds -= length
    raise AssertionError("unreachable")


def between(start: datetime, end: datetime, office: Office, zone: ZoneInfo) -> int:
    """Give how many seconds of office hours lie between two times; 0 when the end is earlier."""
    last = end.astimezone(zone).replace(tzinfo=None)
    passed = 0
    for opens, closes in _open_from(start.astimezone(zone).replace(tzinfo=None), office):
        if opens >= last:
            return passed
        passed += int((min(closes, last) - opens).total_seconds())
    raise AssertionError("unreachable")


def _open_from(wall: datetime, office: Office) -> Iterator[tuple[datetime, datetime]]:
    day = wall.date()
    while True:
        opens, closes = (datetime.combine(day, at) for at in (office.opens, office.closes))
        if office.is_business_day(day) and wall < closes:
            yield max(opens, wall), closes
        day += timedelta(days=1)


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second
