"""Does the neutrophil count cycle? The call of `severity.md` 8 for every child of a batch.

Which draws count, whether they can show a cycle at all, the strongest period, how likely chance
makes it, and what the nadirs say. Too few draws is an answer of its own, never "no cycle".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.assessment_trends import CycleCall
from hematon.engine.batch import CaseBatch
from hematon.engine.chance import bound, chance
from hematon.engine.periodicity import Peak, Series, peaks, series
from hematon.engine.sampling import (
    EXCLUDING_DRAWS,
    FULL_DAYS,
    SCREEN_DRAWS,
    WEEK_DAYS,
    Sampling,
)
from hematon.engine.ternary import Ternary

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CALLS: Final[tuple[CycleCall, ...]] = ("insufficient", "not_supported", "probable", "confirmed")
INSUFFICIENT, NOT_SUPPORTED, PROBABLE, CONFIRMED = range(4)

LEAST_ANC = 0.02
"""A count of zero has no logarithm."""
FULL_DRAWS = 12
SCREEN_DAYS = 60
PERIOD, TYPICAL_PERIOD = (14.0, 36.0), (18.0, 24.0)
LEAST_CYCLES = 1.5
CHANCE_CONFIRMED, CHANCE_PROBABLE, CHANCE_EXCLUDING = 0.01, 0.05, 0.2
DEEP, LOW, RECOVERED = 0.2, 0.5, 1.0
NADIRS_APART = (14, 28)
LEAST_SWING = 3.0
"""The fitted crest over the fitted trough. From a nadir below 0.2 to 1.0 is fivefold; a sine
flattens narrow nadirs, and swings below threefold are the day-to-day noise of counts [expert]."""
ALIAS_MARGIN = 0.9
"""A weekly alias is told apart when it explains less than this of what the period explains."""
CYCLE_JITTER_DAYS = 1.5
"""How much one cycle differs from the next, standard deviation [expert]."""
_TWO_SIDED_95 = 1.96
_EDGE = 1e-9

CRITERIA = {
    "enough_draws": "At least 12 neutrophil counts over at least 42 days",
    "cycles_seen": "At least 1.5 cycles seen, by draws closer than half a period",
    "period_accepted": "Strongest period 14 to 36 days",
    "period_typical": "Strongest period 18 to 24 days",
    "chance_below_5": "False-alarm probability below 0.05",
    "chance_below_1": "False-alarm probability below 0.01",
    "alias_excluded": "Not a shorter period seen through weekly draws",
    "swing": "The fitted cycle swings at least threefold",
    "nadirs": "A nadir below 0.2, or two below 0.5, with recovery above 0.5",
    "nadirs_deep": "Two nadirs below 0.2, 14 to 28 days apart, at least 1.0 between them",
}
"""What a call rests on, by id."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cycles:
    """Neutrophil cycles of n children.

    Attributes:
        call: (n,) index into `CALLS`.
        found: (n,) row of the child in the arrays over m below, -1 where too few draws to look.
        first: (m,) age at the first draw used.
        series: m series of log10 neutrophil counts.
        peak: the strongest period of each.
        gap: (m,) median days between draws.
        covered: (m,) days the draws stand for.
        probability: (m,) false-alarm probability.
        permutations: (m,) permutations it rests on; 0 where only the analytic bound was needed.
        memory: (m,) correlation time of the noise in days, NaN where only the bound was needed.
        criteria: (m, criteria) in the order of `CRITERIA`.
        next_nadir: (m, 3) ages: earliest, expected, latest; NaN unless confirmed.
        nadir_age: (n,) age at the latest of the lowest counts where a cycle is probable or
            confirmed, else NaN.
    """

    call: Ints
    found: Ints
    first: Floats
    series: Series
    peak: Peak
    gap: Floats
    covered: Floats
    probability: Floats
    permutations: Ints
    memory: Floats
    criteria: Ternary
    next_nadir: Floats
    nadir_age: Floats


