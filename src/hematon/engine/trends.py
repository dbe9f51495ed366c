"""What serial counts say: onset, persistence, slope, nadir, recovery, cycle, and treatments.

Simple facts over all draws of each child, as ternary arrays that rules and findings can ask for
by name (`knowledge/facts.py` lists them), and the numbers the report prints. Treated counts say
nothing about the child's own marrow and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hematon.engine import facts as facts_module
from hematon.engine import ternary
from hematon.engine.batch import DAY_SPACE, JUDGED, CaseBatch, Draws
from hematon.engine.columns import CYTOPENIA_FINDINGS, TREATMENT_KINDS
from hematon.engine.facts import LINEAGE_OF, LINEAGES, Facts
from hematon.engine.sampling import Sampling, sampling
from hematon.engine.slopes import Slopes, slopes
from hematon.engine.ternary import Ternary
from hematon.knowledge.compiled import Knowledge

if TYPE_CHECKING:
    from hematon.engine.cycles import Cycles

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NEVER = np.inf
FALL_LOG = -0.22
"""A fall of a fifth over the time seen: smaller ones are within the noise of counts [expert]."""
FALL_P = 0.05
"""Mann-Kendall, two-sided [severity.md 7, S-I]."""
FALL_DRAWS = 5
"""Four counts can fall in order by chance once in twelve: they cannot reach `FALL_P`."""
MIN_SPAN_DAYS = 84
TRANSFUSED = ("red_cell_transfusion", "platelet_transfusion")
DEPENDENT_EPISODES, DEPENDENT_DAYS = 3, 112
"""Transfusion dependence: transfused on three or more days in 16 weeks. The 16 weeks and the
three are those of the International Working Group 2018 for units of red cells in adults; days
are counted because records of children seldom count units, and platelets likewise [expert]."""
YEAR_DAYS = 365
EXPLAINING = frozenset(("inherited", "inherited_thrombocytopenia", "acquired_bmf"))
"""Only a known marrow failure makes low counts old news; a known leukemia may have come back."""
EXPLAINS_SHARE = 0.35
"""A recorded diagnosis explains several low lineages if it lowers several this often [expert]."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Serial:
    """Serial facts of n children.

    Attributes:
        facts: name to (n,) ternary.
        onset_age: (n,) age in days when a cytopenia was first seen, NaN never or not known.
        since: (n, 3) start of the present low run of each lineage, NaN when not low.
        draws: (n, 3) number of untreated counts.
        lowest: (n, 3) lowest untreated count, NaN none.
        lowest_age: (n, 3) age at the first draw with it, NaN none.
        first_low: (n, 3) age when first low, NaN never.
        recovered: (n, 3) age at the first count that was not low after the last low one, NaN none.
        slopes: Theil-Sen slope and Mann-Kendall p of the untreated counts of each lineage.
        transfused: (n, 2) days with red cells, with platelets, in the 16 weeks before the judged
            draw.
        sampled: which neutrophil counts can show a cycle.
        cycles: whether neutrophils cycle; None where no child has counts enough to look.
        presenting_age: (n,) age at the draw of the last year with most lineages low, the latest
            of them; NaN when none was low.
    """

    facts: dict[str, Ternary]
    onset_age: Floats
    since: Floats
    draws: Ints
    lowest: Floats
    lowest_age: Floats
    first_low: Floats
    recovered: Floats
    slopes: tuple[Slopes, Slopes, Slopes]
    transfused: Ints
    sampled: Sampling
    cycles: Cycles | None
    presenting_age: Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Run:
    """One lineage over time, (n,) each; +inf or -inf where there is none."""

    first_low: Floats
    last_low: Floats
    last_normal: Floats
    normal_after: Floats
    start: Floats
    count: Ints


