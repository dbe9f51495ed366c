"""The judged cases beside what is right, as arrays; and the ways they are split.

Two axes: conditions, and the groups that the truth table parts them into. Something else is the
last column of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from hematon.engine.case import Case
from hematon.evaluation.case_sets import EvaluationCase
from hematon.evaluation.figures import Level
from hematon.evaluation.judge import Judged
from hematon.evaluation.truth import TruthTable
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

AGES: Final = (
    ("under 1 year", 0, 365),
    ("1 to 5 years", 365, 2191),
    ("6 to 11 years", 2191, 4383),
    ("12 to 17 years", 4383, 6575),
    ("18 years and over", 6575, None),
)
EVIDENCE: Final = ("findings only", "counts only", "both", "neither")


@dataclass(frozen=True)
class Answers:
    """The cases with what is right, as arrays over conditions and over groups.

    The last column is something else on both axes.
    """

    cases: Sequence[EvaluationCase]
    knowledge: Knowledge
    table: TruthTable
    judged: Judged

    @cached_property
    def conditions(self) -> list[str]:
        """Every condition, something else last."""
        return [c.id for c in self.knowledge.conditions]

    @cached_property
    def groups(self) -> list[str]:
        """Every group, something else last."""
        named = dict.fromkeys(self.table.group_of(c) for c in self.conditions[:-1])
        return [*named, SOMETHING_ELSE]

    @cached_property
    def members(self) -> Floats:
        """(conditions, groups) 1 where a condition belongs to a group."""
        at = [self.groups.index(self.table.group_of(c)) for c in self.conditions]
        out = np.zeros((len(self.conditions), len(self.groups)))
        out[np.arange(len(at)), at] = 1.0
        return out

    def right(self, level: Level) -> Bools:
        """(n, answers) what is right."""
        return self._right[level]

    @cached_property
    def _right(self) -> dict[Level, Bools]:
        return {
            "condition": _among([c.truth.conditions for c in self.cases], self.conditions),
            "group": _among([c.truth.groups for c in self.cases], self.groups),
        }

    def shares(self, level: Level) -> Floats:
        """(n, answers) what the engine gives."""
        return self.at_level(self.judged.shares, level)

    def at_level(self, shares: Floats, level: Level, *, best: bool = False) -> Floats:
        """Give shares of conditions, or of groups as the sum (or the best) of their members."""
        if level == "condition":
            return shares
        if not best:
            return np.asarray(shares @ self.members)
        inside = np.where(self.members[None] > 0, shares[:, :, None], -np.inf)
        return np.asarray(inside.max(axis=1))

    @cached_property
    def publication(self) -> npt.NDArray[np.int64]:
        """(n,) a number for each publication."""
        names = [c.publication for c in self.cases]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def named(self) -> Bools:
        """(n,) cases whose truth is not something else: those a ranking can be right about."""
        return np.array([not c.truth.is_something_else for c in self.cases], dtype=bool)

    @cached_property
    def case_set(self) -> npt.NDArray[np.str_]:
        """(n,) the case set each case comes from."""
        return np.array([c.case_set for c in self.cases])

    @cached_property
    def circular(self) -> Bools:
        """(n,) cases whose own publication is known to have fed what they are judged with."""
        stated = np.array([c.circular for c in self.cases], dtype=bool)
        return np.asarray(stated | self.judged.own_source)

    @cached_property
    def largest(self) -> Bools:
        """(n,) the cases of the publication that gives most of the named cases."""
        counts = Counter(self.publication[self.named].tolist())
        most = max(counts, key=lambda p: (counts[p], -p), default=-1)
        return np.asarray(self.publication == most)

    @cached_property
    def largest_publication(self) -> str:
        """The publication that gives most of the named cases; empty without one."""
        return next((self.cases[i].publication for i in np.flatnonzero(self.largest).tolist()), "")

    @cached_property
    def evidence(self) -> npt.NDArray[np.str_]:
        """(n,) what is known of each case: one of `EVIDENCE`."""
        return np.array([self._known_of(c.case) for c in self.cases], dtype=np.str_)

    def _known_of(self, case: Case) -> str:
        counted = self.knowledge.raw["intervals"]
        counts = any(m.analyte in counted for m in case.measurements)
        if case.findings:
            return "both" if counts else "findings only"
        return "counts only" if counts else "neither"

    @cached_property
    def ages(self) -> dict[str, Bools]:
        """The cases of each age band of `AGES`, and those whose age is not stated."""
        age = self.judged.age_days
        bands = {
            name: (age >= low) & (age < (np.inf if below is None else below))
            for name, low, below in AGES
        }
        return {**bands, "not stated": np.isnan(age)}


def _among(right: Sequence[frozenset[str]], names: Sequence[str]) -> Bools:
    return np.array([[name in some for name in names] for some in right], dtype=bool)
