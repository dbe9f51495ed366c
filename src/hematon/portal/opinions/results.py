"""Blood counts of a case as single results, each with what it is in the clinical knowledge.

The shape is that of `counts.summary.attach`, which families' pages and referrals write alike.
Nothing is converted or judged here: value, unit, range and flag stay as they were printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hematon.knowledge import Knowledge
from hematon.portal.care import tasks
from hematon.portal.care.models import Case
from hematon.portal.counts.lines import lines

_NUMBER: Final = re.compile(r"\s*(<=|>=|[<>≤≥])?\s*(\d{1,12}(?:[.,]\d{1,8})?)\s*")
_AMBIGUOUS: Final = re.compile(r"\d+,\d{3}")
_SIGNS: Final = {"≤": "<=", "≥": ">="}
_USES: Final = ("primary", "alternate", "component")


@dataclass(frozen=True)
class Number:
    """A number as printed, with its bound."""

    value: float
    comparator: str = ""


@dataclass(frozen=True)
class Result:
    """One value of one draw.

    Attributes:
        place: where it stands among the answers; names it in the bundle.
        draw: which of the draws, from 0.
        drawn: the day of the draw, if it was given.
        name: as the laboratory or the page calls it.
        value: as typed.
        unit: UCUM; empty when none was given.
        unit_label: as printed.
        low: lower limit as printed.
        high: upper limit as printed.
        flag: H, L or what else was printed.
        analyte: its key in the knowledge; empty when it is not known there.
        loinc: its code; empty when there is none.
        basis: how it was worked out where the record has no number of its own.
    """

    place: str
    draw: int
    drawn: date | None
    name: str
    value: str
    unit: str
    unit_label: str
    low: str
    high: str
    flag: str
    analyte: str
    loinc: str
    basis: str

    @property
    def number(self) -> Number | None:
        """Give the value as a number; None when it is words."""
        return number_of(self.value)

    @property
    def said(self) -> str:
        """Give value and unit as printed."""
        return f"{self.value} {self.unit_label or self.unit}".strip()

    @property
    def range(self) -> str:
        """Give the laboratory's range as printed."""
        if self.low and self.high:
            return f"{self.low} to {self.high}"
        return f"from {self.low}" if self.low else f"up to {self.high}" if self.high else ""


def number_of(text: str) -> Number | None:
    """Read a number as typed: `7.9`, `<0.5`, `7,9`; a comma that may be a thousand is not read."""
    match = _NUMBER.fullmatch(text)
    if match is None or _AMBIGUOUS.fullmatch(match[2]):
        return None
    sign = match[1] or ""
    return Number(float(match[2].replace(",", ".")), _SIGNS.get(sign, sign))


def results_of(case: Case, knowledge: Knowledge) -> tuple[Result, ...]:
    """Give every result of a case, in the order sent."""
    return tuple(_results(case.answers.get(tasks.COUNTS), knowledge))


def _results(kept: Any, knowledge: Knowledge) -> Iterator[Result]:
    for number, drawn in enumerate((kept or {}).get("sets", ())):
        day = _day(drawn.get("date", ""))
        for position, line in enumerate(drawn.get("results", ())):
            text = {key: str(line.get(key) or "").strip() for key in _TEXTS}
            if not text["value"]:
                continue
            analyte, loinc = _known(text, knowledge)
            name = line.get("name")
            yield Result(
                place=f"{number}/{position}",
                draw=number,
                drawn=day,
                name=str(name.get("en", "") if isinstance(name, Mapping) else name or "Result"),
                analyte=analyte,
                loinc=loinc,
                **{key: text[key] for key in _TEXTS if key not in ("line", "loinc", "analyte")},
            )


_TEXTS: Final = (
    *("line", "loinc", "analyte", "value", "unit", "unit_label", "low", "high", "flag"),
    "basis",
)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _known(text: Mapping[str, str], knowledge: Knowledge) -> tuple[str, str]:
    """Give the analyte and its code: as it was read, by the code, or else by line and unit."""
    if text["analyte"] in knowledge.analytes:
        return text["analyte"], text["loinc"]
    sent = knowledge.loinc.get(text["loinc"])
    if sent is not None:
        return (sent.analyte or "", text["loinc"])
    line = lines().get(text["line"])
    unit = line.unit(text["unit"]) if line is not None else None
    if unit is None:
        return "", text["loinc"]
    return unit.analyte, text["loinc"] or code_of(unit.analyte, knowledge)


def code_of(analyte: str, knowledge: Knowledge) -> str:
    """Give the LOINC code that says no more than the analyte; empty when there is none."""
    named = [c for c in knowledge.loinc.values() if c.analyte == analyte and c.use in _USES]
    if not named:
        return ""
    # A printout does not say how it was counted: a code that names no method, where there is one.
    return min(named, key=lambda c: (_USES.index(c.use), " by " in c.name)).code
