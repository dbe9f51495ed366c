"""What words in a record mean: names of analytes, yes and no, and why a result has no number.

Used by every reader that meets words instead of codes. Words are compared whole and without case.
A word that is not listed means nothing here; no reader guesses.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from hematon import units
from hematon.errors import UnitError
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import normalize_name


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split("|"))


POSITIVE = _listed(
    "+|++|+++|detected|observed|pos|positiv|positive|positivo|present|reactive|true|"
    "weakly positive|y|yes"
)
NEGATIVE = _listed(
    "absent|excluded|false|n|neg|negativ|negative|negativo|no|non-reactive|none detected|"
    "nonreactive|not detected|not present|undetected"
)
POSITIVE_CODES = _listed(
    "LOINC:LA11882-0|LOINC:LA6576-8|LOINC:LA9633-4|NCIT:C25626|NCIT:C38758|SNOMED:10828004|"
    "SNOMED:11214006|SNOMED:260373001|SNOMED:52101004"
)
NEGATIVE_CODES = _listed(
    "LOINC:LA11883-8|LOINC:LA6577-6|LOINC:LA9634-2|NCIT:C38757|NCIT:C48190|SNOMED:131194007|"
    "SNOMED:260385009|SNOMED:260415000|SNOMED:2667000"
)
_ABSENT = _listed(
    "#n/a|*|-|--|---|.|?|canceled|cancelled|in progress|insufficient|insufficient sample|"
    "insufficient specimen|missing|n/a|na|nan|nd|nil|none|not available|not done|not measured|"
    "not performed|not tested|null|pending|qns|quantity not sufficient|rejected|see below|"
    "see comment|see note|test not performed|tnp|unk|unknown"
)
_MARKS = (("%", "%"), ("#", "10*9/L"))
"""How analyzers mark a percentage and an absolute count, with a unit of the kind."""
_COUNT_WORD = re.compile(r"[\s_](?:count|level|result|value)$", re.IGNORECASE)
_SPOILED = _listed(
    "aggregat|clot|clump|contaminat|dilut|haemoly|hemoly|lipaemi|lipemi|satellit|unsatisf"
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

    `Neutrophils` in `%` and in `10*9/L` are two analytes with one name; a percentage of a name
    that means only an absolute count (`basophils_pct`) is none we know. A word such as `count` at
    the end is not needed to know one.
    """
    mark = "" if unit is None else _mark(unit)
    for plain in _spellings(name):
        if f"{plain}{mark}" in knowledge.headers:
            return knowledge.headers[f"{plain}{mark}"]
        found = knowledge.headers.get(plain)
        if found is not None:
            own = knowledge.analytes[found].unit or ""
            return None if mark == "%" and _mark(own) == "#" else found
    return None


def names_an_analyte(knowledge: Knowledge, name: str) -> bool:
    """Say whether a name means an analyte with some unit or none."""
    return any(
        plain + mark in knowledge.headers for plain in _spellings(name) for mark in ("", "%", "#")
    )


def _spellings(name: str) -> tuple[str, str]:
    return normalize_name(name), normalize_name(_COUNT_WORD.sub("", name))


@lru_cache(maxsize=512)
def _mark(unit: str) -> str:
    for mark, target in _MARKS:
        try:
            units.conversion_factor(unit, target, {})
        except UnitError:
            continue
        return mark
    return ""
