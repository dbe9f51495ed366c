"""Where a case stands in the suggested reading order, with a basis that can be read years later.

The rules are `programme.thresholds`: arithmetic that a clinician of the programme signed, without
the assessment engine. Nothing here closes or hides a case; what cannot be read counts as missing,
and missing ranks above routine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from hematon import units
from hematon.errors import UnitError
from hematon.knowledge import load_knowledge
from hematon.portal.care.models.case import Band
from hematon.portal.programme import rules
from hematon.portal.programme.thresholds import (
    MEASURED,
    REPORTED,
    WANTED,
    Amount,
    Facts,
    Reading,
    Thresholds,
    evaluate,
)
from hematon.portal.programme.thresholds import Band as Letter
from hematon.portal.ui.site import site

REPORTED_FACTS: Final = "facts"
"""Key among the answers under which a form may say yes or no to names of `thresholds.REPORTED`."""
_SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "fever": ("fever",),
    "bleeding": ("bleeding",),
    "bruises": ("new_bruises",),
    "breathing": ("breathless",),
    "hard_to_wake": ("drowsy", "looks_unwell"),
    "unwell": ("looks_unwell",),
    "headache": ("headache",),
    "head_injury": ("head_injury",),
}
"""Codes of the family's page about how the child is now. The first fact is what the question asks:
not chosen is a no to it, and to it alone."""
_LINES: Final[Mapping[str, str]] = {
    "hemoglobin": "hemoglobin",
    "platelets": "platelets",
    "neutrophils": "absolute_neutrophil_count",
    "reticulocytes": "reticulocytes",
    "wbc": "white_cells",
}
_LOINC: Final[Mapping[str, str]] = {
    "718-7": "hemoglobin",
    "777-3": "platelets",
    "26515-7": "platelets",
    "751-8": "absolute_neutrophil_count",
    "753-4": "absolute_neutrophil_count",
    "26499-4": "absolute_neutrophil_count",
    "770-8": "absolute_neutrophil_count",
    "60474-4": "reticulocytes",
    "14196-0": "reticulocytes",
    "6690-2": "white_cells",
    "26464-8": "white_cells",
}
"""For lines that pages for families do not know. 770-8 is a percentage, told by its unit."""
_PERCENT: Final = "neutrophil_percentage"
_ANALYTES: Final[Mapping[str, str]] = {
    "hemoglobin": "hemoglobin",
    "platelets": "platelets",
    "absolute_neutrophil_count": "anc",
    "reticulocytes": "retic_abs",
    "white_cells": "wbc",
}
"""Ids in the knowledge, for units that the rules do not know, such as mmol/L of hemoglobin."""


@dataclass(frozen=True)
class Value:
    """A fact as it came.

    Attributes:
        fact: its name in the rules.
        amount: what is compared.
        printed: as the laboratory printed it, or how it was worked out.
    """

    fact: str
    amount: Amount
    printed: str


@dataclass(frozen=True)
class Placed:
    """A place in the reading order.

    Attributes:
        band: what staff see.
        rank: what is sorted by.
        basis: why, ready to be sealed.
    """

    band: Band
    rank: int
    basis: dict[str, Any]


def place(*, answers: Mapping[str, Any], at: datetime) -> Placed:
    """Give the place of a case.

    Every set of counts that could be the newest is asked, and the highest band counts: of several
    on the newest day, and of those without a date, nobody can tell which is the newest.

    Args:
        answers: of the case, whoever sent it.
        at: when it came; aware.
    """
    thresholds, signed = rules.current(Thresholds), rules.signature(Thresholds)
    on = at.astimezone(site().zone).date()
    told: dict[str, Amount | bool | None] = {**_signs(answers), **_age(answers, on)}
    tried = []
    for drawn, values in newest(answers):
        facts = {WANTED: False, **told, **{v.fact: v.amount for v in values}}
        tried.append((evaluate(facts, thresholds), facts, drawn, values))
    reading, facts, drawn, values = min(tried, key=lambda one: one[0].rank)
    basis = {
        "edition": signed.number if signed else None,
        "signer": signed.name if signed else "",
        "signed_at": signed.at.isoformat() if signed else "",
        "made_at": at.isoformat(),
        "band": reading.band.value,
        "drawn": drawn,
        "rules": [
            {"id": r.id, "band": r.band.value, "sentence": r.sentence, "source": r.source}
            for r in reading.fired
        ],
        "values": [
            {
                "fact": v.fact,
                "value": str(v.amount.value),
                "unit": v.amount.unit,
                "printed": v.printed,
            }
            for v in values
        ],
        "age_days": _days(facts),
        "reported": {n: told[n] for n in REPORTED if isinstance(told.get(n), bool)},
        "missing": list(reading.missing),
    }
    return Placed(_band(reading), reading.rank + 1, basis)


def _band(reading: Reading) -> Band:
    if not any(rule.band == reading.band for rule in reading.fired) and reading.band != Letter.C:
        return Band.NOT_KNOWN
    return {Letter.A: Band.FIRST, Letter.B: Band.SAME_DAY, Letter.C: Band.ROUTINE}[reading.band]


def _days(facts: Facts) -> int | None:
    age = facts.get("age")
    return int(age.value) if isinstance(age, Amount) else None


# --- facts from answers ---------------------------------------------------------------------------


def birth_date(answers: Mapping[str, Any]) -> date | None:
    """Give the child's birth date as it was said; None when it was not, or is no date."""
    said = _part(answers, "birth-date").get("date")
    try:
        return date.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None


