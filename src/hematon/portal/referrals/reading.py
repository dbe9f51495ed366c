"""Blood counts of a pasted or uploaded record: read, shown to be confirmed, kept as answers.

Reading is `hematon.interchange`'s. The form's date of birth turns dates into ages; a record that
states another one is of another child, and stops here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from hematon import units
from hematon.engine.case import Case as Record
from hematon.engine.case import Measurement
from hematon.errors import Issue, UnitError, UnreadableError
from hematon.interchange.detect import read_any
from hematon.portal.clinic.reading import MAX_BYTES, knowledge
from hematon.portal.counts.lines import Unit, line_of_analyte, lines

__all__ = ["MAX_BYTES", "MOST_RESULTS", "Read", "Row", "answer_of", "read", "rows_of"]

MOST_RESULTS: Final = 1000
SHAPE: Final = 1
"""Version of the shape of counts among the answers, as families' pages write it."""
_ASKED_ELSEWHERE: Final = frozenset({"sex-unknown", "age-unknown"})
"""Issues about what the form asks for itself."""


@dataclass(frozen=True)
class Read:
    """What came of reading.

    Attributes:
        record: the child's record; None when nothing can be used.
        issues: everything found wrong, by place.
        is_stopped: whether going on without what is wrong is no choice.
    """

    record: Record | None
    issues: tuple[Issue, ...]
    is_stopped: bool

    @property
    def has_errors(self) -> bool:
        """Whether anything was lost or refused."""
        return any(issue.level == "error" for issue in self.issues)


def read(content: bytes, *, born: date, sex: str, today: date) -> Read:
    """Read a record of one child.

    Args:
        content: a table or a FHIR Bundle.
        born: date of birth that the form has.
        sex: the form's: male, female or unknown.
        today: last day a date may have.
    """
    try:
        found = list(islice(read_any(content, knowledge(), today=today, born=born), 3))
    except UnreadableError as error:
        return Read(None, error.issues, is_stopped=True)
    records = [reading.value for reading in found if reading.value is not None]
    issues = [
        issue for reading in found for issue in reading.issues if issue.code not in _ASKED_ELSEWHERE
    ]
    stops = list(_stops(records, born))
    if records and records[0].sex and sex in ("male", "female") and records[0].sex != sex:
        issues.append(
            Issue(
                "error",
                "mixed-patients",
                "sex",
                "the record states another sex than you entered",
                "check that it is this child's record",
            )
        )
    return Read(
        records[0] if records and not stops else None, (*stops, *issues), is_stopped=bool(stops)
    )


def _stops(records: Sequence[Record], born: date) -> list[Issue]:
    def stop(code: str, where: str, message: str, fix: str) -> list[Issue]:
        return [Issue("error", code, where, message, fix)]

    if len(records) > 1:
        return stop(
            "mixed-patients",
            "document",
            "the record is about more than one child",
            "send the rows or the Bundle of one child",
        )
    if not records or not records[0].measurements:
        return stop(
            "nothing-usable",
            "document",
            "no blood count was found in it",
            "correct what is named below, or go back and choose to send a file",
        )
    if records[0].birth_date is not None and records[0].birth_date != born:
        return stop(
            "mixed-patients",
            "date of birth",
            "the record states another date of birth than you entered",
            "check that it is this child's record, or correct the date of birth you entered",
        )
    if len(records[0].measurements) > MOST_RESULTS:
        return stop(
            "too-large",
            "document",
            f"there are more than {MOST_RESULTS} results",
            "send the newest and the lowest, and the rest as a file",
        )
    return []


@dataclass(frozen=True)
class Row:
    """One result as it is shown to be confirmed.

    Attributes:
        number: its place in the record; what leaving it out names.
        names: as the pages of families call it, in both languages.
        on: when it was drawn; None when the record does not say.
        value: with the comparator, in `unit`.
        unit: UCUM.
        where: place in the record.
    """

    number: int
    analyte: str
    line: str
    names: dict[str, str]
    on: date | None
    value: str
    unit: str
    unit_label: str
    low: str
    high: str
    basis: str
    where: str

    @property
    def name(self) -> str:
        """The name that clinicians use; families' pages have plainer ones."""
        return knowledge().analytes[self.analyte].name

    @property
    def range(self) -> str:
        """The laboratory's own limits."""
        if self.low and self.high:
            return f"{self.low} - {self.high}"
        return f"at least {self.low}" if self.low else f"at most {self.high}" if self.high else ""


