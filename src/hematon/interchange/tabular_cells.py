"""Read single cells of a table: numbers, dates and ages, by the conventions of the whole file.

A comma may separate decimals or thousands, and `03/04` may be a day in March or in April. Neither
can be told from one cell, so the whole file is asked first, and a cell that stays ambiguous is
refused rather than guessed: 150,000 platelets read as 150 would be a different child.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple

from hematon import units
from hematon.errors import Issue, UnitError, UnreadableError
from hematon.interchange.phenopacket_time import DAYS_PER_MONTH, DAYS_PER_YEAR, duration_days

DELIMITERS = "\t;|,"
FIRST_YEAR = 1850
Decimal = Literal[".", ",", ""]
_COMPARATORS = {
    "": "",
    "=": "",
    "<": "<",
    ">": ">",
    "<=": "<=",
    "=<": "<=",
    "≤": "<=",
    ">=": ">=",
    "=>": ">=",
    "≥": ">=",
}
_PLAIN = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_NUMBER = re.compile(
    r"(<=|=<|>=|=>|[<>≤≥=])?\s*"
    r"([+-]?\d[\d.,' ]*?(?:e[+-]?\d{1,2})?)"
    r"(?:\s*([^\d\s.,'].*))?",
    re.ASCII | re.IGNORECASE,
)
_SPACES = str.maketrans("\u00a0\u2009\u202f\u2019", "   '")
"""Spaces and the apostrophe that typesetting puts between thousands."""
_GROUPED = {
    mark: re.compile(rf"[+-]?\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+", re.ASCII) for mark in ",.' "
}
_FLAGS = frozenset(
    (
        "h",
        "l",
        "hh",
        "ll",
        "high",
        "low",
        "critical",
        "crit",
        "c",
        "a",
        "*",
        "**",
        "!",
        "+",
        "-",
        "(h)",
        "(l)",
        "(hh)",
        "(ll)",
        "(high)",
        "(low)",
        "↑",
        "↓",
        "h*",
        "l*",
        "*h",
        "*l",
    )
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january ene enero",
            "feb february febrero",
            "mar march marzo",
            "apr april abr abril",
            "may mayo",
            "jun june junio",
            "jul july julio",
            "aug august ago agosto",
            "sep sept september septiembre",
            "oct october octubre",
            "nov november noviembre",
            "dec december dic diciembre",
        ),
        start=1,
    )
    for name in names.split()
}
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?", re.ASCII)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T ].*)?", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})[-. ]+([a-z]{3,10})\.?[-, ]+(\d{4})", re.ASCII)
_MONTH_DAY = re.compile(r"([a-z]{3,10})\.? +(\d{1,2}),? +(\d{4})", re.ASCII)
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})([-/])(\d{1,2})\2\d{4}(?!\d)", re.ASCII)
AGE_UNITS: dict[str, float] = {
    word: days
    for words, days in (
        ("d day days", 1.0),
        ("w wk wks week weeks", 7.0),
        ("m mo mos month months", DAYS_PER_MONTH),
        ("y yo yr yrs year years a", DAYS_PER_YEAR),
    )
    for word in words.split()
}
_AGE_PART = re.compile(r"(\d{1,6}(?:[.,]\d{1,6})?)\s*([a-z]+)[\s,]*", re.ASCII)


class Number(NamedTuple):
    """A number in a cell, with its comparator and the unit beside it, if any."""

    value: float
    comparator: str
    unit: str | None


class Conventions:
    """How a file writes: its delimiter, its decimal mark, the order of day and month."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._text = text
        self.delimiter = delimiter

    @cached_property
    def decimal(self) -> Decimal:
        """The decimal mark the file shows to use; empty when it shows neither, or both."""
        comma, point = self._shows(","), self._shows(".")
        if comma == point:
            return ""
        return "," if comma else "."

    @cached_property
    def reads_points(self) -> bool:
        """Whether `1.234` is surely not one thousand two hundred and thirty-four."""
        return self.decimal == "." or (self.decimal == "" and self.delimiter != ";")

    @cached_property
    def day_first(self) -> bool | None:
        """Whether days stand before months; None when no date of the file tells, or two differ."""
        seen = set()
        for match in _SLASHED.finditer(self._text):
            if int(match[1]) > 12:
                seen.add(True)
            elif int(match[3]) > 12:
                seen.add(False)
        return seen.pop() if len(seen) == 1 else None

    def _shows(self, mark: str) -> bool:
        # Between commas that separate cells, only quotes show that a comma is inside one.
        before = '"' if mark == self.delimiter else rf'(?:^|"|{re.escape(self.delimiter)})'
        number = rf"[<>≤≥=]*\s*\d+{re.escape(mark)}(?:\d\d?|\d{{4,}})"
        after = rf'\s*(?:"|$|{re.escape(self.delimiter)})'
        pattern = re.compile(before + number + after, re.MULTILINE | re.ASCII)
        return pattern.search(self._text) is not None


