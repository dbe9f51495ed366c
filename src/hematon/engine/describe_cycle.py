"""One child's neutrophil cycle in full: the call, what it rests on, and which draws are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.assessment_trends import (
    Answer,
    Companion,
    CycleCall,
    CycleCount,
    CycleCriterion,
    FittedCycle,
    MissingDraws,
    Nadir,
    NeutrophilCycle,
    NextNadir,
)
from hematon.engine.cycles import (
    CALLS,
    CRITERIA,
    EXCLUDING_DRAWS,
    FULL_DAYS,
    LEAST_ANC,
    PROBABLE,
    SCREEN_DRAWS,
    WEEK_DAYS,
    Cycles,
    nadir_events,
)
from hematon.engine.periodicity import Series, detrended, fit, series

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LeftOut = Literal["", "treatment", "infection", "another_time", "bound"]
ANSWERS: Final[Mapping[int, Answer]] = {1: "yes", -1: "no", 0: "unknown"}
COMPANIONS: Final = ("monocytes", "platelets", "retic_abs")
SCHEDULE_DAYS: Final = (0, 2, 4)
"""Three draws a week: Monday, Wednesday, Friday."""
MOST_WEEKS: Final = 6
MORE_WEEKS: Final = 3
"""Where sampling is as it should be and the answer still open: one typical cycle more [expert]."""
SOURCE: Final = ("DALE2017", "EXPERT")
ADVICE: Final = (
    "ELANE genotyping is due whatever serial counts show: severe congenital and cyclic "
    "neutropenia share its variants, and only serial counts tell them apart."
)
_ALIKE = 1e-6


def neutrophil_cycle(result: BatchAssessment, i: int) -> NeutrophilCycle:
    """Describe whether the neutrophils of one child cycle."""
    cycles = result.serial.cycles
    j = int(cycles.found[i])
    call: CycleCall = CALLS[cycles.call[i]]
    missing = _missing(result, i)
    if j < 0:
        draws = _own(result, i, cycles.used)
        return NeutrophilCycle(
            call=call,
            text=_too_few(result, i),
            period_days=None,
            power=None,
            false_alarm_probability=None,
            false_alarm_method="none",
            permutations=0,
            noise_memory_days=None,
            draws_used=len(draws),
            from_age_days=None,
            to_age_days=None,
            covered_days=0,
            median_gap_days=None,
            cycles_seen=None,
            alias_period_days=None,
            swing=None,
            fit=None,
            nadirs=(),
            criteria=(),
            companions=(),
            counts=_counts(result, i),
            missing=missing,
            next_nadir=None,
            advice="",
            source=SOURCE,
        )
    return _looked(result, i, j, call, missing)


def _looked(
    result: BatchAssessment, i: int, j: int, call: CycleCall, missing: MissingDraws | None
) -> NeutrophilCycle:
    cycles = result.serial.cycles
    peak, log = cycles.peak, cycles.series.of(np.array([j]))
    first, covered = int(cycles.first[j]), float(cycles.covered[j])
    period = _number(peak.period[j])
    aliased = peak.alias_power[j] >= 0.9 * peak.power[j]
    asked = int(cycles.permutations[j])
    nadirs = _nadirs(log, first)
    return NeutrophilCycle(
        call=call,
        text=_said(cycles, j, call, nadirs),
        period_days=period,
        power=_number(peak.power[j]),
        false_alarm_probability=None if period is None else float(cycles.probability[j]),
        false_alarm_method="none" if period is None else "permutation" if asked else "bound",
        permutations=asked,
        noise_memory_days=_number(cycles.memory[j]),
        draws_used=int(cycles.series.count[j]),
        from_age_days=first,
        to_age_days=first + int(cycles.series.span[j]),
        covered_days=int(covered),
        median_gap_days=float(cycles.gap[j]),
        cycles_seen=None if period is None else covered / period,
        alias_period_days=_number(peak.alias[j]) if aliased else None,
        swing=None if period is None else float(10 ** (2 * peak.amplitude[j])),
        fit=None if period is None else _fit(cycles, j),
        nadirs=nadirs,
        criteria=tuple(
            CycleCriterion(name, text, ANSWERS[int(cycles.criteria[j, k])])
            for k, (name, text) in enumerate(CRITERIA.items())
        ),
        companions=() if period is None else _companions(result, i, j),
        counts=_counts(result, i),
        missing=missing,
        next_nadir=_next_nadir(cycles, j),
        advice=ADVICE if cycles.call[i] >= PROBABLE else "",
        source=SOURCE,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _own(result: BatchAssessment, i: int, mask: npt.NDArray[np.bool_]) -> Ints:
    """Give the child's draws among those marked."""
    start = result.batch.draws.start
    own: Ints = np.flatnonzero(mask[start[i] : start[i + 1]]) + start[i]
    return own