def rows_of(record: Record, born: date) -> list[Row]:
    """Give the results of a record, newest first, those without a date at the end."""
    rows = [_row(n, m, born) for n, m in enumerate(record.measurements, start=1)]
    return sorted(rows, key=lambda row: (-(row.on or date.min).toordinal(), row.number))


def _row(number: int, found: Measurement, born: date) -> Row:
    analyte = knowledge().analytes[found.analyte]
    unit = _unit_of(found.analyte)
    own = analyte.unit or ""
    key = unit.key if unit else own

    def shown(value: float | None) -> str:
        return "" if value is None else f"{units.convert(value, own, key, {}):.6g}"

    line = line_of_analyte().get(found.analyte, "") if unit else ""
    names = lines()[line].name.model_dump() if line else {"en": analyte.name, "es": analyte.name}
    return Row(
        number=number,
        analyte=found.analyte,
        line=line,
        names=names,
        on=None if found.age_days is None else born + timedelta(days=found.age_days),
        value=found.comparator + shown(found.value),
        unit=key,
        unit_label=unit.label if unit else _plain(own),
        low=shown(found.lab_low),
        high=shown(found.lab_high),
        basis=found.basis,
        where=found.where,
    )


def _plain(unit: str) -> str:
    """Write a UCUM unit as people do."""
    return "" if unit.startswith("{") else unit.replace("10*9", "10⁹").replace("10*12", "10¹²")


@lru_cache(maxsize=256)
def _unit_of(analyte: str) -> Unit | None:
    """Give the unit in which families' pages write an analyte, if they know it exactly."""
    line = line_of_analyte().get(analyte)
    own = knowledge().analytes[analyte].unit
    for unit in lines()[line].units if line and own else ():
        if unit.analyte != analyte:
            continue
        try:
            units.convert(1.0, own or "", unit.key, {})
        except UnitError:
            continue
        return unit
    return None


@lru_cache(maxsize=1)
def _loincs() -> dict[str, str]:
    """Give the LOINC code by which each analyte is named, its primary one where there is one."""
    found: dict[str, str] = {}
    for code, known in knowledge().loinc.items():
        if known.use != "exclude" and (known.use == "primary" or known.analyte not in found):
            found[known.analyte] = code
    return found


def answer_of(rows: Sequence[Row], *, undated: str, at: datetime) -> dict[str, Any]:
    """Give confirmed rows in the shape that families' pages write; see `counts.summary`.

    A result has two things more: `loinc`, where there is a code, and `analyte`, the engine's own
    name, so that what is kept gives the same assessment again.

    Args:
        rows: those that are not left out.
        undated: ISO date of the rows without a date; empty when it is not known.
        at: now.
    """
    sets: dict[tuple[str, int], list[dict[str, Any]]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        result = {
            "line": row.line,
            "name": row.names,
            "value": row.value,
            "unit": row.unit,
            "unit_label": row.unit_label,
            "low": row.low,
            "high": row.high,
            "flag": "",
            "analyte": row.analyte,
        }
        if row.analyte in _loincs():
            result["loinc"] = _loincs()[row.analyte]
        if row.basis:
            result["basis"] = row.basis
        on = row.on.isoformat() if row.on else undated
        # A second value of a test on one day is of a second draw, and stands beside the first.
        sets.setdefault((on, seen[on, row.analyte]), []).append(result)
        seen[on, row.analyte] += 1
    return {
        "version": SHAPE,
        "made_at": at.isoformat(),
        "sets": [
            {"date": on, "results": results}
            for (on, _draw), results in sorted(
                sets.items(), key=lambda one: one[0][0], reverse=True
            )
        ],
        "questions": [],
    }
