"""From columns to one judged set of counts per child, and all draws beside it.

What is decided here: which draw is judged (the latest), which values stand beside it (as long as
`valid_days` of the analyte allows), what is computed from what (neutrophils from white cells and
percentages, never from blasts or metamyelocytes), and which values a treatment makes unfit: then
the latest value before the treatment is used, and where there is none the value is marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hematon.engine.columns import TREATMENT_KINDS, Columns, Given, Results
from hematon.knowledge.compiled import Analyte, Knowledge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

BEFORE_TREATMENT_DAYS = 180
"""How far back a value from before a treatment may stand for the treated one [expert]."""
SUPPORT_NONE, SUPPORT_USED, SUPPORT_BEFORE, SUPPORT_BLOCKED = 0, 1, 2, 3
BLOCKED = frozenset(("mcv", "hbf_pct", "retic_abs", "retic_pct", "eada"))
"""After a transfusion these are the donor's, not the child's: left out, never merely doubted."""
JUDGED = ("hemoglobin", "anc", "platelets")
"""The count of each lineage: red, white, platelet."""

MASS_TO_CELLS = 30.0
"""RBC (10*12/L) is about hemoglobin (g/dL) x 30 / MCV (fL): hematocrit is 3 x hemoglobin."""
DAY_SPACE, ANALYTE_SPACE = 100_000, 256
"""Room for days and analytes in one sorting key; more than any life and any knowledge need."""

BASIS = (
    "",
    "WBC × (segmented + band neutrophils) %",
    "WBC × neutrophils %",
    "segmented + band neutrophils, absolute",
    "WBC × segmented neutrophils % (bands not stated)",
    "segmented neutrophils, absolute (bands not stated)",
    "WBC × lymphocytes %",
    "WBC × monocytes %",
    "WBC × eosinophils %",
    "reticulocytes % × RBC",
    "hematocrit ÷ RBC",
    "reticulocytes % × RBC estimated from hemoglobin and MCV",
    "WBC × blasts %",
    "blasts ÷ WBC",
)
"""How a computed number came about, by basis code."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Draws:
    """Every draw of every child, ordered by child and age.

    Attributes:
        case: (d,) row of the child.
        age: (d,) days.
        value: (d, count analytes) numbers; NaN where not measured.
        sign: (d, count analytes) comparator sign.
        basis: (d, count analytes) index into `BASIS`.
        treated: (d, count analytes) whether a treatment makes the value unfit.
        start: (n + 1,) first draw of each child.
        column: count analyte id to column.
    """

    case: Ints
    age: Floats
    value: Floats
    sign: Int8s
    basis: Int8s
    treated: Bools
    start: Ints
    column: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CaseBatch:
    """n children ready to be judged. Arrays over (n, analytes) in knowledge order.

    Attributes:
        columns: the input.
        age: (n,) age in days at the judged draw, NaN unknown.
        low: lower bound of the value, the value itself when exact; zero, and not to be read,
            where not measured.
        high: upper bound likewise.
        measured: whether there is a value.
        lab_low: the laboratory's lower limit, NaN when not given.
        lab_high: the laboratory's upper limit, NaN when not given.
        basis: index into `BASIS`.
        support: `SUPPORT_*`.
        value_age: age in days at the draw of the value used.
        current: analyte id to (low, high), each (n,): the count as it is now, under treatment,
            for analytes where some child is judged by a value from before.
        draws: all draws.
        treatment_ages: kind to (n,) latest start age in days, -inf never, NaN given but undated.
    """

    columns: Columns
    age: Floats
    low: Floats
    high: Floats
    measured: Bools
    lab_low: Floats
    lab_high: Floats
    basis: Int8s
    support: Int8s
    value_age: Floats
    current: dict[str, tuple[Floats, Floats]]
    draws: Draws
    treatment_ages: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.columns.ids)