# --- in words -----------------------------------------------------------------------------------


def _too_few(result: BatchAssessment, i: int) -> str:
    if result.serial.facts["neutropenia_ever"][i] != ternary.YES:
        return "No low neutrophil count is known, and too few counts to look for a cycle."
    return f"Fewer than {SCREEN_DRAWS} usable neutrophil counts: too few to look for a cycle."


def _said(cycles: Cycles, j: int, call: CycleCall, nadirs: tuple[Nadir, ...]) -> str:
    count, covered = int(cycles.series.count[j]), int(cycles.covered[j])
    sampled = f"{count} counts over {covered} days"
    period, chance = cycles.peak.period[j], cycles.probability[j]
    if call == "not_supported":
        return f"No cycle is seen in {sampled} without a count below 0.5."
    if np.isnan(period):
        return f"Counts are too far apart to look for a cycle ({sampled})."
    wave = f"{period:.1f} days (false-alarm probability {chance:.2g}; {sampled})"
    if call in ("confirmed", "probable"):
        lows = f"{len(nadirs)} nadir{'' if len(nadirs) == 1 else 's'} below 0.5"
        certain = "Neutrophils cycle" if call == "confirmed" else "Neutrophils probably cycle"
        return f"{certain} every {wave}; {lows}."
    open_ = [
        text
        for (name, text), answer in zip(CRITERIA.items(), cycles.criteria[j], strict=True)
        if answer == ternary.NO and name in _ASKED
    ]
    why = f" Not met: {'; '.join(open_)}." if open_ else ""
    return f"These counts cannot tell. Strongest period {wave}.{why}"


_ASKED = ("enough_draws", "cycles_seen", "period_accepted", "chance_below_5", "swing", "nadirs")


# --- draws --------------------------------------------------------------------------------------


def _nadirs(log: Series, first: int) -> tuple[Nadir, ...]:
    anc = 10**log.value
    run, low = nadir_events(log, anc - _ALIKE)
    out = []
    for k in np.unique(run[low]):
        rows = np.flatnonzero(low & (run == k))
        lowest = rows[np.argmin(anc[rows])]
        out.append(Nadir(first + int(log.day[lowest]), round(float(anc[lowest]), 4)))
    return tuple(out)


def _counts(result: BatchAssessment, i: int) -> tuple[CycleCount, ...]:
    cycles, draws = result.serial.cycles, result.batch.draws
    column = draws.column["anc"]
    if np.isnan(result.batch.age[i]):
        return ()
    out = []
    for d in _own(result, i, ~np.isnan(draws.value[:, column])):
        why: LeftOut = ""
        if cycles.treated[d]:
            why = "treatment"
        elif cycles.infected[d]:
            why = "infection"
        elif draws.sign[d, column] > 0:
            why = "bound"
        elif cycles.found[i] >= 0 and not cycles.used[d]:
            why = "another_time"
        out.append(CycleCount(int(draws.age[d]), float(draws.value[d, column]), why))
    return tuple(out)


