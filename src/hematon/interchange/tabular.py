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
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange.intake import Intake
from hematon.interchange.tabular_cells import DELIMITERS, Conventions, decode
from hematon.interchange.tabular_headers import (
    Layout,
    finding_names,
    looks_like_units,
    read_header,
)
from hematon.interchange.tabular_people import Row, Sheet, read_person
from hematon.interchange.tabular_rows import RowReader
from hematon.interchange.tabular_write import write
from hematon.knowledge import Knowledge

__all__ = ["read", "read_many", "sniff", "write"]

ISSUES_PER_KIND = 20
"""Issues of one kind kept per child; a summary says how many more there were."""
_SNIFFED_LENGTH = 65_536
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(slots=True)
class _Child:
    """The rows of one patient; those of another length than the headings are refused."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Table:
    sheet: Sheet
    children: dict[str, _Child]
    orphans: _Child
    """Rows that name no patient although the table has a column for it."""


def sniff(text: str, knowledge: Knowledge) -> bool:
    """Say whether a text begins with a row of headings of which at least one is of use."""
    # So short a text cannot hold a cell that is too long for the parser.
    header = next(_records(text[:_SNIFFED_LENGTH])[1], (1, []))[1]
    return read_header(header, (), knowledge).is_table


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
        UnreadableError: it is not a table Hematon can use, or it does not hold just one patient.
    """
    readings = list(read_many(raw, knowledge, today=today))
    cases = [reading.value for reading in readings if reading.value is not None]
    if len(cases) > 1:
        raise _unreadable(
            "mixed-patients",
            "the table holds more than one patient",
            "read it with read_many, or send one patient",
        )
    issues = tuple(issue for reading in readings for issue in reading.issues)
    if not cases:
        raise UnreadableError(issues)
    return Reading(replace(cases[0], id=case_id or cases[0].id), issues)


def read_many(
    raw: bytes | str,
    knowledge: Knowledge,
    *,
    today: date | None = None,
    born: date | None = None,
) -> Iterator[Reading[Case]]:
    """Read a table of one or more children, told apart by the patient column.

    Args:
        raw: the table.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None for no limit.
        born: date of birth of a child for whom the table states none.

    Returns:
        One reading per child, in order of first appearance. What is wrong with the headings is
        said once, in the first. Rows that name no patient give one last reading without a case.

    Raises:
        UnreadableError: it is not a table Hematon can use.
    """
    try:
        table = _open(decode(raw), knowledge)
    except csv.Error:
        raise _unreadable(
            "too-large", "a cell never ends", "check that every quotation mark is closed"
        ) from None
    return _readings(table, knowledge, today, born)


# --- the file ----------------------------------------------------------------------------------


def _unreadable(code: str, message: str, fix: str = "") -> UnreadableError:
    return UnreadableError((Issue("error", code, "document", message, fix),))


def _records(text: str) -> tuple[str, Iterator[Row]]:
    """Give the delimiter, and the rows that are not empty with their numbers, headings first."""
    # A heading may hold delimiters and line breaks within its quotes.
    lines = _QUOTED.sub("", text[:_SNIFFED_LENGTH]).splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first[:4].lower() == "sep=" and len(first) == 5 and first[4] in DELIMITERS:
        # Excel's own way to name the delimiter; Excel does not count it as a row.
        delimiter = first[4]
        text = text.lstrip("\r\n")[5:].lstrip("\r\n")
    else:
        delimiter = max(DELIMITERS, key=first.count)
    rows = enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1)
    stripped = ((number, [cell.strip() for cell in cells]) for number, cells in rows)
    return delimiter, ((number, cells) for number, cells in stripped if any(cells))


