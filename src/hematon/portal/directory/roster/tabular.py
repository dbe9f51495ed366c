"""The roster as CSV: one row per expert, lists parted by semicolons."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date

from hematon.portal.directory.roster.records import (
    COLUMNS,
    LISTS,
    ExpertRecord,
    Licenses,
    Problem,
    Raw,
    read_record,
    repeated,
)

MOST_ROWS = 5000
# What a spreadsheet would run as a formula, also behind our own escapes.
_FORMULA = re.compile(r"^'*[=+\-@\t\r]")


def read(text: str, known: Licenses, today: date) -> tuple[list[ExpertRecord], list[Problem]]:
    """Read a roster; when there are problems, nothing of it may be used.

    Args:
        text: the file.
        known: licenses in the directory.
        today: as in `read_record`.
    """
    try:
        rows = _rows(text)
    except csv.Error:
        return [], [Problem(0, "file", "is not CSV", "Save it as CSV (UTF-8) and try again.")]
    if not rows:
        return [], [Problem(0, "file", "is empty", "Start from an export of this page.")]
    header = [cell.strip().lower() for cell in rows[0][1]]
    problems = _header(header)
    if problems:
        return [], problems
    if len(rows) - 1 > MOST_ROWS:
        return [], [Problem(0, "file", f"has more than {MOST_ROWS} rows", "Split it.")]
    records: list[tuple[int, ExpertRecord]] = []
    for line, cells in rows[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            wrong = Problem(
                line,
                "row",
                f"has {len(cells)} cells, the header has {len(header)}",
                "Put cells that hold a comma in quotes.",
            )
            problems.append(wrong)
            continue
        record, found = read_record(
            _raw(dict(zip(header, cells, strict=True))), line, str, known, today
        )
        problems += found
        if record is not None:
            records.append((line, record))
    problems += repeated(records, str)
    if not records and not problems:
        problems = [Problem(0, "file", "has no experts", "Add a row for each expert.")]
    return [record for _, record in records], sorted(problems, key=lambda p: p.row)


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Give each row with the line of the file on which it starts."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows, start = [], 1
    for cells in reader:
        rows.append((start, cells))
        start = reader.line_num + 1
    return rows


def _header(header: list[str]) -> list[Problem]:
    problems = []
    if missing := [name for name in COLUMNS if name not in header]:
        problems.append(
            Problem(1, ", ".join(missing), "is missing", "Start from an export of this page.")
        )
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        places = ", ".join(str(header.index(name) + 1) for name in unknown)
        problems.append(
            Problem(1, f"column {places}", "is not a column of the roster", "Take it out.")
        )
    if len(set(header)) != len(header):
        problems.append(Problem(1, "header", "names a column twice", "Keep one of the two."))
    return problems


def _raw(cells: dict[str, str]) -> Raw:
    plain = {name: cell[1:] if _escaped(cell) else cell for name, cell in cells.items()}
    return {
        name: cell.split(";") if name in LISTS else cell
        for name, cell in plain.items()
        if name in COLUMNS
    }


def _escaped(cell: str) -> bool:
    return cell.startswith("'") and bool(_FORMULA.match(cell))


def inert(cell: str) -> str:
    """Give a cell that a spreadsheet shows instead of running."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def write(records: Iterable[ExpertRecord]) -> str:
    """Write a roster that reads back as the same experts."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow([inert(cell(record, name)) for name in COLUMNS])
    return out.getvalue()


def cell(record: ExpertRecord, name: str) -> str:
    """Write one column of one expert."""
    value = getattr(record, name)
    if name == "states":
        return "; ".join(f"{state}:{expires.isoformat()}" for state, expires in value)
    if isinstance(value, tuple):
        return "; ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    return value or ""
