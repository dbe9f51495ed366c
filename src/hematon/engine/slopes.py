"""Slopes that one odd count cannot turn: Theil-Sen, and whether there is a trend: Mann-Kendall.

All pairs of a child's counts, children with the same number of counts together, in blocks.

Source: Sen PK. J Am Stat Assoc 1968;63:1379; Kendall MG. Rank correlation methods, 1975 (ties).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_DRAWS = 3
MOST_DRAWS = 1000
"""Of a longer series the latest so many count: pairs grow with the square."""
_EXACT = 10
"""Up to so many counts without ties every order is counted; beyond, the normal approximation."""
_PAIRS_AT_ONCE = 1 << 19
_LEAST_VALUE = 0.01


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slopes:
    """Trends of n series.

    Attributes:
        count: (n,) values.
        span: (n,) days from the first to the last, 0 with fewer than two.
        slope: (n,) Theil-Sen slope per day, NaN with fewer than three values.
        fall: (n,) Theil-Sen slope of the natural logarithm times the span, NaN likewise.
        p: (n,) two-sided Mann-Kendall p, NaN likewise.
    """

    count: Ints
    span: Floats
    slope: Floats
    fall: Floats
    p: Floats


def slopes(case: Ints, age: Floats, value: Floats, n: int) -> Slopes:
    """Work out the trend of each child's counts.

    Args:
        case: (d,) row of the child, rising.
        age: (d,) days, rising within a child, no day twice.
        value: (d,) in the analyte's unit.
        n: number of children.
    """
    count = np.bincount(case, minlength=n)
    start = np.searchsorted(case, np.arange(n + 1))
    span, slope, fall, p = np.zeros(n), *(np.full(n, np.nan) for _ in range(3))
    some = np.flatnonzero(count)
    span[some] = age[start[some + 1] - 1] - age[start[some]]
    log = np.log(np.maximum(value, _LEAST_VALUE))
    used = np.minimum(count, MOST_DRAWS)
    for k in np.flatnonzero(np.bincount(used[used >= LEAST_DRAWS])).tolist():
        rows = np.flatnonzero(used == k)
        step = max(1, _PAIRS_AT_ONCE // (k * k))
        early, late = np.triu_indices(k, 1)
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            at = (start[some + 1] - k)[:, None] + np.arange(k)
            apart = age[at][:, late] - age[at][:, early]
            rise = value[at][:, late] - value[at][:, early]
            slope[some] = np.median(rise / apart, axis=1)
            fall[some] = np.median((log[at][:, late] - log[at][:, early]) / apart, axis=1)
            p[some] = _mann_kendall(np.sign(rise).sum(axis=1), value[at])
    return Slopes(count, span, slope, fall * span, p)


def _mann_kendall(s: Floats, x: Floats) -> Floats:
    """Give the two-sided p of (b,) sums of signs, for (b, k) values."""
    k = x.shape[1]
    alike = (x[:, :, None] == x[:, None, :]).sum(axis=2)
    tied = ((alike - 1) * (2 * alike + 5)).sum(axis=1)
    variance = (k * (k - 1) * (2 * k + 5) - tied) / 18
    z = np.maximum(np.abs(s) - 1, 0) / np.sqrt(np.where(variance > 0, variance, np.inf))
    p = _two_sided(z)
    if k <= _EXACT:
        exact = _orders(k)[np.abs(s).astype(np.int64)]
        p = np.where(tied == 0, exact, p)
    return p


@lru_cache(maxsize=_EXACT)
def _orders(k: int) -> Floats:
    """Give the share of the orders of k values whose |S| is at least 0, 1, 2, ..."""
    ways = np.ones(1)
    for m in range(2, k + 1):
        ways = np.convolve(ways, np.ones(m))
    s = np.abs(k * (k - 1) // 2 - 2 * np.arange(len(ways)))
    at_least = np.array([ways[s >= least].sum() for least in range(k * (k - 1) // 2 + 1)])
    result: Floats = at_least / ways.sum()
    return result


def _two_sided(z: Floats) -> Floats:
    """Give the two-sided tail of the normal distribution, to 2e-7 (Abramowitz & Stegun 7.1.26)."""
    t = 1 / (1 + 0.3275911 * z / np.sqrt(2))
    series = 1.061405429
    for c in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = series * t + c
    result: Floats = series * t * np.exp(-z * z / 2)
    return result
