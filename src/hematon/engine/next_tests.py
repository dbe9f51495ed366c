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

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
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
    rows = np.array([t.row for t in tests])
    has = rows >= 0
    positive_given = np.array(knowledge.raw["test_positive"])[rows[has]]
    probability = rows_times(posterior, positive_given.T)
    entropy = _binary_entropy(probability)
    information = entropy - rows_times(posterior, _binary_entropy(positive_given).T)
    never = np.array([c.never_miss for c in knowledge.conditions])
    share = rows_times(posterior, never[:, None].astype(np.float64))
    within = rows_times(posterior[:, never], positive_given[:, never].T) / np.maximum(share, 1e-300)
    outside = rows_times(posterior[:, ~never], positive_given[:, ~never].T) / np.maximum(
        1 - share, 1e-300
    )
    conditional = share * _binary_entropy(np.clip(within, 0, 1)) + (1 - share) * _binary_entropy(
        np.clip(outside, 0, 1)
    )
    result = TestGains(
        np.zeros((n, len(tests))),
        np.zeros((n, len(tests))),
        np.full((n, len(tests)), np.nan),
        done,
    )
    open_ = ~done[:, has]
    result.information[:, has] = np.where(open_, np.maximum(information, 0.0), 0.0)
    result.never_miss[:, has] = np.where(open_, np.maximum(entropy - conditional, 0.0), 0.0)
    result.positive[:, has] = probability
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
    return np.asarray(-(q * np.log2(q) + (1 - q) * np.log2(1 - q)))