def serial_facts(batch: CaseBatch, knowledge: Knowledge) -> Serial:
    """Work out the serial facts of a batch.

    Args:
        batch: n children with their draws.
        knowledge: the definitions of the three cytopenias.

    Returns:
        Facts and numbers; no fact is `no` merely because nothing was drawn.
    """
    n, draws = len(batch), batch.draws
    view = _draw_facts(batch, knowledge)
    columns = [draws.column[a] for a in JUDGED]
    treated = draws.treated[:, columns]
    lows = [
        np.where(treated[:, k], ternary.UNKNOWN, view.definition(LINEAGE_OF[name]))
        for k, name in enumerate(LINEAGES)
    ]
    runs = [_run(draws, low, n) for low in lows]
    values = [np.where(treated[:, k], np.nan, draws.value[:, c]) for k, c in enumerate(columns)]
    red, white, platelet = (_slopes(draws, value, n) for value in values)
    trends = red, white, platelet
    transfused = _transfused(batch)
    sampled = sampling(batch)
    cycling = _cycles(batch, sampled)
    onset = np.minimum.reduce([run.first_low for run in runs])
    onset = np.fmin(np.where(np.isinf(onset), np.nan, onset), batch.columns.stated_age)
    facts = {
        **_persistence(runs),
        **_onset_facts(batch, knowledge, onset, runs),
        **_treatment_facts(batch, knowledge),
        **_dependence(batch, transfused),
        "neutrophil_cycle": _cycle_fact(cycling, n),
        "prior_normal": _prior_normal(draws, lows, onset, n),
        "recovered_8w": _recovered(runs),
        "progressive_fall": _progressive(trends),
        "hemoglobin_fell_2": _fell(draws, values[0], n),
        "monocytes_low_twice": _twice(draws, "monocytes", 0.2, 14, n),
        "severe_neutropenia_90d": _twice(draws, "anc", 0.5, 90, n),
    }
    lowest, lowest_age = np.full((n, 3), np.inf), np.full((n, 3), np.nan)
    for k, value in enumerate(values):
        seen = ~np.isnan(value)
        np.minimum.at(lowest[:, k], draws.case[seen], value[seen])
        at = _first(draws, seen & (value == lowest[draws.case, k]), n)
        lowest_age[:, k] = np.where(np.isinf(at), np.nan, at)
    return Serial(
        facts=facts,
        onset_age=onset,
        since=_ages([r.start for r in runs]),
        draws=np.stack([trend.count for trend in trends], axis=1),
        lowest=np.where(np.isinf(lowest), np.nan, lowest),
        lowest_age=lowest_age,
        first_low=_ages([r.first_low for r in runs]),
        recovered=_ages(
            [_recovery(draws, low, run, n) for low, run in zip(lows, runs, strict=True)]
        ),
        slopes=trends,
        transfused=transfused,
        sampled=sampled,
        cycles=cycling,
        presenting_age=_presenting(batch, lows),
    )


def _cycles(batch: CaseBatch, sampled: Sampling) -> Cycles | None:
    if not sampled.used.any():
        return None
    from hematon.engine.cycles import cycles

    return cycles(batch, sampled)


def _cycle_fact(cycling: Cycles | None, n: int) -> Ternary:
    """Confirmed or probable is yes, not supported no."""
    if cycling is None:
        return np.zeros(n, dtype=np.int8)
    from hematon.engine.cycles import NOT_SUPPORTED, PROBABLE

    yes, no = cycling.call >= PROBABLE, cycling.call == NOT_SUPPORTED
    return ternary.of(yes, yes | no)


def _presenting(batch: CaseBatch, lows: list[Ternary]) -> Floats:
    draws = batch.draws
    low = np.add.reduce([part == ternary.YES for part in lows]).astype(np.float64)
    recent = (low > 0) & (draws.age >= batch.age[draws.case] - YEAR_DAYS)
    # Most lineages first, then the latest: one number to compare.
    best = np.full(len(batch), -1.0)
    np.maximum.at(best, draws.case[recent], low[recent] * DAY_SPACE + draws.age[recent])
    return np.where(best < 0, np.nan, best % DAY_SPACE)


def _draw_facts(batch: CaseBatch, knowledge: Knowledge) -> Facts:
    draws = batch.draws
    null = facts_module.duffy_null(batch, knowledge)

    def bounds(analyte: str) -> tuple[Floats, Floats, Bools]:
        k = draws.column[analyte]
        value, sign = draws.value[:, k], draws.sign[:, k]
        low, high = np.where(sign < 0, 0.0, value), np.where(sign > 0, np.inf, value)
        return low, high, ~np.isnan(value)

    # Placeholder ages of undated records must not pass for the age of a newborn.
    age = np.where(np.isnan(batch.age)[draws.case], np.nan, draws.age)
    return Facts(knowledge, age, batch.columns.sex[draws.case], null[draws.case], bounds)


def _first(draws: Draws, mask: Bools, n: int) -> Floats:
    out = np.full(n, np.inf)
    np.minimum.at(out, draws.case[mask], draws.age[mask])
    return out


def _last(draws: Draws, mask: Bools, n: int) -> Floats:
    out = np.full(n, -np.inf)
    np.maximum.at(out, draws.case[mask], draws.age[mask])
    return out


def _run(draws: Draws, low: Ternary, n: int) -> _Run:
    is_low, is_normal = low == ternary.YES, low == ternary.NO
    first_low, last_normal = _first(draws, is_low, n), _last(draws, is_normal, n)
    in_run = is_low & (draws.age > last_normal[draws.case])
    after = is_normal & (draws.age > first_low[draws.case])
    return _Run(
        first_low,
        _last(draws, is_low, n),
        last_normal,
        _first(draws, after, n),
        _first(draws, in_run, n),
        np.bincount(draws.case[in_run], minlength=n),
    )


