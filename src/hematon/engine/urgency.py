"""Red flags and time to act: the highest matching rule wins.

Rules read counts, findings and serial facts. This module may not import the differential, not
even through another module, so that retuning a likelihood can never silence a red flag; the
always-show list of conditions stands here for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.engine import criteria, ternary
from hematon.engine.facts import Facts
from hematon.engine.ternary import Ternary
from hematon.knowledge.compiled import Knowledge

LEVELS = ("none", "R", "S2", "U72", "U24", "E")
"""Least to most urgent."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UrgencyResult:
    """Urgency of n children.

    Attributes:
        level: (n,) index into `LEVELS`: the highest level of a rule that matched.
        rules: (n, rules) ternary, in the order of `knowledge.rules["urgency"]`.
    """

    level: npt.NDArray[np.int64]
    rules: Ternary


def urgency(facts: Facts) -> UrgencyResult:
    """Answer every urgency rule and take the highest that matched.

    A rule that cannot be answered does not raise the level; the report names it with what is
    missing, because knowing it could.

    Args:
        facts: n children.

    Returns:
        Levels and rule answers.
    """
    rules = facts.knowledge.rules["urgency"]
    answers = np.stack([criteria.answer(r["when"], r["unless"], facts) for r in rules], axis=1)
    rank = np.array([LEVELS.index(r["level"]) for r in rules])
    level = np.where(answers == ternary.YES, rank, 0).max(axis=1)
    # A benign count (level none) answers a routine rule on the same count, nothing above it.
    benign = (answers[:, rank == 0] == ternary.YES).any(axis=1)
    routine = LEVELS.index("R")
    level = np.where(benign & (level == routine), 0, level)
    return UrgencyResult(level, answers)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FloorResult:
    """The safety floor of n children.

    Attributes:
        rules: (n, floor rules) bool, whether the rule's list is shown.
        left: (n, exclusions) bool, whether a recorded result lets the condition leave.
    """

    rules: npt.NDArray[np.bool_]
    left: npt.NDArray[np.bool_]


def safety_floor(facts: Facts) -> FloorResult:
    """Say which always-show lists apply.

    A list about one lineage alone applies until another lineage is known to be low too.

    Args:
        facts: n children.

    Returns:
        Which lists apply and which conditions have a recorded exclusion.
    """
    rules = facts.knowledge.rules
    answers = [criteria.answer(r["when"], r["unless"], facts) for r in rules["floor"]]
    shown = np.stack(answers, axis=1) == ternary.YES
    left = np.stack(
        [criteria.evaluate(e["when"], facts) == ternary.YES for e in rules["floor_exclusions"]],
        axis=1,
    )
    return FloorResult(shown, left)


def always_shown(
    floor: FloorResult, recorded: npt.NDArray[np.int8], knowledge: Knowledge
) -> npt.NDArray[np.bool_]:
    """Say which conditions the lists name, but for those a result or the record excludes.

    Args:
        floor: n children.
        recorded: (n, conditions) -1 where the record excludes a condition.
        knowledge: the lists.

    Returns:
        (n, conditions).
    """
    index = {c.id: c.index for c in knowledge.conditions}
    lists, exclusions = knowledge.rules["floor"], knowledge.rules["floor_exclusions"]
    named = np.zeros((len(lists), len(index)))
    for k, rule in enumerate(lists):
        named[k, [index[c] for c in rule["conditions"]]] = 1.0
    gone = np.zeros((len(exclusions), len(index)))
    gone[range(len(exclusions)), [index[e["condition"]] for e in exclusions]] = 1.0
    out: npt.NDArray[np.bool_] = (floor.rules @ named > 0) & ~(floor.left @ gone > 0)
    return out & (recorded >= 0)


def hazards(facts: Facts) -> Ternary:
    """Answer whether each treatment hazard is open: (n, hazards) ternary.

    A hazard without a rule of its own is open for any child until its exclusion is recorded.
    """
    out = []
    for hazard in facts.knowledge.rules["hazards"]:
        when = hazard["when"]
        yes = np.ones(len(facts), dtype=np.int8)
        if when is not None:
            yes = criteria.evaluate(when, facts)
        if hazard["unless"] is not None:
            done = criteria.evaluate(hazard["unless"], facts) == ternary.YES
            yes = np.where(done, ternary.NO, yes).astype(np.int8)
        out.append(yes)
    return np.stack(out, axis=1)
