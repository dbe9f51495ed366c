"""Curves of a share from 0 to 100 % as one SVG without scripts; lines differ in dash and label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.report.markup import Markup, element

WIDTH, HEIGHT = 430.0, 280.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 14.0, 34.0, 34.0
LEGEND = 22.0
STYLES = (
    ("#46328c", "none"),
    ("#a81e54", "7 3"),
    ("#1c1a26", "2 3"),
    ("#7a5200", "9 3 2 3"),
    ("#746aa5", "1 2"),
)


@dataclass(frozen=True)
class Curve:
    """A named share over x."""

    name: str
    x: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Curves over one axis."""

    title: str
    curves: Sequence[Curve]


def picture(panels: Sequence[Panel], title: str) -> str:
    """Draw the panels two in a row, with one legend below them."""
    rows = (len(panels) + 1) // 2
    names = [curve.name for curve in panels[0].curves]
    height = rows * HEIGHT + LEGEND * len(names) + 10
    legend = []
    for k, name in enumerate(names):
        y = rows * HEIGHT + LEGEND * k + 12
        color, dash = STYLES[k]
        line = {"x1": 44, "x2": 84, "y1": y, "y2": y, "stroke_width": 2.4}
        legend.append(element("line", stroke=color, stroke_dasharray=dash, **line))
        legend.append(element("text", name, x=94, y=y + 4))
    return (
        element(
            "svg",
            element("title", title),
            element("desc", "; ".join(_described(panel) for panel in panels)),
            element("rect", width=2 * WIDTH, height=height, fill="#ffffff"),
            [_panel(p, (k % 2) * WIDTH, (k // 2) * HEIGHT) for k, p in enumerate(panels)],
            legend,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {2 * WIDTH:.0f} {height:.0f}",
            font_family="sans-serif",
            font_size=12,
            role="img",
        )
        + "\n"
    )


def _described(panel: Panel) -> str:
    ends = ", ".join(f"{c.name} {c.share[-1]:.0%} at {c.x[-1]:g}" for c in panel.curves)
    return f"{panel.title}: {ends}"


def _panel(panel: Panel, dx: float, dy: float) -> Markup:
    last = float(panel.curves[0].x[-1])
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, share: float) -> tuple[float, float]:
        return LEFT + x / last * wide, TOP + (1 - share) * high

    marks = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        _, y = at(0, share)
        marks.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, stroke="#d8d3e2"))
        marks.append(
            element("text", f"{share:.0%}", x=LEFT - 6, y=y + 4, text_anchor="end", font_size=10)
        )
    for tick in np.arange(0, last + 0.1, 5):
        x, y = at(float(tick), 0)
        marks.append(
            element("text", f"{tick:g}", x=x, y=y + 16, text_anchor="middle", font_size=10)
        )
    lines = []
    for curve, (color, dash) in zip(panel.curves, STYLES[: len(panel.curves)], strict=True):
        points = []
        for k, (x, share) in enumerate(zip(curve.x.tolist(), curve.share.tolist(), strict=True)):
            if k:
                points.append(at(x, float(curve.share[k - 1])))
            points.append(at(x, share))
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        lines.append(
            element(
                "path",
                d=f"M{path}",
                fill="none",
                stroke=color,
                stroke_width=2.2,
                stroke_dasharray=dash,
            )
        )
    title = element("text", panel.title, x=LEFT, y=18, font_weight="bold")
    return element("g", title, marks, lines, transform=f"translate({dx:.0f} {dy:.0f})")
