"""Inline SVG of the neutrophil count over time with the fitted cycle and the next nadir.

Logarithmic, because a cycle that falls to a tenth is then as deep as it is high. A count that was
left out is hollow; the expected nadir is a shaded band with its days written at its foot.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from hematon.engine.assessment_trends import CycleCount, FittedCycle, NeutrophilCycle
from hematon.report import scales
from hematon.report.markup import Markup, element
from hematon.report.quantities import number

WIDTH, HEIGHT = 640.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 14.0, 14.0, 34.0
FLOOR: Final = 0.02
STEPS: Final = 160
THRESHOLDS: Final = (0.2, 0.5, 1.0)
_MOST_TICKS: Final = 8
_DAY_STEPS: Final = (1, 2, 7, 14, 28, 56, 112, 224)


@dataclass(frozen=True, slots=True)
class _Frame:
    first: float
    last: float
    low: float
    high: float

    def x(self, age_days: float) -> float:
        share = (age_days - self.first) / (self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def cycle_chart(cycle: NeutrophilCycle, fit: FittedCycle) -> Markup:
    """Draw the counts, the fitted cycle and the next nadir.

    Args:
        cycle: holds at least one count.
        fit: its wave.

    Returns:
        An `svg` element with title and description.
    """
    last = max(c.age_days for c in cycle.counts if not c.left_out)
    end = last + 0.5 * fit.period_days
    if cycle.next_nadir is not None:
        end = max(end, cycle.next_nadir.latest_age_days + 1)
    shown = [c for c in cycle.counts if fit.from_age_days - 3 <= c.age_days <= end]
    wave = [height(fit, age) for age in np.linspace(fit.from_age_days, end, STEPS)]
    values = [max(value, FLOOR) for value in (*wave, *(c.value for c in shown))]
    low, high = scales.extent(values, list(THRESHOLDS), log=True)
    frame = _Frame(fit.from_age_days - 2.0, end, low, high)
    return element(
        "svg",
        element("title", "Neutrophils and the fitted cycle", id="cycle-title"),
        element("desc", described(cycle, shown), id="cycle-description"),
        _expected(frame, cycle, fit.from_age_days),
        _axes(frame, fit.from_age_days),
        _wave(frame, fit),
        [_point(frame, c) for c in shown],
        class_="chart cycle",
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        aria_labelledby="cycle-title cycle-description",
    )


def described(cycle: NeutrophilCycle, shown: list[CycleCount]) -> str:
    """Say in words what the chart shows."""
    first = shown[0].age_days
    values = ", ".join(
        f"{number(c.value)} on day {c.age_days - first}{' (left out)' if c.left_out else ''}"
        for c in shown
    )
    return f"{cycle.text} Counts: {values}."


def height(fit: FittedCycle, age_days: float) -> float:
    """Give the fitted neutrophil count (10*9/L) at an age in days."""
    angle = 2 * math.pi * (age_days - fit.trough_age_days) / fit.period_days
    line = fit.level + fit.slope_per_day * (age_days - fit.from_age_days)
    return float(10 ** (line - fit.amplitude * math.cos(angle)))


def _axes(frame: _Frame, first: int) -> Iterator[Markup]:
    for value in scales.value_ticks(frame.low, frame.high, log=True):
        y = frame.y(value)
        yield element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
    for value in THRESHOLDS:
        y = frame.y(value)
        yield element("line", class_="limit", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        label = number(value)
        yield element("text", label, class_="tick", x=LEFT - 5, y=y + 3.5, text_anchor="end")
    floor = HEIGHT - BOTTOM
    yield element("line", class_="axis", x1=LEFT, x2=WIDTH - RIGHT, y1=floor, y2=floor)
    days = int(frame.last - first)
    step = next((s for s in _DAY_STEPS if days / s <= _MOST_TICKS), _DAY_STEPS[-1])
    for day in range(0, days + 1, step):
        x = frame.x(first + day)
        yield element("line", class_="axis", x1=x, x2=x, y1=floor, y2=floor + 4)
        yield element("text", str(day), class_="tick", x=x, y=floor + 16, text_anchor="middle")
    middle, foot = (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4
    label = "days since the first count used"
    yield element("text", label, class_="tick", x=middle, y=foot, text_anchor="middle")


def _wave(frame: _Frame, fit: FittedCycle) -> Markup:
    ages = np.linspace(frame.first, frame.last, STEPS).tolist()
    at = "L".join(f"{frame.x(a):.1f} {frame.y(height(fit, a)):.1f}" for a in ages)
    return element("path", class_="course", d=f"M{at}")


def _expected(frame: _Frame, cycle: NeutrophilCycle, first: int) -> Iterator[Markup]:
    nadir = cycle.next_nadir
    if nadir is None:
        return
    left, right = frame.x(nadir.earliest_age_days), frame.x(nadir.latest_age_days)
    yield element(
        "rect", class_="band", x=left, y=TOP, width=right - left, height=HEIGHT - TOP - BOTTOM
    )
    low, high = round(nadir.earliest_age_days - first), round(nadir.latest_age_days - first)
    label = f"next nadir, day {low} to {high}"
    x = min((left + right) / 2, WIDTH - RIGHT - 3.2 * len(label))
    yield element("text", label, class_="tick", x=x, y=TOP + 10, text_anchor="middle")


def _point(frame: _Frame, count: CycleCount) -> Markup:
    kind = "point hollow" if count.left_out else "point"
    return element(
        "circle", class_=kind, cx=frame.x(count.age_days), cy=frame.y(count.value), r=3.4
    )
