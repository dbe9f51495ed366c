"""A visit as a calendar entry (RFC 5545): when, and nothing about why.

UID stays the same for the whole life of a visit and SEQUENCE rises with each change, so that a
calendar replaces what it has. No child, no condition, no video room stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hematon.portal.visits.models import Appointment, Status, VisitKind

CONTENT_TYPE = "text/calendar; charset=utf-8"
_WIDTH = 75
_YEAR = timedelta(days=366)


@dataclass(frozen=True)
class Words:
    """What the entry says, in the family's language."""

    summary: str
    description: str
    place: str


def calendar(
    visit: Appointment, *, words: Words, page: str, organizer: str, changed_at: datetime
) -> bytes:
    """Write the entry.

    Args:
        visit: the visit.
        words: neutral words.
        page: address of the visit's page, which needs sign-in.
        organizer: address of the site.
        changed_at: when the visit changed last.
    """
    zone, slot = visit.slot.zone, visit.slot
    cancelled = visit.status == Status.CANCELLED
    status = "TENTATIVE" if visit.status == Status.PENDING else "CONFIRMED"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Hematon//Visits//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
        *_zone(zone, slot.starts_at, slot.ends_at),
        "BEGIN:VEVENT",
        f"UID:{visit.pk}",
        f"SEQUENCE:{visit.sequence}",
        f"DTSTAMP:{_utc(changed_at)}",
        f"LAST-MODIFIED:{_utc(changed_at)}",
        f"DTSTART;TZID={zone.key}:{_local(slot.starts_at, zone)}",
        f"DTEND;TZID={zone.key}:{_local(slot.ends_at, zone)}",
        f"SUMMARY:{_text(words.summary)}",
        f"DESCRIPTION:{_text(words.description)}",
        *([f"LOCATION:{_text(words.place)}"] if visit.kind == VisitKind.IN_PERSON else []),
        f"URL:{page}",
        f"ORGANIZER:{organizer}",
        f"STATUS:{'CANCELLED' if cancelled else status}",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(folded for line in lines for folded in _fold(line))


def _fold(line: str) -> Iterator[bytes]:
    """Give a line in pieces of at most 75 bytes; never cut inside a letter."""
    piece, first = b"", True
    for letter in line:
        more = letter.encode()
        if len(piece) + len(more) > (_WIDTH if first else _WIDTH - 1):
            yield (b"" if first else b" ") + piece + b"\r\n"
            piece, first = b"", False
        piece += more
    yield (b"" if first else b" ") + piece + b"\r\n"


def _text(value: str) -> str:
    plain = "".join(c for c in value if c >= " " or c in "\n\t")
    for sign, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        plain = plain.replace(sign, written)
    return plain


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y%m%dT%H%M%S}"


def _zone(zone: ZoneInfo, start: datetime, end: datetime) -> list[str]:
    """Give the zone's definition: the changes of the clock around the visit."""
    changes = [c for c in (_change_before(start, zone), _change_after(end, zone)) if c]
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone.key}"]
    if not changes:
        lines += _observance(start.astimezone(zone), "19700101T000000", _offset(start, zone))
    for change in changes:
        was = _offset(change - timedelta(seconds=1), zone)
        # The onset is written as the clock showed it before it was changed.
        onset = f"{(change + was).astimezone(UTC):%Y%m%dT%H%M%S}"
        lines += _observance(change.astimezone(zone), onset, was)
    return [*lines, "END:VTIMEZONE"]


def _observance(local: datetime, onset: str, was: timedelta) -> list[str]:
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{onset}",
        f"TZOFFSETFROM:{_signed(was)}",
        f"TZOFFSETTO:{_signed(local.utcoffset() or timedelta())}",
        f"TZNAME:{local.tzname()}",
        f"END:{kind}",
    ]


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _signed(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _change_before(moment: datetime, zone: ZoneInfo) -> datetime | None:
    return _last_change(moment - _YEAR, moment, zone)


def _change_after(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the first change in the year after a moment."""
    here = moment
    for _ in range(_YEAR.days):
        if _offset(here + timedelta(days=1), zone) != _offset(here, zone):
            return _last_change(here, here + timedelta(days=1), zone)
        here += timedelta(days=1)
    return None


def _last_change(early: datetime, late: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the last moment at which the clock was changed; the first it shows the new time."""
    here = late
    while here > early:
        if _offset(here - timedelta(days=1), zone) != _offset(here, zone):
            low, high = here - timedelta(days=1), here
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                if _offset(middle, zone) == _offset(here, zone):
                    high = middle
                else:
                    low = middle
            return high.replace(microsecond=0)
        here -= timedelta(days=1)
    return None
