"""The blood counts of a case as one table: a line for each date, a column for each analyte.

What stands here was printed by a laboratory and confirmed by who sent it. Nothing judges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hematon.portal.care.tasks import COUNTS

_FIRST: Final[tuple[str, ...]] = (
    "hemoglobin",
    "neutrophils",
    "platelets",
    "reticulocytes",
    "wbc",
    "mcv",
)
_FLAGS: Final = {"H": "H", "L": "L", "other": "flagged"}


@dataclass(frozen=True)
class Cell:
    """One value as printed.

    Attributes:
        value: with its unit.
        flag: the laboratory's own.
        range: the laboratory's own.
    """

    value: str
    flag: str = ""
    range: str = ""


@dataclass(frozen=True)
class Table:
    """Columns, and rows of the newest first; a value that was not sent is None."""

    columns: list[str]
    rows: list[tuple[date | None, list[tuple[str, Cell | None]]]]
    questions: list[str]


def table_of(answers: Mapping[str, Any]) -> Table | None:
    """Give the table; None where no counts were sent."""
    kept = answers.get(COUNTS)
    if not isinstance(kept, Mapping) or not kept.get("sets"):
        return None
    names: dict[str, str] = {}
    found: list[tuple[date | None, dict[str, Cell]]] = []
    for drawn in kept["sets"]:
        cells: dict[str, Cell] = {}
        for result in drawn["results"]:
            key = result["line"] or result.get("loinc") or result["name"]["en"]
            names.setdefault(key, result["name"]["en"])
            cells[key] = _cell(result)
        found.append((date.fromisoformat(drawn["date"]) if drawn["date"] else None, cells))
    order = [key for key in _FIRST if key in names]
    order += [key for key in names if key not in _FIRST]
    found.sort(key=lambda row: row[0] or date.max, reverse=True)
    return Table(
        columns=[names[key] for key in order],
        rows=[(on, [(names[key], cells.get(key)) for key in order]) for on, cells in found],
        questions=[str(question) for question in kept.get("questions") or ()],
    )


def _cell(result: Mapping[str, Any]) -> Cell:
    printed = " to ".join(part for part in (result["low"], result["high"]) if part)
    unit = result["unit_label"] or result["unit"]
    value = f"{result['value']} {unit.replace('10*', '10^')}".strip()
    return Cell(value, _FLAGS.get(result["flag"], ""), printed)
