"""Units: what laboratories write is understood exactly, or refused by name."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator

import pytest
from lark.exceptions import LarkError
from ucumvert import PintUcumRegistry, UcumToPintTransformer, get_ucum_parser, parse_ucum

from hematon import units
from hematon.errors import UnitError
from hematon.units import canonical, conversion_factor, convert, likely_units

THOUSANDS = """
    K/uL; K/µL; K/μL; k/ul; K/UL; 10*3/uL; 10^3/uL; 10**3/uL; x10E3/uL; x10^3/uL; X10(3)/MCL;
    10E3/uL; 10e3/uL; 1000/uL; 1000/mm3; thou/uL; Thou/mm3; thousand/uL; TH/mm3; thou/cumm;
    10*9/L; 10^9/L; x10^9/L; x 10e9/L; 10E9/L; 10⁹/L; ×10⁹/L; 10 ^ 9 / L; G/L; G/l; g/l; Giga/L;
    bil/L; Tsd/µl; Tsd./µl; Gpt/L; /nL; K/mm3; 10*3/mm3; 10*3/mcL; 10³/mm³; E9/L; 10x3/uL; 1e9/L;
    10.e9/L; *10^9/L; 10⁹·L⁻¹; 10*9.L-1; 10*3{cells}/uL; 10^3 cells/uL; cells x 10^9/L; K/cu mm;
    thousand per microliter; tys/µl; K cells/uL; 10*3/㎕
"""
SINGLES = """
    /uL; /µL; /mcL; /mm3; /mm^3; /mm³; /cumm; cells/uL; {cells}/uL; cells/mm3; cells/mcL; #/uL;
    1/uL; cell/uL; cells per µL; 10*6/L; /cu.mm
"""
MILLIONS = """
    M/uL; m/uL; M/µL; 10*6/uL; 10^6/uL; x10E6/uL; mill/mm3; MILL/UL; mill/uL; million/uL; M/mm3;
    10*12/L; 10^12/L; 10¹²/L; T/L; t/l; Tera/L; Téra/L; Tpt/L; /pL; Mio/µl; mln/ul
