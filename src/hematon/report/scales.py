"""Windows and ticks of a chart: what range is drawn, and which round numbers are named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from hematon.report.quantities import DAYS_PER_MONTH, DAYS_PER_YEAR

AGE_STEPS: Final = (
    *(1.0, 2.0, 7.0, 14.0, DAYS_PER_MONTH, 2 * DAYS_PER_MONTH, 3 * DAYS_PER_MONTH),
    *(6 * DAYS_PER_MONTH, DAYS_PER_YEAR, 2 * DAYS_PER_YEAR, 5 * DAYS_PER_YEAR),
)
MOST_AGE_TICKS: Final = 4
MOST_VALUE_TICKS: Final = 5
LEAST_LOG_VALUE: Final = 0.02
"""A count of zero is drawn at the floor of a logarithmic axis, which is at least this."""


def window(age_days: Sequence[float]) -> tuple[float, float]:
    """Give the ages to draw around the draws: wide enough that one draw still makes a picture."""
    first, final = min(age_days), max(age_days)
    span = final - first
    # The band of a newborn changes in days, that of a school child over years.
    around = max(7.0, 0.12 * span, (0.03 if span else 0.08) * final)
    return max(first - around, 0.0), final + around


def extent(values: Sequence[float], edges: Sequence[float], *, log: bool) -> tuple[float, float]:
    """Give the lowest and highest value to draw, holding every value and the band."""
    if log:
        positive = [v for v in (*values, *edges) if v > 0]
        low = min(positive) / 1.6
        if min(values) <= 0:
            low = min(low, max(low / 4, LEAST_LOG_VALUE))
        return low, max(positive) * 1.25
    low, high = min(*values, *edges), max(*values, *edges)
    margin = 0.12 * (high - low) or 1.0
    return max(low - margin, 0.0), high + margin


def value_ticks(low: float, high: float, *, log: bool) -> tuple[float, ...]:
    """Give round values inside the range, at most a handful."""
    if log:
        return _log_ticks(low, high)
    raw = (high - low) / (MOST_VALUE_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= raw)
    first = math.ceil(low / step)
    return tuple(_exact(k * step) for k in range(first, math.floor(high / step) + 1))


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for factors in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]
        if len(ticks) <= MOST_VALUE_TICKS:
            break
    return tuple(_exact(t) for t in ticks)


def _exact(value: float) -> float:
    """Take out the dust of binary arithmetic, so that 0.30000000000000004 is written 0.3."""
    return float(f"{value:.10g}")


def age_ticks(first: float, final: float) -> tuple[float, ...]:
    """Give round ages in days inside the range."""
    for step in AGE_STEPS:
        count = math.floor(final / step) - math.ceil(first / step) + 1
        if count <= MOST_AGE_TICKS:
            break
    start = math.ceil(first / step)
    return tuple(k * step for k in range(start, math.floor(final / step) + 1))


def by_importance(values: Sequence[float]) -> tuple[int, ...]:
    """Order the points for labelling: the latest, lowest, first and highest, then the rest."""
    count = len(values)
    order = [
        count - 1,
        min(range(count), key=values.__getitem__),
        0,
        max(range(count), key=values.__getitem__),
        *range(count - 2, 0, -1),
    ]
    return tuple(dict.fromkeys(order))