def cycles(batch: CaseBatch, sampled: Sampling) -> Cycles:
    """Look for a neutrophil cycle in every child with enough draws.

    Args:
        batch: n children.
        sampled: their draws to look at; at least one child has enough.

    Returns:
        The calls; row i depends on child i alone.
    """
    n, draws, found = len(batch), batch.draws, sampled.found
    column = draws.column["anc"]
    rows = np.flatnonzero(found >= 0)
    looked = np.flatnonzero(sampled.used)
    row, age = found[draws.case[looked]], draws.age[looked]
    # Below 0.2 is what the laboratory says of "<0.2", though not of 0.2.
    anc = draws.value[looked, column] - _EDGE * (draws.sign[looked, column] == -2)
    log = series(row, age, np.log10(np.maximum(anc, LEAST_ANC)), len(rows))
    first = age[log.start[:-1]]
    gap, longest = _gaps(log)
    covered = log.span.astype(np.float64) + np.minimum(longest, WEEK_DAYS)
    shortest = 2 * gap
    peak = peaks(log, shortest)
    criteria = _criteria(log, anc, peak, gap, covered)
    assessed = (log.count >= FULL_DRAWS) & (covered >= FULL_DAYS)
    assessed |= (log.count >= SCREEN_DRAWS) & (covered >= SCREEN_DAYS)
    lowest = np.minimum.reduceat(anc, log.start[:-1])
    could_exclude = (log.count >= EXCLUDING_DRAWS) & (covered >= FULL_DAYS) & (lowest >= LOW)
    could_exclude &= shortest <= TYPICAL_PERIOD[0]
    probability = bound(log, np.nan_to_num(peak.power), shortest)
    needed = ("cycles_seen", "period_accepted", "swing", "nadirs")
    fits = assessed & np.logical_and.reduce([criteria[k] for k in needed])
    # An alias that explains clearly more is the period, even where the table does not hold it.
    fits &= peak.alias_power * ALIAS_MARGIN <= peak.power
    # The bound is enough where no answer hangs on it: no chance is above it, and that of noise is
    # seldom less than half of it.
    open_ = (probability > CHANCE_EXCLUDING) & (probability <= 2 * CHANCE_EXCLUDING)
    asked = np.flatnonzero(fits | (could_exclude & open_))
    permutations, memory = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), np.nan)
    if len(asked):
        by_chance = chance(log.of(asked), _some(peak, asked), shortest[asked], gap[asked])
        probability[asked] = by_chance.probability
        permutations[asked], memory[asked] = by_chance.permutations, by_chance.memory
    criteria["chance_below_5"] = probability < CHANCE_PROBABLE
    criteria["chance_below_1"] = probability < CHANCE_CONFIRMED
    probable = fits & criteria["chance_below_5"]
    confirmed = probable & np.logical_and.reduce(list(criteria.values()))
    call = np.full(n, INSUFFICIENT)
    call[rows[could_exclude & (probability > CHANCE_EXCLUDING)]] = NOT_SUPPORTED
    call[rows[probable]] = PROBABLE
    call[rows[confirmed]] = CONFIRMED
    known = {name: ~np.isnan(peak.period) for name in CRITERIA}
    known["enough_draws"] = np.ones(len(rows), dtype=bool)
    judged = [ternary.of(criteria[k], known[k]) for k in CRITERIA]
    now = np.fmax(batch.age[rows], age[log.start[1:] - 1])
    nadir_age = np.full(n, np.nan)
    nadir_age[rows[probable]] = np.maximum.reduceat(
        np.where(anc == lowest[log.row], age, -np.inf), log.start[:-1]
    )[probable]
    return Cycles(
        call=call,
        found=found,
        first=first,
        series=log,
        peak=peak,
        gap=gap,
        covered=covered,
        probability=probability,
        permutations=permutations,
        memory=memory,
        criteria=np.stack(judged, axis=1),
        next_nadir=_next_nadir(log, peak, first, now, confirmed),
        nadir_age=nadir_age,
    )


