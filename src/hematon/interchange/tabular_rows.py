"""Read the rows of one child: results, findings and treatments, wide or long."""

from __future__ import annotations

import re
from typing import NamedTuple

from hematon.interchange import words
from hematon.interchange.intake import Intake
from hematon.interchange.tabular_cells import parse_number
from hematon.interchange.tabular_headers import Column, treatment_names
from hematon.interchange.tabular_names import CONVENTIONAL_UNITS, implied_unit, named_analyte
from hematon.interchange.tabular_people import Clock, Sheet
from hematon.knowledge.compiled import normalize_name

_HPO = re.compile(r"HP[:_](\d{7})\b(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_LOINC = re.compile(r"(?:loinc[\s:]*)?(\d{1,7}-\d)", re.IGNORECASE | re.ASCII)
_BETWEEN_FINDINGS = re.compile(r"[;|\n]|,(?=\s*(?:!|-|no\s)?\s*(?:HP[:_]|[A-Z]{2,4}_))")
_EXCLUDED = re.compile(r"(?:!|-\s*|no\s+|not\s+|without\s+)\s*", re.IGNORECASE)
_RANGE = re.compile(r"[(\[]?\s*([\d.,]+)\s*(?:-|–|—|to|\.\.)\s*([\d.,]+)\s*[)\]]?", re.IGNORECASE)
_BOUND = re.compile(r"[(\[]?\s*(<=?|≤|>=?|≥)\s*([\d.,]+)\s*[)\]]?")
_DATED = re.compile(r"\d{1,4}[-/. ]\w{1,9}[-/. ,]+\d{1,4}\b")
_WITHDRAWN = frozenset(
    ("cancelled", "canceled", "entered-in-error", "entered in error", "not done", "rejected")
)
_TICKS = {"1": True, "x": True, "✓": True, "0": False}


class _Test(NamedTuple):
    """What the test cell of a long row names; all empty for a test that is not known."""

    analyte: str = ""
    loinc: str = ""
    unit: str | None = None
    assumed: bool = False
    finding: str = ""
    treatment: str = ""


class RowReader:
    """Reads one child's rows into an intake.

    Args:
        intake: takes what is found, and the issues.
        sheet: what the columns hold and how the file writes.
        clock: turns the child's dates into ages.
    """

    def __init__(self, intake: Intake, sheet: Sheet, clock: Clock) -> None:
        self._intake = intake
        self._knowledge = intake.knowledge
        self._sheet = sheet
        self._layout = sheet.layout
        self._clock = clock
        self._columns = [
            (c, _Test(c.analyte, c.loinc, c.unit, c.assumed)) for c in self._layout.results
        ]
        self._tests: dict[tuple[str, str], _Test] = {}
        self._noted: set[str] = set()
        self._stated: set[tuple[str, bool]] = set()
        self._treated: set[tuple[str, int | None]] = set()

    def read(self, number: int, cells: list[str], age: int | None) -> None:
        """Read one row."""
        if self._layout.is_long:
            self._read_test(number, cells, age)
        for column, test in self._columns:
            if cell := cells[column.index]:
                if column.spare and self._has_first(column, cells):
                    continue
                if column.unit_index is not None:
                    test = self._with_unit_cell(column, cells[column.unit_index], test)
                self._take(test, cell, column.label, f"row {number}, {column.label}", age)
        for column in self._layout.findings:
            if cell := cells[column.index]:
                self._read_answer(column.finding, cell, f"row {number}, {column.label}", age)
        for column in self._layout.treatments:
            if cell := cells[column.index]:
                self._read_treatment(column.treatment, cell, f"row {number}, {column.label}", age)
        for at in self._layout.roles.get("findings", ()):
            if cells[at]:
                self._read_findings(cells[at], self._where(number, at), age)
        for at in self._layout.roles.get("treatments", ()):
            for text in filter(None, (part.strip() for part in cells[at].split(";"))):
                self._treat(text, self._where(number, at), age)

    def _where(self, number: int, at: int) -> str:
        return f"row {number}, {self._layout.labels[at]}"

    # --- results ---------------------------------------------------------------------------

    def _with_unit_cell(self, column: Column, unit: str, test: _Test) -> _Test:
        """Give what a column holds on a row that has a unit of its own."""
        if not unit:
            return test
        analyte = words.analyte_named(self._knowledge, column.name, unit) or column.analyte
        return test._replace(analyte=analyte, unit=unit)

    def _has_first(self, column: Column, cells: list[str]) -> bool:
        return any(
            cells[c.index]
            for c in self._layout.results
            if c.analyte == column.analyte and not c.spare
        )

    def _take(
        self,
        test: _Test,
        cell: str,
        label: str,
        where: str,
        age: int | None,
        *,
        comparator: str = "",
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        """Take one result: a number with its unit, or a word."""
        number = parse_number(cell, self._sheet.conventions)
        if number is None:
            self._take_word(test.analyte, cell, where, age)
            return
        unit = number.unit or test.unit
        if unit is None:
            self._note_unit(test.analyte, label)
            return
        if test.assumed and number.unit is None:
            self._note_assumed(test.analyte, unit, label)
        sign = number.comparator or comparator
        if test.loinc:
            self._intake.loinc(
                test.loinc,
                number.value,
                unit,
                where,
                age_days=age,
                comparator=sign,
                lab_low=low,
                lab_high=high,
            )
        else:
            self._intake.measurement(
                test.analyte,
                number.value,
                unit,
                where,
                age_days=age,
                comparator=sign,
                lab_low=low,
                lab_high=high,
            )

    def _take_word(self, analyte_id: str, cell: str, where: str, age: int | None) -> None:
        intake, analyte = self._intake, self._knowledge.analytes[analyte_id]
        positive = words.positive_or_negative(cell)
        if positive is not None and analyte.positive_finding is not None:
            intake.qualitative(analyte_id, positive, where, age_days=age)
            return
        reason = words.why_no_number(cell)
        if reason == "value-absent":
            intake.warn(reason, where, f"{analyte.name} has no result")
        elif reason == "sample-quality":
            # A number beside the word is lost on purpose: it may be far too low.
            note = intake.error if any(c.isdigit() for c in cell) else intake.warn
            note(reason, where, f"the sample for {analyte.name} was spoiled", "repeat the draw")
        else:
            intake.error(
                "value-not-number",
                where,
                f"{analyte.name} is not a plain number",
                "write the number without a thousands separator, and the unit in the heading",
            )

    def _note_unit(self, analyte_id: str, label: str) -> None:
        """Say once per column that its numbers have no unit: they are all left out."""
        analyte = self._knowledge.analytes[analyte_id]
        if f"{label} {analyte_id}" not in self._noted:
            self._noted.add(f"{label} {analyte_id}")
            self._intake.error(
                "unit-missing",
                label,
                f"{analyte.name} has no unit; none of its numbers is read",
                f"add the unit, for example {analyte.unit}",
            )

    def _note_assumed(self, analyte_id: str, unit: str, label: str) -> None:
        if f"assumed {label} {analyte_id}" not in self._noted:
            self._noted.add(f"assumed {label} {analyte_id}")
            name = self._knowledge.analytes[analyte_id].name
            self._intake.warn(
                "unit-missing", label, f"{name} has no unit; {unit} is assumed", "add the unit"
            )

    # --- long rows -------------------------------------------------------------------------

    def _cell(self, cells: list[str], role: str) -> str:
        """Give the first filled cell of a role."""
        return next((cells[at] for at in self._layout.roles.get(role, ()) if cells[at]), "")

    def _read_test(self, number: int, cells: list[str], age: int | None) -> None:
        """Read a row that is one result, one finding or one treatment."""
        intake = self._intake
        text, value = self._cell(cells, "test"), self._cell(cells, "value")
        at = self._layout.roles["value"][0]
        where = self._where(number, at)
        if not text:
            if value:
                intake.error("missing-field", f"row {number}", "the row names no test")
            return
        if self._cell(cells, "status").lower() in _WITHDRAWN:
            intake.error("status-not-final", where, "the result was withdrawn and is dropped")
            return
        test = self._test(text, self._cell(cells, "unit"))
        if not value:
            intake.warn("value-absent", where, "the row has no result")
        elif test.finding:
            self._read_answer(test.finding, value, where, age)
        elif test.treatment:
            self._read_treatment(test.treatment, value, where, age)
        elif test.analyte:
            low, high = self._limits(cells)
            self._take(
                test,
                value,
                self._layout.labels[at],
                where,
                age,
                low=low,
                high=high,
                comparator=self._cell(cells, "comparator"),
            )
        elif text not in self._noted:
            self._noted.add(text)
            intake.warn(
                "code-unknown",
                self._where(number, self._layout.roles["test"][0]),
                "the test is not one that Hematon uses",
                "use its LOINC code",
            )

    def _test(self, text: str, unit: str) -> _Test:
        key = (text, unit)
        if key not in self._tests:
            self._tests[key] = self._look_up(text, unit)
        return self._tests[key]

    def _look_up(self, text: str, unit: str) -> _Test:
        knowledge = self._knowledge
        if match := _HPO.fullmatch(text):
            return _Test(finding=f"HP:{match[1]}")
        if match := _LOINC.fullmatch(text):
            known = knowledge.loinc.get(match[1])
            return _Test() if known is None else self._with_unit(known.analyte, match[1], "", unit)
        analyte = words.analyte_named(knowledge, text, unit or None)
        if analyte is not None:
            return self._with_unit(analyte, "", text, unit)
        if named := named_analyte(text, knowledge):
            name, analyte, own_unit = named
            return self._with_unit(analyte, "", name, unit or own_unit or "")
        plain = normalize_name(text)
        return _Test(
            finding=self._sheet.finding_names.get(plain, ""),
            treatment=treatment_names(knowledge).get(plain, ""),
        )

    def _with_unit(self, analyte: str, loinc: str, name: str, unit: str) -> _Test:
        if unit:
            return _Test(analyte, loinc, unit)
        implied = implied_unit(name, analyte, self._knowledge)
        if implied is None and analyte in CONVENTIONAL_UNITS:
            return _Test(analyte, loinc, CONVENTIONAL_UNITS[analyte], assumed=True)
        return _Test(analyte, loinc, implied)

    def _limits(self, cells: list[str]) -> tuple[float | None, float | None]:
        low, high = self._plain(self._cell(cells, "low")), self._plain(self._cell(cells, "high"))
        text = self._cell(cells, "range")
        if match := _RANGE.fullmatch(text):
            return self._plain(match[1]), self._plain(match[2])
        if match := _BOUND.fullmatch(text):
            bound = self._plain(match[2])
            return (None, bound) if match[1] in "<=≤" else (bound, None)
        return low, high

    def _plain(self, text: str) -> float | None:
        number = parse_number(text, self._sheet.conventions) if text else None
        return None if number is None else number.value

    # --- findings and treatments -----------------------------------------------------------

    def _read_answer(self, code: str, cell: str, where: str, age: int | None) -> None:
        """Read the yes or no of a finding."""
        answer = words.positive_or_negative(cell)
        if answer is None:
            answer = _TICKS.get(cell.lower())
        if answer is not None:
            self._state(code, answer, "", where, age)
        elif not words.why_no_number(cell):
            self._intake.error(
                "value-absent",
                where,
                "the cell says neither yes nor no",
                "write yes or no, or leave it empty when not looked for",
            )

    def _read_findings(self, cell: str, where: str, age: int | None) -> None:
        """Read a cell of several findings: `HP:0001744; !HP:0002716; no fever`."""
        for part in _BETWEEN_FINDINGS.split(cell):
            text = part.strip()
            negation = _EXCLUDED.match(text)
            text = text[negation.end() :] if negation else text
            if match := _HPO.fullmatch(text):
                self._state(f"HP:{match[1]}", not negation, match[2].strip(" :()"), where, age)
            elif code := self._sheet.finding_names.get(normalize_name(text)):
                self._state(code, not negation, "", where, age)
            elif text:
                self._intake.error(
                    "code-unknown",
                    where,
                    "a finding is not one that Hematon knows",
                    "use its HPO id",
                )

    def _state(self, code: str, observed: bool, label: str, where: str, age: int | None) -> None:
        # A finding repeated on every draw is one finding, first seen on the first of them.
        if (code, observed) not in self._stated:
            self._stated.add((code, observed))
            self._intake.finding(code, observed, where, label=label, age_days=age)

    def _read_treatment(self, treatment: str, cell: str, where: str, age: int | None) -> None:
        """Read the cell of a treatment: yes, no, its date, or what was given."""
        answer = words.positive_or_negative(cell)
        if answer is None:
            answer = _TICKS.get(cell.lower())
        if answer is False or (answer is None and words.why_no_number(cell)):
            return
        if answer is None and _DATED.match(cell):
            age = self._clock.age_on(cell, where)
        if (treatment, age) not in self._treated:
            self._treated.add((treatment, age))
            self._intake.treatment(treatment, where, start=age)

    def _treat(self, text: str, where: str, age: int | None) -> None:
        if (text, age) in self._treated:
            return
        self._treated.add((text, age))
        if not self._intake.treatment(text, where, start=age) and text not in self._noted:
            self._noted.add(text)
            self._intake.warn(
                "medication-not-used", where, "a treatment is read; nothing depends on it"
            )
