"""One row of the serial facts in full: trends, transfusions, supported intervals."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from hematon.engine.assessment_trends import (
    LineageTrend,
    SupportedInterval,
    TransfusionNeed,
    Trends,
)
from hematon.engine.batch import JUDGED
from hematon.engine.columns import TREATMENT_KINDS
from hematon.engine.describe_cycle import ANSWERS, neutrophil_cycle
from hematon.engine.slopes import LEAST_DRAWS
from hematon.engine.trends import FALL_P, TRANSFUSED

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Direction = Literal["falling", "rising", "no_trend", "too_few"]
_DEPENDENT = ("red_cells_dependent", "platelets_dependent")


def trends(result: BatchAssessment, i: int) -> Trends:
    """Describe what the serial counts of one child say."""
    red, white, platelet = (_lineage(result, i, k) for k in range(len(JUDGED)))
    return Trends(
        red,
        white,
        platelet,
        tuple(_transfusions(result, i, k) for k in range(len(TRANSFUSED))),
        _supported(result, i),
        neutrophil_cycle(result, i),
    )


def _lineage(result: BatchAssessment, i: int, k: int) -> LineageTrend:
    batch, serial = result.batch, result.serial
    analyte = result.knowledge.analytes[JUDGED[k]]
    trend = serial.slopes[k]
    draws = batch.draws
    own = slice(int(draws.start[i]), int(draws.start[i + 1]))
    column = draws.column[analyte.id]
    seen = ~np.isnan(draws.value[own, column]) & ~draws.treated[own, column]
    ages = draws.age[own][seen]
    dated = not np.isnan(batch.age[i])
    slope, p = float(trend.slope[i]), float(trend.p[i])
    return LineageTrend(
        analyte=analyte.id,
        unit=analyte.unit or "",
        draws=int(trend.count[i]),
        from_age_days=int(ages[0]) if len(ages) and dated else None,
        to_age_days=int(ages[-1]) if len(ages) and dated else None,
        direction=_direction(int(trend.count[i]), slope, p),
        slope_per_30_days=None if np.isnan(slope) else 30 * slope,
        mann_kendall_p=None if np.isnan(p) else p,
        onset_age_days=_age(serial.first_low[i, k], dated),
        nadir=None if np.isnan(serial.lowest[i, k]) else float(serial.lowest[i, k]),
        nadir_age_days=_age(serial.lowest_age[i, k], dated),
        recovered_age_days=_age(serial.recovered[i, k], dated),
    )


def _direction(draws: int, slope: float, p: float) -> Direction:
    if draws < LEAST_DRAWS:
        return "too_few"
    if p >= FALL_P or slope == 0:
        return "no_trend"
    return "falling" if slope < 0 else "rising"


def _age(value: float, dated: bool) -> int | None:
    return None if np.isnan(value) or not dated else int(value)


def _given(result: BatchAssessment, i: int) -> npt.NDArray[np.int64]:
    """Give the rows of the child's dated treatments up to the end of the record, in order."""
    given, until = result.batch.columns.given, result.batch.columns.as_of_age[i]
    rows = np.flatnonzero((given.case == i) & (given.start <= until))
    return rows[np.lexsort((given.end[rows], given.kind[rows], given.start[rows]))]


def _transfusions(result: BatchAssessment, i: int, k: int) -> TransfusionNeed:
    given, rows = result.batch.columns.given, _given(result, i)
    rows = rows[given.kind[rows] == TREATMENT_KINDS.index(TRANSFUSED[k])]
    days = sorted(set(np.floor(given.start[rows]).tolist()))
    gaps = sorted(later - day for day, later in pairwise(days))
    return TransfusionNeed(
        product="platelet_transfusion" if k else "red_cell_transfusion",
        dependent=ANSWERS[int(result.serial.facts[_DEPENDENT[k]][i])],
        days_in_16_weeks=int(result.serial.transfused[i, k]),
        median_interval_days=(gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2
        if gaps
        else None,
        last_age_days=int(days[-1]) if len(days) else None,
    )


def _supported(result: BatchAssessment, i: int) -> tuple[SupportedInterval, ...]:
    """Give every treatment's interval with its window; overlapping ones of a kind are one."""
    given = result.batch.columns.given
    out: list[SupportedInterval] = []
    for window in result.knowledge.windows:
        merged: list[list[float]] = []
        for row in _given(result, i):
            if TREATMENT_KINDS[given.kind[row]] != window.kind:
                continue
            start = float(given.start[row])
            end = float(np.fmax(given.end[row], start)) + window.days
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        out.extend(
            SupportedInterval(window.kind, int(a), int(b), tuple(window.analytes), window.text)
            for a, b in merged
        )
    return tuple(out)
