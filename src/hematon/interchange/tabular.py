"""Read and write tables: CSV, and its cousins with tabs, semicolons or bars.

Decides which rows are one child's, what each cell says, and what of it can be trusted. A row with
more or fewer cells than the heading is refused whole: an unquoted decimal comma moves every value
after it into its neighbour's column. A number without a unit is refused unless the analyte is
reported in one unit everywhere. An empty cell of a wide table is a test not made, and no issue.

A date of birth turns dates into ages. Without one, an age on the row of the latest date serves for
all, so that draws of one week, all of a child of `7`, keep their order.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange.intake import Intake
from hematon.interchange.tabular_cells import DELIMITERS, Conventions, decode
from hematon.interchange.tabular_headers import Layout, looks_like_units, read_header
from hematon.interchange.tabular_rows import Rows, read_rows
from hematon.interchange.tabular_write import write
from hematon.knowledge import Knowledge

__all__ = ["read", "read_many", "sniff", "write"]

ISSUES_PER_KIND = 20
"""Issues of one kind kept per child; a summary says how many more there were."""
_SNIFFED = 65_536


@dataclass(frozen=True, slots=True)
class _Table:
    layout: Layout
    conventions: Conventions
    rows: Rows
    refused: Rows
    """Rows of another length than the heading."""


def sniff(text: str, knowledge: Knowledge) -> bool:
    """Say whether the first row of a text is a heading with at least one usable column."""
    header, delimiter = _first_row(text[:_SNIFFED])
    return bool(delimiter) and read_header(header, (), knowledge).is_table


def read(
    raw: bytes | str, knowledge: Knowledge, *, today: date | None = None, case_id: str = ""
) -> Reading[Case]:
    """Read a table that holds one child.

    Args:
        raw: the table.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None for no limit.
        case_id: identifier of the record; the table's own when empty.

    Returns:
        The case and every issue found.

    Raises:
        UnreadableError: it is not a table Hematon can use, or it holds more than one patient.
    """
    table = _open(raw, knowledge)
    children = _by_patient(table)
    if len(children) > 1:
        raise _unreadable("mixed-patients", "the table holds more than one patient",
                          "read it with read_many, or send one patient")
    ((own_id, _),) = children.items()
    reading = next(_readings(table, children, knowledge, today))
    if reading.value is None:
        raise UnreadableError(reading.issues)
    return replace(reading, value=replace(reading.value, id=case_id or own_id))


def read_many(
    raw: bytes | str, knowledge: Knowledge, *, today: date | None = None
) -> Iterator[Reading[Case]]:
    """Read a table of one or more children, told apart by the patient column.

    Args:
        raw: the table.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None for no limit.

    Returns:
        One reading per child, in order of first appearance. What is wrong with the headings is
        said once, in the first. Rows without a patient give one reading without a case.

    Raises:
        UnreadableError: it is not a table Hematon can use.
    """
    table = _open(raw, knowledge)
    return _readings(table, _by_patient(table), knowledge, today)


# --- the file ----------------------------------------------------------------------------------


def _unreadable(code: str, message: str, fix: str = "") -> UnreadableError:
    return UnreadableError((Issue("error", code, "document", message, fix),))


def _first_row(text: str) -> tuple[list[str], str]:
    """Give the first row that is not empty, and the delimiter; both empty for no text."""
    lines = (line for line in text.splitlines() if line.strip())
    first = next(lines, "")
    if first.lower().startswith("sep=") and len(first) > 4:
        # Excel's own way to name the delimiter.
        return next(csv.reader([next(lines, "")], delimiter=first[4]), []), first[4]
    delimiter = max(DELIMITERS, key=first.count)
    if not first:
        return [], ""
    return next(csv.reader([first], delimiter=delimiter)), delimiter


def _open(raw: bytes | str, knowledge: Knowledge) -> _Table:
    text = decode(raw)
    try:
        return _parse(text, knowledge)
    except csv.Error:
        raise _unreadable("too-large", "a cell never ends",
                          "check that every quotation mark is closed") from None


def _parse(text: str, knowledge: Knowledge) -> _Table:
    header, delimiter = _first_row(text)
    if not header:
        raise _unreadable("empty-input", "the table is empty")
    rows = [
        (number, cells)
        for number, cells in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1)
        if any(cells)
    ]
    at = next((i for i, (_, cells) in enumerate(rows) if cells == header), 0)
    rows = rows[at + 1:]
    layout = read_header(header, (), knowledge)
    if rows and looks_like_units(rows[0][1], layout):
        layout = read_header(header, rows[0][1], knowledge)
        rows = rows[1:]
    if not layout.is_table:
        raise _unreadable("unknown-format", "no heading names an analyte, a finding or a "
                          "treatment", "start the table with a row of headings")
    if not rows:
        raise _unreadable("empty-input", "there are no rows below the headings")
    width = layout.width
    fits = [_trimmed(row, width) for row in rows]
    return _Table(
        layout, Conventions(text, delimiter),
        [row for row in fits if len(row[1]) == width],
        [row for row in fits if len(row[1]) != width],
    )
