"""What is aimed at, and whether the figures reach it: the first table of the page.

The goals are those the project set itself for published patients before the model was fitted. A
figure that was not measured has no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from hematon.evaluation.figures import Figures, Ranking
from hematon.evaluation.scores import Estimate, share_interval

Scale = Literal["share", "per_thousand", "plain"]

FINDINGS_ONLY: Final = (("first", 0.65), ("among the first three", 0.85))
WITH_COUNTS: Final = (
    ("first", 0.60),
    ("among the first three", 0.85),
    ("among the first five", 0.95),
)
NEVER_MISS: Final = 1.0
OTHER_DISEASE: Final = 0.95
URGENT: Final = 0.001
CALIBRATION_ERROR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal beside what was measured.

    Attributes:
        text: what is measured.
        cases: in how many.
        scale: how the figure is written.
        sought: the goal.
        measured: the figure.
        at_least: whether more is better; else the figure must not be above the goal.
    """

    text: str
    cases: int
    scale: Scale
    sought: float
    measured: Estimate
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the figure reaches the goal."""
        return self._reaches(self.measured.value)

    @property
    def in_doubt(self) -> bool:
        """Whether the interval holds values on both sides of the goal; no interval says nothing."""
        low, high = self.measured.low, self.measured.high
        if low is None or high is None:
            return False
        return self._reaches(low) != self._reaches(high)

    def _reaches(self, value: float) -> bool:
        return value >= self.sought if self.at_least else value <= self.sought


def goals(figures: Figures) -> tuple[Goal, ...]:
    """Give every goal that these figures say something of, in the order of the page."""
    return tuple(_goals(figures))


def _goals(figures: Figures) -> Iterator[Goal]:
    yield from _ranked(figures, "findings only", "Findings only: right group", FINDINGS_ONLY)
    yield from _ranked(figures, "both", "Findings and counts: right group", WITH_COUNTS)
    for row in figures.never_miss:
        if row.by == "all":
            text = "Never-miss condition among the first five, or always shown"
            yield Goal(text, row.cases, "share", NEVER_MISS, row.shown)
    for other in figures.specificity:
        if other.name == "all":
            text = "Another disease: no marrow failure condition fits well"
            measured = other.no_marrow_failure_fits_well
            yield Goal(text, other.cases, "share", OTHER_DISEASE, measured)
    for group in figures.population:
        if group.name == "all":
            text = "Children of the survey in urgency E or U24"
            measured = share_interval(group.urgent, group.children)
            yield Goal(text, group.children, "per_thousand", URGENT, measured, at_least=False)
    if (whole := figures.whole_calibration) is not None:
        text = "Expected calibration error of the leading condition"
        yield Goal(text, whole.cases, "plain", CALIBRATION_ERROR, whole.error, at_least=False)


def _ranked(
    figures: Figures, evidence: str, text: str, sought: tuple[tuple[str, float], ...]
) -> Iterator[Goal]:
    for stratum in figures.strata:
        if stratum.by == "evidence" and stratum.name == evidence:
            for ranking in stratum.rankings:
                if ranking.level == "group":
                    for (where, goal), share in zip(sought, _top(ranking), strict=False):
                        yield Goal(f"{text} {where}", ranking.cases, "share", goal, share)


def _top(ranking: Ranking) -> tuple[Estimate, ...]:
    return ranking.top_1, ranking.top_3, ranking.top_5
