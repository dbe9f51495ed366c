"""Units: the same quantity in another unit is the same number, and no text breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hematon.errors import UnitError
from hematon.units import canonical, conversion_factor, convert, likely_units

SAME_KIND = [
    ("10*9/L", "K/uL", "/uL", "10*6/uL", "G/L", "x10E3/µL", "cells/mm3", "/nL", "10*9.L-1"),
    ("g/dL", "g/L", "mg/dL", "ug/mL", "ng/L", "mg%", "g/100 mL", "mg.dL-1"),
    ("%", "L/L", "[ppth]", "/100{WBC}", "fraction", "‰"),
    ("U/L", "kU/L", "IU/mL", "m[IU]/mL", "uIU/mL", "ukat/L"),
    ("mmol/L", "µmol/L", "nmol/mL", "pmol/L", "mol/m3"),
    ("ug/g", "mg/kg", "ng/mg", "mg/g"),
]
PAIRS = [(a, b) for kind in SAME_KIND for a in kind for b in kind]
values = st.floats(min_value=1e-6, max_value=1e9)
# Text near the grammar of units reaches further into the readers than random text does.
near_units = st.text("0123456789KkMmGgTtuUµLldxXeE*^./()[]{}%# -+⁹³×BCWHb", max_size=70)
texts = st.one_of(st.text(), near_units)
# The first unit outside the tables loads ucumvert, which takes longer than a test may.
unhurried = settings(deadline=None)


@unhurried
@given(value=values, pair=st.sampled_from(PAIRS))
def test_there_and_back(value: float, pair: tuple[str, str]) -> None:
    """A value taken to another unit of its kind and back is the same value."""
    away = convert(value, pair[0], pair[1], {})
    assert convert(away, pair[1], pair[0], {}) == pytest.approx(value, rel=1e-12)


@unhurried
@given(value=values, pair=st.sampled_from(PAIRS))
def test_factor_and_value_agree(value: float, pair: tuple[str, str]) -> None:
    """Converting a value is multiplying it by the factor, up to rounding."""
    factor = conversion_factor(pair[0], pair[1], {})
    assert convert(value, pair[0], pair[1], {}) == pytest.approx(value * factor, rel=1e-12)


@unhurried
@given(tenths=st.integers(1, 10**7))
def test_decimals_survive(tenths: int) -> None:
    """One decimal in g/L is two decimals in g/dL: the very float that a person would type."""
    typed = float(f"{tenths // 100}.{tenths % 100:02d}")
    assert convert(tenths / 10, "g/L", "g/dL", {}) == typed
    assert convert(tenths / 10, "/uL", "10*9/L", {}) == float(f"{tenths}e-4")


@unhurried
@given(value=values, pair=st.sampled_from(PAIRS), low=values, high=values)
def test_likely_units_are_plausible(
    value: float, pair: tuple[str, str], low: float, high: float
) -> None:
    """Every unit named makes the value plausible, and converts otherwise than the stated one."""
    stated = conversion_factor(pair[0], pair[1], {})
    for unit in likely_units(value, pair[0], pair[1], {}, low, high):
        assert low <= convert(value, unit, pair[1], {}) <= high
        assert conversion_factor(unit, pair[1], {}) != stated


@unhurried
@given(text=texts)
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    """Whatever stands in a unit field, the answer is a finite factor or a UnitError."""
    for analyte_unit, other_units in (("10*9/L", {}), ("g/dL", {"mmol/L": 1.611}), ("%", {})):
        try:
            assert 0 < conversion_factor(text, analyte_unit, other_units) < float("inf")
        except UnitError:
            continue


@unhurried
@given(text=texts)
def test_canonical_is_stable(text: str) -> None:
    """A canonical spelling is its own canonical spelling, and means what the text meant."""
    try:
        ucum = canonical(text)
    except UnitError:
        return
    assert canonical(ucum) == ucum
    assert conversion_factor(text, ucum, {}) == 1.0
