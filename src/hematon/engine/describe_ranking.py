"""The ranking and the tests that would change it, for one child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hematon.engine import ternary
from hematon.engine.assessment import Candidate, NextTest, Outcome
from hematon.engine.contributions import Explanation, log_odds
from hematon.engine.differential import band_of
from hematon.engine.next_tests import after

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

EXPLAINED = 12
"""Conditions explained by rank; those of the safety floor are explained as well."""
TESTS_SHOWN = 12
OUTCOMES_SHOWN = 3
CONFIRMING_TIER = 2
"""Confirming tests are suggested up to this tier; later ones only for what they tell."""


def candidates(result: BatchAssessment, i: int, also_explain: set[str]) -> tuple[Candidate, ...]:
    """Rank every condition; explain the leading ones and those asked for."""
    knowledge = result.knowledge
    log_posterior = result.differential.log_posterior[i]
    order = np.lexsort((np.arange(len(log_posterior)), -log_posterior))
    against_else = log_posterior - log_posterior[-1]
    against_rest = log_odds(log_posterior)
    explanation = Explanation(result, i)
    words = bands(result, i)
    out = []
    for rank, index in enumerate(order, start=1):
        condition = knowledge.conditions[index]
        posterior = float(np.exp(log_posterior[index]))
        explained = rank <= EXPLAINED or condition.id in also_explain
        recorded = result.batch.columns.recorded[i, index]
        out.append(
            Candidate(
                rank=rank,
                condition=condition.id,
                name=condition.name,
                category=condition.category,
                never_miss=condition.never_miss,
                posterior=posterior,
                band=words[index],
                log_odds_against_something_else=float(against_else[index]),
                log_odds_against_rest=float(against_rest[index]),
                contributions=explanation.of(int(index)) if explained else (),
                note=condition.note or "",
                excluded="recorded as excluded" if recorded < 0 else "",
            )
        )
    return tuple(out)


def bands(result: BatchAssessment, i: int) -> list[Any]:
    """Give the wording band of every condition of one child."""
    log_posterior = result.differential.log_posterior[i]
    against_else = log_posterior - log_posterior[-1]
    terms = result.differential.parts
    prior = terms.log_prior[i] - terms.log_prior[i, -1]
    return [
        band_of(float(np.exp(p)), float(e), result.knowledge)
        for p, e in zip(log_posterior, against_else - prior, strict=True)
    ]


def suggested_tests(result: BatchAssessment, i: int) -> tuple[NextTest, ...]:
    """Give the open tests worth most, in tiers.

    Beside those with the highest gain stand the tests that confirm a leading condition, however
    sure the model is of it, those that close an open treatment hazard, and a count that is missing.
    """
    knowledge, tests = result.knowledge, result.tests
    posterior = np.exp(result.differential.log_posterior[i])
    gain = tests.information[i] + tests.never_miss[i]
    best = {int(t) for t in np.argsort(-gain, kind="stable")[:TESTS_SHOWN] if gain[t] > 1e-3}
    leading = likely(result, i)
    confirming = {
        t.index
        for t in knowledge.tests
        if t.row >= 0 and t.tier <= CONFIRMING_TIER and leading.intersection(t.conditions)
    }
    closing = {
        name
        for k, h in enumerate(knowledge.rules["hazards"])
        if result.hazards[i, k] == ternary.YES and leading.intersection(h["conditions"])
        for name in [h["test"]]
    }
    wanted = (
        best
        | confirming
        | {
            t.index
            for t in knowledge.tests
            if t.id in closing or (t.row < 0 and t.tier == 0 and t.done_when)
        }
    )
    chosen = sorted(
        (t for t in wanted if not tests.done[i, t]),
        key=lambda t: (knowledge.tests[t].tier, -gain[t], t),
    )
    return tuple(_next_test(result, i, t, posterior) for t in chosen)


def _next_test(
    result: BatchAssessment, i: int, index: int, posterior: np.ndarray[Any, Any]
) -> NextTest:
    knowledge, tests = result.knowledge, result.tests
    test = knowledge.tests[index]
    outcomes: tuple[Outcome, ...] = ()
    if test.row >= 0:
        chance = float(tests.positive[i, index])
        outcomes = tuple(
            Outcome(
                name,  # type: ignore[arg-type]  # one of the two results, just below
                probability,
                _leading(
                    after(posterior, test.row, knowledge, positive=name == "positive"), result
                ),
            )
            for name, probability in (("positive", chance), ("negative", 1 - chance))
        )
    return NextTest(
        test=test.id,
        name=test.name,
        tier=test.tier,
        tier_when=test.tier_when or "",
        information_gain=float(tests.information[i, index]),
        never_miss_gain=float(tests.never_miss[i, index]),
        invasiveness=test.invasiveness,
        turnaround=test.turnaround,
        before_transfusion=test.before_transfusion,
        outcomes=outcomes,
        pitfalls=test.pitfalls or "",
        grade=test.grade,
        source=test.source,
    )


def _leading(
    posterior: np.ndarray[Any, Any], result: BatchAssessment
) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-posterior, kind="stable")[:OUTCOMES_SHOWN]
    return tuple((result.knowledge.conditions[k].id, float(posterior[k])) for k in order)


def likely(result: BatchAssessment, i: int) -> set[str]:
    """Give the conditions that fit well or could fit."""
    words = bands(result, i)
    return {
        c.id for c in result.knowledge.conditions if words[c.index] in ("fits_well", "could_fit")
    }