"""
# (local spelling, the analyte's unit, what 1 is worth in it)
MEASURES = [
    *((u, "g/dL", 1.0) for u in ("g/dL", "gm/dL", "G/DL", "GM/DL", "gr/dl", "g%", "g/100mL")),
    *((u, "g/dL", 0.1) for u in ("g/L", "G/L", "gram/L", "mg/mL", "g.L-1", "kg/m3")),
    *((u, "mg/dL", 1.0) for u in ("mg/dL", "MG/DL", "mg%", "mg / 100 mL", "mg.dL-1")),
    *((u, "mg/L", 1.0) for u in ("mg/L", "ug/mL", "mcg/mL", "µg/mL")),
    *((u, "ug/dL", 1.0) for u in ("ug/dL", "mcg/dL", "µg/dL", "μg/dL", "MCG/DL", "ug%")),
    *((u, "ng/mL", 1.0) for u in ("ng/mL", "µg/L", "ug/L", "mcg/L", "NG/ML")),
    *((u, "ng/mL", 0.01) for u in ("ng/dL",)),
    *((u, "pg/mL", 1.0) for u in ("pg/mL", "ng/L")),
    *((u, "%", 1.0) for u in ("%", "percent", "per cent", "pct", "% of total", "%{WBCs}")),
    *((u, "%", 1.0) for u in ("%(of Hb)", "% Hb", "%{Hb}", "% of normal", "/100{WBC}")),
    *((u, "%", 1.0) for u in ("/100 leukocytes", "/100 cells", "mL/dL", "vol%")),
    *((u, "%", 0.1) for u in ("[ppth]", "‰", "/1000{RBC}", "per 1000 RBC")),
    *((u, "%", 100.0) for u in ("1", "fraction", "{fraction}", "L/L", "l/l")),
    *((u, "[ppth]", 10.0) for u in ("%", "/100{RBC}")),
    *((u, "/100{WBC}", 1.0) for u in ("/100{WBC}", "/100 WBC", "per 100 WBC", "%", "#/100 WBC")),
    *(
        (u, "fL", 1.0)
        for u in ("fL", "FL", "um3", "µm³", "um^3", "cu mic", "cubic microns", "fl/cell")
    ),
    *((u, "pg", 1.0) for u in ("pg", "PG", "pg/cell")),
    *((u, "U/L", 1.0) for u in ("U/L", "u/l", "IU/L", "[IU]/L", "mU/mL", "mIU/mL", "Units/L")),
    *((u, "U/L", 1000.0) for u in ("kU/L", "U/mL", "IU/mL", "[IU]/mL")),
    *((u, "U/L", 60.0) for u in ("ukat/L", "µkat/L")),
    *((u, "[IU]/mL", 1.0) for u in ("[IU]/mL", "IU/mL", "U/mL", "kU/L", "IU/ML", "UI/mL")),
    *((u, "m[IU]/L", 1.0) for u in ("m[IU]/L", "mIU/L", "MIU/L", "mU/L", "uIU/mL", "µIU/mL")),
    *((u, "m[IU]/L", 1.0) for u in ("u[IU]/mL", "mcIU/mL", "µU/mL")),
    *((u, "m[IU]/mL", 1.0) for u in ("m[IU]/mL", "mIU/mL", "mU/mL", "IU/L")),
    *((u, "umol/L", 1.0) for u in ("umol/L", "µmol/L", "UMOL/L", "mcmol/L", "nmol/mL")),
    *((u, "umol/L", 1000.0) for u in ("mmol/L", "mol/m3")),
    *((u, "umol/L", 0.001) for u in ("nmol/L",)),
    *((u, "ug/g", 1.0) for u in ("ug/g", "µg/g", "mcg/g", "mg/kg", "ng/mg")),
    *((u, "U/g{Hb}", 1.0) for u in ("U/g{Hb}", "U/g Hb", "U/gHb", "IU/g Hb", "U/g", "U/g of Hgb")),
    *((u, "{titer}", 1.0) for u in ("{titer}", "titer")),
    ("{presence}", "{presence}", 1.0),
]
UNKNOWN = """
    K; k; thou; x10^3; 10*3; 10^9; mil/uL; bill/L; 103/uL; 106/uL; 109/L; {cells}; {copies}; #;
    [CFU]/mL; [arb'U]/mL; furlong/L; /; //; K//uL; 10*3/; 10^/L; [pH]; dB; 10*999/L
"""


def spelled(text: str) -> list[str]:
    """Split a list of spellings at semicolons."""
    return [part.strip() for part in text.split(";")]


@pytest.mark.parametrize("unit", spelled(THOUSANDS))
def test_thousands_per_microliter(unit: str) -> None:
    """Every way to write thousands per microliter leaves a white cell count as it is."""
    assert convert(7.3, unit, "10*9/L", {}) == 7.3


@pytest.mark.parametrize("unit", spelled(SINGLES))
def test_cells_per_microliter(unit: str) -> None:
    """A count in cells per microliter is a thousand times larger."""
    assert convert(7300, unit, "10*9/L", {}) == 7.3


@pytest.mark.parametrize("unit", spelled(MILLIONS))
def test_millions_per_microliter(unit: str) -> None:
    """Every way to write millions per microliter leaves a red cell count as it is."""
    assert convert(4.51, unit, "10*12/L", {}) == 4.51


@pytest.mark.parametrize(("unit", "analyte_unit", "worth"), MEASURES)
def test_measures(unit: str, analyte_unit: str, worth: float) -> None:
    """Masses, fractions, volumes, units and amounts convert by exact factors."""
    assert conversion_factor(unit, analyte_unit, {}) == worth


@pytest.mark.parametrize("unit", spelled(UNKNOWN))
def test_unknown_is_refused(unit: str) -> None:
    """A unit that states no volume, is arbitrary, or lost its superscript is refused by name."""
    with pytest.raises(UnitError, match="is not known; send the UCUM code") as refused:
        conversion_factor(unit, "10*9/L", {})
    assert repr(unit) in str(refused.value)


@pytest.mark.parametrize("unit", ["", "   ", "{", "\x00", "\ud800", "𐏿/L"])
def test_odd_characters_are_refused(unit: str) -> None:
    """Empty text, control characters and lone surrogates are refused, and the message prints."""
    with pytest.raises(UnitError) as refused:
        canonical(unit)
    assert str(refused.value).encode()


@pytest.mark.parametrize(
    ("unit", "analyte_unit"),
    [
        ("g/dL", "10*9/L"),
        ("G/DL", "10*9/L"),
        ("K/dL", "10*9/L"),
        ("10*9/L", "g/dL"),
        ("mmol/L", "g/dL"),
        ("[IU]/L", "10*9/L"),
        ("{presence}", "%"),
        ("{titer}", "%"),
        ("ug/g", "%"),
        ("meq/L", "mmol/L"),
        ("m/s", "10*9/L"),
        ("rad/L", "10*9/L"),
        ("%", "10*9/L"),
    ],
)
def test_other_kind_is_refused(unit: str, analyte_unit: str) -> None:
    """A known unit of another kind is refused, and the message says what to send instead."""
    with pytest.raises(UnitError, match="does not fit this analyte") as refused:
        convert(1.0, unit, analyte_unit, {})
    assert analyte_unit in str(refused.value)


def test_long_text_is_refused_unread_and_cut() -> None:
    """Ten megabytes of unit text are refused at once, and the message shows 40 characters."""
    for refuse in (canonical, lambda text: conversion_factor(text, "10*9/L", {})):
        with pytest.raises(UnitError) as refused:
            refuse("m" * 10_000_000)
        assert "m" * 40 + "'…" in str(refused.value)
        assert "m" * 41 not in str(refused.value)


def test_analyte_unit_must_be_known() -> None:
    """An analyte's unit or another unit that nobody can read is named, not worked around."""
    with pytest.raises(UnitError, match="'bogus'"):
        conversion_factor("g/dL", "bogus", {})
    with pytest.raises(UnitError, match="'bogus'"):
        conversion_factor("g/dL", "mmol/L", {"bogus": 2.0})


def test_amounts_convert_by_the_analytes_factor() -> None:
    """Other units reach the analyte's unit through its factor, at any prefix and spelling."""
    factors = {"umol/L": 0.0113, "mmol/L": 11.3}
    assert conversion_factor("µmol/L", "mg/dL", factors) == 0.0113
    assert conversion_factor("mmol/L", "mg/dL", {"umol/L": 0.0113}) == 11.3
    assert convert(8.0, "mmol/L", "g/dL", {"mmol/L": 1.611}) == 8.0 * 1.611
    assert conversion_factor("mg/L", "mmol/L", {"mg/dL": 0.111}) == 0.0111
    assert conversion_factor("mEq/L", "mmol/L", {"meq/L": 1.0}) == 1.0
    with pytest.raises(UnitError, match="send it in mg/dL or umol/L"):
        conversion_factor("U/L", "mg/dL", {"umol/L": 0.0113})


def test_own_kind_needs_no_factor() -> None:
    """A factor for another kind never touches units of the analyte's own kind."""
    assert conversion_factor("g/L", "g/dL", {"mmol/L": 1.611}) == 0.1


def test_case_decides_only_where_the_analyte_does_not() -> None:
    """G/L is giga for a count and grams for a mass; alone, its case decides."""
    assert conversion_factor("G/L", "10*9/L", {}) == 1.0
    assert conversion_factor("g/l", "10*9/L", {}) == 1.0
    assert conversion_factor("G/L", "g/L", {}) == 1.0
    assert (canonical("G/L"), canonical("g/L"), canonical("g/l")) == ("10*9/L", "g/L", "g/L")


@pytest.mark.parametrize(
    ("value", "unit", "analyte_unit", "expected"),
    [
        (71, "g/L", "g/dL", 7.1),
        (71.3, "g/L", "g/dL", 7.13),
        (0.29, "L/L", "%", 29.0),
        (0.57, "1", "%", 57.0),
        (1.1, "mg/mL", "mg/L", 1100.0),
        (499, "/uL", "10*9/L", 0.499),
        (0.0, "/uL", "10*9/L", 0.0),
        (0.07, "/uL", "10*9/L", 0.00007),
        (1e-05, "L/L", "%", 0.001),
        (2e17, "/L", "10*9/L", 2e8),
        (-3.3, "/uL", "10*9/L", -0.0033),
        (7, "10*3/uL", "10*9/L", 7.0),
    ],
)
def test_powers_of_ten_do_not_round(
    value: float, unit: str, analyte_unit: str, expected: float
) -> None:
    """A value moved by a power of ten is the float one would have typed."""
    moved = convert(value, unit, analyte_unit, {})
    assert moved == expected
    assert type(moved) is float


def test_not_a_number_stays_so() -> None:
    """NaN and infinity pass through; whether they are results is not for units to say."""
    assert math.isnan(convert(math.nan, "g/L", "g/dL", {}))
    assert convert(math.inf, "g/L", "g/dL", {}) == math.inf


@pytest.mark.parametrize(
    ("value", "unit", "analyte_unit", "other_units", "limits", "expected"),
    [
        (95, "g/dL", "g/dL", {"mmol/L": 1.611}, (0.5, 28), ("g/L",)),
        (250000, "10*9/L", "10*9/L", {}, (0, 5000), ("/uL",)),
        (250000, "K/uL", "10*9/L", {}, (0, 5000), ("/uL",)),
        (0.35, "%", "%", {}, (5, 80), ("{fraction}",)),
        (60, "mg/dL", "mg/dL", {"umol/L": 0.0113}, (0.05, 30), ("mg/L", "ug/dL", "umol/L")),
        (4.5, "/uL", "10*12/L", {}, (0.2, 12), ("10*12/L",)),
        (350, "unheard of", "10*9/L", {}, (1, 5000), ("10*9/L",)),
        (math.nan, "g/dL", "g/dL", {}, (0.5, 28), ()),
    ],
)
def test_likely_units(
    value: float,
    unit: str,
    analyte_unit: str,
    other_units: dict[str, float],
    limits: tuple[float, float],
    expected: tuple[str, ...],
) -> None:
    """The units named are those in which the value would be plausible, never the stated one."""
    assert likely_units(value, unit, analyte_unit, other_units, *limits) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("K/uL", "10*3/uL"),
        ("x10E6/µL", "10*6/uL"),
        ("10⁹/L", "10*9/L"),
        ("Tsd/µl", "10*3/uL"),
        ("cells/mm^3", "/mm3"),
        ("{cells}/uL", "/uL"),
        ("MCG/DL", "ug/dL"),
        ("g/100mL", "g/dL"),
        ("mg%", "mg/dL"),
        ("IU/ml", "[IU]/mL"),
        ("MIU/L", "m[IU]/L"),
        ("U/g Hb", "U/g{Hb}"),
        ("/100 WBC", "/100{WBC}"),
        ("per 1000 RBC", "/1000{RBC}"),
        ("/100", "/100{cells}"),
        ("% of total", "%"),
        ("l/l", "L/L"),
        ("fraction", "{fraction}"),
        ("cu mic", "um3"),
        ("titer", "{titer}"),
        ("10*9.L-1", "10*9.L-1"),
    ],
)
def test_canonical(unit: str, expected: str) -> None:
    """The UCUM spelling is shown, and is its own canonical spelling."""
    assert canonical(unit) == expected
    assert canonical(expected) == expected


