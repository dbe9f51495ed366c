"""The way from the starting point of a condition to its place, one row for each piece of evidence.

A table whose second column is drawn: every row has a bar on one common axis of odds, so that the
picture cannot lose its words, wraps on a narrow screen and is read out row by row. Which way a
bar goes is said by its place and by the words beside it, never by color alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hematon.engine.assessment import Candidate
from hematon.report import evidence, selection
from hematon.report.html_parts import linked, reference, table
from hematon.report.markup import Markup, element
from hematon.report.quantities import odds, prose

HEADERS: Final = ("Evidence, in order", "Odds against all the others", "Step", "So far", "Rests on")
_DECADE: Final = math.log(10.0)
_MOST_TICKS: Final = 5
_MARGIN: Final = 0.06
"""Share of the axis kept free on each side."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where log odds fall, in percent of the width."""

    low: float
    high: float

    def at(self, log_odds: float) -> float:
        return 100 * (log_odds - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        first, last = math.ceil(self.low / _DECADE), math.floor(self.high / _DECADE)
        step = max(1, math.ceil((last - first + 1) / _MOST_TICKS))
        # Even odds stay on the axis whatever the step.
        return [k * _DECADE for k in range(first, last + 1) if k % step == 0]


def waterfall(candidate: Candidate, citations: Iterable[str]) -> Markup:
    """Draw one condition.

    Args:
        candidate: holds its contributions, the prior first.
        citations: source ids that the report lists.

    Returns:
        A table with one drawn cell a row.
    """
    prior, *_ = candidate.contributions
    told = selection.steps(candidate)
    path = [prior.log_ratio_against_rest]
    for piece in told.shown:
        path.append(path[-1] + piece.log_ratio_against_rest)
    if told.gathered:
        path.append(path[-1] + math.fsum(p.log_ratio_against_rest for p in told.gathered))
    axis = _axis(path)
    cited = frozenset(citations)
    rows: list[tuple[str, ...]] = [
        (
            "Starting point: " + prose(prior.text),
            _cell(axis, path[0], path[0], first=True),
            "–",
            odds(path[0]),
            reference(prior.grade, prior.source, cited),
        )
    ]
    for k, piece in enumerate(told.shown, start=1):
        rows.append(
            (
                linked(evidence.evidence_text(piece)),
                _cell(axis, path[k - 1], path[k]),
                evidence.step(piece.log_ratio_against_rest),
                odds(path[k]),
                reference(piece.grade, piece.source, cited, piece.counted),
            )
        )
    if told.gathered:
        count = len(told.gathered)
        rows.append(
            (
                "1 smaller piece" if count == 1 else f"{count} smaller pieces",
                _cell(axis, path[-2], path[-1]),
                evidence.step(path[-1] - path[-2]),
                odds(path[-1]),
                "–",
            )
        )
    end = candidate.log_odds_against_rest
    rows.append(("Place in this ranking", _cell(axis, end, end, last=True), "–", odds(end), "–"))
    caption = f"{prose(candidate.name)}, step by step"
    return table(caption, HEADERS, rows, "waterfall", under=(HEADERS[1], _ticks(axis)))


def _axis(path: Sequence[float]) -> _Axis:
    # At least two decades, and even odds, so that a small step never fills the picture.
    low, high = min(*path, -_DECADE), max(*path, _DECADE)
    margin = _MARGIN * (high - low)
    return _Axis(low - margin, high + margin)


def _ticks(axis: _Axis) -> Markup:
    labels = (
        element("text", odds(tick), x=_percent(axis.at(tick)), y="85%", text_anchor="middle")
        for tick in axis.ticks()
    )
    return element("svg", labels, class_="axis", aria_hidden="true")


def _cell(
    axis: _Axis, before: float, after: float, *, first: bool = False, last: bool = False
) -> Markup:
    """Draw a bar from before to after, or a mark where they are the same place."""
    start, end = axis.at(before), axis.at(after)
    if before == after:
        shape = element("circle", class_="place", cx=_percent(start), cy="50%", r="5")
    else:
        shape = element(
            "rect",
            class_="up" if after > before else "down",
            x=_percent(min(start, end)),
            width=_percent(max(abs(end - start), 0.4)),
            y="25%",
            height="50%",
        )
    lines = [
        _line("even" if tick == 0 else "grid", axis.at(tick), "0%", "100%") for tick in axis.ticks()
    ]
    # Where the row above left off, and where the row below goes on.
    if not first:
        lines.append(_line("link", start, "0%", "50%"))
    if not last:
        lines.append(_line("link", end, "50%", "100%"))
    return element("svg", lines, shape, class_="step", aria_hidden="true")


def _line(kind: str, x: float, y1: str, y2: str) -> Markup:
    return element("line", class_=kind, x1=_percent(x), x2=_percent(x), y1=y1, y2=y2)


def _percent(value: float) -> str:
    return f"{value:.2f}%"
