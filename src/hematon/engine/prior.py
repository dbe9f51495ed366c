"""How often each condition comes at this age and sex, in this setting, before any evidence.

    prior(c) = (incidence * multiplier) ^ exponent of the setting * (age * sex ratio) ^ weight

A prior without a setting is meaningless: the setting multiplies what is common there, and says how
much incidence still tells once someone looks for a rare cause. What a condition requires and is
known to be absent (its gate) costs it a fixed penalty. Without any lineage known to be low, most
children have something else.
"""

from __future__ import annotations

from math import pi

import numpy as np
import numpy.typing as npt

from hematon.engine import criteria, ternary
from hematon.engine.batch import CaseBatch
from hematon.engine.facts import LINEAGES, Facts
from hematon.knowledge.compiled import Knowledge

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Prior:
    """Log prior for age, sex and setting, gates applied; worked out block by block.

    Age is the age when first ill where known, else at the judged draw. Something else takes a
    fixed share of the setting, whatever the age. What a condition requires and is known to be
    absent costs it a fixed penalty, never everything: records are sometimes wrong.
    """

    def __init__(
        self, batch: CaseBatch, facts: Facts, onset_age: Floats, knowledge: Knowledge, setting: str
    ) -> None:
        chosen = knowledge.settings["all"][setting]
        conditions = knowledge.conditions
        p = knowledge.parameters
        base = np.array([c.prior * chosen["multipliers"].get(c.id, 1.0) for c in conditions])
        base **= chosen["prior_exponent"]
        male = np.array([c.male_fraction for c in conditions])
        age = np.where(np.isnan(onset_age), batch.age, onset_age)
        days, self._day = np.unique(
            np.floor(np.where(np.isnan(age), -1.0, age)), return_inverse=True
        )
        # Sex codes -1, 0, 1 index girls last, unknown first, boys second.
        by_sex = np.stack([np.ones(len(male)), 2 * male, 2 * (1 - male)])
        ratio = _age_ratio(days, knowledge)[:, None, :] * np.maximum(by_sex, p["sex_ratio_min"])
        table = base * ratio ** p["weight_age_and_sex"]
        share = chosen["something_else_share"]
        table[:, :, -1] = share / (1 - share) * table[:, :, :-1].sum(axis=2)
        self._table = np.log(table / table.sum(axis=2, keepdims=True))
        self._sex = batch.columns.sex.astype(np.int64)
        self._closed = self._gates(facts, batch, age, knowledge)

    @staticmethod
    def _gates(
        facts: Facts, batch: CaseBatch, age: Floats, knowledge: Knowledge
    ) -> list[tuple[int, Bools, float]]:
        closed: list[tuple[int, Bools, float]] = []
        penalty = knowledge.parameters["gate_log_penalty"]
        neonatal = knowledge.parameters["neonatal_log_penalty"]
        low = np.logical_or.reduce([facts.lineage(name) == ternary.YES for name in LINEAGES])
        closed.append((-1, ~low, knowledge.parameters["no_cytopenia_log_weight"]))
        for condition in knowledge.conditions:
            at = condition.index
            if condition.gate is not None:
                no = criteria.evaluate(condition.gate, facts) == ternary.NO
                closed.append((at, no, penalty))
            if condition.category == "neonatal":
                closed.append((at, age > 0.25 * 365.25, neonatal))
            excluded = batch.columns.recorded[:, at] < 0
            if excluded.any():
                closed.append((at, excluded, penalty))
        return closed

    def log_weight(self, rows: slice) -> Floats:
        """(block, conditions) natural log of the prior weights."""
        weight: Floats = self._table[self._day[rows], self._sex[rows]]
        for condition, closed, penalty in self._closed:
            weight[closed[rows], condition] += penalty
        return weight


def _age_ratio(days: Floats, knowledge: Knowledge) -> Floats:
    """Density of age at presentation against a flat density to 18 years; 1 where age is negative.

    Two-piece normal on the square root of years, clamped: (days, conditions).
    """
    p = knowledge.parameters
    median, p5, p95 = (
        np.sqrt(np.array([getattr(c, name) for c in knowledge.conditions]))
        for name in ("age_median", "age_p5", "age_p95")
    )
    left = np.maximum((median - p5) / 1.645, p["age_min_sd"])
    right = np.maximum((p95 - median) / 1.645, p["age_min_sd"])
    root = np.sqrt(np.maximum(days, 0.0) / 365.25)[:, None]
    z = np.where(root < median, (root - median) / left, (root - median) / right)
    density = 2 / (left + right) / np.sqrt(2 * pi) * np.exp(-0.5 * z * z)
    ratio = np.clip(density * np.sqrt(18.0), p["age_ratio_min"], p["age_ratio_max"])
    ratio[days < 0] = 1.0
    return np.asarray(ratio)