def _gaps(log: Series) -> tuple[Floats, Floats]:
    """Give the (m,) median and longest days between draws."""
    inner = np.ones(len(log.row), dtype=bool)
    inner[log.start[:-1]] = False
    gap = np.diff(log.day, prepend=0)[inner].astype(np.float64)
    order = np.lexsort((gap, log.row[inner]))
    gap, start, size = gap[order], log.start[:-1] - np.arange(len(log)), log.count - 1
    median = (gap[start + (size - 1) // 2] + gap[start + size // 2]) / 2
    return median, gap[start + size - 1]


def _some(peak: Peak, rows: Ints) -> Peak:
    return Peak(*(getattr(peak, name)[rows] for name in Peak.__dataclass_fields__))


def _criteria(
    log: Series, anc: Floats, peak: Peak, gap: Floats, covered: Floats
) -> dict[str, Bools]:
    def within(limits: tuple[float, float]) -> Bools:
        result: Bools = (peak.period >= limits[0]) & (peak.period <= limits[1])
        return result

    nothing = np.zeros(len(log), dtype=bool)
    return {
        "enough_draws": (log.count >= FULL_DRAWS) & (covered >= FULL_DAYS),
        "cycles_seen": (covered >= LEAST_CYCLES * peak.period) & (peak.period >= 2 * gap),
        "period_accepted": within(PERIOD),
        "period_typical": within(TYPICAL_PERIOD),
        "chance_below_5": nothing,
        "chance_below_1": nothing,
        "alias_excluded": peak.alias_power < ALIAS_MARGIN * peak.power,
        "swing": 10 ** (2 * peak.amplitude) >= LEAST_SWING,
        "nadirs": _nadirs(log, anc),
        "nadirs_deep": _deep_nadirs(log, anc),
    }


def nadir_events(log: Series, anc: Floats) -> tuple[Ints, Bools]:
    """Number the runs of draws below 0.5 that recovery above it sets apart.

    Returns:
        (d,) number of the run, counted over all series; (d,) whether the draw is in a run. A
        series that never reaches 0.5 has a floor, and no nadir.
    """
    low = anc < LOW
    recovers = np.bincount(log.row[~low], minlength=len(log)) > 0
    low &= recovers[log.row]
    begins = low.copy()
    begins[1:] &= ~(low[:-1] & (log.row[1:] == log.row[:-1]))
    return np.cumsum(begins) - 1, low


def _nadirs(log: Series, anc: Floats) -> Bools:
    run, low = nadir_events(log, anc)
    m, runs = len(log), int(run[-1]) + 1 if len(run) else 0
    lowest, owner = np.full(runs, np.inf), np.zeros(runs, dtype=np.int64)
    np.minimum.at(lowest, run[low], anc[low])
    owner[run[low]] = log.row[low]
    deep = np.bincount(owner[lowest < DEEP], minlength=m)
    result: Bools = (deep >= 1) | (np.bincount(owner, minlength=m) >= 2)
    return result


def _deep_nadirs(log: Series, anc: Floats) -> Bools:
    deep = np.flatnonzero(anc < DEEP)
    row, day = log.row[deep], log.day[deep]
    # Two draws with a different number of recoveries behind them have one between them.
    recoveries = np.cumsum(anc >= RECOVERED)[deep]
    out = np.zeros(len(log), dtype=bool)
    for lag in range(1, min(NADIRS_APART[1], len(deep) - 1) + 1):
        apart = day[lag:] - day[:-lag]
        pair = (row[lag:] == row[:-lag]) & (recoveries[lag:] > recoveries[:-lag])
        pair &= (apart >= NADIRS_APART[0]) & (apart <= NADIRS_APART[1])
        out[row[lag:][pair]] = True
    return out


def _next_nadir(log: Series, peak: Peak, first: Floats, now: Floats, confirmed: Bools) -> Floats:
    """Give (m, 3) ages around the first trough of the fitted cycle after `now`.

    The standard errors of phase and frequency of a least-squares sine, and the unevenness of
    cycles, which adds up from the last draw on. No answer once it is wider than a period.
    """
    out = np.full((len(log), 3), np.nan)
    at = np.flatnonzero(confirmed)
    period, size = peak.period[at], log.count[at]
    trough, span = first[at] + peak.trough[at], log.span[at]
    expected = trough + np.ceil((now[at] - trough) / period) * period
    ratio = peak.noise[at] / peak.amplitude[at]
    phase = period / (2 * np.pi) * np.sqrt(2 / size) * ratio
    per_cycle = period * period * np.sqrt(6 / size) * ratio / (np.pi * span)
    ahead = (expected - first[at] - span / 2) / period
    since = np.maximum(expected - first[at] - span, 0) / period
    spread = phase**2 + (ahead * per_cycle) ** 2 + CYCLE_JITTER_DAYS**2 * (1 + since)
    half = _TWO_SIDED_95 * np.sqrt(spread)
    kept = half <= period / 2
    out[at[kept]] = np.stack([expected - half, expected, expected + half], axis=1)[kept]
    return out
