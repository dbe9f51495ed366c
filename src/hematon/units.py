"""Units of hematology: the spellings laboratories send, and conversion that is exact or refused.

Decides what a unit text means and by how much a value in it must be multiplied to stand in the
analyte's unit. Does not decide whether a value is believable, and never rescales one on suspicion:
`likely_units` only names what a person might check.

A unit is a numerator over a denominator, each from a table of local spellings whose scales are
powers of ten, so no factor is ever rounded on the way. The tables win over UCUM: laboratories that
write `K/uL` mean thousands, not kelvin. A text outside the tables is read as UCUM by `ucumvert`.
Two units convert when they are of one kind; amounts convert to masses only by a factor that the
analyte states in `other_units`. Upper and lower case are told apart only where the analyte does
not settle the meaning, because many systems send everything in capitals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from hematon.errors import UnitError

MAX_LENGTH = 64
"""Longer texts are refused unread, so that no document can keep a parser busy."""
_SHOWN_LENGTH = 40
_CACHE_SIZE = 4096
_UcumRead = Callable[[str], tuple[float, str] | None]


class _Part(NamedTuple):
    """A numerator, a denominator, or a unit that is neither: `10 ** power` of its kind's base."""

    kind: str
    power: int
    ucum: str


class _Unit(NamedTuple):
    """What a unit text means: `scale` of its kind's base unit, and its UCUM spelling."""

    kind: str
    scale: Fraction
    ucum: str


class _Conversion(NamedTuple):
    """How to convert: the factor and, when that is a power of ten, its exponent as `e-1`."""

    factor: float
    exponent: str | None


