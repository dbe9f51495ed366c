"""Which neutrophil counts can show a cycle: not under treatment, not about an infection, dense.

Apart from `cycles`, because few records have counts enough to look for a cycle, and the others
should not pay for what looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hematon.engine.batch import DAY_SPACE, CaseBatch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SCREEN_DRAWS, EXCLUDING_DRAWS = 8, 15
FULL_DAYS, WEEK_DAYS = 42, 7
LONGEST_DAYS = 191
"""The longest stretch of draws that is looked at: the last day of the longest table."""
INFECTION_BEFORE, INFECTION_AFTER = 1, 7
"""Days around a dated acute infection whose draws are left out [expert]."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sampling:
    """The neutrophil counts of a batch of d draws and n children.

    Attributes:
        found: (n,) number of the child among those with draws enough to look, -1 the others.
        used: (d,) which draws are looked at.
        treated: (d,) which neutrophil counts are left out for a treatment.
        infected: (d,) which are left out for a documented infection.
    """

    found: Ints
    used: Bools
    treated: Bools
    infected: Bools


def sampling(batch: CaseBatch) -> Sampling:
    """Choose the draws in which a cycle may be looked for.

    Args:
        batch: n children.
    """
    n, draws = len(batch), batch.draws
    column = draws.column["anc"]
    counted = ~np.isnan(draws.value[:, column]) & (draws.sign[:, column] <= 0)
    treated = counted & draws.treated[:, column]
    infected = counted & ~treated & _infected(batch)
    used = _densest(draws.case, draws.age, counted & ~treated & ~infected, n)
    rows = np.flatnonzero(np.bincount(draws.case[used], minlength=n) >= SCREEN_DRAWS)
    found = np.full(n, -1)
    found[rows] = np.arange(len(rows))
    return Sampling(found, used & (found[draws.case] >= 0), treated, infected)


def _infected(batch: CaseBatch) -> Bools:
    draws = batch.draws
    out = np.zeros(len(draws.case), dtype=bool)
    events = batch.columns.infections
    if not events or not len(out):
        return out
    case = np.array([c for c, _ in events])
    age = np.array([a for _, a in events])
    key = draws.case * DAY_SPACE + draws.age
    first = np.searchsorted(key, case * DAY_SPACE + age - INFECTION_BEFORE)
    last = np.searchsorted(key, case * DAY_SPACE + age + INFECTION_AFTER, side="right")
    # +1 where a stretch of draws begins, -1 behind its end: inside one the sum is positive.
    edges = np.zeros(len(out) + 1, dtype=np.int64)
    np.add.at(edges, first, 1)
    np.add.at(edges, last, -1)
    result: Bools = np.cumsum(edges[:-1]) > 0
    return result


def _densest(case: Ints, age: Floats, usable: Bools, n: int) -> Bools:
    """Mark the draws of the stretch that tells most: at most as long as the longest table.

    Draws on neighboring days say little more than one, so two days count as one; of equal
    stretches the latest is taken.
    """
    out = np.zeros(len(case), dtype=bool)
    enough = np.bincount(case[usable], minlength=n) >= SCREEN_DRAWS
    rows = np.flatnonzero(usable & enough[case])
    if not len(rows):
        return out
    case, age = case[rows], age[rows]
    key = case * DAY_SPACE + age
    two_days = case * DAY_SPACE + age // 2
    different = np.cumsum(np.diff(two_days, prepend=-1.0) != 0)
    first = np.searchsorted(key, key - (LONGEST_DAYS))
    told = different - different[first]
    best = np.zeros(n)
    np.maximum.at(best, case, told * DAY_SPACE + age)
    end = best[case] % DAY_SPACE
    out[rows[(age <= end) & (age >= end - LONGEST_DAYS)]] = True
    return out
