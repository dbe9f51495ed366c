"""Inline SVG of one analyte's counts over the reference band for age and sex.

The band is drawn through the same knots that the engine judges with, so picture and judgment
cannot differ. Meaning never rests on color: a count under treatment is hollow, a bound is an open
triangle pointing where the value lies, the limits are lines with their numbers. Colors come from
the page's style sheet. Coordinates are rounded, so that the same input gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hematon.engine.assessment import Assessment, Input
from hematon.engine.batch import SUPPORT_BEFORE
from hematon.engine.describe_inputs import SUPPORT
from hematon.knowledge.compiled import Knowledge
from hematon.report import scales, selection, wording
from hematon.report.markup import Markup, element
from hematon.report.quantities import number, short_age, unit

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 280.0, 184.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 32.0, 16.0, 26.0
BAND_STEPS: Final = 48
MOST_LABELS: Final = 8
CROWD: Final = 16
"""With more draws than this, points are small and only four values are labelled."""
CHARACTER_WIDTH: Final = 6.3
LINE_HEIGHT: Final = 12.0
CHARTED: Final = (
    *("hemoglobin", "anc", "platelets", "mcv", "retic_abs", "hbf_pct", "wbc", "alc", "monocytes"),
    *("eosinophils", "mpv", "rdw_cv", "rbc", "hematocrit", "retic_pct"),
)


@dataclass(frozen=True, slots=True)
class Band:
    """Reference limits over age: (n,) ages in days and limits in the analyte's unit."""

    age_days: Floats
    lower: Floats
    median: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where ages and values fall on the paper."""

    ages: tuple[float, float]
    values: tuple[float, float]
    log: bool

    def x(self, age_days: float) -> float:
        first, final = self.ages
        return LEFT + (age_days - first) / (final - first) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = (self._scaled(v) for v in self.values)
        share = (self._scaled(max(value, self.values[0])) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value


def charted(assessment: Assessment, knowledge: Knowledge) -> tuple[str, ...]:
    """Give the analytes that can be drawn: dated values and a reference band."""
    return tuple(
        analyte
        for analyte in CHARTED
        if analyte in knowledge.raw["intervals"] and selection.serial_inputs(assessment, analyte)
    )


def chart(assessment: Assessment, knowledge: Knowledge, analyte: str) -> Markup:
    """Draw one analyte over the band.

    Args:
        assessment: holds at least one dated value of the analyte.
        knowledge: holds its reference limits.
        analyte: one of `charted`.

    Returns:
        An `svg` element with title and description.
    """
    inputs = selection.serial_inputs(assessment, analyte)
    log = knowledge.analytes[analyte].scale == "log"
    ages = scales.window([float(i.age_days or 0) for i in inputs])
    drawn = band(assessment, knowledge, analyte, np.linspace(*ages, BAND_STEPS))
    edges = [float(drawn.lower.min()), float(drawn.upper.max())]
    frame = _Frame(ages, scales.extent([i.value for i in inputs], edges, log=log), log)
    title, description = f"chart-{analyte}-title", f"chart-{analyte}-description"
    return element(
        "svg",
        element("title", inputs[0].name, id=title),
        element("desc", described(inputs, drawn), id=description),
        _axes(frame),
        _band(frame, drawn),
        _limits(frame, drawn),
        _line(frame, inputs),
        [_point(frame, item, small=len(inputs) > CROWD) for item in inputs],
        _labels(frame, inputs),
        class_="chart",
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        aria_labelledby=f"{title} {description}",
    )


def band(assessment: Assessment, knowledge: Knowledge, analyte: str, age_days: Floats) -> Band:
    """Give the limits at ages in days; over both sexes when the sex is not stated.

    Returns:
        Limits in the analyte's unit, flat beyond the first and last knot.
    """
    variants = knowledge.raw["intervals"][analyte]["variants"]
    population = "any"
    if is_duffy_null(assessment) and "female/duffy_null" in variants:
        population = "duffy_null"
    sexes = [assessment.sex] if assessment.sex in ("female", "male") else ["female", "male"]
    tables = [np.array(variants[f"{sex}/{population}"]) for sex in sexes]
    columns = [[np.interp(age_days, t[:, 0], t[:, k]) for t in tables] for k in (1, 2, 3)]
    return Band(
        age_days,
        np.minimum.reduce(columns[0]),
        np.mean(columns[1], axis=0),
        np.maximum.reduce(columns[2]),
    )


def is_duffy_null(assessment: Assessment) -> bool:
    """Whether the record says so: then the limits of neutrophils are others."""
    return any(f.observed and "HX_DUFFY_NULL" in f.used_as for f in assessment.findings)


def described(inputs: Sequence[Input], drawn: Band) -> str:
    """Say in words what the chart shows."""
    values = ", ".join(f"{wording.value(i)} at {short_age(i.age_days)}" for i in inputs)
    lower, upper = number(float(drawn.lower[-1]), 3), number(float(drawn.upper[-1]), 3)
    limits = f"{lower} to {upper} {unit(inputs[0].unit)}"
    return f"{inputs[0].name}: {values}. Reference band at the end of the chart: {limits}."


def _axes(frame: _Frame) -> Iterator[Markup]:
    low, high = frame.values
    for tick in scales.value_ticks(low, high, log=frame.log):
        y = frame.y(tick)
        yield element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        yield element("text", number(tick), class_="tick", x=LEFT - 5, y=y + 3.5, text_anchor="end")
    floor = HEIGHT - BOTTOM
    yield element("line", class_="axis", x1=LEFT, x2=WIDTH - RIGHT, y1=floor, y2=floor)
    label = ""
    for tick in scales.age_ticks(*frame.ages):
        x = frame.x(tick)
        yield element("line", class_="axis", x1=x, x2=x, y1=floor, y2=floor + 4)
        label, before = short_age(math.ceil(tick)), label
        # Weeks apart, two ticks may fall into one month.
        if label != before:
            yield element("text", label, class_="tick", x=x, y=floor + 16, text_anchor="middle")


def _band(frame: _Frame, drawn: Band) -> Markup:
    upper = _path(frame, drawn.age_days, drawn.upper)
    lower = _path(frame, drawn.age_days[::-1], drawn.lower[::-1])
    return element("path", class_="band", d=f"M{upper}L{lower}Z")


def _limits(frame: _Frame, drawn: Band) -> Iterator[Markup]:
    lines = (("limit", drawn.lower), ("median", drawn.median), ("limit", drawn.upper))
    taken: list[float] = []
    for kind, values in lines:
        yield element("path", class_=kind, d=f"M{_path(frame, drawn.age_days, values)}")
        y = frame.y(float(values[-1])) + 3.5
        # Numbers at the right edge name the lines; one that would overprint another is left out.
        if all(abs(y - other) >= LINE_HEIGHT - 2 for other in taken):
            taken.append(y)
            text = number(float(values[-1]), 3)
            yield element("text", text, class_=f"edge {kind}-edge", x=WIDTH - RIGHT + 4, y=y)


def _path(frame: _Frame, ages: Floats, values: Floats) -> str:
    pairs = zip(ages.tolist(), values.tolist(), strict=True)
    return "L".join(f"{frame.x(age):.1f} {frame.y(value):.1f}" for age, value in pairs)


def _line(frame: _Frame, inputs: Sequence[Input]) -> Markup | None:
    if len(inputs) < 2:
        return None
    at = [f"{frame.x(i.age_days or 0):.1f} {frame.y(i.value):.1f}" for i in inputs]
    return element("path", class_="course", d=f"M{'L'.join(at)}")


def _point(frame: _Frame, item: Input, *, small: bool) -> Markup:
    x, y = frame.x(item.age_days or 0), frame.y(item.value)
    size = 4.6 if item.used else 2.4 if small else 3.4
    kind = ("point hollow" if is_supported(item) else "point") + (" small" if small else "")
    if not item.comparator:
        return element("circle", class_=kind, cx=x, cy=y, r=size)
    tip = size + 2 if "<" in item.comparator else -size - 2
    corners = f"{x - 5:.1f},{y:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + tip:.1f}"
    return element("polygon", class_="point hollow", points=corners)


def is_supported(item: Input) -> bool:
    """Whether a treatment holds up or changes a value; one from before it is the child's own."""
    return item.support not in ("", SUPPORT[SUPPORT_BEFORE])


def _labels(frame: _Frame, inputs: Sequence[Input]) -> Iterator[Markup]:
    """Label the values that matter most, where there is room."""
    taken: list[tuple[float, float, float]] = []
    points = [(frame.x(i.age_days or 0), frame.y(i.value)) for i in inputs]
    most = 4 if len(inputs) > CROWD else MOST_LABELS
    for k in scales.by_importance([i.value for i in inputs])[:most]:
        text = f"{inputs[k].comparator}{number(inputs[k].value, wording.digits(inputs[k]))}"
        x, y = points[k]
        half = len(text) * CHARACTER_WIDTH / 2
        x = min(max(x, LEFT + half), WIDTH - RIGHT - half)
        for baseline in (y - 8, y + 16):
            free = all(
                abs(x - other) >= half + width or abs(baseline - at) >= LINE_HEIGHT
                for other, at, width in taken
            )
            if free and TOP - 6 <= baseline <= HEIGHT - BOTTOM - 2:
                taken.append((x, baseline, half))
                used = "value used" if inputs[k].used else "value"
                yield element("text", text, class_=used, x=x, y=baseline, text_anchor="middle")
                break
