"""What words in a record mean: names of analytes, yes and no, and why a result has no number.

Used by every reader that meets words instead of codes. Words are compared whole and without case.
A word that is not listed means nothing here; no reader guesses.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from hematon import units
from hematon.errors import UnitError
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import normalize_name

POSITIVE = frozenset(
    (
        "positive", "pos", "+", "++", "+++", "present", "detected", "reactive", "observed",
        "yes", "y", "true", "weakly positive", "positiv", "positivo",
    )
)
NEGATIVE = frozenset(
    (
        "negative", "neg", "absent", "not present", "not detected", "undetected",
        "none detected", "non-reactive", "nonreactive", "excluded", "no", "n", "false",
        "negativ", "negativo",
    )
)
POSITIVE_CODES = frozenset(
    (
        "NCIT:C25626", "NCIT:C38758", "SNOMED:10828004", "SNOMED:260373001", "SNOMED:52101004",
        "SNOMED:11214006", "LOINC:LA6576-8", "LOINC:LA11882-0", "LOINC:LA9633-4",
    )
)
NEGATIVE_CODES = frozenset(
    (
        "NCIT:C48190", "NCIT:C38757", "SNOMED:260385009", "SNOMED:260415000", "SNOMED:2667000",
        "SNOMED:131194007", "LOINC:LA6577-6", "LOINC:LA11883-8", "LOINC:LA9634-2",
    )
)
_MARKS = (("%", "%"), ("#", "10*9/L"))
"""How analyzers mark a percentage and an absolute count, with a unit of the kind."""
_SPOILED = (
    "clot", "clump", "hemoly", "haemoly", "lipemi", "lipaemi", "contaminat", "dilut", "aggregat",
    "unsatisf", "satellit",
)
_ABSENT = frozenset(
    (
        ".", "-", "--", "---", "?", "*", "n/a", "na", "nan", "nd", "none", "nil", "null", "unk",
        "unknown", "pending", "insufficient", "quantity not sufficient", "qns", "see note",
        "see comment", "see below", "not done", "not performed", "not measured", "not available",
        "not tested", "test not performed", "tnp", "cancelled", "canceled", "missing",
        "insufficient sample", "insufficient specimen", "#n/a", "in progress", "rejected",
    )
)


def positive_or_negative(text: str) -> bool | None:
    """Say whether a word means present (True) or absent (False); None when it means neither."""
    word = " ".join(text.lower().split())
    if word in POSITIVE:
        return True
    if word in NEGATIVE:
        return False
    return None


def why_no_number(text: str) -> Literal["value-absent", "sample-quality", ""]:
    """Say why a result has words for a number: none was made, or the sample was spoiled."""
    word = " ".join(text.lower().split())
    if word in _ABSENT:
        return "value-absent"
    if any(part in word for part in _SPOILED):
        return "sample-quality"
    return ""


def analyte_named(knowledge: Knowledge, name: str, unit: str | None) -> str | None:
    """Give the analyte a name means; the unit tells a percentage from an absolute count.

    `Neutrophils` in `%` and in `10*9/L` are two analytes with one name.
    """
    plain = normalize_name(name)
    if unit is not None:
        marked = knowledge.headers.get(f"{plain}{_mark(unit)}")
        if marked is not None:
            return marked
    return knowledge.headers.get(plain)


@lru_cache(maxsize=512)
def _mark(unit: str) -> str:
    for mark, target in _MARKS:
        try:
            units.conversion_factor(unit, target, {})
        except UnitError:
            continue
        return mark
    return ""
