"""What words on a printout mean: names of tests, units, numbers, dates and marks.

A word that is not listed means nothing; nothing here guesses. Names come from the clinical
knowledge and, for Spanish and for short forms, from `names.yaml`. Only unit texts of a closed
grammar are asked of `hematon.units`, so that no text can keep its general parser busy.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import yaml

from hematon import units
from hematon.errors import UnitError
from hematon.knowledge import load_knowledge
from hematon.knowledge.compiled import normalize_name
from hematon.portal.counts.lines import FOLDER, Line, line_of_analyte, lines

NUMBER = r"[0-9]{1,9}(?:[.,][0-9]{1,6}){0,3}"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_POWER = re.compile(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})")
_CUBED = re.compile(r"mm³")
_ALIKE = str.maketrans(
    {"µ": "u", "μ": "u", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "×": "x", "∕": "/"}
)


def plain(text: str) -> str:
    """Undo typography, keeping case: superscripts, dashes, micro signs, odd spaces."""
    text = _POWER.sub(lambda m: "10^" + m[1].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", _CUBED.sub("mm3", text)).translate(_ALIKE)
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)


def folded(text: str) -> str:
    """Reduce a name to what is compared: no case, accents, spaces or punctuation but # and %."""
    parts = unicodedata.normalize("NFKD", text)
    return normalize_name("".join(c for c in parts if not unicodedata.combining(c)))


# --- names ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def names() -> Mapping[str, str]:
    """Give the analyte that each name means."""
    found = dict(load_knowledge().headers)
    raw = yaml.safe_load((FOLDER / "names.yaml").read_text(encoding="utf-8"))
    for analyte, words in raw.items():
        for word in words:
            found[folded(str(word))] = analyte
    return found


@lru_cache(maxsize=4096)
def named(text: str) -> str | None:
    """Give the analyte that a whole text names; None when none."""
    return names().get(folded(text)) if len(text) <= 80 else None


# --- units ---------------------------------------------------------------------------------------

_VOLUME = r"(?:[mu]?l|mcl|mm\^?3|cumm)"
UNIT = re.compile(
    rf"""(?<![\w.,/])(?:
      (?:x\s?)?10\s?(?:\^|\*\*?|e|exp)\s?\+?(?:3|6|9|12)\s?/\s?{_VOLUME}
    | (?P<lossy>(?:x\s?)?10\s?(?:3|6|9|12)\s?/\s?{_VOLUME})
    | (?:k|m|th|thou|thousand|mil|miles|mill|millones)\s?/\s?(?:ul|mcl|mm3|cumm) | [gt]\s?/\s?l
    | (?P<cells>(?:cells?|cels?|celulas|células)?\s?/\s?(?:ul|mcl|mm3|cumm))
    | (?:g|gr|gm|mg|mmol)\s?/\s?d?l | g% | l\s?/\s?l | fl | um3 | pg | fmol | % | ‰
    )(?![\w/%])""",
    re.IGNORECASE | re.VERBOSE,
)
_AFTER_NUMBER = re.compile(r"(?<=\d)(?=(?:g/dl|g/l|fl|k/ul|mmol/l|pg)\b)", re.IGNORECASE)
_THOUSAND_OR_MILLION = re.compile(r"mil\s?/", re.IGNORECASE)


class ReadUnit(NamedTuple):
    """A unit on a printout: one of the line's units by key, or empty when we must ask."""

    key: str
    analyte: str


def unit_of(line: Line, match: re.Match[str]) -> ReadUnit:
    """Give which of the line's units a text means."""
    text = "/uL" if match["cells"] else "".join(match[0].split())
    if match["lossy"] or _THOUSAND_OR_MILLION.match(text):
        return ReadUnit("", "")
    return _unit_of(line.id, text)


@lru_cache(maxsize=2048)
def _unit_of(line_id: str, text: str) -> ReadUnit:
    line, known = lines()[line_id], load_knowledge().analytes
    same: list[ReadUnit] = []
    for unit in line.units:
        analyte = known[unit.analyte]
        own = analyte.unit or "1"
        try:
            factor = units.conversion_factor(text, own, analyte.other_units)
            offered = units.conversion_factor(unit.key, own, analyte.other_units)
        except UnitError:
            continue
        if factor == offered:
            same.append(ReadUnit(unit.key, unit.analyte))
    if not same:
        return ReadUnit("", "")
    spelled = units.canonical(text)
    return next((unit for unit in same if unit.key == spelled), same[0])


def separate(text: str) -> str:
    """Part a unit from the number it is glued to: 7.9g/dL."""
    return _AFTER_NUMBER.sub(" ", text)


