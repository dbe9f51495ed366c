"""Numbers, units, ages and foreign text, as a clinician reads them.

Decides how a number is written, never what it means. Text that came from a record is made safe to
show here, once: control and direction-changing characters are replaced, so that a record can
neither drive a terminal nor reorder what is read.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
DAYS_PER_YEAR: Final = 365.25
DAYS_PER_MONTH: Final = DAYS_PER_YEAR / 12
_LARGEST_LOG_ODDS: Final = math.log(1e6)
"""Odds beyond a million to one are not written out: nothing here is known that well."""
_MOST_DECIMALS: Final = 6

_UNITS: Final = {
    "10*9/L": "×10⁹/L",
    "10*12/L": "×10¹²/L",
    "10*6/L": "×10⁶/L",
    "10*3/uL": "×10³/µL",
    "10*6/uL": "×10⁶/µL",
    "x10^9/L": "×10⁹/L",
    "x10^12/L": "×10¹²/L",
    "/100{WBC}": "per 100 white cells",
    "[ppth]": "‰",
    "{titer}": "titer",
    "{presence}": "",
    "U/g{Hb}": "U/g Hb",
    "[IU]/mL": "IU/mL",
    "m[IU]/L": "mIU/L",
    "m[IU]/mL": "mIU/mL",
}
# Longest first, so that `m[IU]/mL` is not read as `[IU]/mL`. Other units stand as they are.
_IN_PROSE: Final = re.compile(
    "|".join(re.escape(u) for u in sorted(_UNITS, key=len, reverse=True) if u != "{presence}")
    + r"|\bug/|\bumol/|/uL\b|>=|<="
)
_SIGNS: Final = {"ug/": "µg/", "umol/": "µmol/", "/uL": "/µL", ">=": "≥", "<=": "≤"}
# Embeddings, overrides and isolates; the rest of category Cf holds joiners that scripts need.
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ASCII: Final = {
    "×10⁹": "x10^9",
    "×10¹²": "x10^12",
    "×10⁶": "x10^6",
    "×10³": "x10^3",
    "×": "x",
    "µ": "u",
    "‰": "per mille",
    "≥": ">=",
    "≤": "<=",
    MINUS: "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "●": "*",
    "◐": "+",
    "○": "o",
    "◌": "~",
    " · ": "; ",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
}


def clean(text: str) -> str:
    """Replace control and direction-changing characters; keep every other character."""
    return "".join(_visible(c) for c in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    if character in _DIRECTIONS or unicodedata.category(character) in ("Cc", "Cs"):
        return "\N{REPLACEMENT CHARACTER}"
    return character


def prose(text: str) -> str:
    """Clean a text and write the units and signs in it as a reader expects them."""
    return _IN_PROSE.sub(lambda m: _UNITS.get(m[0]) or _SIGNS[m[0]], clean(text))


def plain(text: str) -> str:
    """Write our own signs in ASCII, for a terminal or a file that holds nothing else."""
    for sign, ascii_sign in _ASCII.items():
        text = text.replace(sign, ascii_sign)
    return text


def unit(ucum: str) -> str:
    """Give a UCUM unit as printed beside a number; empty when it is not a unit to print."""
    if ucum in _UNITS:
        return _UNITS[ucum]
    return prose(ucum)


def number(value: float, digits: int = 4) -> str:
    """Write a number with at most so many significant digits; never as an exponent."""
    if not math.isfinite(value):
        return "not a number"
    if value == 0:
        return "0"
    decimals = min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)
    text = f"{value:,.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def quantity(value: float, ucum: str, *, comparator: str = "", digits: int = 4) -> str:
    """Write a number with its unit, `<10 ×10⁹/L`; a presence as positive or negative."""
    if ucum == "{presence}":
        return "positive" if value > 0 else "negative"
    sign = _SIGNS.get(comparator, comparator)
    return _joined(f"{sign}{number(value, digits)}", unit(ucum))


def interval(lower: float | None, upper: float | None, ucum: str) -> str:
    """Write limits: `11.5–15.5 g/dL`, `from 1.5 g/dL`, `to 450 g/dL`, empty without either."""
    # A limit of infinity, as some laboratories send it, is no limit.
    low, high = (
        "" if limit is None or not math.isfinite(limit) else number(limit, 3)
        for limit in (lower, upper)
    )
    if low and high:
        return _joined(f"{low}–{high}", unit(ucum))
    if low:
        return _joined(f"from {low}", unit(ucum))
    return _joined(f"to {high}", unit(ucum)) if high else ""


def _joined(figure: str, printed_unit: str) -> str:
    return f"{figure} {printed_unit}" if printed_unit else figure


def signed(value: float, decimals: int = 1) -> str:
    """Write a number with its sign, zero without one."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


def ratio(value: float) -> str:
    """Write a likelihood ratio: whole from ten, one decimal from one, two digits below."""
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def odds(log_odds: float) -> str:
    """Write odds with two digits, `1:250` or `12:1`, and `1:1` where they are even."""
    size = number(float(f"{math.exp(min(abs(log_odds), _LARGEST_LOG_ODDS)):.2g}"))
    return f"{size}:1" if log_odds > 0 else f"1:{size}"


def percent(share: float) -> str:
    """Write a share of one in percent, without calling anything impossible or certain."""
    if share <= 0.0005:
        return "<0.1 %"
    if share >= 0.9995:
        return ">99.9 %"
    if share < 0.01 or share > 0.99:
        return f"{share:.1%}".replace("%", " %")
    return f"{share:.0%}".replace("%", " %")


def age(days: int | None) -> str:
    """Write an age in completed days in words: `7 years 2 months`, `9 days`."""
    if days is None:
        return "not stated"
    return " ".join(f"{n} {word}" if n == 1 else f"{n} {word}s" for n, word in _age_parts(days))


def short_age(days: int | None) -> str:
    """Write an age for a table or an axis: `7 y 2 mo`, `9 d`."""
    if days is None:
        return "not stated"
    return " ".join(f"{n} {_SHORT[word]}" for n, word in _age_parts(days))


_SHORT: Final = {"year": "y", "month": "mo", "week": "wk", "day": "d"}


def _age_parts(days: int) -> list[tuple[int, str]]:
    if days < 28:
        return [(days, "day")]
    if days < 61:
        return [(days // 7, "week")]
    # Half a day of grace: a year of 365 days is twelve months.
    months = int((days + 0.5) / DAYS_PER_MONTH)
    if months < 24:
        return [(months, "month")]
    years, rest = divmod(months, 12)
    return [(years, "year")] + ([(rest, "month")] if rest else [])


def turnaround(text: str) -> str:
    """Write how long a result takes: `14 d` as `14 days`, below a day as `same day`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)((?:-\d+)?) d", text)
    if match is None:
        return prose(text)
    if not match[2] and float(match[1]) < 1:
        return "same day"
    return f"{match[1]}{match[2].replace('-', '–')} {'day' if text == '1 d' else 'days'}"
