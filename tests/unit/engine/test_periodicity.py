"""The periodogram against SciPy's, and what it does where a wave cannot be told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lombscargle

from hematon.engine import periodicity
from hematon.engine.periodicity import SPANS, Series, detrended, fit, grid, peaks, periodogram


def one(days: list[int], values: list[float]) -> Series:
    """A single series."""
    return periodicity.series(
        np.zeros(len(days), dtype=np.int64), np.array(days, dtype=float), np.array(values), 1
    )


def many(rng: np.random.Generator, n: int, longest: int) -> Series:
    """Make n series of 8 to 40 draws on random days."""
    days, rows = [], []
    for i in range(n):
        size = int(rng.integers(8, 41))
        days.append(np.sort(rng.choice(longest, size, replace=False)).astype(float))
        rows.append(np.full(size, i))
    row, day = np.concatenate(rows), np.concatenate(days)
    return periodicity.series(row, day, rng.normal(size=len(row)), n)


@pytest.mark.parametrize("days", SPANS)
def test_periodogram_is_scipys_floating_mean(days: int) -> None:
    """Every trial period of every series to 1e-9, over several blocks of series."""
    table = grid(days)
    given = many(np.random.default_rng(days), 40, days)
    power = periodogram(given, table)
    for i in range(len(given)):
        at = slice(given.start[i], given.start[i + 1])
        expected = lombscargle(
            given.day[at].astype(float),
            given.value[at],
            2 * np.pi * table.frequency,
            floating_mean=True,
            normalize=True,
        )
        np.testing.assert_allclose(power[i], expected, atol=1e-9, rtol=0)


def test_blocks_do_not_change_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A series has the same power to the last bit in a batch of any size."""
    given, table = many(np.random.default_rng(5), 50, 96), grid(96)
    whole = periodogram(given, table)
    monkeypatch.setattr(periodicity, "BLOCK", 1)
    assert (periodogram(given, table) == whole).all()
    assert (periodogram(given.of(np.array([7])), table)[0] == whole[7]).all()


@given(
    days=st.lists(st.integers(0, 190), min_size=5, max_size=40, unique=True),
    period=st.floats(8.5, 49),
    phase=st.floats(0, 6.28),
)
def test_a_pure_wave_explains_everything(days: list[int], period: float, phase: float) -> None:
    """At its own frequency a noiseless wave has power 1, and no power is above 1 or below 0."""
    days = sorted(days)
    wave = [math.cos(2 * math.pi * day / period + phase) for day in days]
    series = one(days, wave)
    found = fit(series, np.array([1 / period]))
    if np.var(wave) > 1e-6:
        assert found.power[0] == pytest.approx(1, abs=1e-6)
    power = periodogram(series, grid(SPANS[-1]))
    assert (power >= -1e-9).all()
    assert (power <= 1 + 1e-6).all()


def test_period_and_trough_are_found() -> None:
    """A falling wave of 21 days: period, height, first trough, level and slope."""
    days = list(range(0, 84, 3))
    values = [2 - 0.01 * day - 0.5 * math.cos(2 * math.pi * (day - 9) / 21) for day in days]
    peak = peaks(one(days, values), np.array([8.0]))
    assert peak.period[0] == pytest.approx(21, abs=0.2)
    assert peak.amplitude[0] == pytest.approx(0.5, abs=0.03)
    assert peak.trough[0] == pytest.approx(9, abs=0.6)
    assert peak.level[0] == pytest.approx(2, abs=0.1)
    assert peak.slope[0] == pytest.approx(-0.01, abs=0.002)
    assert peak.noise[0] < 0.06


def test_weekly_draws_have_an_alias() -> None:
    """Once a week, 21 days cannot be told from 10.5; every other day it can."""
    weekly = list(range(0, 84, 7))
    peak = peaks(one(weekly, [math.cos(2 * math.pi * d / 21) for d in weekly]), np.array([14.0]))
    assert peak.period[0] == pytest.approx(21, abs=0.3)
    assert peak.alias[0] == pytest.approx(10.5, abs=0.1)
    assert peak.alias_power[0] == pytest.approx(peak.power[0], abs=0.01)
    often = list(range(0, 84, 2))
    peak = peaks(one(often, [math.cos(2 * math.pi * d / 21) for d in often]), np.array([8.0]))
    assert peak.alias_power[0] < 0.1


def test_nothing_to_look_for() -> None:
    """A flat series has no power; draws too far apart leave no period to try."""
    days = list(range(0, 60, 5))
    flat = peaks(one(days, [0.3] * len(days)), np.array([10.0]))
    assert flat.power[0] == 0
    far = peaks(one(days, [float(d % 3) for d in days]), np.array([60.0]))
    assert np.isnan(far.period[0])
    assert np.isnan(far.power[0])


def test_sine_and_cosine_that_are_one_wave() -> None:
    """Weekly draws see a period of 14 days as one zigzag; its power is still its share."""
    days = list(range(0, 84, 7))
    values = [1.0 if k % 2 else -1.0 for k in range(len(days))]
    series = one(days, values)
    assert fit(series, np.array([1 / 14])).power[0] == pytest.approx(1)
    table = grid(96)
    near = np.abs(1 / table.frequency - 14).argmin()
    assert periodogram(series, table)[0, near] == pytest.approx(1, abs=0.05)


def test_detrending_takes_the_line_and_nothing_else() -> None:
    """What is left has no mean and no slope; a single day has no slope to take."""
    left, level, slope = detrended(one([0, 1, 5, 9], [1.0, 3.0, 2.0, 8.0]))
    assert left.sum() == pytest.approx(0)
    assert (left * [0, 1, 5, 9]).sum() == pytest.approx(0)
    expected = np.polyfit([0, 1, 5, 9], [1.0, 3.0, 2.0, 8.0], 1)
    assert [slope[0], level[0]] == pytest.approx(list(expected))
    assert detrended(one([4], [2.0]))[2][0] == 0