def _part(answers: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = answers.get(key)
    return found if isinstance(found, Mapping) else {}


def _age(answers: Mapping[str, Any], on: date) -> dict[str, Amount]:
    born = birth_date(answers)
    if born is None or born > on:
        return {}
    return {"age": Amount(Decimal((on - born).days), "d")}


def _signs(answers: Mapping[str, Any]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    chosen = _part(answers, "symptoms").get("symptoms")
    if isinstance(chosen, list) and chosen:
        found |= {names[0]: False for names in _SIGNS.values()}
        # One sign can say two things; what was chosen is never undone by what was not.
        found |= {name: True for code in _SIGNS if code in chosen for name in _SIGNS[code]}
    said = _part(answers, REPORTED_FACTS)
    return found | {n: said[n] for n in REPORTED if isinstance(said.get(n), bool)}


def newest(answers: Mapping[str, Any]) -> list[tuple[str, list[Value]]]:
    """Give every set of counts that may be the newest, with its date or ""; one empty if none."""
    sets = _part(answers, "counts").get("sets")
    sets = [s for s in sets if isinstance(s, Mapping)] if isinstance(sets, list) else []
    dated = [str(s["date"]) for s in sets if s.get("date")]
    last = max(dated, default="")
    chosen = [s for s in sets if not s.get("date") or s["date"] == last]
    return [(str(s.get("date") or ""), values_of(s)) for s in chosen] or [("", [])]


def values_of(drawn: Mapping[str, Any]) -> list[Value]:
    """Give what the rules can compare of one set; computed neutrophils only where none stand."""
    found: dict[str, Value] = {}
    for result in drawn.get("results") or ():
        value = _value(result) if isinstance(result, Mapping) else None
        if value is not None:
            found.setdefault(value.fact, value)
    white, share = found.pop("white_cells", None), found.pop(_PERCENT, None)
    if "absolute_neutrophil_count" not in found and white is not None and share is not None:
        amount = Amount(white.amount.value * share.amount.value / 100, white.amount.unit)
        printed = f"worked out: {white.printed}, {share.printed} of it"
        found["absolute_neutrophil_count"] = Value("absolute_neutrophil_count", amount, printed)
    return list(found.values())


def _value(result: Mapping[str, Any]) -> Value | None:
    fact = _LINES.get(str(result.get("line") or "")) or _LOINC.get(str(result.get("loinc") or ""))
    number, unit = _number(result.get("value")), str(result.get("unit") or "")
    if fact is None or number is None:
        return None
    printed = f"{result['value']} {result.get('unit_label') or unit}".strip()
    if fact == "absolute_neutrophil_count" and unit == "%":
        return Value(_PERCENT, Amount(number, unit), printed)
    if unit not in _units(fact):
        factor = _factor(fact, unit)
        if factor is None:
            return None
        number, unit = number * factor, next(iter(_units(fact)))
    return Value(fact, Amount(number, unit), printed)


def _units(fact: str) -> Mapping[str, Decimal]:
    return MEASURED["absolute_neutrophil_count" if fact == "white_cells" else fact]


def _number(text: object) -> Decimal | None:
    """Read a printed number. "<" counts as nothing and ">" as its number: never too high."""
    if not isinstance(text, str):
        return None
    typed = "".join(text.split()).replace(",", ".")
    try:
        number = Decimal(typed.lstrip("<>≤≥"))
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0:
        return None
    return Decimal(0) if typed.startswith(("<", "≤")) else number


@lru_cache(maxsize=64)
def _factor(fact: str, unit: str) -> Decimal | None:
    """Give what a number in a unit the rules do not know is multiplied by; None if none."""
    analyte, into = load_knowledge().analytes[_ANALYTES[fact]], next(iter(_units(fact)))
    other = analyte.other_units if analyte.unit == into else {}
    try:
        return Decimal(str(units.conversion_factor(unit, into, other)))
    except UnitError:
        return None
