"""The reliability plot as one SVG file: what the shares say against how often they were right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hematon.evaluation.figures import Calibration
from hematon.evaluation.scores import Bin
from hematon.report import scales
from hematon.report.markup import Markup, element, style_sheet
from hematon.report.quantities import number

SIDE: Final = 360.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 28.0, 46.0
LEAST_RADIUS, MOST_RADIUS = 3.0, 8.0
STYLE: Final = """
svg { background: #fff; font: 12px system-ui, sans-serif; fill: #222; }
.grid { stroke: #ddd; } .ideal { stroke: #777; stroke-dasharray: 4 4; }
.interval { stroke: #1f5fa8; stroke-width: 1.5; } .point { fill: #1f5fa8; }
.line { stroke: #1f5fa8; fill: none; }
"""


def reliability_plot(calibration: Calibration) -> str:
    """Draw the bins of equal mass of one calibration.

    A point lies on the dashed line when the share stated is the share right; its bar is the 95 %
    interval over publications, its size the number of cases in the bin.

    Returns:
        An SVG document.
    """
    title = f"Reliability of the leading row, {calibration.cases:,} cases"
    frame = element(
        "svg",
        style_sheet(STYLE),
        element("title", title),
        element("desc", _described(calibration.bins)),
        _axes(),
        element("text", title, x=LEFT, y=16.0),
        element("line", class_="ideal", x1=_x(0), y1=_y(0), x2=_x(1), y2=_y(1)),
        element("path", class_="line", d=_path(calibration.bins)),
        list(_points(calibration.bins)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {SIDE:.0f} {SIDE:.0f}",
        width=SIDE,
        height=SIDE,
        role="img",
    )
    return f"{frame}\n"


def _x(share: float) -> float:
    return LEFT + share * (SIDE - LEFT - RIGHT)


def _y(share: float) -> float:
    return SIDE - BOTTOM - share * (SIDE - TOP - BOTTOM)


def _axes() -> Iterator[Markup]:
    for tick in scales.value_ticks(0.0, 1.0, log=False):
        x, y, label = _x(tick), _y(tick), number(tick)
        yield element("line", class_="grid", x1=x, x2=x, y1=_y(0), y2=_y(1))
        yield element("line", class_="grid", x1=_x(0), x2=_x(1), y1=y, y2=y)
        yield element("text", label, x=x, y=_y(0) + 16, text_anchor="middle")
        yield element("text", label, x=LEFT - 6, y=y + 4, text_anchor="end")
    yield element("text", "share stated", x=_x(0.5), y=SIDE - 8, text_anchor="middle")
    middle = _y(0.5)
    yield element(
        "text",
        "share right",
        x=14.0,
        y=middle,
        text_anchor="middle",
        transform=f"rotate(-90 14 {middle:.1f})",
    )


def _path(bins: Sequence[Bin]) -> str:
    return "M" + " L".join(f"{_x(b.stated):.1f},{_y(b.observed):.1f}" for b in bins)


def _points(bins: Sequence[Bin]) -> Iterator[Markup]:
    most = max(b.predictions for b in bins)
    for b in bins:
        x = _x(b.stated)
        if b.observed_low is not None and b.observed_high is not None:
            low, high = _y(b.observed_low), _y(b.observed_high)
            yield element("line", class_="interval", x1=x, x2=x, y1=low, y2=high)
        radius = LEAST_RADIUS + (MOST_RADIUS - LEAST_RADIUS) * b.predictions / most
        yield element("circle", class_="point", cx=x, cy=_y(b.observed), r=radius)


def _described(bins: Sequence[Bin]) -> str:
    said = (f"{b.predictions} at {b.stated:.2f}: {b.observed:.2f} right" for b in bins)
    return f"Cases at the mean share stated, and the share right. {'; '.join(said)}."
