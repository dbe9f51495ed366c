"""The cycle of a child with counts enough to look: the call, its reasons and the fitted wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.assessment_trends import (
    Companion,
    CycleCall,
    CycleCriterion,
    FittedCycle,
    MissingDraws,
    Nadir,
    NeutrophilCycle,
    NextNadir,
)
from hematon.engine.cycles import (
    ALIAS_MARGIN,
    CALLS,
    CRITERIA,
    LEAST_ANC,
    PROBABLE,
    Cycles,
    nadir_events,
)
from hematon.engine.describe_cycle import ANSWERS, SOURCE, counts_of, own_draws
from hematon.engine.periodicity import Series, detrended, fit, series
from hematon.engine.sampling import SCREEN_DRAWS

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Floats = npt.NDArray[np.float64]

COMPANIONS: Final = ("monocytes", "platelets", "retic_abs")
ADVICE: Final = (
    "ELANE genotyping is due whatever serial counts show: severe congenital and cyclic "
    "neutropenia share its variants, and only serial counts tell them apart."
)
_ALIKE = 1e-6


def looked_for(
    result: BatchAssessment, i: int, cycles: Cycles, missing: MissingDraws | None
) -> NeutrophilCycle:
    """Describe the cycle of a child that has a series.

    Args:
        result: the batch.
        i: row of the child.
        cycles: of the batch.
        missing: further counts that would tell.
    """
    j = int(result.serial.sampled.found[i])
    call = CALLS[cycles.call[i]]
    peak, log = cycles.peak, cycles.series.of(np.array([j]))
    first, covered = int(cycles.first[j]), float(cycles.covered[j])
    period = _number(peak.period[j])
    aliased = peak.alias_power[j] >= ALIAS_MARGIN * peak.power[j]
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
        companions=() if period is None else _companions(result, i, cycles, j),
        counts=counts_of(result, i),
        missing=missing,
        next_nadir=_next_nadir(cycles, j),
        advice=ADVICE if cycles.call[i] >= PROBABLE else "",
        source=SOURCE,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


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


def _nadirs(log: Series, first: int) -> tuple[Nadir, ...]:
    anc = 10**log.value
    run, low = nadir_events(log, anc - _ALIKE)
    out = []
    for k in np.unique(run[low]):
        rows = np.flatnonzero(low & (run == k))
        lowest = rows[np.argmin(anc[rows])]
        out.append(Nadir(first + int(log.day[lowest]), round(float(anc[lowest]), 4)))
    return tuple(out)


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


def _companions(result: BatchAssessment, i: int, cycles: Cycles, j: int) -> tuple[Companion, ...]:
    """Fit the neutrophils' period to the other counts of the same days."""
    draws, used = result.batch.draws, result.serial.sampled.used
    period = float(cycles.peak.period[j])
    out = []
    for analyte in COMPANIONS:
        column = draws.column[analyte]
        fit_for_use = ~np.isnan(draws.value[:, column]) & ~draws.treated[:, column]
        own = own_draws(result, i, used & fit_for_use)
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
