"""Which test would tell most: expected information gain over the present differential.

The gain of a test is the mutual information between its result and the condition, in bits; its
never-miss gain is the same for the question "is it one of those that must not be missed". Both
are two matrix products over the batch. Tests already done have no gain; tests without a stated
accuracy are suggested only where their count is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.batch import CaseBatch
from hematon.engine.facts import Facts
from hematon.engine.linear import rows_times
from hematon.knowledge.compiled import Knowledge

LN2 = 0.6931471805599453
BLOCK = 2048
"""Rows worked on at once, so that a block stays in the processor's cache."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TestGains:
    """Gains of every test for n children, in bits; zero where done or not computable.

    Attributes:
        information: (n, tests) mutual information with the condition.
        never_miss: (n, tests) mutual information with being a never-miss condition.
        positive: (n, tests) probability of a positive result, NaN where not computable.
        done: (n, tests) whether the record holds the result.
    """

    information: Floats
    never_miss: Floats
    positive: Floats
    done: Bools


def gains(posterior: Floats, facts: Facts, batch: CaseBatch, knowledge: Knowledge) -> TestGains:
    """Work out what each test is expected to tell.

    Args:
        posterior: (n, conditions).
        facts: n children, for what has been done.
        batch: the same children.
        knowledge: tests and their accuracy.

    Returns:
        Gains in bits.

    Source:
        HEMATON_MODEL
    """
    tests = knowledge.tests
    n = len(batch)
    done = np.stack([_done(t.done_when, facts, batch, knowledge) for t in tests], axis=1)
    outcome = np.array([t.row for t in tests])
    has = outcome >= 0
    positive_given = np.array(knowledge.raw["test_positive"])[outcome[has]]
    never = np.array([c.never_miss for c in knowledge.conditions])
    within = (positive_given * never).T
    outside = (positive_given * ~never).T
    doubt_given = _binary_entropy(positive_given).T
    result = TestGains(
        np.zeros((n, len(tests))),
        np.zeros((n, len(tests))),
        np.full((n, len(tests)), np.nan),
        done,
    )
    at = np.flatnonzero(has)
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        block = posterior[rows]
        probability = rows_times(block, positive_given.T)
        entropy = _binary_entropy(probability)
        share = rows_times(block, never[:, None].astype(np.float64))
        conditional = share * _binary_entropy(
            np.clip(rows_times(block, within) / np.maximum(share, 1e-300), 0, 1)
        )
        conditional += (1 - share) * _binary_entropy(
            np.clip(rows_times(block, outside) / np.maximum(1 - share, 1e-300), 0, 1)
        )
        open_ = ~done[rows][:, at]
        information = entropy - rows_times(block, doubt_given)
        result.information[rows, at] = np.maximum(information, 0.0) * open_
        result.never_miss[rows, at] = np.maximum(entropy - conditional, 0.0) * open_
        result.positive[rows, at] = probability
    return result


def after(posterior: Floats, test: int, knowledge: Knowledge, *, positive: bool) -> Floats:
    """Give one child's posterior after a result.

    Args:
        posterior: (conditions,).
        test: row of the test in the outcome matrix.
        knowledge: the accuracy.
        positive: the result.

    Returns:
        (conditions,), summing to 1.
    """
    given = np.array(knowledge.raw["test_positive"][test])
    updated = posterior * (given if positive else 1 - given)
    return np.asarray(updated / updated.sum())


def _done(needs: tuple[str, ...], facts: Facts, batch: CaseBatch, knowledge: Knowledge) -> Bools:
    if not needs:
        return np.zeros(len(batch), dtype=bool)
    known = np.ones(len(batch), dtype=bool)
    for need in needs:
        if need.startswith("@"):
            known &= batch.measured[:, knowledge.analytes[need[1:]].index]
        else:
            known &= facts.finding(need) != ternary.UNKNOWN
    return known


def _binary_entropy(p: Floats) -> Floats:
    """Entropy of a yes-no outcome in bits."""
    q = np.clip(p, 1e-12, 1 - 1e-12)
    rest = 1 - q
    return np.asarray((q * np.log(q) + rest * np.log(rest)) * (-1 / LN2))
