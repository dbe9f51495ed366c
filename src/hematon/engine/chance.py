"""How often chance alone makes a periodogram's peak, for the days that were really sampled.

Permuting the values over the days keeps their distribution, however far from normal. Where what
the wave leaves over resembles itself from one draw to the next (an infection raises several draws
in a row), the innovations of a first-order autoregression are permuted instead: permuting the
values would break up the very resemblance that makes false peaks. The permutations are one fixed
table, so the same series gives the same answer.

What is compared is the fit of line and wave together, which is sharper than the periodogram of a
detrended series where only two cycles were seen. Draws two days apart, as on three days a week,
also show the shape of the wave: there, one wave and a wave with its first overtone both count,
because counts that fall for four days in twenty-one are no sine.

Source: Baluev RV. Mon Not R Astron Soc 2008;385:1279 (the analytic bound); Besag J, Clifford P.
Biometrika 1991;78:301 (stopping once the answer is clear); Kreiss JP, Lahiri SN. Handbook of
Statistics 2012;30:3 (permuting innovations); Patterson HD, Thompson R. Biometrika 1971;58:545
(restricted likelihood).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hematon.engine.periodicity import (
    BLOCK,
    LONGEST_DAYS,
    SHORTEST_DAYS,
    SPANS,
    Bools,
    Floats,
    Grid,
    Ints,
    Peak,
    Series,
    allowed_frequencies,
    detrended,
    grid,
)

PERMUTATIONS = 10_000
_ROUNDS = (0, 500, 1000, 2500, 5000, PERMUTATIONS)
_AT_ONCE = 500
_SETTLED = 100
"""Once so many permutations reach the peak, its chance is known to a tenth: no more are made."""
_SHAPE_DAYS = 2.5
"""Median gap up to which the draws show the shape of a wave and not only its period."""
_MEMORY_DAYS = (0.0, 0.7, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0, 10.0)
"""Trial correlation times of the autoregression; zero is none."""
_THIN = 0.1
"""A wave of which less is left beside the waves before it is not counted as another."""
_TOLERANCE = 1e-9
_LEAST = 1e-12


def bound(given: Series, power: Floats, shortest: Floats) -> Floats:
    """Bound from above how often independent normal noise has so high a peak (Baluev 2008).

    Args:
        given: n series.
        power: (n,) of the peak.
        shortest: (n,) shortest period looked for, days.

    Returns:
        (n,) false-alarm probability, 0 to 1.
    """
    n, size = len(given), given.count
    spare = np.maximum(size - 2, 3).astype(np.float64)
    z = np.clip(power, 0.0, 1.0)
    mean_t = np.bincount(given.row, given.day, n) / size
    spread = np.bincount(given.row, (given.day - mean_t[given.row]) ** 2, n) / size
    searched = np.maximum(1 / np.maximum(shortest, SHORTEST_DAYS) - 1 / LONGEST_DAYS, 0.0)
    gamma = np.sqrt(2 / spare) * np.exp(_log_gamma(spare / 2) - _log_gamma((spare - 1) / 2))
    alone = (1 - z) ** ((spare - 2) / 2)
    crossings = (1 - z) ** ((spare - 3) / 2) * np.sqrt(0.5 * spare * z)
    crossings *= gamma * searched * np.sqrt(4 * np.pi * spread)
    return 1 - (1 - alone) * np.exp(-crossings)


def _log_gamma(x: Floats) -> Floats:
    """Stirling's series six places up, where it is exact to double precision."""
    y = x + 6.0
    tail = 1 / (12 * y) - 1 / (360 * y**3) + 1 / (1260 * y**5)
    shifted = (y - 0.5) * np.log(y) - y + 0.5 * math.log(2 * math.pi) + tail
    product = np.ones_like(x)
    for k in range(6):
        product *= x + k
    result: Floats = shifted - np.log(product)
    return result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Chance:
    """How often chance alone makes so high a peak, for n series.

    Attributes:
        probability: (n,) (1 + permutations that reach the peak) / (1 + permutations made).
        permutations: (n,) how many were made.
        memory: (n,) correlation time in days of the noise that was permuted; 0 is none.
    """

    probability: Floats
    permutations: Ints
    memory: Floats


