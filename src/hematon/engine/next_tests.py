"""Which test would tell most: expected information gain over the present differential.

The gain of a test is the mutual information between its outcome and the condition, in bits; its
never-miss gain is the same for the question "is it one of those that must not be missed". A test
may have several outcomes: the first finding of its list that is present, or none. What a test is
worth is its gain over its burden: how invasive it is, how late its tier and its result. All are
matrix products over the batch. Tests already done have no gain; tests that show no finding of the
model are suggested only where their count is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.batch import CaseBatch
from hematon.engine.facts import Facts
from hematon.engine.linear import rows_times
from hematon.knowledge.compiled import Knowledge, TestInfo

LN2 = 0.6931471805599453
BLOCK = 2048
"""Rows worked on at once, so that a block stays in the processor's cache."""
GENES = "genes"
"""The group of findings that a gene test shows: a reported variant tells the same."""
CAUSAL = frozenset(("pathogenic", "likely_pathogenic"))

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TestGains:
    """Gains of every test for n children, in bits; zero where done or not computable.

    Attributes:
        information: (n, tests) mutual information with the condition.
        never_miss: (n, tests) mutual information with being a never-miss condition.
        worth: (n, tests) information and weighted never-miss gain, over the burden of the test.
        done: (n, tests) whether the record holds the result.
    """

    information: Floats
    never_miss: Floats
    worth: Floats
    done: Bools


def gains(posterior: Floats, facts: Facts, batch: CaseBatch, knowledge: Knowledge) -> TestGains:
    """Work out what each test is expected to tell.

    Args:
        posterior: (n, conditions).
        facts: n children, for what has been done.
        batch: the same children.
        knowledge: tests, their outcomes and burdens.

    Returns:
        Gains in bits.

    Source:
        HEMATON_MODEL
    """
    tests = knowledge.tests
    n = len(batch)
    done = np.stack([_done(t, facts, batch, knowledge) for t in tests], axis=1)
    _sequenced(done, batch, knowledge)
    at = np.array([t.index for t in tests if t.row >= 0])
    start_of = np.array([t.row for t in tests if t.row >= 0])
    outcomes = knowledge.test_outcomes.T
    never = np.array([c.never_miss for c in knowledge.conditions])
    # One product gives the outcomes, those with a never-miss condition, and its share.
    wanted = np.concatenate([outcomes, outcomes * never[:, None], never[:, None]], axis=1)
    doubt_given = np.add.reduceat(_surprise(outcomes), start_of, axis=1)
    width = outcomes.shape[1]
    information, never_miss = np.zeros((n, len(tests))), np.zeros((n, len(tests)))
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        block = posterior[rows]
        product = rows_times(block, wanted)
        chance, within, share = product[:, :width], product[:, width:-1], product[:, -1:]
        doubt = np.add.reduceat(_surprise(chance), start_of, axis=1)
        both = _surprise(within)
        both += _surprise(chance - within)
        told = doubt + _surprise(share) + _surprise(1 - share)
        told -= np.add.reduceat(both, start_of, axis=1)
        open_ = ~done[rows][:, at]
        information[rows, at] = np.maximum(doubt - rows_times(block, doubt_given), 0.0) * open_
        never_miss[rows, at] = np.maximum(told, 0.0) * open_
    weight = knowledge.parameters["test_never_miss_weight"]
    worth = (information + weight * never_miss) / _burden(knowledge)
    return TestGains(information, never_miss, worth, done)


def chances(posterior: Floats, test: TestInfo, knowledge: Knowledge) -> Floats:
    """Give how likely each outcome of a test is for one child.

    Args:
        posterior: (conditions,).
        test: a test with outcomes.
        knowledge: the outcome matrix.

    Returns:
        (outcomes + 1,), the last for none of them.
    """
    rows = knowledge.test_outcomes[test.row : test.row + len(test.outcomes) + 1]
    return np.asarray(rows @ posterior)


def _burden(knowledge: Knowledge) -> Floats:
    """(tests,) what a test costs the child, by what is taken, how late it comes and takes."""
    p = knowledge.parameters
    return np.array(
        [
            p[f"test_burden_{t.invasiveness}"]
            * p["test_tier_factor"] ** t.tier
            * (1 + t.turnaround_days / p["test_half_worth_days"])
            for t in knowledge.tests
        ]
    )


def _done(test: TestInfo, facts: Facts, batch: CaseBatch, knowledge: Knowledge) -> Bools:
    """Whether what says so, every finding the test can show, or any telltale one is known."""
    done = np.zeros(len(batch), dtype=bool)
    for needs in (test.done_when, test.outcomes):
        if not needs:
            continue
        known = np.ones(len(batch), dtype=bool)
        for need in needs:
            if need.startswith("@"):
                known &= batch.measured[:, knowledge.analytes[need[1:]].index]
            else:
                known &= facts.finding(need) != ternary.UNKNOWN
        done |= known
    for sign in test.done_by:
        done |= facts.finding(sign) != ternary.UNKNOWN
    return done


def _sequenced(done: Bools, batch: CaseBatch, knowledge: Knowledge) -> None:
    """Mark gene tests whose answer a reported causal variant already is."""
    for case, gene, classification, _ in batch.columns.variants:
        if classification not in CAUSAL:
            continue
        causes = {knowledge.conditions[index].id for index, _ in knowledge.genes.get(gene, ())}
        for test in knowledge.tests:
            shows_genes = any(knowledge.findings[f].group == GENES for f in test.outcomes)
            if shows_genes and ("*" in test.conditions or causes.intersection(test.conditions)):
                done[case, test.index] = True


def _surprise(p: Floats) -> Floats:
    """Give -p log2 p, zero at zero; a difference that rounding made negative counts as zero."""
    q = np.maximum(p, 1e-300)
    return np.asarray(np.maximum(p, 0.0) * np.log(q) * (-1 / LN2))