def _persistence(runs: list[_Run]) -> dict[str, Ternary]:
    spans = np.stack([np.where(np.isinf(r.start), -1.0, r.last_low - r.start) for r in runs])
    counts = np.stack([r.count for r in runs])
    low_now = spans >= 0
    ended = np.stack([np.isfinite(r.first_low) & np.isinf(r.start) for r in runs])
    over = ended.any(axis=0) & ~low_now.any(axis=0)

    def lasting(days: int, draws: int, rows: slice = slice(None)) -> Ternary:
        yes = ((spans[rows] >= days) & (counts[rows] >= draws)).any(axis=0)
        return np.where(yes, ternary.YES, np.where(over, ternary.NO, 0)).astype(np.int8)

    return {
        "persistent_12w": lasting(84, 3),
        "same_lineage_low_28d": lasting(28, 2),
        "same_lineage_low_56d": lasting(56, 2),
        "platelets_low_180d": lasting(180, 2, slice(2, 3)),
    }


def _onset_facts(
    batch: CaseBatch, knowledge: Knowledge, onset: Floats, runs: list[_Run]
) -> dict[str, Ternary]:
    cytopenias = [knowledge.findings[f].index for f in sorted(CYTOPENIA_FINDINGS)]
    said = (batch.columns.stated[:, cytopenias] == ternary.YES).any(axis=1)
    at = np.where(np.isnan(onset) & said, np.fmin(batch.age, batch.columns.age), onset)
    normal_before = np.minimum.reduce([r.last_normal for r in runs]) > -np.inf
    dated = ~np.isnan(batch.columns.stated_age)
    facts = {}
    for name, days in (("onset_by_28d", 28), ("onset_by_90d", 90), ("onset_by_1y", 365)):
        later = (at > days) & (normal_before | dated)
        facts[name] = ternary.of(at <= days, (at <= days) | later)
    white = runs[1]
    ever = np.isfinite(white.first_low) | (
        batch.columns.stated[:, knowledge.findings["LAB_NEUTROPENIA"].index] == ternary.YES
    )
    facts["neutropenia_ever"] = ternary.of(ever, ever)
    return facts


def _prior_normal(draws: Draws, lows: list[Ternary], onset: Floats, n: int) -> Ternary:
    """A fully normal count after 6 months of age and before the first low one."""
    normal = np.logical_and.reduce([low == ternary.NO for low in lows]) & (draws.age > 182)
    before = normal & (draws.age < onset[draws.case])
    yes = np.isfinite(_first(draws, before, n))
    return ternary.of(yes, yes)


def _recovered(runs: list[_Run]) -> Ternary:
    was_low = np.stack([np.isfinite(r.first_low) for r in runs])
    back = np.stack(
        [
            (r.normal_after - r.first_low <= 56) & (r.last_low < r.normal_after)
            for r in (_finite(run) for run in runs)
        ]
    )
    long = np.stack([r.last_low - r.first_low > 56 for r in (_finite(run) for run in runs)])
    yes = was_low.any(axis=0) & (back | ~was_low).all(axis=0)
    no = (long & was_low).any(axis=0)
    return np.where(yes, ternary.YES, np.where(no, ternary.NO, 0)).astype(np.int8)


def _finite(run: _Run) -> _Run:
    """Replace infinities by numbers that compare alike, so differences stay defined."""
    big = 1e9
    return _Run(
        np.minimum(run.first_low, big),
        np.maximum(run.last_low, -big),
        run.last_normal,
        np.minimum(run.normal_after, 3 * big),
        run.start,
        run.count,
    )


def _slopes(draws: Draws, value: Floats, n: int) -> Slopes:
    seen = ~np.isnan(value)
    return slopes(draws.case[seen], draws.age[seen], value[seen], n)


def _progressive(trends: tuple[Slopes, ...]) -> Ternary:
    """Two lineages fall by a fifth or more, more steadily than chance would.

    A lineage that did not fall so far is not falling. One that did, on too few counts to tell
    from chance, is unknown.
    """
    parts = []
    for trend in trends:
        judged = ~np.isnan(trend.fall) & (trend.span >= MIN_SPAN_DAYS)
        falls = judged & (trend.fall <= FALL_LOG)
        sure = falls & (trend.p < FALL_P)
        parts.append(ternary.of(sure, judged & (~falls | sure | (trend.count >= FALL_DRAWS))))
    return ternary.at_least(2, parts)


