"""What a family has entered so far, in its session alone: no account, no address, no name.

The draft ends with the session and after a day at the latest. Lines that could not be read are
kept only until the numbers are confirmed, because they can hold a name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from hematon.portal.counts.lines import Line, lines
from hematon.portal.counts.printout import MAX_DATES, Printout
from hematon.portal.counts.words import as_number

SESSION_KEY = "counts"
VERSION = 1
"""Shape of what is kept; a draft of another shape is dropped."""
KEPT_FOR = timedelta(hours=24)


@dataclass
class Row:
    """One line of a printout as the family gave it; texts as typed.

    Attributes:
        value: the number, with < or > where printed.
        unit: key of the line's unit.
        low: the laboratory's own lower limit.
        high: its upper limit.
        flag: H, L, other, none, or empty when not said.
        absent: whether the family said that the printout does not show this line.
        printed: the text it was read from, shown beside the boxes.
        kept: "value unit" that the family confirmed when we asked about a slip.
    """

    value: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    flag: str = ""
    absent: bool = False
    printed: str = ""
    kept: str = ""


@dataclass
class CountSet:
    """The lines of one day."""

    date: str = ""  # ISO
    unsure: bool = False
    confirmed: bool = False
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def day(self) -> dt.date | None:
        """The date as a date."""
        return dt.date.fromisoformat(self.date) if self.date else None

    def given(self) -> Iterator[tuple[Line, Row]]:
        """Give the lines that have a number, in the order of the page."""
        for key, line in lines().items():
            row = self.rows.get(key)
            if row is not None and row.value:
                yield line, row


@dataclass
class Draft:
    """Everything entered so far."""

    version: int = VERSION
    until: str = ""
    checked: bool = False
    example: bool = False
    sets: list[CountSet] = field(default_factory=list)
    unread: list[dict[str, str]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    own_questions: str = ""

    def confirmed(self) -> list[CountSet]:
        """Give the confirmed sets that hold a number, oldest first."""
        held = [s for s in self.sets if s.confirmed and any(s.given())]
        return sorted(held, key=lambda s: s.date)

    def first_open(self) -> int | None:
        """Give the number of the first set to confirm, from 1; None when none is open."""
        for number, held in enumerate(self.sets, start=1):
            if not held.confirmed:
                return number
        return None

    def add(self, printout: Printout) -> int:
        """Add what was read, a set for each date, to be confirmed.

        Returns:
            How many sets were added.
        """
        by_date: dict[str, CountSet] = {}
        for result in printout.results:
            held = by_date.setdefault(result.date, CountSet(result.date, result.unsure))
            held.rows[result.line] = Row(
                value=result.value,
                unit=result.unit,
                low=result.low,
                high=result.high,
                flag=result.flag,
                printed=result.printed,
            )
        added = sorted(by_date.values(), key=lambda s: s.date)[: MAX_DATES - len(self.sets)]
        self.sets += added
        self.unread = [
            {"number": str(line.number), "text": line.text, "why": line.why}
            for line in printout.unread[:200]
        ]
        return len(added)


def load(request: HttpRequest, at: datetime) -> Draft:
    """Give the draft of this browser; an empty one when there is none or its day is over."""
    raw: dict[str, Any] | None = request.session.get(SESSION_KEY)
    if not raw or raw.get("version") != VERSION or raw["until"] < at.isoformat():
        return Draft(until=(at + KEPT_FOR).isoformat())
    sets = [
        CountSet(
            **{**held, "rows": {line: Row(**row) for line, row in held["rows"].items()}},
        )
        for held in raw["sets"]
    ]
    return Draft(**{**raw, "sets": sets})


def save(request: HttpRequest, draft: Draft) -> None:
    """Keep the draft."""
    request.session[SESSION_KEY] = asdict(draft)


def forget(request: HttpRequest) -> None:
    """Drop the draft and what was attached to a request."""
    request.session.pop(SESSION_KEY, None)
    request.session.pop("attached_counts", None)


# --- slips ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """A reading of a number that we ask about."""

    value: str
    unit: str


@dataclass(frozen=True)
class Doubt:
    """A number that no laboratory prints in its unit: was the unit or the decimal point meant?"""

    line: Line
    row: Row
    choices: Sequence[Choice]


def doubts(held: CountSet) -> list[Doubt]:
    """Give the numbers to ask about; those that the family kept before are not asked again."""
    found = []
    for line, row in held.given():
        unit = line.unit(row.unit)
        value = as_number(row.value)
        if unit is None or row.kept == f"{row.value} {row.unit}" or unit.believable(value):
            continue
        choices = [
            Choice(row.value, other.key)
            for other in line.units
            if other.key != row.unit
            and other.analyte == unit.analyte
            and other.believable(value)
            # 10⁹/L and 10³/µL are the same; one of them is enough to ask.
            and not (other.key == "10*9/L" and line.unit("10*3/uL"))
        ]
        if not choices:
            moved = {_moved(row.value, power) for power in (-2, -1, 1)}
            choices = [
                Choice(text, row.unit)
                for text in sorted(moved, key=as_number)
                if text and unit.believable(as_number(text))
            ][:2]
        found.append(Doubt(line, row, choices))
    return found


def _moved(text: str, power: int) -> str:
    """Move the decimal point of a number as typed."""
    value = as_number(text)
    moved = f"{value * 10**power:.4f}".rstrip("0").rstrip(".")
    sign = text[0] if text[:1] in "<>" else ""
    return sign + (moved.replace(".", ",") if "," in text else moved)