def decode(raw: bytes | str) -> str:
    """Give the text of a file: UTF-8, or UTF-16 with its byte order mark.

    Raises:
        UnreadableError: the bytes are neither.
    """
    if isinstance(raw, str):
        return raw.removeprefix("\ufeff")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        issue = Issue(
            "error",
            "not-utf8",
            "document",
            "the bytes are not UTF-8 text",
            "save the table as CSV UTF-8",
        )
        raise UnreadableError((issue,)) from None


def parse_number(cell: str, conventions: Conventions) -> Number | None:
    """Give the number in a cell; None when there is none, or it could be two numbers."""
    if _PLAIN.fullmatch(cell) and conventions.reads_points:
        return Number(float(cell), "", None)
    match = _NUMBER.fullmatch(cell.translate(_SPACES))
    if match is None:
        return None
    value = _value(match[2], conventions)
    unit = (match[3] or "").strip()
    if value is None or (unit.lower() not in _FLAGS and unit and not is_unit(unit)):
        return None
    return Number(
        value, _COMPARATORS[match[1] or ""], unit if unit and unit.lower() not in _FLAGS else None
    )


def is_unit(text: str) -> bool:
    """Say whether a text is a unit we can read."""
    try:
        units.canonical(text)
    except UnitError:
        return False
    return True


def _value(text: str, conventions: Conventions) -> float | None:
    mantissa, mark, exponent = text.strip().lower().partition("e")
    for space in "' ":
        if space in mantissa:
            if not _GROUPED[space].fullmatch(re.split("[.,]", mantissa)[0]):
                return None
            mantissa = mantissa.replace(space, "")
    if "," in mantissa and "." in mantissa:
        decimal = max(",.", key=mantissa.rfind)
        mantissa = _drop_groups(mantissa, "," if decimal == "." else ".", decimal)
    elif "," in mantissa or "." in mantissa:
        mantissa = _settle(mantissa, "," if "," in mantissa else ".", conventions)
    try:
        return float(mantissa + mark + exponent) if mantissa else None
    except ValueError:
        return None


def _drop_groups(text: str, grouping: str, decimal: str) -> str:
    whole, _, fraction = text.rpartition(decimal)
    if not _GROUPED[grouping].fullmatch(whole):
        return ""
    return f"{whole.replace(grouping, '')}.{fraction}"


def _settle(text: str, mark: str, conventions: Conventions) -> str:
    """Decide whether the one kind of mark in a number separates decimals or thousands."""
    if not _GROUPED[mark].fullmatch(text) or text.lstrip("+-").startswith("0"):
        return text.replace(mark, ".")
    if text.count(mark) > 1 or conventions.decimal not in ("", mark):
        return text.replace(mark, "")
    if conventions.decimal == mark or (mark == "." and conventions.reads_points):
        return text.replace(mark, ".")
    return ""


def parse_date(cell: str, conventions: Conventions) -> date | Literal["ambiguous", "invalid"]:
    """Give the day a cell means, or why it means none."""
    if match := _YEAR_FIRST.fullmatch(cell) or _COMPACT.fullmatch(cell):
        return _day(match[1], match[2], match[3])
    if match := _YEAR_LAST.fullmatch(cell):
        first, second, year = match[1], match[3], match[4]
        day_first = match[2] == "." or conventions.day_first
        if int(first) > 12 or int(second) > 12:
            day_first = int(first) > 12
        if day_first is None and first != second:
            return "ambiguous"
        return _day(year, second, first) if day_first else _day(year, first, second)
    if match := _DAY_MONTH.fullmatch(cell.lower()):
        return _day(match[3], _MONTHS.get(match[2], 0), match[1])
    if match := _MONTH_DAY.fullmatch(cell.lower()):
        return _day(match[3], _MONTHS.get(match[1], 0), match[2])
    return "invalid"


def _day(year: str, month: str | int, day: str) -> date | Literal["invalid"]:
    try:
        # Records de-identified by shifting lie in the future, never before laboratories.
        return date(int(year), int(month), int(day)) if int(year) >= FIRST_YEAR else "invalid"
    except ValueError:
        return "invalid"


def parse_age(cell: str, unit: str) -> int | None:
    """Give the age in completed days a cell means: `3`, `3 y 2 mo`, `P3Y2M`; None when none.

    Args:
        cell: the text.
        unit: a key of `AGE_UNITS`, for a bare number.
    """
    text = cell.lower().strip()
    if text.startswith("p"):
        return duration_days(text.upper())
    if not text[-1:].isalpha():
        text += unit
    days, end = 0.0, 0
    for part in _AGE_PART.finditer(text):
        if part.start() != end or part[2] not in AGE_UNITS:
            return None
        days += float(part[1].replace(",", ".")) * AGE_UNITS[part[2]]
        end = part.end()
    return int(days) if end and end == len(text) else None
