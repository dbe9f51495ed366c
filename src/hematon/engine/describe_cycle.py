"""One child's neutrophil cycle in full: the call, what it rests on, and which draws are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from hematon.engine import ternary
from hematon.engine.assessment_trends import Answer, CycleCount, MissingDraws, NeutrophilCycle
from hematon.engine.sampling import EXCLUDING_DRAWS, FULL_DAYS, SCREEN_DRAWS, WEEK_DAYS

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

Ints = npt.NDArray[np.int64]

LeftOut = Literal["", "treatment", "infection", "another_time", "bound"]
ANSWERS: Final[Mapping[int, Answer]] = {1: "yes", -1: "no", 0: "unknown"}
SCHEDULE_DAYS: Final = (0, 2, 4)
"""Three draws a week: Monday, Wednesday, Friday."""
MOST_WEEKS: Final = 6
MORE_WEEKS: Final = 3
"""Where sampling is as it should be and the answer still open: one typical cycle more [expert]."""
SOURCE: Final = ("DALE2017", "EXPERT")


def neutrophil_cycle(result: BatchAssessment, i: int) -> NeutrophilCycle:
    """Describe whether the neutrophils of one child cycle."""
    cycles, sampled = result.serial.cycles, result.serial.sampled
    missing = _missing(result, i)
    if cycles is None or sampled.found[i] < 0:
        return NeutrophilCycle(
            call="insufficient",
            text=_too_few(result, i),
            period_days=None,
            power=None,
            false_alarm_probability=None,
            false_alarm_method="none",
            permutations=0,
            noise_memory_days=None,
            draws_used=0,
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
            counts=counts_of(result, i),
            missing=missing,
            next_nadir=None,
            advice="",
            source=SOURCE,
        )
    from hematon.engine.describe_wave import looked_for

    return looked_for(result, i, cycles, missing)


def own_draws(result: BatchAssessment, i: int, mask: npt.NDArray[np.bool_]) -> Ints:
    """Give the child's draws among those marked."""
    start = result.batch.draws.start
    own: Ints = np.flatnonzero(mask[start[i] : start[i + 1]]) + start[i]
    return own


# --- in words -----------------------------------------------------------------------------------


def _too_few(result: BatchAssessment, i: int) -> str:
    if result.serial.facts["neutropenia_ever"][i] != ternary.YES:
        return "No low neutrophil count is known, and too few counts to look for a cycle."
    return f"Fewer than {SCREEN_DRAWS} usable neutrophil counts: too few to look for a cycle."


# --- draws --------------------------------------------------------------------------------------


def counts_of(result: BatchAssessment, i: int) -> tuple[CycleCount, ...]:
    """List every dated neutrophil count of a child and why it was left out, if it was."""
    sampled, draws = result.serial.sampled, result.batch.draws
    column = draws.column["anc"]
    if np.isnan(result.batch.age[i]):
        return ()
    out = []
    for d in own_draws(result, i, ~np.isnan(draws.value[:, column])):
        why: LeftOut = ""
        if sampled.treated[d]:
            why = "treatment"
        elif sampled.infected[d]:
            why = "infection"
        elif draws.sign[d, column] > 0:
            why = "bound"
        elif sampled.found[i] >= 0 and not sampled.used[d]:
            why = "another_time"
        out.append(CycleCount(int(draws.age[d]), float(draws.value[d, column]), why))
    return tuple(out)


def _missing(result: BatchAssessment, i: int) -> MissingDraws | None:
    """Name the draws that would tell: three a week, as many weeks as are wanting of six.

    Draws of the last six weeks count if they came at two a week or more.
    """
    sampled, now = result.serial.sampled, result.batch.age[i]
    neutropenic = result.serial.facts["neutropenia_ever"][i] == ternary.YES
    if _is_settled(result, i) or not neutropenic or np.isnan(now):
        return None
    column = result.batch.draws.column["anc"]
    usable = ~np.isnan(result.batch.draws.value[:, column]) & ~sampled.treated & ~sampled.infected
    ages = result.batch.draws.age[own_draws(result, i, usable)]
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


def _is_settled(result: BatchAssessment, i: int) -> bool:
    cycles = result.serial.cycles
    if cycles is None:
        return False
    from hematon.engine.cycles import CONFIRMED, NOT_SUPPORTED

    return bool(cycles.call[i] in (CONFIRMED, NOT_SUPPORTED))
