"""How well a ranking and its shares fit what turned out to be true: arrays in, numbers out.

Ranks are those of the best-placed right answer; ties share the middle of their places. Intervals
come from resampling publications, not cases, because patients of one publication resemble each
other: the seed is fixed, so the same cases give the same interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SEED = 20_261_123
DRAWS = 1000
INTERVAL = (2.5, 97.5)
NORMAL_975 = 1.959964
"""97.5th percentile of the normal distribution."""
BINS = 10
TOP = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; no interval where one publication is all there is."""

    value: float
    low: float | None
    high: float | None


def ranks(shares: Floats, right: Bools) -> Floats:
    """Give the place of the best-placed right answer.

    Args:
        shares: (n, answers) the higher the better; minus infinity for what is not ranked.
        right: (n, answers) whether an answer is right.

    Returns:
        (n,) from 1; NaN where no answer is right, or where a share is not known.
    """
    best = np.where(right, shares, -np.inf).max(axis=1, keepdims=True)
    ahead = ((shares > best) & ~right).sum(axis=1)
    level = ((shares == best) & ~right).sum(axis=1)
    known = right.any(axis=1) & ~np.isnan(shares).any(axis=1)
    return np.where(known, 1 + ahead + level / 2, np.nan)


def brier(shares: Floats, right: Bools) -> Floats:
    """Give the multi-class Brier score of each case: 0 is perfect, 2 the worst.

    All right answers of a case are one class.

    Args:
        shares: (n, answers) probabilities; each row sums to 1.
        right: (n, answers).

    Returns:
        (n,).
    """
    share_right = np.where(right, shares, 0.0).sum(axis=1)
    wrong = np.where(right, 0.0, shares)
    return np.asarray((1 - share_right) ** 2 + (wrong**2).sum(axis=1))


def estimate(values: Floats, publications: Ints) -> Estimate:
    """Give the mean over cases with its interval.

    Args:
        values: (n,) one number per case.
        publications: (n,) which publication each case comes from.
    """
    sums, counts = _by_publication(values, publications)
    mean = float(sums.sum() / counts.sum())
    if len(sums) < 2:
        return Estimate(mean, None, None)
    drawn = _draws(len(sums))
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), INTERVAL)
    return Estimate(mean, float(low), float(high))


def share_interval(hits: int, n: int) -> Estimate:
    """Give a share of independent people with its Wilson score interval.

    For rare events a resample would hold none of, such as 1 in 18,891.

    Source: Wilson EB. J Am Stat Assoc 1927;22:209-212.
    """
    share, z2 = hits / n, NORMAL_975**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_975 * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Estimate(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def largest_shift(values: Floats, publications: Ints) -> float:
    """Give how far the mean moves, at most, when one publication is left out."""
    sums, counts = _by_publication(values, publications)
    if len(sums) < 2:
        return 0.0
    without = (sums.sum() - sums) / (counts.sum() - counts)
    return float(np.abs(without - sums.sum() / counts.sum()).max())


def _by_publication(values: Floats, publications: Ints) -> tuple[Floats, Floats]:
    _, index = np.unique(publications, return_inverse=True)
    counts = np.bincount(index).astype(float)
    return np.bincount(index, weights=values).astype(float), counts


@lru_cache(maxsize=8)
def _draws(count: int) -> Floats:
    """(draws, publications) how often each publication stands in each resample."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(float)


# --- calibration -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of a like share: how many, what they said, how often they were right."""

    predictions: int
    stated: float
    observed: float
    observed_low: float | None
    observed_high: float | None


def equal_mass(stated: Floats) -> Ints:
    """(n,) the bin of each prediction, when every bin holds as many; equal shares stay together."""
    order = np.argsort(stated, kind="stable")
    index = np.empty(len(stated), dtype=np.int64)
    index[order] = np.arange(len(stated)) * BINS // max(len(stated), 1)
    _, first, same = np.unique(stated[order], return_index=True, return_inverse=True)
    index[order] = index[order][first][same]
    return index


def equal_width(stated: Floats) -> Ints:
    """(n,) the bin of each prediction, when every bin spans as much of 0 to 1."""
    return np.minimum((stated * BINS).astype(np.int64), BINS - 1)


def calibration_error(stated: Floats, right: Bools, bins: Ints, publications: Ints) -> Estimate:
    """Give the expected calibration error with its interval.

    It is the mean, weighted by the number of predictions, of the distance between the share
    stated and the share right in each bin. The bins stay those of all cases when publications
    are resampled.

    Args:
        stated: (n,) probability given to each prediction.
        right: (n,) whether it was right.
        bins: (n,) bin of each prediction.
        publications: (n,) publication of each.
    """
    _, index = np.unique(publications, return_inverse=True)
    gaps = np.zeros((index.max() + 1, BINS))
    np.add.at(gaps, (index, bins), stated - right)
    value = float(np.abs(gaps.sum(axis=0)).sum() / len(stated))
    if len(gaps) < 2:
        return Estimate(value, None, None)
    drawn = _draws(len(gaps))
    counts = np.bincount(index).astype(float)
    spread = np.abs(drawn @ gaps).sum(axis=1) / (drawn @ counts)
    low, high = np.percentile(spread, INTERVAL)
    return Estimate(value, float(low), float(high))


def reliability(stated: Floats, right: Bools, bins: Ints, publications: Ints) -> tuple[Bin, ...]:
    """Give the bins that hold a prediction, lowest first; arguments as `calibration_error`."""
    out = []
    for name in np.unique(bins):
        rows = bins == name
        seen = estimate(right[rows].astype(float), publications[rows])
        out.append(
            Bin(int(rows.sum()), float(stated[rows].mean()), seen.value, seen.low, seen.high)
        )
    return tuple(out)
