"""Is there a period in a series of counts? A floating-mean Lomb-Scargle periodogram, in batch.

Draws are made on whole days, so the sines and cosines of every trial period are one table over
days, and the sums of the periodogram are matrix products with it. A series is detrended by a line
first; then each trial period fits a sine, a cosine and a mean of its own. How likely a peak is by
chance is answered by `chance`.

Source: Zechmeister M, Kürster M. Astron Astrophys 2009;496:577.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hematon.engine.linear import rows_times

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SHORTEST_DAYS, LONGEST_DAYS = 8.0, 50.0
"""Trial periods [severity.md 8]."""
OVERSAMPLING = 10
SPANS = (48, 96, 144, 192)
"""Lengths of the tables in days: a series uses the shortest that holds it."""
BLOCK = 1 << 15
"""Numbers worked on at a time, so that a block stays in the processor's cache."""
_FLAT = 1e-9
"""A sum of squares below this share of its scale is rounding noise."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Grid:
    """Trial frequencies for series of up to `days` days, and their sines and cosines.

    Attributes:
        days: length of the tables.
        frequency: (F,) cycles per day, rising, evenly spaced: a tenth of 1 / days.
        doubled: (days, 4 F) cosines, sines, then those of the doubled frequencies.
        even: (days / 2, 2 F) cosines, then those of the doubled frequencies, of the days after
            the middle of the table.
        odd: (days / 2, 2 F) their sines.
    """

    days: int
    frequency: Floats
    doubled: Floats
    even: Floats
    odd: Floats

    @property
    def basis(self) -> Floats:
        """(days, 2 F) cosines, then sines."""
        return self.doubled[:, : 2 * len(self.frequency)]


@lru_cache(maxsize=len(SPANS))
def grid(days: int) -> Grid:
    """Give the trial frequencies for series of up to `days` days; made when first asked for."""
    step = 1.0 / (OVERSAMPLING * days)
    count = math.ceil((1 / SHORTEST_DAYS - 1 / LONGEST_DAYS) / step) + 1
    frequency = np.linspace(1 / LONGEST_DAYS, 1 / SHORTEST_DAYS, count)
    angle = 2 * np.pi * np.arange(days)[:, None] * frequency
    doubled = np.hstack([f(m * angle) for m in (1, 2) for f in (np.cos, np.sin)])
    half = 2 * np.pi * (np.arange(days // 2)[:, None] + 0.5) * frequency
    even = np.hstack([np.cos(half), np.cos(2 * half)])
    odd = np.hstack([np.sin(half), np.sin(2 * half)])
    return Grid(days, frequency, doubled, even, odd)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Series:
    """Series of values, ragged: rows ordered by series, then by day.

    Attributes:
        row: (d,) which series, 0 to n - 1; every series has at least one value.
        day: (d,) whole days since the first value of the series, each day once.
        value: (d,) what is looked at, such as log10 of a count.
        start: (n + 1,) first value of each series.
    """

    row: Ints
    day: Ints
    value: Floats
    start: Ints

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def count(self) -> Ints:
        """(n,) number of values."""
        return np.diff(self.start)

    @property
    def span(self) -> Ints:
        """(n,) days from the first value to the last."""
        return self.day[self.start[1:] - 1]

    def of(self, rows: Ints) -> Series:
        """Give some of the series, in the order asked for."""
        size = self.count[rows]
        start = np.concatenate([[0], np.cumsum(size)])
        at = np.arange(start[-1]) - np.repeat(start[:-1] - self.start[rows], size)
        return Series(np.repeat(np.arange(len(rows)), size), self.day[at], self.value[at], start)


def series(row: Ints, day: Floats, value: Floats, n: int) -> Series:
    """Make series of values in order of row and day.

    Args:
        row: (d,) which of the n series, rising; each of the n has a value.
        day: (d,) whole days from any origin, rising within a series.
        value: (d,).
        n: number of series.
    """
    start = np.searchsorted(row, np.arange(n + 1))
    since = (day - day[start[:-1]][row]).astype(np.int64)
    return Series(row, since, value, start)


def detrended(given: Series) -> tuple[Floats, Floats, Floats]:
    """Take the least-squares line out of each series.

    Returns:
        (d,) residuals, (n,) level at the first day, (n,) slope per day.
    """
    n, size = len(given), given.count
    mean_t = np.bincount(given.row, given.day, n) / size
    mean_y = np.bincount(given.row, given.value, n) / size
    dt, dy = given.day - mean_t[given.row], given.value - mean_y[given.row]
    spread = np.bincount(given.row, dt * dt, n)
    slope = np.bincount(given.row, dt * dy, n) / np.where(spread > 0, spread, 1.0)
    return dy - slope[given.row] * dt, mean_y - slope * mean_t, slope


def periodogram(given: Series, table: Grid) -> Floats:
    """Give the normalized floating-mean power of each series at each trial frequency.

    Args:
        given: n series of at most `table.days` days, already detrended if they should be.
        table: the trial frequencies.

    Returns:
        (n, F) share of the variance that a sine of that frequency explains, 0 to 1.
    """
    n, count = len(given), len(table.frequency)
    power = np.empty((n, count))
    step = max(16, BLOCK // max(count, table.days) // 16 * 16)
    for first in range(0, n, step):
        last = min(first + step, n)
        at = slice(given.start[first], given.start[last])
        power[first:last] = _power(given.row[at] - first, given, at, last - first, table)
    return power


def _power(row: Ints, given: Series, at: slice, n: int, table: Grid) -> Floats:
    size = np.bincount(row, minlength=n)
    mean = np.bincount(row, given.value[at], n) / size
    centered = given.value[at] - mean[row]
    sampled, values = np.zeros((n, table.days)), np.zeros((n, table.days))
    sampled[row, given.day[at]] = (1.0 / size)[row]
    values[row, given.day[at]] = centered / size[row]
    variance = np.bincount(row, centered * centered, n) / size
    # About the middle of the table cosines are even and sines odd: half the products suffice.
    (sum_, difference), (high, low) = _folded(sampled), _folded(values)
    count = len(table.frequency)
    c, c2 = np.split(rows_times(sum_, table.even), 2, axis=1)
    s, s2 = np.split(rows_times(difference, table.odd), 2, axis=1)
    yc, ys = rows_times(high, table.even[:, :count]), rows_times(low, table.odd[:, :count])
    # In place: these arrays are as large as the work of a block allows.
    cs = s2
    cs *= 0.5
    cs -= c * s
    c *= c
    s *= s
    c2 *= 0.5
    cc, ss = 0.5 - c, 0.5 - s
    cc += c2
    ss -= c2
    both = cc * ss
    both -= cs * cs
    cs *= -2
    cs *= yc
    cs *= ys
    total = cc + ss
    yc *= yc
    ys *= ys
    cc *= ys
    ss *= yc
    explained = cc
    explained += ss
    explained += cs
    # Where sine and cosine cannot be told apart on the days sampled, they are one wave.
    one = both <= _FLAT
    if one.any():
        explained[one] = (yc + ys)[one]
        both[one] = np.maximum(total, _FLAT)[one]
    level = np.where(variance > _FLAT * (1 + mean * mean), variance, np.inf)
    both *= level[:, None]
    explained /= both
    return explained


def _folded(days: Floats) -> tuple[Floats, Floats]:
    """Give sums and differences of days as far after as before the middle, (n, days / 2) each."""
    half = days.shape[1] // 2
    after, before = days[:, half:], days[:, half - 1 :: -1]
    return after + before, after - before


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Peak:
    """The strongest trial period of each of n series, and the wave at it.

    Attributes:
        period: (n,) days.
        power: (n,) of the periodogram at it.
        amplitude: (n,) half the height from trough to crest, in the unit of the values.
        trough: (n,) days from the first value to the first trough at or after it.
        level: (n,) of the line beside the wave, at the first value.
        slope: (n,) of that line, per day.
        noise: (n,) standard deviation of what line and wave leave over.
        alias: (n,) the period that weekly draws could have turned into this one, days.
        alias_power: (n,) power at it.
    """

    period: Floats
    power: Floats
    amplitude: Floats
    trough: Floats
    level: Floats
    slope: Floats
    noise: Floats
    alias: Floats
    alias_power: Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Wave:
    """A sine fitted to each series at a given frequency: (n,) each, and the (d,) residuals."""

    cosine: Floats
    sine: Floats
    mean: Floats
    power: Floats
    residual: Floats


def fit(given: Series, frequency: Floats) -> Wave:
    """Fit mean, cosine and sine at one frequency a series, by least squares.

    Args:
        given: n series.
        frequency: (n,) cycles per day.
    """
    n, size, row = len(given), given.count, given.row
    angle = 2 * np.pi * frequency[row] * given.day

    def mean(x: Floats) -> Floats:
        return np.bincount(row, x, n) / size

    cos, sin = np.cos(angle), np.sin(angle)
    c, s, y = mean(cos), mean(sin), mean(given.value)
    dc, ds, dy = cos - c[row], sin - s[row], given.value - y[row]
    cc, ss, cs, yc, ys = mean(dc * dc), mean(ds * ds), mean(dc * ds), mean(dy * dc), mean(dy * ds)
    a, b = _solved(cc, ss, cs, yc, ys)
    variance = mean(dy * dy)
    left = dy - a[row] * dc - b[row] * ds
    level = np.where(variance > _FLAT * (1 + y * y), variance, np.inf)
    return Wave(a, b, y - a * c - b * s, (a * yc + b * ys) / level, left)


def peaks(given: Series, shortest: Floats) -> Peak:
    """Find the strongest period of each series.

    Args:
        given: n series of at least five values over at most `SPANS[-1]` days.
        shortest: (n,) shortest period in days that may be looked for.

    Returns:
        The peaks; NaN where no trial period may be looked for.
    """
    n = len(given)
    residual, level, slope = detrended(given)
    flat = Series(given.row, given.day, residual, given.start)
    frequency, power = np.full(n, np.nan), np.full(n, np.nan)
    bucket = np.searchsorted(SPANS, given.span, side="right")
    for k, days in enumerate(SPANS):
        rows = np.flatnonzero(bucket == k)
        if not len(rows):
            continue
        table = grid(days)
        found = periodogram(flat.of(rows), table)
        allowed = allowed_frequencies(table, shortest[rows])
        found[~allowed] = -1.0
        best = _highest(found, table.frequency)
        some = allowed.any(axis=1)
        frequency[rows[some]] = best[some]
        power[rows[some]] = found.max(axis=1)[some]
    known = ~np.isnan(frequency)
    at = np.where(known, frequency, 1 / LONGEST_DAYS)
    wave = _beside_line(given, residual, level, slope, at)
    # Weekly draws cannot tell f from 1/7 - f.
    mirror = np.abs(1 / 7 - at)
    phase = np.arctan2(-wave.sine, -wave.cosine) / (2 * np.pi * at)
    left = np.bincount(given.row, wave.residual**2, n)

    def seen(x: Floats) -> Floats:
        return np.where(known, x, np.nan)

    return Peak(
        period=seen(1 / at),
        power=power,
        amplitude=seen(np.hypot(wave.cosine, wave.sine)),
        trough=seen(np.mod(phase, 1 / at)),
        level=wave.level,
        slope=wave.slope,
        noise=seen(np.sqrt(left / np.maximum(given.count - 5, 1))),
        alias=seen(1 / np.maximum(mirror, 1e-6)),
        alias_power=seen(fit(flat, mirror).power),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Beside:
    """A wave and a line fitted together: (n,) each, and the (d,) residuals."""

    cosine: Floats
    sine: Floats
    level: Floats
    slope: Floats
    residual: Floats


def _beside_line(
    given: Series, residual: Floats, level: Floats, slope: Floats, frequency: Floats
) -> _Beside:
    """Fit wave and line together, so that two cycles do not lend the line a slope.

    The line is taken out of cosine and sine as well; what each takes off the line is given back.
    """
    n, row = len(given), given.row
    angle = 2 * np.pi * frequency[row] * given.day
    cos, cos_level, cos_slope = detrended(Series(row, given.day, np.cos(angle), given.start))
    sin, sin_level, sin_slope = detrended(Series(row, given.day, np.sin(angle), given.start))

    def sums(x: Floats) -> Floats:
        return np.bincount(row, x, n) / given.count

    cc, ss, cs = sums(cos * cos), sums(sin * sin), sums(cos * sin)
    a, b = _solved(cc, ss, cs, sums(residual * cos), sums(residual * sin))
    return _Beside(
        a,
        b,
        level - a * cos_level - b * sin_level,
        slope - a * cos_slope - b * sin_slope,
        residual - a[row] * cos - b[row] * sin,
    )


def _solved(cc: Floats, ss: Floats, cs: Floats, yc: Floats, ys: Floats) -> tuple[Floats, Floats]:
    """Solve for cosine and sine; where the days make them one wave, share it between them."""
    both = cc * ss - cs * cs
    one = both <= _FLAT
    safe = np.where(one, 1.0, both)
    total = np.maximum(cc + ss, _FLAT)
    a = np.where(one, yc / total, (yc * ss - ys * cs) / safe)
    b = np.where(one, ys / total, (ys * cc - yc * cs) / safe)
    return a, b


def allowed_frequencies(table: Grid, shortest: Floats) -> Bools:
    """Give (n, F) which trial periods are at least (n,) `shortest` days."""
    return table.frequency <= 1 / np.maximum(shortest, SHORTEST_DAYS)[:, None] * (1 + 1e-12)


def _highest(power: Floats, frequency: Floats) -> Floats:
    """Give the frequency of each row's maximum, by the parabola through it and its neighbors."""
    best = power.argmax(axis=1)
    rows, last = np.arange(len(power)), len(frequency) - 1
    before, after = power[rows, np.maximum(best - 1, 0)], power[rows, np.minimum(best + 1, last)]
    inside = (best > 0) & (best < last) & (before >= 0) & (after >= 0)
    bend = before - 2 * power[rows, best] + after
    shift = np.where(inside & (bend < 0), 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
    result: Floats = frequency[best] + shift * (frequency[1] - frequency[0])
    return result