def _ages(parts: list[Floats]) -> Floats:
    """Lay (n,) ages of three lineages side by side, NaN where infinite."""
    ages = np.stack(parts, axis=1)
    return np.where(np.isinf(ages), np.nan, ages)


def _recovery(draws: Draws, low: Ternary, run: _Run, n: int) -> Floats:
    after = (low == ternary.NO) & (draws.age > run.last_low[draws.case])
    return np.where(np.isfinite(run.last_low), _first(draws, after, n), np.inf)


def _transfused(batch: CaseBatch) -> Ints:
    """Count the days with a transfusion in the 16 weeks up to the judged draw, (n, 2)."""
    given, n = batch.columns.given, len(batch)
    out = np.zeros((n, len(TRANSFUSED)), dtype=np.int64)
    back = batch.age[given.case] - given.start
    recent = (back >= 0) & (back < DEPENDENT_DAYS)
    for k, kind in enumerate(TRANSFUSED):
        rows = recent & (given.kind == TREATMENT_KINDS.index(kind))
        day = given.case[rows] * DAY_SPACE + given.start[rows]
        # Asked for its places as well, np.unique does not import masked arrays.
        days = np.unique(day, return_index=True)[0] // DAY_SPACE
        out[:, k] = np.bincount(days.astype(np.int64), minlength=n)
    return out


def _dependence(batch: CaseBatch, transfused: Ints) -> dict[str, Ternary]:
    """A record without any transfusion does not say that none was given."""
    facts, given = {}, batch.columns.given
    undated = np.isnan(given.start)
    for k, name in enumerate(("red_cells_dependent", "platelets_dependent")):
        dated = np.isfinite(batch.treatment_ages[TRANSFUSED[k]]) & ~np.isnan(batch.age)
        rows = undated & (given.kind == TREATMENT_KINDS.index(TRANSFUSED[k]))
        dated[given.case[rows]] = False
        yes = transfused[:, k] >= DEPENDENT_EPISODES
        facts[name] = ternary.of(yes, dated | yes)
    return facts


def _fell(draws: Draws, hemoglobin: Floats, n: int) -> Ternary:
    """Hemoglobin 2.0 g/dL or more lower at the latest draw than at one in the 30 days before."""
    seen = ~np.isnan(hemoglobin)
    latest = _last(draws, seen, n)
    now = seen & (draws.age == latest[draws.case])
    value = np.full(n, np.nan)
    value[draws.case[now]] = hemoglobin[now]
    recent = seen & ~now & (draws.age >= latest[draws.case] - 30)
    highest = np.full(n, -np.inf)
    np.maximum.at(highest, draws.case[recent], hemoglobin[recent])
    return ternary.of(highest - value >= 2.0, np.isfinite(highest))


def _twice(draws: Draws, analyte: str, below: float, apart: int, n: int) -> Ternary:
    """Below a value at two draws at least so far apart, with none at or above between or after."""
    k = draws.column[analyte]
    value = np.where(draws.treated[:, k], np.nan, draws.value[:, k])
    run = _run(draws, ternary.of(value < below, ~np.isnan(value)), n)
    span = np.where(np.isinf(run.start), -1.0, run.last_low - run.start)
    over = np.isfinite(run.last_normal) & np.isinf(run.start)
    return np.where(span >= apart, ternary.YES, np.where(over, ternary.NO, 0)).astype(np.int8)


def _treatment_facts(batch: CaseBatch, knowledge: Knowledge) -> dict[str, Ternary]:
    ages = batch.treatment_ages

    def given(kind: str) -> Ternary:
        ever = ~np.isneginf(ages[kind])
        return ternary.of(ever, ever)

    def within(kind: str, days: int) -> Ternary:
        dated = np.isfinite(ages[kind]) & ~np.isnan(batch.age)
        return ternary.of(batch.age - ages[kind] <= days, dated)

    two = [knowledge.findings[f].index for f in ("LAB_BICYTOPENIA", "LAB_PANCYTOPENIA")]
    marrow = [c.category in EXPLAINING for c in knowledge.conditions]
    explains = (knowledge.frequency[:, two].sum(axis=1) >= EXPLAINS_SHARE) & marrow
    recorded = batch.columns.recorded
    diagnosed = np.asarray((recorded > 0) @ explains > 0)
    return {
        "red_cells_ever": given("red_cell_transfusion"),
        "chemotherapy_ever": given("chemotherapy"),
        "chemotherapy_180d": within("chemotherapy", 180),
        "transplant_180d": within("transplant", 180),
        "explaining_diagnosis": ternary.of(diagnosed, diagnosed),
    }
