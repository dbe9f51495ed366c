"""Goals beside figures: what is met, what is missed, and what the interval leaves open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hematon.evaluation.figures import Figures, PopulationGroup
from hematon.evaluation.goals import Goal, goals
from hematon.evaluation.page import page
from hematon.evaluation.run import evaluate
from hematon.evaluation.scores import Estimate
from hematon.knowledge import Knowledge


@pytest.fixture(scope="module")
def figures(folder: Path, loaded: Knowledge) -> Figures:
    """Figures of the synthetic sets, as if a survey had been there."""
    children = PopulationGroup("all", 2000, 1, {}, 0, 1999)
    girls = replace(children, name="girls", children=900)
    return replace(evaluate(folder, loaded).figures, population=(children, girls))


@pytest.mark.parametrize(
    ("value", "low", "high", "at_least", "met", "in_doubt"),
    [
        (0.80, 0.70, 0.90, True, True, False),
        (0.65, 0.65, 0.90, True, True, False),
        (0.80, 0.60, 0.90, True, True, True),
        (0.60, 0.50, 0.70, True, False, True),
        (0.60, 0.50, 0.64, True, False, False),
        (0.65, 0.60, 0.70, False, True, True),
        (0.70, 0.66, 0.80, False, False, False),
        (0.60, None, None, True, False, False),
    ],
)
def test_goal_is_met_missed_or_in_doubt(
    value: float, low: float | None, high: float | None, at_least: bool, met: bool, in_doubt: bool
) -> None:
    """The figure decides; the interval says whether it might as well be the other way."""
    goal = Goal("x", 10, "share", 0.65, Estimate(value, low, high), at_least)
    assert (goal.met, goal.in_doubt) == (met, in_doubt)


def test_each_goal_is_the_figure_it_names(figures: Figures) -> None:
    """Two of findings alone, three with counts, and one each of the other tables."""
    strata = {s.name: s for s in figures.strata if s.by == "evidence"}
    alone, both = (
        next(r for r in strata[name].rankings if r.level == "group")
        for name in ("findings only", "both")
    )
    found = goals(figures)
    assert [(g.measured, g.cases) for g in found[:5]] == [
        (alone.top_1, alone.cases),
        (alone.top_3, alone.cases),
        (both.top_1, both.cases),
        (both.top_3, both.cases),
        (both.top_5, both.cases),
    ]
    assert [g.sought for g in found] == [0.65, 0.85, 0.6, 0.85, 0.95, 1.0, 0.95, 0.001, 0.05]
    never, other, urgent, calibration = found[5:]
    assert never.measured == next(r.shown for r in figures.never_miss if r.by == "all")
    assert other.measured == figures.specificity[0].no_marrow_failure_fits_well
    assert (urgent.measured.value, urgent.cases, urgent.met) == (0.0005, 2000, True)
    assert urgent.in_doubt
    whole = figures.whole_calibration
    assert whole is not None
    assert calibration.measured == whole.error


def test_goals_are_the_first_table_of_the_page(figures: Figures) -> None:
    """With goal, figure, interval and what came of it, before anything else is said."""
    text = page(figures, {})
    table = text.partition("\n|")[2].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    assert len(rows) == len(goals(figures))
    assert text.index(rows[0]) < text.index("\n## ")
    assert "| at most 1.00 per 1,000 | 0.50 per 1,000 (0.09 to 2.83) | yes, in doubt |" in text
    assert "| at most 0.050 |" in rows[-1]
    assert sum("**no**" in row for row in rows) == sum(not g.met for g in goals(figures)) > 0


def test_what_was_not_measured_has_no_row(figures: Figures) -> None:
    """Without a single case there is no table."""
    nothing = replace(
        figures, strata=(), never_miss=(), specificity=(), population=(), calibration=()
    )
    assert goals(nothing) == ()
    assert "| goal |" not in page(nothing, {})