def line_named(analyte: str, percent: bool) -> str | None:
    """Give the line of an analyte; a percentage has its own analyte but the same line.

    Args:
        analyte: id in the knowledge.
        percent: whether the printed unit is a percentage.
    """
    line = line_of_analyte().get(analyte)
    if line and percent and not any(unit.key == "%" for unit in lines()[line].units):
        return None
    return line


# --- numbers -------------------------------------------------------------------------------------

_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*")


def number(text: str, unit: str) -> str:
    """Give a printed number without marks for thousands; a decimal comma stays as printed.

    A comma with 3 digits behind it marks thousands where cells per µL are counted or no unit
    stands; elsewhere it is a decimal comma. The family confirms every number beside the print.

    Args:
        text: digits with points and commas.
        unit: key of its unit, or empty.
    """
    marks = [c for c in text if c in ".,"]
    if len(set(marks)) == 2:
        last = marks[-1]
        other = "," if last == "." else "."
        return text.replace(other, "").replace(last, ".")
    if len(marks) > 1:
        return text.replace(marks[0], "")
    if _GROUPS.fullmatch(text) and (unit == "/uL" or (not unit and "," in text)):
        return text.replace(marks[0], "")
    return text


def as_number(text: str) -> float:
    """Give the number that a text says, without a leading < or >; 0 when it is empty.

    Args:
        text: as a family typed it and the form accepted it.
    """
    return float(text.lstrip("<> ").replace(",", ".") or "0")


# --- dates ---------------------------------------------------------------------------------------

_MONTHS = {
    name[:3]: month
    for month, pair in enumerate(
        (
            "january enero",
            "february febrero",
            "march marzo",
            "april abril",
            "may mayo",
            "june junio",
            "july julio",
            "august agosto",
            "september septiembre",
            "october octubre",
            "november noviembre",
            "december diciembre",
        ),
        start=1,
    )
    for name in pair.split()
}
_MONTHS["set"] = 9
_WORD = r"(?:" + "|".join(sorted(_MONTHS)) + r")[a-z]{0,7}\.?"
DATE = re.compile(
    rf"""(?<![\w.,/-])(?:
      (?P<y1>(?:19|20)\d\d)[-/.](?P<m1>\d{{1,2}})[-/.](?P<d1>\d{{1,2}})(?:T[\d:.]{{4,12}}Z?)?
    | (?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y2>(?:19|20)?\d\d)
    | (?P<d3>\d{{1,2}})[\s-]{{0,2}}(?:de\s)?(?P<w3>{_WORD})
      [\s-]{{0,2}}(?:del?\s)?(?P<y3>(?:20)?\d\d)
    | (?P<w4>{_WORD})\s?(?P<d4>\d{{1,2}}),?\s(?P<y4>20\d\d)
    )(?![\w/-]|[.,]\d)""",
    re.IGNORECASE | re.VERBOSE,
)
TIME = re.compile(r"(?<![\w:])\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?\s?m\b\.?)?(?![\w:])", re.I)


class ReadDate(NamedTuple):
    """A date; `unsure` when day and month could be the other way round."""

    iso: str
    unsure: bool


def date_of(match: re.Match[str], *, day_first: bool) -> ReadDate | None:
    """Give the date that a match of DATE means; None when there is no such day."""
    unsure = False
    if match["y1"]:
        year, month, day = int(match["y1"]), int(match["m1"]), int(match["d1"])
    elif match["y2"]:
        first, second, year = int(match["a"]), int(match["b"]), int(match["y2"])
        day, month = (first, second) if day_first else (second, first)
        if month > 12:
            day, month = month, day
        unsure = first <= 12 and second <= 12 and first != second
    else:
        word = (match["w3"] or match["w4"])[:3].lower()
        month = _MONTHS[word]
        day, year = int(match["d3"] or match["d4"]), int(match["y3"] or match["y4"])
    year += 2000 if year < 100 else 0
    try:
        return ReadDate(date(year, month, day).isoformat(), unsure)
    except ValueError:
        return None


# --- marks ---------------------------------------------------------------------------------------

_FLAGS = {
    "H": "H HH H* HIGH ALTO ALTA ALTOS ALTAS ↑ (H) [H] +H",
    "L": "L LL L* LOW BAJO BAJA BAJOS BAJAS ↓ (L) [L] -L B",
    "other": "* ** A ! (A) [A] ABNORMAL C CRIT",
    "none": "N NORMAL",
}
FLAGS = {word: flag for flag, words in _FLAGS.items() for word in words.split()}
"""Marks on a printout, in capitals, to what the family would tick."""
