"""One drawing for each analyte over time: the child's values over the reference band for the age.

The band runs through the knots that the engine judges with. Meaning never rests on color: the band
is gray with lines and numbers at its edge, values are black, a bound is a hollow triangle that
points where the value lies, a value under treatment is hollow. Dates stand under the drawing where
the birth date is known, ages else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, PolyLine, String
from reportlab.lib import colors

from hematon.engine.assessment import Assessment, Input
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import Knowledge as Compiled
from hematon.portal.ui.paper import BODY, BOLD, INK, LINE, QUIET
from hematon.report import charts, scales, selection, wording
from hematon.report.quantities import number, short_age, unit

HEIGHT: Final = 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 40.0, 24.0, 24.0
_STEPS: Final = 40
_BAND = colors.HexColor("#dfe5e3")
_SMALL: Final = 6.8


@dataclass(frozen=True)
class Plot:
    """A drawing with its words.

    Attributes:
        name: what is drawn.
        drawing: the picture.
        alt: what it shows, value by value.
        source: edition and sources of the band.
    """

    name: str
    drawing: Drawing
    alt: str
    source: str


def plots(
    assessment: Assessment, knowledge: Knowledge, born: date | None, width: float
) -> tuple[Plot, ...]:
    """Draw every analyte that has dated values and a band.

    Args:
        assessment: of the record; gives the values in one unit each.
        knowledge: gives the band.
        born: turns ages into dates; None where it is not known.
        width: of each drawing, in points.
    """
    return tuple(
        _plot(assessment, knowledge, analyte, measured, born, width)
        for analyte in charts.charted(assessment, knowledge)
        if (measured := as_sent(assessment, analyte))
    )


def as_sent(assessment: Assessment, analyte: str) -> tuple[Input, ...]:
    """Give the dated values that somebody sent; what the engine worked out is not among them."""
    return tuple(one for one in selection.serial_inputs(assessment, analyte) if not one.basis)


def band_source(knowledge: Compiled, analyte: str) -> str:
    """Name the edition and the sources of a band."""
    kept = knowledge.raw["intervals"][analyte]
    sources = ", ".join(kept.get("source", ()) or kept.get("sources", ()))
    edition = kept.get("edition", knowledge.version)
    return f"edition {edition}" + (f", {sources}" if sources else "")


@dataclass(frozen=True)
class _Frame:
    ages: tuple[float, float]
    values: tuple[float, float]
    log: bool
    width: float

    def x(self, age: float) -> float:
        first, final = self.ages
        return _LEFT + (age - first) / (final - first) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = (self._scaled(v) for v in self.values)
        share = (self._scaled(max(value, self.values[0])) - low) / (high - low)
        return _BOTTOM + share * (HEIGHT - _TOP - _BOTTOM)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value


def _plot(
    assessment: Assessment,
    knowledge: Knowledge,
    analyte: str,
    inputs: Sequence[Input],
    born: date | None,
    width: float,
) -> Plot:
    log = knowledge.analytes[analyte].scale == "log"
    ages = scales.window([float(i.age_days or 0) for i in inputs])
    drawn = charts.band(assessment, knowledge, analyte, np.linspace(*ages, _STEPS))
    edges = [float(drawn.lower.min()), float(drawn.upper.max())]
    frame = _Frame(ages, scales.extent([i.value for i in inputs], edges, log=log), log, width)
    picture = Drawing(width, HEIGHT)
    name = f"{inputs[0].name}, {unit(inputs[0].unit)}"
    picture.add(String(0, HEIGHT - 10, name, fontName=BOLD, fontSize=8.8, fillColor=INK))
    _grid(picture, frame)
    _band(picture, frame, drawn)
    _dates(picture, frame, inputs, born)
    _course(picture, frame, inputs)
    return Plot(name, picture, charts.described(inputs, drawn), band_source(knowledge, analyte))


def _grid(picture: Drawing, frame: _Frame) -> None:
    for tick in scales.value_ticks(*frame.values, log=frame.log):
        y = frame.y(tick)
        picture.add(Line(_LEFT, y, frame.width - _RIGHT, y, strokeColor=LINE, strokeWidth=0.3))
        picture.add(_words(_LEFT - 4, y - 2.4, number(tick), anchor="end"))


def _band(picture: Drawing, frame: _Frame, drawn: charts.Band) -> None:
    ages = drawn.age_days.tolist()
    upper = [(frame.x(a), frame.y(v)) for a, v in zip(ages, drawn.upper.tolist(), strict=True)]
    lower = [(frame.x(a), frame.y(v)) for a, v in zip(ages, drawn.lower.tolist(), strict=True)]
    corners = [part for point in (*upper, *reversed(lower)) for part in point]
    picture.contents.insert(1, Polygon(corners, fillColor=_BAND, strokeColor=None))
    taken: list[float] = []
    for points, limit in ((lower, drawn.lower), (upper, drawn.upper)):
        flat = [part for point in points for part in point]
        picture.add(PolyLine(flat, strokeColor=QUIET, strokeWidth=0.6, strokeDashArray=[2, 2]))
        y = points[-1][1] - 2.4
        if all(abs(y - other) >= 8 for other in taken):
            taken.append(y)
            picture.add(_words(frame.width - _RIGHT + 4, y, number(float(limit[-1]), 3)))


def _dates(picture: Drawing, frame: _Frame, inputs: Sequence[Input], born: date | None) -> None:
    floor, taken = _BOTTOM, [-100.0]
    picture.add(Line(_LEFT, floor, frame.width - _RIGHT, floor, strokeColor=INK, strokeWidth=0.6))
    # The days of the draws themselves: first and latest always, others where there is room.
    ages = sorted({i.age_days for i in inputs if i.age_days is not None})
    order = [ages[0], ages[-1], *ages[1:-1]]
    for age in dict.fromkeys(order):
        said = (born + timedelta(days=age)).isoformat() if born else short_age(age)
        x = min(max(frame.x(age), _LEFT + 18), frame.width - _RIGHT - 4)
        picture.add(Line(frame.x(age), floor, frame.x(age), floor - 3, strokeColor=INK))
        if all(abs(x - other) > 44 for other in taken):
            taken.append(x)
            picture.add(_words(x, floor - 11, said, anchor="middle"))


def _course(picture: Drawing, frame: _Frame, inputs: Sequence[Input]) -> None:
    points = [(frame.x(i.age_days or 0), frame.y(i.value)) for i in inputs]
    if len(points) > 1:
        flat = [part for point in points for part in point]
        picture.add(PolyLine(flat, strokeColor=INK, strokeWidth=1))
    small = len(inputs) > charts.CROWD
    for item, (x, y) in zip(inputs, points, strict=True):
        if item.comparator:
            tip = y - 6 if "<" in item.comparator else y + 6
            corners = [x - 4, y, x + 4, y, x, tip]
            shape: object = Polygon(corners, fillColor=colors.white, strokeColor=INK, strokeWidth=1)
        else:
            hollow = charts.is_supported(item)
            shape = Circle(
                x,
                y,
                1.7 if small else 2.8,
                fillColor=colors.white if hollow else INK,
                strokeColor=INK,
                strokeWidth=1,
            )
        picture.add(shape)
    _labels(picture, frame, inputs, points, most=4 if small else charts.MOST_LABELS)


def _labels(
    picture: Drawing,
    frame: _Frame,
    inputs: Sequence[Input],
    points: Sequence[tuple[float, float]],
    most: int,
) -> None:
    taken: list[tuple[float, float, float]] = []
    for k in scales.by_importance([i.value for i in inputs])[:most]:
        said = f"{inputs[k].comparator}{number(inputs[k].value, wording.digits(inputs[k]))}"
        half = len(said) * 2.3
        x = min(max(points[k][0], _LEFT + half), frame.width - _RIGHT - half)
        for baseline in (points[k][1] + 6, points[k][1] - 12):
            free = all(
                abs(x - other) >= half + wide or abs(baseline - at) >= 8
                for other, at, wide in taken
            )
            if free and _BOTTOM <= baseline <= HEIGHT - _TOP + 6:
                taken.append((x, baseline, half))
                picture.add(_words(x, baseline, said, anchor="middle", font=BOLD, ink=INK))
                break


def _words(
    x: float,
    y: float,
    said: str,
    *,
    anchor: str = "start",
    font: str = BODY,
    ink: colors.Color = QUIET,
) -> String:
    return String(x, y, said, fontName=font, fontSize=_SMALL, fillColor=ink, textAnchor=anchor)
