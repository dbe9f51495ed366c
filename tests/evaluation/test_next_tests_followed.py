"""The simulation of next tests: same children, same results, and what following them is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hematon.knowledge import Knowledge
from tool_modules import tool_module


@pytest.fixture(scope="module")
def tool() -> Any:
    """The tool, which is a script beside the package."""
    return tool_module("evaluate_next_tests")


def test_drawing_is_repeatable(tool: Any, knowledge: Knowledge) -> None:
    """A seed gives the same children; another seed others."""
    one, same, other = (tool.drawn(knowledge, 1, seed) for seed in (7, 7, 8))
    assert [c.case for c in one] == [c.case for c in same]
    assert all((a.truth == b.truth).all() for a, b in zip(one, same, strict=True))
    assert [c.case for c in one] != [c.case for c in other]


def test_a_first_visit_knows_no_test(tool: Any, knowledge: Knowledge) -> None:
    """Nothing that a test can show is in the record before the test."""
    hidden = {f for t in knowledge.tests for f in t.outcomes}
    for child in tool.drawn(knowledge, 1, 3):
        said = {f for x in child.case.findings for f in knowledge.findings_of(x.code)}
        assert not said & hidden


def test_a_result_is_what_is_true_of_the_child(tool: Any, knowledge: Knowledge) -> None:
    """Every finding a test shows is entered once, as it is; the test is then done."""
    child = tool.drawn(knowledge, 1, 5)[0]
    marrow = next(t for t in knowledge.tests if t.id == "marrow")
    told = tool.with_result(child.case, child, marrow.index, knowledge)
    entered = {f.code: f.observed for f in told.findings[len(child.case.findings) :]}
    assert entered == {
        knowledge.findings[name].hpo or name: bool(child.truth[knowledge.findings[name].index])
        for name in marrow.outcomes
    }
    again = tool.with_result(told, child, marrow.index, knowledge)
    assert again.findings == told.findings
    assert tool.assess_many([told], knowledge).tests.done[0, marrow.index]


def test_following_gain_is_better_than_any_order_by_chance(tool: Any, knowledge: Knowledge) -> None:
    """Suggestions reach more causes in ten tests than the panel by tier or a random order."""
    children = tool.drawn(knowledge, 1, tool.SEED)
    names = ("suggested order (gain over burden)", "random order")
    followed, chance = (tool.follow(children, tool.POLICIES[n], knowledge) for n in names)
    panel = tool.follow(children, tool.fixed_order, knowledge)
    # Who fits well at once does so whatever the order.
    assert ((followed.tests == 0) == (chance.tests == 0)).all()
    reached = [int(np.sum(run.tests <= 10)) for run in (followed, panel, chance)]
    assert reached[0] > reached[1] + 5
    assert reached[0] > reached[2] + 5
