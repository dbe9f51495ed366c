"""When a clinician is open: rules in the clinic's own wall time, times in UTC.

Pure: no database and no clock. A rule says "Mondays, 1 pm to 4 pm in America/Denver"; this module
says which moments those are, on the days when the clock is changed too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TICK_MINUTES = 5
"""Times begin and end on these; two times of one person may not share one."""
_TICK = timedelta(minutes=TICK_MINUTES)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Opening:
    """A rule.

    Attributes:
        weekdays: 0 is Monday.
        opens: wall time in the zone.
        closes: wall time on the same day, after `opens`.
        zone: IANA name.
        first_day: no time before it.
        last_day: no time after it; None is open-ended.
        every_weeks: 1 is every week, 2 every other week counted from the week of `first_day`.
        minutes: length of one time.
    """

    weekdays: Collection[int]
    opens: time
    closes: time
    zone: str
    first_day: date
    last_day: date | None
    every_weeks: int
    minutes: int


def days(rule: Opening, first: date, last: date) -> Iterator[date]:
    """Give the days on which a rule is open, from `first` to `last`, both included."""
    begins = max(first, rule.first_day)
    ends = last if rule.last_day is None else min(last, rule.last_day)
    monday = rule.first_day - timedelta(days=rule.first_day.weekday())
    for number in range((ends - begins).days + 1):
        day = begins + timedelta(days=number)
        if day.weekday() in rule.weekdays and (day - monday).days // 7 % rule.every_weeks == 0:
            yield day


def times(rule: Opening, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Give the times of one day in UTC, in their order.

    When the clock jumps forward, the hour that is not there has no times. When it is set back, the
    hour that comes twice has times twice. Either way each is as long as the rule says, and begins
    and ends within the opening as the clock on the wall shows it.
    """
    zone = ZoneInfo(rule.zone)
    length = timedelta(minutes=rule.minutes)
    start, closing = _moment(day, rule.opens, zone), _moment(day, rule.closes, zone, last=True)
    while start + length <= closing:
        if all(rule.opens <= _shows(tick, zone) < rule.closes for tick in _ticks(start, length)):
            yield start, start + length
            start += length
        else:
            # Between the two passes of an hour that comes twice.
            start += _TICK


def _ticks(start: datetime, length: timedelta) -> Iterator[datetime]:
    for number in range(length // _TICK):
        yield start + number * _TICK


def _shows(moment: datetime, zone: ZoneInfo) -> time:
    return moment.astimezone(zone).time()


def _moment(day: date, at: time, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """Give when the clock on the wall shows a time; in a gap, the moment the clock jumps."""
    local = datetime.combine(day, at)
    early = local.replace(fold=0, tzinfo=zone).astimezone(UTC)
    late = local.replace(fold=1, tzinfo=zone).astimezone(UTC)
    if early <= late:
        # Shown once or twice: open from the first, closed at the last.
        return late if last else early
    # Never shown: the jump lies between the two readings of it.
    before = late.astimezone(zone).utcoffset()
    while late.astimezone(zone).utcoffset() == before:
        late += _MINUTE
    return late


def ticks(start: datetime, end: datetime) -> range:
    """Give the numbers of the five minutes that a time takes up."""
    length = TICK_MINUTES * 60
    return range(int(start.timestamp()) // length, -(-int(end.timestamp()) // length))