# Spellings are as `_fold` leaves them: lower case, without spaces, micro as `u`, per as `/`.
_PREFIXES = {"k": 3, "": 0, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_PREFIXED_ROWS = (
    ("mass", "g", "g gm gms gr gram grams"),
    ("volume", "L", "l liter litre ltr"),
    ("amount", "mol", "mol"),
    # UCUM equates eq with mol, which holds for univalent ions only: the analyte has to say so.
    ("equivalent", "eq", "eq"),
    # Laboratories print U and IU for one another; UCUM would keep them apart.
    ("unit", "U", "u unit units"),
    ("unit", "[IU]", "[iu] iu ui ie"),
)
_METRIC_ROWS = tuple(
    (kind, power, prefix + ucum, " ".join(prefix + spelling for spelling in spellings.split()))
    for kind, ucum, spellings in _PREFIXED_ROWS
    for prefix, power in _PREFIXES.items()
)
# `mil` (million in English, thousand in Spanish) and `bill` (10*12 in German) are left out.
_COUNT_ROWS = (
    ("count", 0, "", "1"),
    ("count", 3, "10*3", "k th ths thou thous thousand thousands tsd tys miles 1000"),
    ("count", 6, "10*6", "m mill mio mln million millions millones 1000000"),
    ("count", 9, "10*9", "g giga gpt bil billion mrd"),
    ("count", 12, "10*12", "t tera téra tpt"),
)
_MEASURE_ROWS = (
    ("volume", -1, "dL", "dl 100ml 100cc"),
    ("volume", -3, "mL", "cc ccm cm3"),
    ("volume", -6, "mm3", "mm3 cumm cu.mm cmm mmc cubicmm"),
    ("volume", -15, "um3", "um3 cuum cumic cu.mic cumicron cumicrons cubicmicron cubicmicrons"),
    ("mass", 0, "g{Hb}", "ghb ghgb gmhb gmhgb gofhb gofhgb ghemoglobin"),
)
_WHOLE_ROWS = (
    ("fraction", 0, "1", "1"),
    ("fraction", 0, "{fraction}", "{fraction} fraction"),
    ("fraction", -2, "%", "vol% %vol"),
    ("fraction", -3, "[ppth]", "[ppth] ppth ‰ permille promille"),
    ("mass/volume", 1, "g/dL", "g% gm% gr%"),
    ("mass/volume", -2, "mg/dL", "mg%"),
    ("mass/volume", -5, "ug/dL", "ug%"),
    ("mass", -12, "pg", "pg/cell pg/rbc"),
    ("volume", -15, "fL", "fl/cell fl/rbc"),
    ("presence", 0, "{presence}", "{presence} presence"),
    ("titer", 0, "{titer}", "{titer} titer titre"),
)


def _by_spelling(*rows: tuple[str, int, str, str]) -> dict[str, tuple[_Part, ...]]:
    table: dict[str, tuple[_Part, ...]] = {}
    for kind, power, ucum, spellings in rows:
        for spelling in spellings.split():
            table[spelling] = (*table.get(spelling, ()), _Part(kind, power, ucum))
    return table


_NUMERATORS = _by_spelling(*_METRIC_ROWS, *_MEASURE_ROWS, *_COUNT_ROWS)
_DENOMINATORS = _by_spelling(
    *(row for row in _METRIC_ROWS if row[0] in ("mass", "volume")), *_MEASURE_ROWS
)
_WHOLE = _by_spelling(*_WHOLE_ROWS)
_ALONE = ("mass", "volume", "amount")
"""Kinds that may stand over nothing."""

_LETTER_VOLUMES = {"k": -6, "m": -6, "g": 0, "t": 0}
"""A lone letter counts only over the volume it is used with, so g/dL is never a giga per dL."""

_COMMON_UNITS = {
    "count/volume": ("10*9/L", "/uL", "10*12/L"),
    "mass/volume": ("g/dL", "g/L", "mg/dL", "mg/L", "ug/dL", "ng/mL", "ng/dL", "pg/mL"),
    "amount/volume": ("mmol/L", "umol/L", "nmol/L", "pmol/L"),
    "unit/volume": ("U/L", "[IU]/mL", "m[IU]/L"),
    "mass/mass": ("ug/g", "mg/g"),
    "fraction": ("%", "{fraction}", "[ppth]"),
}
"""What laboratories report in, most common first; of units equal in size, one."""
_LIKELY_RATIO = 1000.0

# The sign between 10 and its exponent is required: 103/uL is no unit. 10E3 is meant as 10*3.
_POWER_OF_TEN = re.compile(
    r"(?:1?[x*.])?(?:10\.?(?:(?:\*\*|[*^x]|e(?:xp)?)\(?\+?|\()(\d{1,2})\)?|1?e(\d{1,2}))"
)
_CELLS = re.compile(r"^(?:cells?|#)|(?:cells?|#)$")
_CELL_KINDS = r"(?:wbcs?|rbcs?|leukocytes|erythrocytes|lymphocytes|(?:nucleated)?cells)?"
_PERCENT = re.compile(rf"(?:%|percent|pct)\(?(?:of)?(?:total|normal|hg?b)*{_CELL_KINDS}\)?")
_PER_CELLS = re.compile(rf"(?:#|nrbcs?|rbcs?|cells?)?/(100|1000){_CELL_KINDS}")
_SUPERSCRIPT_POWER = re.compile("10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_PER = re.compile(r"\bper\b(?!\s*cent)", re.IGNORECASE)
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_LOOK_ALIKES = str.maketrans({"μ": "u", "×": "x", "∕": "/", "⁄": "/", "·": ".", "⋅": ".", "−": "-"})
# What may go to ucumvert. Not: 103/uL and 10^/L, which are UCUM and lost a superscript on the way;
# square brackets, whose arbitrary units it takes for pure numbers, so that [CFU]/mL would pass as
# a cell count; eq, see above; exponents long enough to keep it computing.
_READABLE_UCUM = re.compile(r"(?!(?!10[*^]\d)\d)(?!.*\d{4})(?!.*eq)[A-Za-z0-9*^./()+-]{1,32}")
_UCUM_BASES = (("count", "/L"), ("mass", "g/L"), ("amount", "mol/L"), ("unit", "U/L"))
_UCUM_DIGITS = 12
"""Decimals of a factor from pint kept: its floats carry errors in the last few digits."""
_LARGEST_UCUM_SCALE = 1e40


def conversion_factor(unit: str, analyte_unit: str, other_units: Mapping[str, float]) -> float:
    """Give the number by which a value in `unit` is multiplied to stand in `analyte_unit`.

    Prefer `convert` for single values: it does not round where the factor is a power of ten.

    Args:
        unit: the unit as the laboratory wrote it.
        analyte_unit: the analyte's unit, in UCUM.
        other_units: factor to `analyte_unit` of units of another kind, such as `mmol/L`.

    Raises:
        UnitError: the unit is unknown, or of a kind that does not convert.
    """
    return _conversion(unit, analyte_unit, other_units).factor


def convert(value: float, unit: str, analyte_unit: str, other_units: Mapping[str, float]) -> float:
    """Give a value in the analyte's unit, so that 71 g/L and 7.1 g/dL become the same number.

    Takes the units and raises as `conversion_factor` does.
    """
    factor, exponent = _conversion(unit, analyte_unit, other_units)
    if factor == 1.0:
        return float(value)
    if exponent is not None and 1e-4 <= abs(value) < 1e16:
        # Moving the decimal point of what was written is exact; 0.29 * 100 is 28.999999999999996.
        # Inside these limits a number prints without an exponent of its own.
        return float(str(value) + exponent)
    return float(value * factor)


def likely_units(
    value: float,
    unit: str,
    analyte_unit: str,
    other_units: Mapping[str, float],
    low: float,
    high: float,
) -> tuple[str, ...]:
    """Name the usual units in which a value that is implausible as stated would be plausible.

    Units more than a thousand times larger or smaller than the analyte's are left out: with a
    lower limit of zero, any tiny unit would make any number plausible.

    Args:
        value: the number as sent.
        unit: the unit it came with; may be unknown.
        analyte_unit: the analyte's unit, in UCUM.
        other_units: as for `conversion_factor`.
        low: lowest plausible value, in `analyte_unit`.
        high: highest plausible value, in `analyte_unit`.

    Returns:
        UCUM spellings: the analyte's own unit, the common ones of its kind, then `other_units`.

    Raises:
        UnitError: the analyte's unit is unknown.
    """
    stated = _find(unit, analyte_unit, other_units)
    seen = {stated.factor} if stated else set()
    likely = []
    common = _COMMON_UNITS.get(_meaning(analyte_unit).kind, ())
    for candidate in (analyte_unit, *common, *other_units):
        found = _find(candidate, analyte_unit, other_units)
        if found is None or found.factor in seen:
            continue
        seen.add(found.factor)
        is_usual = 1 / _LIKELY_RATIO <= found.factor <= _LIKELY_RATIO or candidate in other_units
        if is_usual and low <= convert(value, candidate, analyte_unit, other_units) <= high:
            likely.append(candidate)
    return tuple(likely)


def canonical(unit: str) -> str:
    """Give the UCUM spelling of a local spelling: `10*3/uL` for `K/uL`.

    Raises:
        UnitError: the unit is unknown.
    """
    return _meaning(unit).ucum


def _conversion(unit: str, analyte_unit: str, other_units: Mapping[str, float]) -> _Conversion:
    found = _find(unit, analyte_unit, other_units)
    if found is not None:
        return found
    _meaning(unit)  # says so when the unit is unknown
    choices = " or ".join(dict.fromkeys((analyte_unit, *other_units)))
    raise UnitError(f"unit {_shown(unit)} does not fit this analyte; send it in {choices}")


def _find(unit: str, analyte_unit: str, other_units: Mapping[str, float]) -> _Conversion | None:
    if len(unit) > MAX_LENGTH:
        return None
    found = _within_kind(unit, analyte_unit)
    if found is None and other_units:
        found = _between_kinds(unit, tuple(other_units.items()))
    return found


def _meaning(unit: str) -> _Unit:
    meanings = _resolve(unit) if len(unit) <= MAX_LENGTH else ()
    if not meanings:
        fix = "send the UCUM code, such as 10*9/L, g/dL or %"
        raise UnitError(f"unit {_shown(unit)} is not known; {fix}")
    return meanings[0]


def _shown(unit: str) -> str:
    # repr keeps control characters and lone surrogates out of logs and terminals.
    return repr(unit[:_SHOWN_LENGTH]) + ("…" if len(unit) > _SHOWN_LENGTH else "")


@lru_cache(_CACHE_SIZE)
def _within_kind(unit: str, analyte_unit: str) -> _Conversion | None:
    target = _meaning(analyte_unit)
    for meaning in _resolve(unit):
        if meaning.kind == target.kind:
            return _exact(meaning.scale / target.scale)
    return None


@lru_cache(_CACHE_SIZE)
def _between_kinds(unit: str, other_units: tuple[tuple[str, float], ...]) -> _Conversion | None:
    for other, factor in other_units:
        known = _meaning(other)
        for meaning in _resolve(unit):
            if meaning.kind == known.kind:
                return _exact(meaning.scale / known.scale * Fraction(str(factor)))
    return None


def _exact(factor: Fraction) -> _Conversion:
    above, below = str(factor.numerator), str(factor.denominator)
    is_power_of_ten = (above + below).count("1") == 2 and set(above + below) <= {"0", "1"}
    exponent = f"e{len(above) - len(below)}" if is_power_of_ten else None
    return _Conversion(float(factor), exponent)


@lru_cache(_CACHE_SIZE)
def _resolve(unit: str) -> tuple[_Unit, ...]:
    """Give every meaning of a unit text, the one its case suggests first; none when unknown."""
    text = _clean(unit)
    bare_text = _ANNOTATION.sub("", text)
    lower, bare = _fold(text), _ANNOTATION.sub("", _fold(text))
    if parts := _WHOLE.get(lower) or _WHOLE.get(bare):
        return _alone(parts)
    if _PERCENT.fullmatch(bare):
        return (_Unit("fraction", Fraction(1, 100), "%"),)
    if match := _PER_CELLS.fullmatch(bare):
        cells = next((c for c in ("WBC", "RBC") if c.lower() in lower.partition("/")[2]), "cells")
        ucum = f"/{match[1]}{{{cells}}}"
        return (_Unit("fraction", Fraction(1, int(match[1])), ucum),)
    above, slash, below = bare.partition("/")
    above = _CELLS.sub("", above).rstrip(".")
    if not slash and (parts := _numerator(above)):
        # A bare `K` or `m` names no volume; UCUM would make it kelvin or meter.
        return _alone(tuple(part for part in parts if part.kind in _ALONE))
    if found := tuple(_over(above, below)):
        # G/L is giga per liter and g/L is grams, when the analyte does not decide.
        return found[::-1] if bare_text.startswith("G") else found
    by_ucum = _read_ucum(bare_text) if _READABLE_UCUM.fullmatch(bare_text) else None
    return (by_ucum,) if by_ucum else ()


def _clean(unit: str) -> str:
    """Undo typography: superscripts, full-width and look-alike characters, spaces, `per`."""
    text = unicodedata.normalize("NFKC", _SUPERSCRIPT_POWER.sub(r"10*\1", unit))
    return "".join(_PER.sub("/", text.translate(_LOOK_ALIKES)).split())


def _fold(text: str) -> str:
    """Drop case, and reduce the spellings of micro, cubic and per gram of hemoglobin to one."""
    lower = re.sub(r"(?:mc|micro)(?=[lgu]|mol|\[?iu)", "u", text.lower())
    lower = re.sub(r"(?<=m)[*^]+(?=3)", "", lower)
    return re.sub(r"(?<=g)\{(hg?b)\}", r"\1", lower)


def _alone(parts: tuple[_Part, ...]) -> tuple[_Unit, ...]:
    return tuple(_Unit(part.kind, Fraction(10) ** part.power, part.ucum) for part in parts)


def _over(above: str, below: str) -> Iterator[_Unit]:
    for under in _DENOMINATORS.get(below, ()):
        for over in _numerator(above):
            if over.kind == "count" and _LETTER_VOLUMES.get(above, under.power) != under.power:
                continue
            kind = f"{over.kind}/{under.kind}"
            kind = "fraction" if kind == "volume/volume" else kind
            scale = Fraction(10) ** (over.power - under.power)
            yield _Unit(kind, scale, f"{over.ucum}/{under.ucum}")


def _numerator(text: str) -> tuple[_Part, ...]:
    if text in _NUMERATORS:
        return _NUMERATORS[text]
    if not text:
        return (_Part("count", 0, ""),)
    if match := _POWER_OF_TEN.fullmatch(text):
        power = int(match[1] or match[2])
        return (_Part("count", power, f"10*{power}"),)
    return ()


def _read_ucum(text: str) -> _Unit | None:
    read, kinds = _ucum_reader()
    size, base_units = read(text) or (0.0, "")
    kind, base_size = kinds.get(base_units, (base_units, 1.0))
    scale = size / base_size
    if base_units == "dimensionless" or not 1 / _LARGEST_UCUM_SCALE < scale < _LARGEST_UCUM_SCALE:
        return None  # a pure number may be a percentage, a titer or a count: it does not say
    return _Unit(kind, Fraction(f"{scale:.{_UCUM_DIGITS}g}"), text)


@lru_cache(1)
def _ucum_reader() -> tuple[_UcumRead, dict[str, tuple[str, float]]]:
    """Load `ucumvert`, which takes about a second: only when the tables do not know a unit."""
    from lark.exceptions import LarkError
    from pint.errors import PintError
    from ucumvert import (  # type: ignore[import-untyped]  # it ships no types
        PintUcumRegistry,
        UcumToPintTransformer,
        get_ucum_parser,
        parse_ucum,
    )

    parser = get_ucum_parser()
    # With a registry of our own, a host application's pint definitions cannot change a conversion.
    transform = UcumToPintTransformer(ureg=PintUcumRegistry()).transform

    def read(text: str) -> tuple[float, str] | None:
        try:
            quantity = transform(parse_ucum(text, parser)).to_base_units()
            return float(quantity.magnitude), str(quantity.units)
        except (LarkError, PintError, ArithmeticError, AttributeError, TypeError, ValueError):
            return None  # whatever a foreign parser stumbles over is not a unit we can use

    bases = {f"{kind}/volume": read(base) for kind, base in _UCUM_BASES}
    return read, {base[1]: (kind, base[0]) for kind, base in bases.items() if base}
