"""The ranking, and the questions and tests that would change it, for one child."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.assessment import Candidate, Change, NextTest, Outcome, Question
from hematon.engine.contributions import Explanation, log_odds
from hematon.engine.differential import band_of
from hematon.engine.next_tests import chances
from hematon.engine.what_if import Answers, statements
from hematon.knowledge.compiled import SOMETHING_ELSE, Knowledge

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Floats = npt.NDArray[np.float64]

EXPLAINED = 12
"""Conditions explained by rank; those of the safety floor are explained as well."""
CHANGED = 8
"""Conditions by rank for which it is worked out what would change them."""
CHANGES_SHOWN = 5
QUESTIONS_SHOWN = 8
ASKED = frozenset(("phenotype", "exposure", "history", "pattern"))
"""Kinds of finding that are asked, examined or looked up; the others are learned by a test."""
TESTS_SHOWN = 12
OUTCOMES_SHOWN = 3
CONFIRMING_TIER = 2
"""Confirming tests are suggested up to this tier; later ones only for what they tell."""
LEAST_GAIN = 1e-3
"""Bits below which neither a question nor a test is worth naming for what it tells."""
BIT = float(np.log(2))


def candidates(
    result: BatchAssessment, i: int, answers: Answers, also_explain: set[str]
) -> tuple[Candidate, ...]:
    """Rank every condition; explain the leading ones and those asked for."""
    knowledge = result.knowledge
    log_posterior = result.differential.log_posterior[i]
    order = np.lexsort((np.arange(len(log_posterior)), -log_posterior))
    against_else = log_posterior - log_posterior[-1]
    against_rest = log_odds(log_posterior)
    after = np.exp(answers.log_posterior)
    explanation = Explanation(result, i)
    words = bands(result, i)
    late = frozenset(t.finding for t in knowledge.tests if t.finding and t.tier > CONFIRMING_TIER)
    out = []
    for rank, index in enumerate(order.tolist(), start=1):
        condition = knowledge.conditions[index]
        explained = condition.id in also_explain or (
            rank <= EXPLAINED and condition.id != SOMETHING_ELSE
        )
        changed = condition.id in also_explain or rank <= CHANGED
        recorded = result.batch.columns.recorded[i, index]
        out.append(
            Candidate(
                rank=rank,
                condition=condition.id,
                name=condition.name,
                category=condition.category,
                never_miss=condition.never_miss,
                posterior=float(np.exp(log_posterior[index])),
                band=words[index],
                log_odds_against_something_else=float(against_else[index]),
                log_odds_against_rest=float(against_rest[index]),
                contributions=explanation.of(index) if explained else (),
                would_change=_changes(answers, after, index, float(against_rest[index]), late)
                if changed
                else (),
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


# --- what would change it ----------------------------------------------------------------------


def _changes(
    answers: Answers, after: Floats, index: int, now: float, late: frozenset[str]
) -> tuple[Change, ...]:
    """Give the findings that would move one condition most, but those of `late` tests.

    `after` is the posterior after each answer, `now` the present log odds against the rest. The
    others are summed themselves: one minus a share would lose what a share near one leaves.
    """
    others = after[:, :, :index].sum(axis=2) + after[:, :, index + 1 :].sum(axis=2)
    steps = answers.log_posterior[:, :, index] - np.log(others) - now
    likely = np.stack([answers.chance, 1 - answers.chance], axis=1)
    expected = (likely * np.abs(steps)).sum(axis=1)
    order = np.argsort(-expected, kind="stable").tolist()
    timely = [k for k in order if answers.findings[k].id not in late]
    return tuple(
        Change(
            finding=answers.findings[k].id,
            name=answers.findings[k].name,
            kind=answers.findings[k].kind,
            chance=float(answers.chance[k]),
            if_present=float(steps[k, 0]),
            if_absent=float(steps[k, 1]),
            expected=float(expected[k]),
        )
        for k in timely[:CHANGES_SHOWN]
    )


def questions(result: BatchAssessment, i: int, answers: Answers) -> tuple[Question, ...]:
    """Give what to ask, examine or look up, by how far the answer would move the ranking."""
    knowledge = result.knowledge
    now = result.differential.log_posterior[i]
    likely = np.stack([answers.chance, 1 - answers.chance], axis=1)
    after = answers.log_posterior
    told = (likely * _divergence(after, now)).sum(axis=1)
    never = np.array([c.never_miss for c in knowledge.conditions])
    about = (likely * _divergence(_split(after, never), _split(now, never))).sum(axis=1)
    asked = [
        k
        for k in np.argsort(-(told + about), kind="stable").tolist()
        if answers.findings[k].kind in ASKED and told[k] > LEAST_GAIN
    ]
    out = []
    for k in asked[:QUESTIONS_SHOWN]:
        finding = answers.findings[k]
        out.append(
            Question(
                finding=finding.id,
                name=finding.name,
                kind=finding.kind,
                information_gain=float(told[k]),
                never_miss_gain=float(about[k]),
                outcomes=(
                    Outcome("present", "", float(likely[k, 0]), _leading(after[k, 0], result)),
                    Outcome("absent", "", float(likely[k, 1]), _leading(after[k, 1], result)),
                ),
                grade=finding.grade,
                source=finding.source,
            )
        )
    return tuple(out)


def _divergence(after: Floats, now: Floats) -> Floats:
    """(...) bits between two log distributions over the last axis."""
    return np.asarray((np.exp(after) * (after - now)).sum(axis=-1) / BIT)


def _split(log_posterior: Floats, within: npt.NDArray[np.bool_]) -> Floats:
    """(..., 2) log share of some conditions and of the others."""
    shares = [np.exp(log_posterior) @ part.astype(np.float64) for part in (within, ~within)]
    return np.asarray(np.log(np.maximum(np.stack(shares, axis=-1), 1e-300)))


# --- tests -------------------------------------------------------------------------------------


def chosen_tests(result: BatchAssessment, i: int) -> list[int]:
    """Choose the open tests worth most, by tier and then by worth.

    Beside those worth most stand the tests that confirm a leading condition, however sure the
    model is of it, those that close an open treatment hazard, and a count that is missing.
    """
    knowledge, tests = result.knowledge, result.tests
    worth = tests.worth[i]
    gain = tests.information[i] + tests.never_miss[i]
    by_worth = np.argsort(-worth, kind="stable").tolist()
    best = {t for t in by_worth[:TESTS_SHOWN] if gain[t] > LEAST_GAIN}
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
    named = {
        t.index
        for t in knowledge.tests
        if t.id in closing or (t.row < 0 and t.tier == 0 and t.done_when)
    }
    return sorted(
        (t for t in best | confirming | named if not tests.done[i, t]),
        key=lambda t: (knowledge.tests[t].tier, -worth[t], t),
    )


def outcome_rows(chosen: Sequence[int], knowledge: Knowledge) -> npt.NDArray[np.int8]:
    """Give what each outcome of some tests states, test by test: (outcomes, findings).

    An outcome is the first finding of the test that is present; those before it are absent.
    """
    stating = statements(knowledge)
    rows = []
    for test in (knowledge.tests[t] for t in chosen):
        at = [knowledge.findings[f].index for f in test.outcomes]
        for k in range(len(at) + 1 if at else 0):
            row = np.zeros(len(knowledge.findings), dtype=np.int8)
            for absent in at[:k]:
                row = np.where(row != 0, row, stating[absent, 1])
            # What is present goes before what the absence of something else would imply.
            for present in at[k : k + 1]:
                row = np.where(stating[present, 0] != 0, stating[present, 0], row)
            rows.append(row)
    return np.array(rows, dtype=np.int8).reshape(len(rows), len(knowledge.findings))


def suggested_tests(
    result: BatchAssessment, i: int, chosen: Sequence[int], after: Floats
) -> tuple[NextTest, ...]:
    """Write out the chosen tests.

    Args:
        result: the batch.
        i: row of the child.
        chosen: from `chosen_tests`.
        after: (outcomes, conditions) log posterior after each of their `outcome_rows`.
    """
    knowledge, worth = result.knowledge, result.tests.worth[i]
    posterior = np.exp(result.differential.log_posterior[i])
    place = {t: k for k, t in enumerate(sorted(chosen, key=lambda t: (-worth[t], t)), start=1)}
    rows = iter(after)
    out = []
    for t in chosen:
        test = knowledge.tests[t]
        several = len(test.outcomes) > 1
        names = [knowledge.findings[f].name if several else "" for f in test.outcomes]
        chance = chances(posterior, test, knowledge).tolist() if names else []
        outcomes = tuple(
            Outcome(
                "positive" if k < len(names) else "negative",
                names[k] if k < len(names) else "",
                chance[k],
                _leading(next(rows), result),
            )
            for k in range(len(chance))
        )
        out.append(_next_test(result, i, t, place[t], outcomes))
    return tuple(out)


def _next_test(
    result: BatchAssessment, i: int, index: int, order: int, outcomes: tuple[Outcome, ...]
) -> NextTest:
    tests = result.tests
    test = result.knowledge.tests[index]
    return NextTest(
        test=test.id,
        name=test.name,
        order=order,
        tier=test.tier,
        tier_when=test.tier_when or "",
        information_gain=float(tests.information[i, index]),
        never_miss_gain=float(tests.never_miss[i, index]),
        worth=float(tests.worth[i, index]),
        invasiveness=test.invasiveness,
        turnaround=test.turnaround,
        before_transfusion=test.before_transfusion,
        outcomes=outcomes,
        pitfalls=test.pitfalls or "",
        grade=test.grade,
        source=test.source,
    )


def _leading(log_posterior: Floats, result: BatchAssessment) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-log_posterior, kind="stable")[:OUTCOMES_SHOWN]
    posterior = np.exp(log_posterior[order])
    return tuple(
        (result.knowledge.conditions[k].id, float(p)) for k, p in zip(order, posterior, strict=True)
    )


def likely(result: BatchAssessment, i: int) -> set[str]:
    """Give the conditions that fit well or could fit."""
    words = bands(result, i)
    return {
        c.id for c in result.knowledge.conditions if words[c.index] in ("fits_well", "could_fit")
    }