def _missing(result: BatchAssessment, i: int) -> MissingDraws | None:
    """Name the draws that would tell: three a week, as many weeks as are wanting of six.

    Draws of the last six weeks count if they came at two a week or more.
    """
    cycles, now = result.serial.cycles, result.batch.age[i]
    call: CycleCall = CALLS[cycles.call[i]]
    neutropenic = result.serial.facts["neutropenia_ever"][i] == ternary.YES
    if call in ("confirmed", "not_supported") or not neutropenic or np.isnan(now):
        return None
    column = result.batch.draws.column["anc"]
    usable = ~np.isnan(result.batch.draws.value[:, column]) & ~cycles.treated & ~cycles.infected
    ages = result.batch.draws.age[_own(result, i, usable)]
    recent = ages[ages > now - FULL_DAYS]
    weeks = MOST_WEEKS
    span = float(recent[-1] - recent[0]) if len(recent) else 0.0
    if span >= WEEK_DAYS and len(recent) / span >= 2 / WEEK_DAYS:
        wanting = (FULL_DAYS - span - WEEK_DAYS / 2) / WEEK_DAYS
        draws = (EXCLUDING_DRAWS - len(recent)) / len(SCHEDULE_DAYS)
        weeks = math.ceil(max(wanting, draws, 0.0)) or MORE_WEEKS
    start = int(now) + 1
    days = tuple(start + WEEK_DAYS * week + day for week in range(weeks) for day in SCHEDULE_DAYS)
    return MissingDraws(
        draws=len(days),
        per_week=len(SCHEDULE_DAYS),
        weeks=weeks,
        age_days=days,
        text=(
            f"{len(days)} further neutrophil counts, {len(SCHEDULE_DAYS)} a week for {weeks} "
            f"week{'' if weeks == 1 else 's'}, off G-CSF and between infections, would tell."
        ),
    )


# --- the wave -----------------------------------------------------------------------------------


def _fit(cycles: Cycles, j: int) -> FittedCycle:
    peak = cycles.peak
    first = int(cycles.first[j])
    return FittedCycle(
        from_age_days=first,
        level=float(peak.level[j]),
        slope_per_day=float(peak.slope[j]),
        amplitude=float(peak.amplitude[j]),
        trough_age_days=first + float(peak.trough[j]),
        period_days=float(peak.period[j]),
    )


def _companions(result: BatchAssessment, i: int, j: int) -> tuple[Companion, ...]:
    """Fit the neutrophils' period to the other counts of the same days."""
    cycles, draws = result.serial.cycles, result.batch.draws
    period = float(cycles.peak.period[j])
    out = []
    for analyte in COMPANIONS:
        column = draws.column[analyte]
        fit_for_use = ~np.isnan(draws.value[:, column]) & ~draws.treated[:, column]
        own = _own(result, i, cycles.used & fit_for_use)
        if len(own) < SCREEN_DRAWS:
            continue
        value = np.log10(np.maximum(draws.value[own, column], LEAST_ANC))
        raw = series(np.zeros(len(own), dtype=np.int64), draws.age[own], value, 1)
        flat = Series(raw.row, raw.day, detrended(raw)[0], raw.start)
        wave = fit(flat, np.array([1 / period]))
        crest = draws.age[own[0]] + _phase(wave.cosine, wave.sine) * period
        lag = (crest - cycles.first[j] - cycles.peak.trough[j]) % period
        power = float(wave.power[0])
        out.append(
            Companion(
                analyte=analyte,
                draws=len(own),
                power=power,
                p=float((1 - power) ** ((len(own) - 4) / 2)),
                crest_days_after_nadir=float(lag),
            )
        )
    return tuple(out)


def _phase(cosine: Floats, sine: Floats) -> float:
    """Give where in its period a wave has its crest, 0 to 1."""
    return float(np.arctan2(sine[0], cosine[0]) / (2 * np.pi) % 1)


def _next_nadir(cycles: Cycles, j: int) -> NextNadir | None:
    earliest, expected, latest = cycles.next_nadir[j].tolist()
    return None if np.isnan(expected) else NextNadir(earliest, expected, latest)