def _open(text: str, knowledge: Knowledge) -> _Table:
    delimiter, records = _records(text)
    header = [" ".join(cell.split()) for cell in next(records, (1, []))[1]]
    rows = list(records)
    if not header:
        raise _unreadable("empty-input", "the table is empty")
    layout = read_header(header, (), knowledge)
    if rows and len(rows[0][1]) == layout.width and looks_like_units(rows[0][1], layout):
        layout = read_header(header, rows.pop(0)[1], knowledge)
    if not layout.is_table:
        raise _unreadable(
            "unknown-format",
            "no heading names an analyte, a finding or a treatment",
            "start the table with a row of headings",
        )
    if not rows:
        raise _unreadable("empty-input", "there are no rows below the headings")
    sheet = Sheet(layout, Conventions(text, delimiter), finding_names(knowledge))
    children, orphans = _by_patient(rows, layout)
    return _Table(sheet, children, orphans)


def _by_patient(rows: list[Row], layout: Layout) -> tuple[dict[str, _Child], _Child]:
    at = layout.first("id")
    if at is not None and not any(at < len(cells) and cells[at] for _, cells in rows):
        at = None
    children: dict[str, _Child] = {} if at is not None else {"": _Child()}
    refused = []
    for number, cells in rows:
        if len(cells) > layout.width and not any(cells[layout.width :]):
            cells = cells[: layout.width]
        if len(cells) == layout.width:
            patient = "" if at is None else cells[at]
            children.setdefault(patient, _Child()).rows.append((number, cells))
        else:
            refused.append((number, cells))
    orphans = children.pop("", _Child()) if at is not None else _Child()
    for number, cells in refused:
        # A row of the wrong length may be shifted: it is taken to be of a patient already known.
        patient = cells[at] if at is not None and at < len(cells) else ""
        children.get(patient, orphans).refused.append((number, cells))
    return children, orphans


# --- the children ------------------------------------------------------------------------------


def _readings(
    table: _Table, knowledge: Knowledge, today: date | None, born: date | None
) -> Iterator[Reading[Case]]:
    heading_issues = table.sheet.layout.issues
    for patient, child in table.children.items():
        intake = Intake(knowledge, "table", today)
        intake.birth_date = born
        intake.issues.extend(heading_issues)
        heading_issues = ()
        intake.case_id = patient
        _read_child(intake, table.sheet, child)
        reading = intake.reading()
        yield Reading(reading.value, _capped(reading.issues))
    orphans = table.orphans
    if orphans.rows or orphans.refused:
        intake = Intake(knowledge, "table", today)
        intake.issues.extend(heading_issues)
        _note_refused(intake, orphans, table.sheet.layout)
        for number, _ in orphans.rows:
            intake.error(
                "no-patient", f"row {number}", "the row names no patient", "fill the patient column"
            )
        yield Reading(None, _capped(tuple(intake.issues)))


def _read_child(intake: Intake, sheet: Sheet, child: _Child) -> None:
    _note_refused(intake, child, sheet.layout)
    clock, ages = read_person(intake, sheet, child.rows)
    reader = RowReader(intake, sheet, clock)
    for (number, cells), age in zip(child.rows, ages, strict=True):
        reader.read(number, cells, age)
    if not (intake.measurements or intake.findings or intake.treatments):
        intake.warn("nothing-usable", "document", "no result, finding or treatment could be used")


def _note_refused(intake: Intake, child: _Child, layout: Layout) -> None:
    for number, cells in child.refused:
        which = "fewer" if len(cells) < layout.width else "more"
        intake.error(
            "row-ragged",
            f"row {number}",
            f"the row has {which} cells than the headings and is not read",
            "quote cells that hold the delimiter, and keep empty cells",
        )


def _capped(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """Keep the first issues of each kind, and say how many more there were.

    A kind is a code with its message, so that many of one analyte cannot hide one of another.
    """
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for issue in issues:
        kind = (issue.code, issue.message)
        seen[kind] += 1
        if seen[kind] <= ISSUES_PER_KIND:
            kept.append(issue)
    for issue in tuple(kept):
        more = seen.pop((issue.code, issue.message), 0) - ISSUES_PER_KIND
        if more > 0:
            kept.append(
                replace(
                    issue, where="document", message=f"{more} more of this kind: {issue.message}"
                )
            )
    return tuple(kept)
