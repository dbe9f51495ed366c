"""Windows and ticks give a readable picture of one draw as well as of many."""

from __future__ import annotations

import pytest

from hematon.report import scales


def test_one_draw_still_has_a_window() -> None:
    """A single draw stands inside a window that has width, also on the day of birth."""
    first, final = scales.window([2641.0])
    assert first < 2641 < final
    assert scales.window([0.0]) == (0.0, 7.0)


def test_window_grows_with_the_span() -> None:
    """Serial draws have room on both sides."""
    first, final = scales.window([1000.0, 3000.0])
    assert first == pytest.approx(760.0)
    assert final == pytest.approx(3240.0)
    assert scales.window([900.0, 1077.0])[1] < 1077 + 40


def test_extent_holds_values_and_band() -> None:
    """Every value and both limits are inside; a linear axis does not go below zero."""
    low, high = scales.extent([8.9], [11.5, 15.5], log=False)
    assert 0 <= low < 8.9
    assert high > 15.5
    assert scales.extent([0.0], [0.0, 1.0], log=False)[0] == 0.0


def test_extent_of_a_single_value_has_height() -> None:
    """Nothing divides by zero when value and band coincide."""
    assert scales.extent([5.0], [5.0, 5.0], log=False) == (4.0, 6.0)


def test_zero_on_a_logarithmic_axis_stands_at_its_floor() -> None:
    """A count of zero widens the axis, which stays positive."""
    low, high = scales.extent([0.0, 2.0], [1.5, 8.0], log=True)
    assert 0 < low < 1.5 / 1.6
    assert high == pytest.approx(10.0)
    assert scales.extent([2.0], [1.5, 8.0], log=True)[0] == pytest.approx(1.5 / 1.6)


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (7.0, 16.0, False, (10.0, 15.0)),
        (0.0, 1.0, False, (0.0, 0.5, 1.0)),
        (0.75, 10.0, True, (1.0, 2.0, 5.0, 10.0)),
        (0.2, 30.0, True, (0.3, 1.0, 3.0, 10.0, 30.0)),
        (0.02, 700.0, True, (0.1, 1.0, 10.0, 100.0)),
        (0.0002, 7000.0, True, (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)),
    ],
)
def test_value_ticks_are_round(
    low: float, high: float, log: bool, expected: tuple[float, ...]
) -> None:
    """Ticks are 1, 2, 5 steps; on a long logarithmic axis decades."""
    assert scales.value_ticks(low, high, log=log) == expected


def test_age_ticks_choose_their_unit() -> None:
    """Days for a newborn, years for a child followed for long, never a crowd."""
    assert scales.age_ticks(0.0, 4.0) == (0.0, 2.0, 4.0)
    years = scales.age_ticks(100.0, 5000.0)
    assert len(years) <= scales.MOST_AGE_TICKS
    assert years[0] == pytest.approx(5 * 365.25)
    assert len(scales.age_ticks(0.0, 40000.0)) > scales.MOST_AGE_TICKS


def test_the_latest_and_the_lowest_are_labelled_first() -> None:
    """Where there is no room for all, the values a clinician looks for remain."""
    assert scales.by_importance([5.0, 1.0, 9.0, 4.0, 3.0]) == (4, 1, 0, 2, 3)
    assert scales.by_importance([5.0]) == (0,)
