"""The calendar entry, read back by a library that is not ours."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest

from hematon.portal.visits.ics import Words, calendar
from hematon.portal.visits.models import Status, VisitKind, new_room

WORDS = Words("Appointment", "Sign in to see more; or call, 555-0100.\nThank you.", "100 Ñandú St")
CHANGED = datetime(2026, 11, 23, 17, 0, 5, tzinfo=UTC)
PK = uuid.UUID("00000000-0000-4000-8000-000000000000")


def visit(start: datetime, zone: str = "America/Denver", **other: Any) -> Any:
    """Give a visit as far as a calendar sees one."""
    made: dict[str, Any] = {
        "pk": PK,
        "sequence": 0,
        "status": Status.BOOKED,
        "kind": VisitKind.VIDEO,
        "room": new_room(),
        "slot": SimpleNamespace(
            zone=ZoneInfo(zone), starts_at=start, ends_at=start + timedelta(minutes=30)
        ),
    }
    return SimpleNamespace(**{**made, **other})


def written(of: Any, words: Words = WORDS) -> bytes:
    """Write it."""
    return calendar(
        of,
        words=words,
        page="https://portal.tests.invalid/en/visits/x/",
        organizer="https://portal.tests.invalid/",
        changed_at=CHANGED,
    )


def read(content: bytes) -> tuple[Any, Any]:
    """Read it back: the calendar and its one entry."""
    whole = icalendar.Calendar.from_ical(content)
    (entry,) = whole.walk("VEVENT")
    assert not entry.errors
    return whole, entry


def test_the_entry_says_when_and_not_why() -> None:
    """UID, sequence, both times, neutral words; no room, no name, nothing else."""
    start = datetime(2026, 12, 1, 16, tzinfo=UTC)
    of = visit(start)
    whole, entry = read(written(of))
    assert whole["METHOD"] == "PUBLISH"
    assert (entry["UID"], entry["SEQUENCE"], entry["STATUS"]) == (str(PK), 0, "CONFIRMED")
    assert entry["DTSTART"].dt.astimezone(UTC) == start
    assert entry["DTEND"].dt == start + timedelta(minutes=30)
    assert entry["DTSTART"].params["TZID"] == "America/Denver"
    assert entry["SUMMARY"] == "Appointment"
    assert entry["DESCRIPTION"] == WORDS.description
    assert "LOCATION" not in entry
    assert of.room.encode() not in written(of)
    assert set(entry) == {
        "UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "DTSTART", "DTEND", "SUMMARY",
        "DESCRIPTION", "URL", "ORGANIZER", "STATUS", "CLASS", "TRANSP",
    }  # fmt: skip


def test_a_change_and_a_cancellation_speak_of_the_same_entry() -> None:
    """Same UID, a higher sequence; METHOD:CANCEL at the end."""
    start = datetime(2026, 12, 1, 16, tzinfo=UTC)
    steps = [
        visit(start, status=Status.PENDING),
        visit(start, sequence=1),
        visit(start + timedelta(days=1), sequence=2),
        visit(start + timedelta(days=1), sequence=3, status=Status.CANCELLED),
    ]
    found = [read(written(step)) for step in steps]
    assert {entry["UID"] for _, entry in found} == {str(PK)}
    assert [entry["SEQUENCE"] for _, entry in found] == [0, 1, 2, 3]
    assert [whole["METHOD"] for whole, _ in found] == ["PUBLISH"] * 3 + ["CANCEL"]
    assert [entry["STATUS"] for _, entry in found] == [
        "TENTATIVE",
        "CONFIRMED",
        "CONFIRMED",
        "CANCELLED",
    ]


def test_only_the_clinic_has_an_address() -> None:
    """A visit in person says where."""
    _, entry = read(written(visit(datetime(2026, 12, 1, 16, tzinfo=UTC), kind=VisitKind.IN_PERSON)))
    assert entry["LOCATION"] == "100 Ñandú St"


def test_lines_are_folded_at_75_bytes_and_end_as_the_standard_says() -> None:
    """RFC 5545, 3.1: CRLF, and no letter cut in two."""
    words = Words("Cita", "ñ" * 200 + "\\,;" + "\n" + "🙂" * 40, "")
    content = written(visit(datetime(2026, 12, 1, 16, tzinfo=UTC)), words)
    lines = content.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and b"\n" not in line for line in lines)
    for line in lines:
        line.decode()
    assert read(content)[1]["DESCRIPTION"] == words.description


def test_nothing_that_was_put_in_can_begin_a_line() -> None:
    """T-26: a line end in a text is written as two characters."""
    words = Words("A\r\nATTENDEE:mailto:x@tests.invalid", "b", "c")
    _, entry = read(written(visit(datetime(2026, 12, 1, 16, tzinfo=UTC)), words))
    assert "ATTENDEE" not in entry


@pytest.mark.parametrize(
    "zone", ["America/Denver", "America/Phoenix", "America/New_York", "Europe/Dublin", "UTC"]
)
def test_the_zone_in_the_entry_is_the_real_one(zone: str) -> None:
    """On any day of two years, by the definition in the file alone: same moment, same offset."""
    for number in range(0, 730, 13):
        start = datetime(2026, 11, 1, 5, 30, tzinfo=UTC) + timedelta(days=number)
        content = written(visit(start, zone))
        whole, entry = read(content)
        local = start.astimezone(ZoneInfo(zone))
        assert offset_at(whole, local.replace(tzinfo=None)) == local.utcoffset(), (zone, start)
        assert re.search(rb"DTSTART;TZID=[^:]+:(\S+)", content)
        assert entry["DTSTART"].dt.astimezone(UTC) == start


def offset_at(whole: Any, local: datetime) -> timedelta:
    """Read the offset as RFC 5545, 3.6.5 says: of the latest onset that is not after the time."""
    (definition,) = whole.walk("VTIMEZONE")
    parts = sorted(definition.subcomponents, key=lambda part: part["DTSTART"].dt)
    before = [part for part in parts if part["DTSTART"].dt.replace(tzinfo=None) <= local]
    chosen = before[-1] if before else parts[0]
    found: timedelta = chosen["TZOFFSETTO" if before else "TZOFFSETFROM"].td
    return found


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2027, 3, 14)])
def test_on_the_days_when_the_clock_is_changed(day: date) -> None:
    """Before and after the change, in one file each."""
    for hour in (6, 14, 20):
        start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        whole, entry = read(written(visit(start)))
        assert entry["DTSTART"].dt.astimezone(UTC) == start
        local = start.astimezone(ZoneInfo("America/Denver"))
        assert offset_at(whole, local.replace(tzinfo=None)) == local.utcoffset()
