"""The published cases through the engine, each without its own publication if so wished.

What comes out are arrays, one row per case; nothing here knows what is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.engine import assess_many
from hematon.engine.case import Case
from hematon.engine.ternary import YES
from hematon.engine.urgency import always_shown
from hematon.evaluation.case_sets import Progress
from hematon.knowledge import Knowledge
from hematon.knowledge.without import each_without_own

CHUNK = 512
DUFFY_NULL = "HX_DUFFY_NULL"

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the engine made of n cases.

    Attributes:
        shares: (n, conditions) posterior; something else is the last column.
        prior: (n, conditions) log prior for age, sex and setting.
        always_shown: (n, conditions) whether the safety floor names a condition.
        age_days: (n,) age judged at, NaN unknown.
        duffy_null: (n,) whether the Duffy-null count is stated.
        own_source: (n,) whether evidence of the knowledge rests on the case's publication alone.
    """

    shares: Floats
    prior: Floats
    always_shown: Bools
    age_days: Floats
    duffy_null: Bools
    own_source: Bools


def judge(
    cases: Sequence[Case],
    knowledge: Knowledge,
    *,
    setting: str,
    leave_out_own: bool,
    progress: Progress = lambda done, total: None,
) -> Judged:
    """Judge every case.

    Args:
        cases: n records.
        knowledge: the package's own knowledge.
        setting: whose prior.
        leave_out_own: whether evidence that rests on a case's publication alone is dropped from
            the knowledge that judges it.
        progress: told after each batch.
    """
    own = each_without_own([case.publications for case in cases])
    batches = own if leave_out_own else [(knowledge, list(range(len(cases))))]
    own_source = np.zeros(len(cases), dtype=bool)
    for used, rows in own:
        own_source[rows] = used.fingerprint != knowledge.fingerprint
    n, width = len(cases), len(knowledge.conditions)
    shares, prior = np.empty((n, width)), np.empty((n, width))
    shown, age = np.zeros((n, width), dtype=bool), np.empty(n)
    duffy = np.zeros(n, dtype=bool)
    column = knowledge.finding_ids.index(DUFFY_NULL)
    done = 0
    for used, rows in batches:
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            result = assess_many([cases[i] for i in some], used, setting=setting)
            shares[some] = result.differential.posterior
            prior[some] = result.differential.parts.log_prior
            shown[some] = always_shown(result.floor, result.batch.columns.recorded, used)
            age[some] = result.batch.age
            duffy[some] = result.evidence.findings[:, column] == YES
            done += len(some)
            progress(done, n)
    return Judged(shares, prior, shown, age, duffy, own_source)