def test_tables_do_not_load_ucumvert() -> None:
    """Known spellings cost no second of imports: ucumvert is loaded only for the others."""
    code = (
        "import sys; from hematon.units import *\n"
        "conversion_factor('K/uL', '10*9/L', {}); convert(8.0, 'mmol/L', 'g/dL', {'mmol/L': 1.6})\n"
        "sys.exit('ucumvert' in sys.modules or 'pint' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


OUR_READING = {
    *("K/uL", "m/uL", "G/L", "T/L", "t/L"),  # UCUM: kelvin, meter, gauss, tesla, tonne
    *(f"{prefix}u/L" for prefix in ("", "k", "m", "u", "n", "p", "f")),  # UCUM: dalton
    *("g%", "mg%", "ug%"),  # UCUM agrees with us; ucumvert 0.3 reads gram times percent
    *("cu.mm/L", "g/cu.mm"),  # UCUM: centidalton times millimeter
}
"""What laboratories mean otherwise than ucumvert reads it; a new difference must be judged here."""


def table_spellings() -> Iterator[str]:
    """Give each spelling of the tables in a whole unit, without local variants of 10*n."""
    for above in units._NUMERATORS:
        letters = {above, above.upper()} if len(above) == 1 else {above}
        for letter in letters:
            yield f"{letter}/uL" if above in ("k", "m") else f"{letter}/L"
    for below in units._DENOMINATORS:
        yield f"g/{below}"
    yield from units._WHOLE
    for power in range(1, 16):
        yield from (f"10*{power}/L", f"10^{power}/L")
    yield from ("%", "/100{WBC}", "/1000{RBC}")


def test_factors_agree_with_ucumvert() -> None:
    """Each spelling's UCUM form, and each spelling that is UCUM, has ucumvert's factor."""
    parser = get_ucum_parser()
    transform = UcumToPintTransformer(ureg=PintUcumRegistry()).transform

    def size(ucum: str) -> tuple[float, str]:
        quantity = transform(parse_ucum(ucum, parser)).to_base_units()
        return float(quantity.magnitude), str(quantity.units)

    bases = {"fraction": "1", "mass": "g", "volume": "L", "amount": "mol", "mass/mass": "g/g"}
    differing = set()
    for spelling in table_spellings():
        ucum = canonical(spelling)
        kind = units._meaning(ucum).kind
        if kind in ("presence", "titer") or ucum == "{fraction}":
            continue  # annotations, which ucumvert does not size
        numerator = {"count": "", "mass": "g", "amount": "mol", "equivalent": "eq"}
        unit = "[IU]" if "[IU]" in ucum else "U"
        base = bases.get(kind) or numerator.get(kind.partition("/")[0], unit) + "/L"
        one, base_units = size(base)
        ours = units._meaning(spelling).scale
        expected, its_units = size(ucum)
        assert its_units == base_units, spelling
        assert float(ours) == pytest.approx(expected / one, rel=1e-12), spelling
        try:
            theirs = size(spelling)
        except (LarkError, AttributeError):
            continue  # a local spelling, or an annotation only
        if theirs != (pytest.approx(expected, rel=1e-12), its_units):
            differing.add(spelling)
    assert differing == OUR_READING