def chance(given: Series, peak: Peak, shortest: Floats, gap: Floats) -> Chance:
    """Permute each series over its own days and count the peaks as high as the one found.

    Args:
        given: n series of at least eight values.
        peak: their peaks; none NaN.
        shortest: (n,) shortest period looked for, days.
        gap: (n,) median days between draws.
    """
    n = len(given)
    out = Chance(np.ones(n), np.zeros(n, dtype=np.int64), np.zeros(n))
    bucket = np.searchsorted(SPANS, given.span, side="right")
    # Series of one table, one length and one kind of wave go through together.
    kind = (bucket * 2 + (gap <= _SHAPE_DAYS)) * 1024 + given.count
    for key in np.unique(kind):
        rows = np.flatnonzero(kind == key)
        table = grid(SPANS[key // 2048])
        waves = 2 if key // 1024 % 2 else 1
        size = int(given.count[rows[0]])
        step = max(1, 32 * BLOCK // (_AT_ONCE * 2 * waves * len(table.frequency)))
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            part = given.of(some)
            day, value = part.day.reshape(-1, size), detrended(part)[0].reshape(-1, size)
            frequency = 1 / peak.period[some]
            null = _Null.of(day, value, frequency, shortest[some], table, waves)
            reached, made = null.count()
            out.probability[some] = (1 + reached) / (1 + made)
            out.permutations[some], out.memory[some] = made, null.memory
    return out


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Null:
    """What permuting needs, for b series of k values.

    Attributes:
        memory: (b,) days.
        shocks: (b, k) what is permuted.
        free: (b, k, k) makes of shocks a series with the memory and without line.
        sums: (b, k, 2 w F) makes of shocks that series' sums with every wave.
        found: (b,) how unlikely the peak is by the statistic that is compared.
        waves: w, 1 or 2.
    """

    memory: Floats
    shocks: Floats
    free: Floats
    sums: Floats
    found: Floats
    waves: int

    @staticmethod
    def of(
        day: Ints, value: Floats, frequency: Floats, shortest: Floats, table: Grid, waves: int
    ) -> _Null:
        """Prepare (b, k) detrended values on (b, k) days with peaks at (b,) frequencies."""
        memory = _memory(day, value, frequency)
        decay = _decay(day, memory)
        basis, line = _orthonormal(day, table, allowed_frequencies(table, shortest), waves)
        grow = _growth(decay)
        free = grow - np.matmul(line, np.matmul(line.transpose(0, 2, 1), grow))
        own = np.matmul(value[:, None, :], basis)
        # Only what stands at the peak counts as found, a maximum anywhere counts against it.
        width = 0.5 / (day[:, -1] + 1)
        near = np.abs(table.frequency - frequency[:, None]) <= width[:, None]
        own *= np.tile(near, 2 * waves)[:, None, :]
        total = np.square(value).sum(axis=1)[:, None]
        return _Null(
            memory,
            _shocks(value, decay),
            free,
            np.matmul(free.transpose(0, 2, 1), basis),
            _unlikely(own, total, day.shape[1], waves)[:, 0],
            waves,
        )

    def count(self) -> tuple[Ints, Ints]:
        """Give (b,) how many permutations reach what was found, and how many were made."""
        b, k = self.shocks.shape
        reached, made = np.zeros(b, dtype=np.int64), np.zeros(b, dtype=np.int64)
        left = np.arange(b)
        for first, last in pairwise(_ROUNDS):
            order = permutations(k, first, last)
            for start in range(0, last - first, _AT_ONCE):
                mixed = self.shocks[left][:, order[start : start + _AT_ONCE]]
                series = np.matmul(mixed, self.free[left].transpose(0, 2, 1))
                total = np.square(series).sum(axis=2)
                score = _unlikely(np.matmul(mixed, self.sums[left]), total, k, self.waves)
                reached[left] += (score >= self.found[left, None] - _TOLERANCE).sum(axis=1)
            made[left] = last
            left = left[reached[left] < _SETTLED]
            if not len(left):
                break
        return reached, made


def _unlikely(sums: Floats, total: Floats, k: int, waves: int) -> Floats:
    """Give how unlikely the best wave is, whether with an overtone or without, on a log scale.

    Args:
        sums: (b, p, 2 w F) with orthonormal waves.
        total: (b, p) sum of squares.
        k: number of values.
        waves: w.

    Returns:
        (b, p) the larger of -(k - 2 - 2 w) / 2 log(share left over).
    """
    square = np.square(sums)
    parts = np.split(square, 2 * waves, axis=-1)
    total = np.where(total > 0, total, np.inf)
    explained = parts[0] + parts[1]
    score: Floats = _surprise(explained.max(axis=-1) / total, k - 4)
    if waves == 2:
        both = (explained + parts[2] + parts[3]).max(axis=-1)
        score = np.maximum(score, _surprise(both / total, k - 6))
    return score


def _surprise(share: Floats, spare: int) -> Floats:
    result: Floats = -0.5 * spare * np.log(np.maximum(1 - share, _LEAST))
    return result


def _orthonormal(day: Ints, table: Grid, allowed: Bools, waves: int) -> tuple[Floats, Floats]:
    """Give (b, k, 2 w F) waves and (b, k, 2) line, orthonormal at each frequency.

    Waves that are not allowed, or no others than those before them, are zero.
    """
    t = day - day.mean(axis=1, keepdims=True)
    t /= np.sqrt((t * t).sum(axis=1, keepdims=True))
    columns: list[Floats] = []
    raw = table.doubled[day] if waves == 2 else table.basis[day]
    for wave in np.split(raw, 2 * waves, axis=2):
        wave = wave - wave.mean(axis=1, keepdims=True)
        size = np.sqrt((wave * wave).sum(axis=1, keepdims=True))
        for other in (t[:, :, None], *columns):
            wave = wave - other * (other * wave).sum(axis=1, keepdims=True)
        left = np.sqrt((wave * wave).sum(axis=1, keepdims=True))
        columns.append(wave / np.where((left > _THIN * size) & (left > 0), left, np.inf))
    basis = np.concatenate(columns, axis=2)
    basis *= np.tile(allowed, 2 * waves)[:, None, :]
    return basis, np.stack([np.full(day.shape, day.shape[1] ** -0.5), t], axis=2)


# --- memory -------------------------------------------------------------------------------------


def _decay(day: Ints, memory: Floats) -> Floats:
    """Give (b, k) how much of the draw before is left at each draw; none at the first."""
    gap = np.diff(day, axis=1, prepend=-1e9)
    left = np.exp(-gap / np.maximum(memory, 1e-3)[:, None])
    return np.where(memory[:, None] > 0, left, 0.0)


def _shocks(value: Floats, decay: Floats) -> Floats:
    """Give the innovations, (b, k) or (b, k, c), of a first-order autoregression."""
    shape = (*decay.shape, *(1,) * (value.ndim - 2))
    decay = decay.reshape(shape)
    before = np.concatenate([np.zeros_like(value[:, :1]), value[:, :-1]], axis=1)
    result: Floats = (value - decay * before) / np.sqrt(1 - decay * decay)
    return result


def _growth(decay: Floats) -> Floats:
    """Give the (b, k, k) matrix that makes a series of its innovations."""
    b, k = decay.shape
    grow = np.zeros((b, k, k))
    fresh = np.sqrt(1 - decay * decay)
    grow[:, 0, 0] = 1.0
    for j in range(1, k):
        grow[:, j] = decay[:, j, None] * grow[:, j - 1]
        grow[:, j, j] = fresh[:, j]
    return grow


def _memory(day: Ints, value: Floats, frequency: Floats) -> Floats:
    """Estimate the correlation time of what line, wave and overtone leave over, (b,) days.

    The median of its distribution by restricted likelihood, every trial time alike beforehand:
    the most likely time is too short as often as not, and a short one calls noise a cycle.
    """
    b, k = day.shape
    angle = 2 * np.pi * frequency[:, None] * day
    t = (day - day.mean(axis=1, keepdims=True)) / day[:, -1:]
    waves = [f(m * angle) for m in (1, 2) for f in (np.cos, np.sin)]
    model = np.stack([np.ones((b, k)), t, *waves, value], axis=2)
    p = model.shape[2] - 1
    fits = np.empty((len(_MEMORY_DAYS), b))
    for i, memory in enumerate(_MEMORY_DAYS):
        decay = _decay(day, np.full(b, memory))
        corner = np.abs(
            np.diagonal(np.linalg.qr(_shocks(model, decay), mode="r"), axis1=1, axis2=2)
        )
        # A wave that the days cannot tell from another has no size of its own to count.
        sizes = np.where(corner[:, :p] > 1e-6, corner[:, :p], 1.0)
        left = np.maximum(corner[:, p], _LEAST)
        fits[i] = -np.log(sizes).sum(axis=1) - (k - p) * np.log(left)
        fits[i] -= 0.5 * np.log(1 - decay * decay).sum(axis=1)
    weight = np.exp(fits - fits.max(axis=0))
    below = (weight.cumsum(axis=0) < 0.5 * weight.sum(axis=0)).sum(axis=0)
    median: Floats = np.array(_MEMORY_DAYS)[below]
    return median


@lru_cache(maxsize=128)
def permutations(k: int, first: int, last: int) -> npt.NDArray[np.intp]:
    """Give rows `first` to `last` of the table of permutations of k places, (last - first, k).

    The order of a well-mixed hash (splitmix64) of row and place: the same everywhere and for ever,
    unlike the stream of a generator.
    """
    row, place = np.arange(first, last, dtype=np.uint64), np.arange(1, k + 1, dtype=np.uint64)
    x = (row[:, None] * np.uint64(1024) + place) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(x ^ (x >> np.uint64(31)), axis=1, kind="stable")
