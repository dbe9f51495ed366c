"""Theil-Sen and Mann-Kendall against SciPy, and where they say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, theilslopes

from hematon.engine import slopes as slopes_module
from hematon.engine.slopes import slopes

points = st.lists(
    st.tuples(st.integers(0, 4000), st.floats(0.05, 600)),
    min_size=3,
    max_size=25,
    unique_by=lambda point: point[0],
)


@given(children=st.lists(points, min_size=1, max_size=4))
def test_slope_is_scipys(children: list[list[tuple[int, float]]]) -> None:
    """The median of all pairs, of the counts and of their logarithms, child by child."""
    rows = [sorted(child) for child in children]
    case = np.concatenate([np.full(len(r), i) for i, r in enumerate(rows)])
    age = np.array([float(a) for r in rows for a, _ in r])
    value = np.array([v for r in rows for _, v in r])
    found = slopes(case, age, value, len(rows))
    for i, row in enumerate(rows):
        t, x = np.array(row).T
        assert found.slope[i] == pytest.approx(theilslopes(x, t).slope, rel=1e-9, abs=1e-12)
        fall = theilslopes(np.log(x), t).slope * (t[-1] - t[0])
        assert found.fall[i] == pytest.approx(fall, rel=1e-9, abs=1e-12)
        assert found.span[i] == t[-1] - t[0]


@pytest.mark.parametrize("k", [3, 4, 5, 7, 10])
def test_p_of_few_counts_is_exact(k: int) -> None:
    """Without ties every order is counted."""
    rng = np.random.default_rng(k)
    for _ in range(20):
        x = rng.permutation(k).astype(float)
        found = slopes(np.zeros(k, dtype=np.int64), np.arange(k, dtype=float), x, 1)
        assert found.p[0] == pytest.approx(kendalltau(np.arange(k), x, method="exact").pvalue)


def test_p_of_many_counts_and_ties() -> None:
    """By the normal distribution, with the variance for ties and the continuity correction."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, 30).astype(float) + np.arange(30) / 12
    x = np.floor(x)
    found = slopes(np.zeros(30, dtype=np.int64), np.arange(30.0), x, 1)
    s = sum(np.sign(x[j] - x[i]) for i in range(30) for j in range(i + 1, 30))
    ties = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(x, return_counts=True)[1])
    z = (abs(s) - 1) / np.sqrt((30 * 29 * 65 - ties) / 18)
    import math

    assert found.p[0] == pytest.approx(math.erfc(z / math.sqrt(2)), abs=3e-7)


def test_nothing_is_said_of_two_counts_or_none() -> None:
    """Children with fewer than three counts have no slope; equal counts have slope zero, p 1."""
    case, age = np.array([0, 0, 2, 2, 2]), np.array([1.0, 9.0, 1.0, 2.0, 3.0])
    found = slopes(case, age, np.array([1.0, 2.0, 5.0, 5.0, 5.0]), 3)
    assert list(found.count) == [2, 0, 3]
    assert list(found.span) == [8, 0, 2]
    assert np.isnan(found.slope[:2]).all()
    assert np.isnan(found.p[:2]).all()
    assert (found.slope[2], found.p[2]) == (0, pytest.approx(1))


def test_one_odd_count_does_not_turn_it() -> None:
    """A single wild count leaves the slope of ten others where it was."""
    age = np.arange(0.0, 110, 10)
    value = 300 - age
    wild = value.copy()
    wild[3] = 4000.0
    case = np.zeros(11, dtype=np.int64)
    assert slopes(case, age, wild, 1).slope[0] == pytest.approx(-1, abs=0.1)


def test_blocks_and_long_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks change nothing; of a very long series the latest counts are taken."""
    rng = np.random.default_rng(3)
    case, age = np.repeat(np.arange(6), 8), np.tile(np.arange(8.0), 6)
    value = rng.uniform(1, 9, 48)
    whole = slopes(case, age, value, 6)
    monkeypatch.setattr(slopes_module, "_PAIRS_AT_ONCE", 1)
    assert (slopes(case, age, value, 6).slope == whole.slope).all()
    monkeypatch.setattr(slopes_module, "MOST_DRAWS", 5)
    cut = slopes(case, age, value, 6)
    last = value.reshape(6, 8)[:, 3:]
    assert cut.slope[0] == pytest.approx(theilslopes(last[0], np.arange(5.0)).slope)
