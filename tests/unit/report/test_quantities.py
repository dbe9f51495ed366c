"""Numbers, units, ages and foreign text are written as a clinician reads them."""

from __future__ import annotations

import math

import pytest

from hematon.report import quantities


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (8.9, 4, "8.9"),
        (9.0, 4, "9"),
        (0.0, 4, "0"),
        (102.0, 4, "102"),
        (1.32, 4, "1.32"),
        (11.4837, 3, "11.5"),
        (999.6, 3, "1,000"),
        (12345.6, 4, "12,346"),
        (-0.1543, 2, "−0.15"),
        (0.00001234, 4, "0.000012"),
        (math.nan, 4, "not a number"),
        (math.inf, 4, "not a number"),
    ],
)
def test_numbers_keep_sensible_digits(value: float, digits: int, expected: str) -> None:
    """A number has no exponent, no needless zeros and a real minus sign."""
    assert quantities.number(value, digits) == expected


@pytest.mark.parametrize(
    ("value", "unit", "comparator", "expected"),
    [
        (45.0, "10*9/L", "", "45 ×10⁹/L"),
        (10.0, "10*9/L", "<", "<10 ×10⁹/L"),
        (10.0, "10*9/L", "<=", "≤10 ×10⁹/L"),
        (8.9, "g/dL", "", "8.9 g/dL"),
        (1.0, "{presence}", "", "positive"),
        (0.0, "{presence}", "", "negative"),
        (160.0, "{titer}", "", "160 titer"),
        (3.0, "", "", "3"),
        (70.0, "ug/dL", "", "70 µg/dL"),
    ],
)
def test_a_quantity_has_its_unit_beside_it(
    value: float, unit: str, comparator: str, expected: str
) -> None:
    """The unit is printed as a reader expects it, and a presence has none."""
    assert quantities.quantity(value, unit, comparator=comparator) == expected


def test_units_inside_sentences_are_written_out() -> None:
    """UCUM in the knowledge's sentences never reaches a reader."""
    text = "below 0.5 10*9/L, x10^9/L, 60 m[IU]/mL, >= 265 mg/dL, 5 ug/L, 2 umol/L, 250000 /uL"
    assert quantities.prose(text) == (
        "below 0.5 ×10⁹/L, ×10⁹/L, 60 mIU/mL, ≥ 265 mg/dL, 5 µg/L, 2 µmol/L, 250000 /µL"
    )


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (None, None, ""),
        (11.5, 15.5, "11.5–15.5 g/dL"),
        (11.5, None, "from 11.5 g/dL"),
        (11.5, math.inf, "from 11.5 g/dL"),
        (None, 15.5, "to 15.5 g/dL"),
    ],
)
def test_one_sided_limits_are_said_as_such(
    lower: float | None, upper: float | None, expected: str
) -> None:
    """A missing limit is never written as zero."""
    assert quantities.interval(lower, upper, "g/dL") == expected


def test_an_open_interval_without_numbers_is_empty() -> None:
    """An upper limit of infinity alone says nothing."""
    assert quantities.interval(None, math.inf, "g/dL") == ""


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [(-4.6, 1, "−4.6"), (12.2, 1, "+12.2"), (0.0, 1, "0.0"), (-0.001, 2, "0.00")],
)
def test_signs(value: float, decimals: int, expected: str) -> None:
    """Zero has no sign, also when it was rounded to."""
    assert quantities.signed(value, decimals) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1234.0, "1,234"), (19.0, "19"), (4.25, "4.2"), (1.0, "1.0"), (0.18, "0.18"), (0.02, "0.02")],
)
def test_likelihood_ratios(value: float, expected: str) -> None:
    """A ratio has the digits that matter at its size."""
    assert quantities.ratio(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "<0.1 %"),
        (0.003, "0.3 %"),
        (0.38, "38 %"),
        (0.995, "99.5 %"),
        (0.99999, ">99.9 %"),
    ],
)
def test_nothing_is_impossible_or_certain(share: float, expected: str) -> None:
    """A share is never written as 0 % or 100 %."""
    assert quantities.percent(share) == expected


@pytest.mark.parametrize(
    ("days", "long", "short"),
    [
        (None, "not stated", "not stated"),
        (0, "0 days", "0 d"),
        (1, "1 day", "1 d"),
        (27, "27 days", "27 d"),
        (40, "5 weeks", "5 wk"),
        (60, "8 weeks", "8 wk"),
        (61, "2 months", "2 mo"),
        (364, "11 months", "11 mo"),
        (365, "12 months", "12 mo"),
        (730, "2 years", "2 y"),
        (2641, "7 years 2 months", "7 y 2 mo"),
    ],
)
def test_ages(days: int | None, long: str, short: str) -> None:
    """An age is said in the unit that fits it."""
    assert quantities.age(days) == long
    assert quantities.short_age(days) == short


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5 d", "same day"),
        ("1 d", "1 day"),
        ("14 d", "14 days"),
        ("1-10 d", "1–10 days"),
        ("0.3 (sIL2R 3-7) d", "0.3 (sIL2R 3-7) d"),
    ],
)
def test_turnaround(text: str, expected: str) -> None:
    """Parts of a day are the same day; what is not a plain duration stands as it is."""
    assert quantities.turnaround(text) == expected


def test_foreign_text_can_neither_drive_a_terminal_nor_reorder() -> None:
    """Escape sequences, surrogates and direction overrides are replaced, letters are kept."""
    assert quantities.clean("a\x1b[31m\u202eb\ud800\x00\x9b") == "a�[31m�b���"
    assert quantities.clean("Ñandú 中 \u200d é\n\tx") == "Ñandú 中 \u200d é  x"


def test_plain_writes_our_signs_in_ascii() -> None:
    """Everything the reports add themselves can be read where only ASCII can be shown."""
    ours = "≤ 45 ×10⁹/L, ×10¹²/L × µ ‰ − – … ● ◐ ○ ◌ “a” ’ ≥ blood · same day"
    assert quantities.plain(ours).isascii()
    assert quantities.plain("blood · same day") == "blood; same day"


def test_odds_are_rounded_and_never_endless() -> None:
    """Two digits; even odds are 1:1; beyond a million to one no more is said."""
    assert quantities.odds(math.log(12.3)) == "12:1"
    assert quantities.odds(math.log(1 / 1503)) == "1:1,500"
    assert quantities.odds(0.0) == "1:1"
    assert quantities.odds(-80.0) == "1:1,000,000"
    assert quantities.odds(math.log(3.44)) == "3.4:1"
