"""What the explanation shows: the numbers as typed, drawn beside the laboratory's own range.

Nothing here compares a number with a range. Where a number stands only moves coordinates: words,
colors and shapes are the same for every number. Tests hold that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hematon.portal.counts.draft import CountSet, Row
from hematon.portal.counts.lines import Line, lines
from hematon.portal.counts.words import as_number

WIDTH = 340.0
_LEFT, _RIGHT = 46.0, 294.0
_TOP, _BOTTOM = 34.0, 126.0
_HEADROOM = 1.15


@dataclass(frozen=True)
class Entry:
    """One number of a line, as typed."""

    day: date | None
    row: Row
    unit: str


@dataclass(frozen=True)
class Bar:
    """Coordinates of a number beside the laboratory's range."""

    start: float
    end: float
    length: float
    at: float
    label_at: float


@dataclass(frozen=True)
class Point:
    """A number on the drawing over time."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Coordinates of a line over time."""

    points: Sequence[Point]
    path: str
    first: Entry
    last: Entry
    unit: str


@dataclass(frozen=True)
class Card:
    """What is shown of one line."""

    line: Line
    latest: Entry
    entries: Sequence[Entry]
    bar: Bar | None
    chart: Chart | None


def cards(sets: Sequence[CountSet]) -> list[Card]:
    """Give a card for each line that has a number.

    Args:
        sets: confirmed sets, oldest first.
    """
    found = []
    for line in lines().values():
        entries = [
            Entry(
                date.fromisoformat(held.date) if held.date else None,
                row,
                unit.label if (unit := line.unit(row.unit)) else "",
            )
            for held in sets
            if (row := held.rows.get(line.id)) is not None and row.value
        ]
        if entries:
            latest = entries[-1]
            found.append(Card(line, latest, entries[::-1], bar(latest.row), chart(line, entries)))
    return found


def bar(row: Row) -> Bar | None:
    """Give where the range and the number stand on an axis from zero; None without a range."""
    if not row.low and not row.high:
        return None
    value, low, high = (as_number(text) for text in (row.value, row.low, row.high))
    top = max(value, high, low * 1.5 if not row.high else low) * _HEADROOM or 1.0
    start, end, at = (_across(n / top) for n in (low, high if row.high else top, value))
    return Bar(start, end, round(end - start, 1), at, min(max(at, 40.0), WIDTH - 40.0))


def chart(line: Line, entries: Sequence[Entry]) -> Chart | None:
    """Give the line over time; None for fewer than two dates.

    Numbers in another unit of the same kind are drawn in the unit of the latest one; numbers of
    another kind, such as percentages beside counts, stand in the table alone.
    """
    last = line.unit(entries[-1].row.unit)
    dated: list[tuple[date, float, Entry]] = []
    for entry in entries:
        unit = line.unit(entry.row.unit)
        if entry.day and unit and last and unit.analyte == last.analyte:
            scale = last.in_analyte_unit(1.0)
            value = unit.in_analyte_unit(as_number(entry.row.value)) / scale
            dated.append((entry.day, value, entry))
    if len(dated) < 2 or last is None:
        return None
    top = max(value for _, value, _ in dated) * _HEADROOM or 1.0
    begin = dated[0][0]
    days = max((dated[-1][0] - begin).days, 1)
    points = [
        Point(
            _across((day - begin).days / days),
            round(_BOTTOM - (_BOTTOM - _TOP) * value / top, 1),
            _short(value) if entry.row.unit != last.key else entry.row.value,
        )
        for day, value, entry in dated
    ]
    path = " ".join(f"{point.x},{point.y}" for point in points)
    return Chart(points, path, dated[0][2], dated[-1][2], last.label)


def _across(share: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * share, 1)


def _short(value: float) -> str:
    return f"{value:.4g}" if value < 10_000 else f"{value:.0f}"
