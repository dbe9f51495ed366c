"""How often chance makes a peak: calibrated on noise, fixed for ever, sharp for a real cycle."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pytest

from hematon.engine import chance as chance_module
from hematon.engine import periodicity
from hematon.engine.chance import Chance, bound, chance, permutations
from hematon.engine.periodicity import Peak, Series, peaks
from series import SIX_WEEKS, TWELVE_WEEKS

Floats = npt.NDArray[np.float64]


def series_of(days: tuple[int, ...], values: Floats) -> Series:
    """Make series of (n, k) values on the same days."""
    n, k = values.shape
    return periodicity.series(
        np.repeat(np.arange(n), k), np.tile(np.array(days, float), n), values.ravel(), n
    )


def judged(days: tuple[int, ...], values: Floats) -> tuple[Peak, Chance]:
    """Find the peaks and their chance."""
    series = series_of(days, values)
    gap = np.full(len(series), float(np.median(np.diff(days))))
    peak = peaks(series, 2 * gap)
    return peak, chance(series, peak, 2 * gap, gap)


def correlated(days: tuple[int, ...], n: int, memory: float, seed: int) -> Floats:
    """Noise whose correlation falls by e in `memory` days."""
    rng = np.random.default_rng(seed)
    apart = np.abs(np.subtract.outer(days, days))
    return rng.normal(size=(n, len(days))) @ np.linalg.cholesky(np.exp(-apart / memory)).T


@pytest.mark.parametrize("days", [SIX_WEEKS, TWELVE_WEEKS])
@pytest.mark.parametrize("kind", ["normal", "skewed", "remembered"])
def test_no_more_false_alarms_than_said(days: tuple[int, ...], kind: str) -> None:
    """Of noise, whatever its distribution, at most a share a has a probability below a."""
    rng = np.random.default_rng(11)
    shape = (300, len(days))
    values = {
        "normal": lambda: rng.normal(size=shape),
        "skewed": lambda: rng.exponential(size=shape) ** 2,
        "remembered": lambda: correlated(days, 300, 1.5, 12),
    }[kind]()
    _, found = judged(days, values)
    for level in (0.05, 0.2):
        # Two standard errors of 300 draws.
        allowed = level + 2 * np.sqrt(level * (1 - level) / 300)
        assert (found.probability < level).mean() <= allowed


def test_values_permuted_alone_would_call_remembered_noise_a_cycle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the memory of the noise the same test is wrong clearly more often."""
    values = correlated(SIX_WEEKS, 200, 3.0, 13)
    _, found = judged(SIX_WEEKS, values)
    assert found.memory.mean() > 0.5
    monkeypatch.setattr(chance_module, "_MEMORY_DAYS", (0.0,))
    _, naive = judged(SIX_WEEKS, values)
    assert (naive.probability < 0.05).mean() > 1.25 * (found.probability < 0.05).mean()


def test_a_real_cycle_is_not_chance() -> None:
    """A wave of four times its noise reaches the smallest probability there is."""
    phase = np.random.default_rng(1).uniform(0, 21, (20, 1))
    noise = np.random.default_rng(2).normal(0, 0.12, (20, len(SIX_WEEKS)))
    values = 0.5 * np.cos(2 * np.pi * (np.array(SIX_WEEKS) + phase) / 21) + noise
    peak, found = judged(SIX_WEEKS, values)
    assert np.median(found.probability) == pytest.approx(1 / 10_001)
    assert (found.permutations == 10_000).sum() >= 15
    assert np.abs(peak.period - 21).max() < 3


def test_clear_answers_stop_early_and_stay_right() -> None:
    """Noise needs few permutations; each answer is the share that reached the peak."""
    values = np.random.default_rng(4).normal(size=(50, len(SIX_WEEKS)))
    _, found = judged(SIX_WEEKS, values)
    assert np.median(found.permutations) == 500
    assert set(found.permutations) <= {500, 1000, 2500, 5000, 10_000}


def test_a_row_does_not_depend_on_its_batch() -> None:
    """Alone, among others, and in another order a series has the same probability."""
    values = np.random.default_rng(6).normal(size=(30, len(TWELVE_WEEKS)))
    _, together = judged(TWELVE_WEEKS, values)
    _, turned = judged(TWELVE_WEEKS, values[::-1])
    assert (turned.probability[::-1] == together.probability).all()
    _, alone = judged(TWELVE_WEEKS, values[4:5])
    assert alone.probability[0] == together.probability[4]


def test_permutations_are_permutations_and_fixed() -> None:
    """Each row holds each place once; the table is the same in every release."""
    table = permutations(18, 0, 500)
    assert (np.sort(table, axis=1) == np.arange(18)).all()
    assert len(np.unique(table, axis=0)) == 500
    digest = hashlib.sha256(table.astype(np.int64).tobytes()).hexdigest()
    assert digest.startswith("0b5365dca2c67895")
    # Every place is taken by every value about as often.
    counts = np.array([np.bincount(table[:, k], minlength=18) for k in range(18)])
    assert abs(counts - 500 / 18).max() < 5 * np.sqrt(500 / 18)


def test_bound_is_above_the_share_of_noise() -> None:
    """Baluev's bound of independent normal noise is never too low, and not idle."""
    values = np.random.default_rng(8).normal(size=(2000, len(SIX_WEEKS)))
    series = series_of(SIX_WEEKS, values)
    shortest = np.full(len(series), 8.0)
    said = bound(series, peaks(series, shortest).power, shortest)
    for level in (0.02, 0.1, 0.3):
        share = (said < level).mean()
        assert share <= level + 2 * np.sqrt(level / 2000)
        assert share >= level / 4
    assert bound(series, np.zeros(2000), shortest).min() == 1
    assert bound(series, np.ones(2000), shortest).max() == 0


def test_log_gamma() -> None:
    """Against the standard library."""
    import math

    x = np.array([1.0, 1.5, 8.0, 95.0])
    expected = [math.lgamma(v) for v in x]
    np.testing.assert_allclose(chance_module._log_gamma(x), expected, atol=1e-8)


def test_values_that_never_differ_reach_nothing() -> None:
    """A flat series has no peak, and every permutation is as high."""
    _, found = judged(SIX_WEEKS, np.zeros((1, len(SIX_WEEKS))))
    assert found.probability[0] == 1