def build(columns: Columns, knowledge: Knowledge) -> CaseBatch:
    """Choose and compute the judged values of each child.

    Args:
        columns: n children.
        knowledge: analytes and treatment windows.

    Returns:
        The batch; nothing in it depends on the order of rows in `columns.results`.
    """
    n = len(columns.ids)
    results, undated = _place_in_time(columns)
    results = _one_a_day(results)
    count = {
        a.id: k for k, a in enumerate(a for a in knowledge.analytes.values() if a.part_of_count)
    }
    draws = _draws(results, n, count, knowledge)
    _derive(draws)
    _mark_treated(draws, columns.given, knowledge)
    age = _judged_age(draws, results, columns, undated)
    batch = _empty(columns, age, draws, len(knowledge.analytes), n)
    reference = np.where(np.isnan(age), np.inf, age)
    treated_now = _treated_now(columns, age, knowledge)
    for analyte in knowledge.analytes.values():
        if analyte.part_of_count:
            _pick_count(batch, draws, analyte, count[analyte.id], reference, treated_now)
    _pick_others(batch, results, knowledge, reference)
    _lab_limits(batch, results)
    return batch


def _empty(columns: Columns, age: Floats, draws: Draws, analytes: int, n: int) -> CaseBatch:
    def table(dtype: type = np.float64) -> npt.NDArray[Any]:
        # Rules read one analyte of every child, so an analyte's values lie side by side; zeros
        # cost nothing until an analyte is written, and most analytes of a batch never are.
        return np.zeros((n, analytes), dtype=dtype, order="F")

    limits = columns.results
    printed = bool((~np.isnan(limits.lab_low) | ~np.isnan(limits.lab_high)).any())
    none = np.broadcast_to(np.nan, (n, analytes))
    return CaseBatch(
        columns=columns,
        age=age,
        low=table(),
        high=table(),
        measured=table(np.bool_),
        lab_low=none.copy(order="F") if printed else none,
        lab_high=none.copy(order="F") if printed else none,
        basis=table(np.int8),
        support=table(np.int8),
        value_age=table(),
        current={},
        draws=draws,
        treatment_ages=_treatment_ages(columns, n),
    )


# --- rows --------------------------------------------------------------------------------------


def _place_in_time(columns: Columns) -> tuple[Results, Bools]:
    """Drop rows after `as_of`; give undated rows the age of the record, else the latest dated one.

    Also says, per child, whether no age at all is known (ages then stand at zero).
    """
    r = columns.results
    n = len(columns.ids)
    keep = ~(r.age > columns.as_of_age[r.case])
    if not keep.all():
        r = _take(r, np.flatnonzero(keep))
    latest = np.full(n, -np.inf)
    dated = ~np.isnan(r.age)
    np.maximum.at(latest, r.case[dated], r.age[dated])
    fill = np.where(np.isnan(columns.age), latest, columns.age)
    fill = np.minimum(fill, columns.as_of_age)
    unknown = np.isneginf(fill)
    fill = np.where(unknown, 0.0, fill)
    if dated.all():
        return r, unknown
    age = np.where(dated, r.age, fill[r.case])
    return Results(r.case, r.analyte, r.value, r.comparator, age, r.lab_low, r.lab_high), unknown


def _take(r: Results, rows: Ints) -> Results:
    return Results(
        r.case[rows],
        r.analyte[rows],
        r.value[rows],
        r.comparator[rows],
        r.age[rows],
        r.lab_low[rows],
        r.lab_high[rows],
    )


