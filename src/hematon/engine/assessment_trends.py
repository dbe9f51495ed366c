"""What an Assessment says about serial counts: plain data with units beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["yes", "no", "unknown"]
CycleCall = Literal["confirmed", "probable", "not_supported", "insufficient"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LineageTrend:
    """How a lineage's untreated counts went over time.

    Attributes:
        analyte: the count of the lineage.
        unit: of `nadir` and of the slope.
        draws: untreated counts.
        from_age_days: age at the first of them, None without any dated.
        to_age_days: age at the last of them.
        direction: falling or rising when Mann-Kendall p is below 0.05; `too_few` below three.
        slope_per_30_days: Theil-Sen.
        mann_kendall_p: two-sided.
        onset_age_days: age when first low.
        nadir: lowest count.
        nadir_age_days: age at the first draw with it.
        recovered_age_days: age at the first count not low after the last low one.
    """

    analyte: str
    unit: str
    draws: int
    from_age_days: int | None
    to_age_days: int | None
    direction: Literal["falling", "rising", "no_trend", "too_few"]
    slope_per_30_days: float | None
    mann_kendall_p: float | None
    onset_age_days: int | None
    nadir: float | None
    nadir_age_days: int | None
    recovered_age_days: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TransfusionNeed:
    """How often one kind of blood product was given.

    Attributes:
        product: what was transfused.
        dependent: three or more days of transfusion in the 16 weeks up to the judged draw.
        days_in_16_weeks: such days.
        median_interval_days: between all recorded days of transfusion; None below two.
        last_age_days: age at the latest.
    """

    product: Literal["red_cell_transfusion", "platelet_transfusion"]
    dependent: Answer
    days_in_16_weeks: int
    median_interval_days: float | None
    last_age_days: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SupportedInterval:
    """Ages between which a treatment holds up, lowers or replaces counts."""

    treatment: str
    from_age_days: int
    to_age_days: int
    analytes: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Nadir:
    """The lowest neutrophil count (10*9/L) between two recoveries above 0.5."""

    age_days: int
    value: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CycleCount:
    """One neutrophil count (10*9/L), and why the search for a cycle did not use it, if so.

    A count is left out under a treatment, about a documented infection, outside the stretch of
    draws that tells most, or as a bound from below.
    """

    age_days: int
    value: float
    left_out: Literal["", "treatment", "infection", "another_time", "bound"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CycleCriterion:
    """One thing the call rests on."""

    id: str
    text: str
    answer: Answer


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FittedCycle:
    """The fitted wave, log10 of the neutrophil count (10*9/L) at an age of t days.

    log10 ANC = level + slope_per_day * (t - from_age_days)
                - amplitude * cos(2 pi (t - trough_age_days) / period_days)
    """

    from_age_days: int
    level: float
    slope_per_day: float
    amplitude: float
    trough_age_days: float
    period_days: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Companion:
    """Whether another count cycles with the neutrophils' period.

    Attributes:
        analyte: which.
        draws: counts on the days looked at.
        power: share of its variance that the period explains.
        p: of that by chance, at this one period.
        crest_days_after_nadir: from the neutrophils' trough to its crest.
    """

    analyte: str
    draws: int
    power: float
    p: float
    crest_days_after_nadir: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MissingDraws:
    """Which further counts would settle it."""

    draws: int
    per_week: int
    weeks: int
    age_days: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NextNadir:
    """Ages in days between which the next nadir is expected, with 95 % by the model."""

    earliest_age_days: float
    expected_age_days: float
    latest_age_days: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NeutrophilCycle:
    """Whether neutrophils cycle.

    Attributes:
        call: confirmed; probable; not_supported; insufficient: these counts cannot tell.
        text: the call in words.
        period_days: strongest period, None where nothing could be looked for.
        power: share of the variance that it explains after a line.
        false_alarm_probability: how often chance makes so strong a period on these days.
        false_alarm_method: permutation, or the analytic bound where no answer hangs on it.
        permutations: how many were made; the rest could not have changed the answer.
        noise_memory_days: correlation time of what the wave leaves over, as permuted.
        draws_used: neutrophil counts used.
        from_age_days: age at the first of them.
        to_age_days: age at the last of them.
        covered_days: days they stand for: their span and one gap more.
        median_gap_days: between draws.
        cycles_seen: covered days in periods.
        alias_period_days: the period that weekly draws could have turned into this one, where
            it explains nearly as much; None where it is excluded.
        swing: fitted crest over fitted trough.
        fit: the wave, to draw it.
        nadirs: between recoveries.
        criteria: what the call rests on.
        companions: other counts at the same period.
        counts: every neutrophil count with its age, also those left out; empty without an age.
        missing: further counts that would tell, None where none are asked for.
        next_nadir: only when confirmed.
        advice: what is due whatever serial counts show; empty when nothing.
        source: source ids.
    """

    call: CycleCall
    text: str
    period_days: float | None
    power: float | None
    false_alarm_probability: float | None
    false_alarm_method: Literal["permutation", "bound", "none"]
    permutations: int
    noise_memory_days: float | None
    draws_used: int
    from_age_days: int | None
    to_age_days: int | None
    covered_days: int
    median_gap_days: float | None
    cycles_seen: float | None
    alias_period_days: float | None
    swing: float | None
    fit: FittedCycle | None
    nadirs: tuple[Nadir, ...]
    criteria: tuple[CycleCriterion, ...]
    companions: tuple[Companion, ...]
    counts: tuple[CycleCount, ...]
    missing: MissingDraws | None
    next_nadir: NextNadir | None
    advice: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trends:
    """What serial counts say."""

    red: LineageTrend
    white: LineageTrend
    platelet: LineageTrend
    transfusions: tuple[TransfusionNeed, ...]
    supported: tuple[SupportedInterval, ...]
    neutrophil_cycle: NeutrophilCycle