def _one_a_day(r: Results) -> Results:
    """Order by child, analyte, day and value; keep the (lower) median of same-day results.

    Within a day the order of rows does not matter. The lower of two is the median kept, because a
    real measurement is kept, and the lower one is the safer.
    """
    key = (r.case * ANALYTE_SPACE + r.analyte) * DAY_SPACE + np.floor(r.age).astype(np.int64)
    order = np.argsort(key, kind="stable")
    key = key[order]
    new = np.ones(len(key), dtype=bool)
    new[1:] = key[1:] != key[:-1]
    if new.all():
        return _take(r, order)
    start = np.flatnonzero(new)
    size = np.diff(np.append(start, len(key)))
    # Only days with several results need the costly ordering by everything else.
    again = np.flatnonzero(np.repeat(size > 1, size))
    rows = order[again]
    inner = np.lexsort(
        (r.lab_high[rows], r.lab_low[rows], r.comparator[rows], r.value[rows], key[again])
    )
    order[again] = rows[inner]
    return _take(r, order[start + (size - 1) // 2])


# --- draws -------------------------------------------------------------------------------------


def _draws(r: Results, n: int, count: dict[str, int], knowledge: Knowledge) -> Draws:
    """Lay count results out as one row per child and day."""
    to_column = np.full(len(knowledge.analytes), -1, dtype=np.int64)
    for analyte, k in count.items():
        to_column[knowledge.analytes[analyte].index] = k
    column = to_column[r.analyte]
    rows = np.flatnonzero(column >= 0)
    case, day, column = r.case[rows], np.floor(r.age[rows]), column[rows]
    key = case * DAY_SPACE + day.astype(np.int64)
    order = np.argsort(key, kind="stable")
    case_sorted, day_sorted, key = case[order], day[order], key[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = key[1:] != key[:-1]
    draw = np.cumsum(new) - 1
    d = int(draw[-1]) + 1 if len(draw) else 0
    shape = (d, len(count))
    value, sign = np.full(shape, np.nan), np.zeros(shape, dtype=np.int8)
    value[draw, column[order]] = r.value[rows][order]
    sign[draw, column[order]] = r.comparator[rows][order]
    draw_case = case_sorted[new]
    return Draws(
        case=draw_case,
        age=day_sorted[new],
        value=value,
        sign=sign,
        basis=np.zeros(shape, dtype=np.int8),
        treated=np.zeros(shape, dtype=bool),
        start=np.searchsorted(draw_case, np.arange(n + 1)),
        column=count,
    )


def _derive(draws: Draws) -> None:
    """Compute absolute counts and MCV from their parts, where the number itself is not given."""
    v = {name: draws.value[:, k] for name, k in draws.column.items()}
    bands_abs = np.where(np.isnan(v["bands_abs"]), 0.0, v["bands_abs"])
    bands_pct = np.where(np.isnan(v["bands_pct"]), 0.0, v["bands_pct"])
    share = v["wbc"] / 100
    _fill(draws, "retic_pct", v["retic_permil"] * 0.1, 0)
    both_abs = np.where(np.isnan(v["bands_abs"]), 5, 3)
    both_pct = np.where(np.isnan(v["bands_pct"]), 4, 1)
    _fill(draws, "anc", v["segs_abs"] + bands_abs, both_abs)
    _fill(draws, "anc", share * v["neutrophils_pct"], 2)
    _fill(draws, "anc", share * (v["segs_pct"] + bands_pct), both_pct)
    _fill(draws, "alc", share * v["lymph_pct"], 6)
    _fill(draws, "monocytes", share * v["mono_pct"], 7)
    _fill(draws, "eosinophils", share * v["eos_pct"], 8)
    with np.errstate(divide="ignore", invalid="ignore"):
        cells = np.where(np.isnan(v["rbc"]), v["hematocrit"] * 10 / v["mcv"], v["rbc"])
        size = v["hematocrit"] * 10 / v["rbc"]
        estimated = v["hemoglobin"] * MASS_TO_CELLS / v["mcv"]
    _fill(draws, "retic_abs", v["retic_pct"] * cells * 10, 9)
    _fill(draws, "retic_abs", v["retic_pct"] * estimated * 10, 11)
    with np.errstate(divide="ignore", invalid="ignore"):
        blasts = np.where(v["blasts_abs"] == 0, 0.0, v["blasts_abs"] / share)
    _fill(draws, "blasts_pct", blasts, 13)
    # No blasts among the white cells are no blasts, however many white cells there are.
    _fill(draws, "blasts_abs", np.where(v["blasts_pct"] == 0, 0.0, share * v["blasts_pct"]), 12)
    _fill(draws, "mcv", np.where(np.isfinite(size), size, np.nan), 10)


def _fill(draws: Draws, analyte: str, computed: Floats, basis: int | Ints) -> None:
    k = draws.column[analyte]
    at = np.isnan(draws.value[:, k]) & np.isfinite(computed)
    draws.value[at, k] = computed[at]
    draws.basis[at, k] = np.broadcast_to(basis, at.shape)[at]


def _mark_treated(draws: Draws, given: Given, knowledge: Knowledge) -> None:
    if not len(given.case):
        return
    for window in knowledge.windows:
        columns = [draws.column[a] for a in window.analytes if a in draws.column]
        under = _under(
            given, TREATMENT_KINDS.index(window.kind), window.days, draws.case, draws.age
        )
        draws.treated[:, columns] |= under[:, None]


def _under(given: Given, kind: int, days: int, case: Ints, age: Floats) -> Bools:
    """Whether each (case, age) lies within `days` after a dated treatment of a kind.

    A draw on the day of a treatment is taken as the one that led to it.
    """
    rows = np.flatnonzero((given.kind == kind) & ~np.isnan(given.start))
    if not len(rows):
        return np.zeros(len(case), dtype=bool)
    start = given.start[rows]
    end = np.fmax(np.where(np.isnan(given.end[rows]), start, given.end[rows]), start)
    order = np.lexsort((start, given.case[rows]))
    # One sorted key for (child, age): children are further apart than any age.
    apart = 1e6
    base = given.case[rows][order] * apart
    starts, ends = base + start[order], np.maximum.accumulate(base + end[order])
    at = np.searchsorted(starts, case * apart + np.floor(age), side="left") - 1
    inside = at >= 0
    at = np.maximum(at, 0)
    same = given.case[rows][order][at] == case
    under: Bools = inside & same & (case * apart + age <= ends[at] + days)
    return under


def _treatment_ages(columns: Columns, n: int) -> dict[str, Floats]:
    ages: dict[str, Floats] = {}
    for k, kind in enumerate(TREATMENT_KINDS):
        latest = np.full(n, -np.inf)
        rows = np.flatnonzero(columns.given.kind == k)
        case = columns.given.case[rows]
        start = np.fmax(columns.given.start[rows], columns.given.end[rows])
        dated = ~np.isnan(start)
        seen = dated & (start <= columns.as_of_age[case])
        np.maximum.at(latest, case[seen], start[seen])
        undated = case[~dated]
        latest[undated] = np.where(np.isneginf(latest[undated]), np.nan, latest[undated])
        ages[kind] = latest
    return ages


# --- choosing ----------------------------------------------------------------------------------


def _judged_age(draws: Draws, results: Results, columns: Columns, unknown: Bools) -> Floats:
    """Age at the latest draw with hemoglobin, neutrophils, white cells or platelets."""
    n = len(columns.ids)
    latest = np.full(n, -np.inf)
    key = [draws.column[a] for a in (*JUDGED, "wbc")]
    rows = ~np.isnan(draws.value[:, key]).all(axis=1)
    np.maximum.at(latest, draws.case[rows], draws.age[rows])
    other = np.full(n, -np.inf)
    np.maximum.at(other, results.case, np.floor(results.age))
    latest = np.where(np.isneginf(latest), other, latest)
    stated = np.minimum(columns.age, columns.as_of_age)
    latest = np.where(np.isneginf(latest), stated, latest)
    return np.where(unknown, np.nan, latest)


def _treated_now(columns: Columns, age: Floats, knowledge: Knowledge) -> dict[str, Bools]:
    """Give, per analyte a treatment makes unfit, who is under that treatment at the judged draw."""
    out: dict[str, Bools] = {}
    if not len(columns.given.case):
        return out
    case = np.arange(len(columns.ids))
    for window in knowledge.windows:
        kind = TREATMENT_KINDS.index(window.kind)
        under = _under(columns.given, kind, window.days, case, np.nan_to_num(age, nan=-1.0))
        for analyte in window.analytes:
            out[analyte] = out.get(analyte, False) | under
    return out


def _pick_count(
    batch: CaseBatch,
    draws: Draws,
    analyte: Analyte,
    column: int,
    reference: Floats,
    treated_now: dict[str, Bools],
) -> None:
    """Take the latest untreated value near the judged draw, else one from before treatment."""
    value = draws.value[:, column]
    rows = np.flatnonzero(~np.isnan(value))
    if not len(rows):
        return
    behind = reference[draws.case[rows]] - draws.age[rows]
    behind[np.isinf(behind)] = 0.0
    near = (behind >= 0) & (behind <= analyte.valid_days)
    treated = draws.treated[rows, column]
    back = (behind >= 0) & (behind <= BEFORE_TREATMENT_DAYS) & ~treated
    has_treated = np.zeros(len(batch), dtype=bool)
    has_treated[draws.case[rows[near & treated]]] = True
    if analyte.id in treated_now:
        has_treated |= treated_now[analyte.id]
    blocked = analyte.id in BLOCKED
    j = analyte.index
    if blocked:
        batch.support[draws.case[rows[near & treated]], j] = SUPPORT_BLOCKED
    else:
        _put(batch, draws, analyte, column, rows[near], SUPPORT_USED)
    now = batch.low[:, j].copy(), batch.high[:, j].copy()
    latest = batch.value_age[:, j].copy()
    before = back & has_treated[draws.case[rows]]
    _put(batch, draws, analyte, column, rows[before], SUPPORT_BEFORE)
    _put(batch, draws, analyte, column, rows[near & ~treated], SUPPORT_NONE)
    # An untreated count of the same draw window that a treated one has followed is from before it.
    replaced = batch.measured[:, j] & (batch.value_age[:, j] < latest)
    batch.support[replaced, j] = SUPPORT_BEFORE
    if not blocked and replaced.any():
        batch.current[analyte.id] = (
            np.where(replaced, now[0], batch.low[:, j]),
            np.where(replaced, now[1], batch.high[:, j]),
        )


def _put(
    batch: CaseBatch, draws: Draws, analyte: Analyte, column: int, rows: Ints, support: int
) -> None:
    """Write values into the batch; rows are in order of age, so the latest one stays."""
    case, j = draws.case[rows], analyte.index
    low, high = bounds_of(draws.value[rows, column], draws.sign[rows, column])
    batch.low[case, j], batch.high[case, j] = low, high
    batch.measured[case, j] = True
    batch.basis[case, j] = draws.basis[rows, column]
    batch.support[case, j] = support
    batch.value_age[case, j] = draws.age[rows]


def _pick_others(
    batch: CaseBatch, results: Results, knowledge: Knowledge, reference: Floats
) -> None:
    """Take the latest value of every analyte that is not part of a blood count."""
    analytes = list(knowledge.analytes.values())
    days = np.array([0 if a.part_of_count else a.valid_days for a in analytes])
    behind = np.abs(reference[results.case] - results.age)
    behind[~np.isfinite(behind)] = 0.0
    rows = np.flatnonzero((days[results.analyte] > 0) & (behind <= days[results.analyte]))
    if not len(rows):
        return
    blocked = np.zeros(len(rows), dtype=bool)
    for window in knowledge.windows:
        wanted = [knowledge.analytes[a].index for a in window.analytes]
        under = _under(
            batch.columns.given,
            TREATMENT_KINDS.index(window.kind),
            window.days,
            results.case[rows],
            results.age[rows],
        )
        blocked |= under & np.isin(results.analyte[rows], wanted)
    lost = rows[blocked]
    batch.support[results.case[lost], results.analyte[lost]] = SUPPORT_BLOCKED
    rows = rows[~blocked]
    rows = rows[np.argsort(results.age[rows], kind="stable")]
    case, j = results.case[rows], results.analyte[rows]
    low, high = bounds_of(results.value[rows], results.comparator[rows])
    batch.low[case, j], batch.high[case, j] = low, high
    batch.measured[case, j] = True
    batch.support[case, j] = SUPPORT_NONE
    batch.value_age[case, j] = results.age[rows]


def _lab_limits(batch: CaseBatch, results: Results) -> None:
    """Keep the laboratory's limits of the value that was used."""
    rows = np.flatnonzero(~np.isnan(results.lab_low) | ~np.isnan(results.lab_high))
    if not len(rows):
        return
    cells = results.case[rows], results.analyte[rows]
    same_day = np.floor(results.age[rows]) == np.floor(batch.value_age[cells])
    rows = rows[batch.measured[cells] & same_day]
    case, j = results.case[rows], results.analyte[rows]
    batch.lab_low[case, j] = results.lab_low[rows]
    batch.lab_high[case, j] = results.lab_high[rows]


def bounds_of(value: Floats, sign: Int8s) -> tuple[Floats, Floats]:
    """Give the interval a result stands for: `<0.5` is from zero to just below 0.5."""
    low = np.where(sign < 0, 0.0, value)
    low = np.where(sign == 2, np.nextafter(value, np.inf), low)
    high = np.where(sign > 0, np.inf, value)
    high = np.where(sign == -2, np.nextafter(value, -np.inf), high)
    return low, high
