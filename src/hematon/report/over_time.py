"""How serial counts are said to a clinician: trends, the neutrophil cycle, treatments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hematon.engine.assessment import Assessment
from hematon.engine.assessment_trends import LineageTrend, NeutrophilCycle, Trends
from hematon.report.quantities import number, prose, quantity, short_age, signed, unit
from hematon.report.wording import LINEAGES, listed

CALLS: Final[Mapping[str, str]] = {
    "confirmed": "Periodic neutropenia: confirmed on serial counts",
    "probable": "Periodic neutropenia: probable",
    "not_supported": "Periodic neutropenia: not supported",
    "insufficient": "Periodic neutropenia: these counts cannot tell",
}
_DIRECTIONS: Final[Mapping[str, str]] = {
    "falling": "falling",
    "rising": "rising",
    "no_trend": "no trend beyond chance",
    "too_few": "too few counts for a trend",
}
_PRODUCTS: Final[Mapping[str, str]] = {
    "red_cell_transfusion": "Red cells",
    "platelet_transfusion": "Platelets",
}
_LEFT_OUT: Final[Mapping[str, str]] = {
    "treatment": "under a treatment that moves neutrophils",
    "infection": "about a documented infection",
    "another_time": "from another time than the stretch that tells most",
    "bound": "reported only as above a bound",
}
_COMPANIONS: Final[Mapping[str, str]] = {
    "monocytes": "Monocytes",
    "platelets": "Platelets",
    "retic_abs": "Reticulocytes",
}
_TOLD: Final = 3
"""Fewer counts have no trend to tell."""


def is_told(assessment: Assessment) -> bool:
    """Whether there is anything to say about time."""
    trends = assessment.trends
    return bool(
        trend_rows(trends) or treatment_lines(trends) or cycle_is_told(trends.neutrophil_cycle)
    )


def called(cycle: NeutrophilCycle) -> str:
    """Say the call as a title."""
    return CALLS.get(cycle.call, prose(cycle.call))


def cycle_is_told(cycle: NeutrophilCycle) -> bool:
    """Whether a cycle was looked for, or counts are asked for that would tell."""
    return cycle.period_days is not None or cycle.missing is not None


def trend_rows(trends: Trends) -> tuple[tuple[str, ...], ...]:
    """Give a row for each lineage with serial counts; see `TREND_HEADERS`."""
    rows = []
    for name, title in LINEAGES:
        trend: LineageTrend = getattr(trends, name)
        if trend.draws >= _TOLD:
            rows.append(
                (
                    title,
                    _DIRECTIONS.get(trend.direction, prose(trend.direction)),
                    _slope(trend),
                    f"{trend.draws} from {_age(trend.from_age_days)} to {_age(trend.to_age_days)}",
                    _age(trend.onset_age_days),
                    _nadir(trend),
                    _age(trend.recovered_age_days),
                )
            )
    return tuple(rows)


TREND_HEADERS: Final = ("Lineage", "Trend", "Slope", "Counts", "First low", "Lowest", "Recovered")


def _slope(trend: LineageTrend) -> str:
    if trend.slope_per_30_days is None or trend.mann_kendall_p is None:
        return "–"
    slope = f"{signed(trend.slope_per_30_days, 2)} {unit(trend.unit)} per 30 d"
    return f"{slope} (Mann-Kendall p {_small(trend.mann_kendall_p)})"


def _nadir(trend: LineageTrend) -> str:
    if trend.nadir is None:
        return "–"
    return f"{quantity(trend.nadir, trend.unit)} at {_age(trend.nadir_age_days)}"


def _age(days: int | None) -> str:
    return "–" if days is None else short_age(days)


def treatment_lines(trends: Trends) -> tuple[str, ...]:
    """Say how often blood was given, and when treatments supported or explained counts."""
    lines = []
    for need in trends.transfusions:
        if need.last_age_days is None:
            continue
        dependent = {"yes": "transfusion dependent", "no": "not transfusion dependent"}
        parts = [
            dependent.get(need.dependent, "dependence not known"),
            f"transfused on {need.days_in_16_weeks} days of the last 16 weeks",
        ]
        if need.median_interval_days is not None:
            parts.append(f"usually every {number(need.median_interval_days, 2)} days")
        parts.append(f"last at {short_age(need.last_age_days)}")
        lines.append(f"{_PRODUCTS.get(need.product, prose(need.product))}: {', '.join(parts)}.")
    lines.extend(
        f"{_when(short_age(s.from_age_days), short_age(s.to_age_days))}: {prose(s.text)}."
        for s in trends.supported
    )
    return tuple(lines)


def _when(first: str, last: str) -> str:
    return f"At {first}" if first == last else f"From {first} to {last}"


def cycle_lines(cycle: NeutrophilCycle) -> Iterator[str]:
    """Say the call, what it rests on, what is left out, what is missing and what comes next."""
    yield prose(cycle.text)
    if cycle.alias_period_days is not None:
        yield (
            f"Weekly draws cannot tell this period from one of "
            f"{number(cycle.alias_period_days, 3)} days; draws on other days of the week can."
        )
    if cycle.call in ("probable", "confirmed"):
        unmet = [prose(c.text) for c in cycle.criteria if c.answer == "no"]
        if unmet:
            yield f"Not confirmed for want of: {'; '.join(unmet)}."
        for companion in cycle.companions:
            if companion.p < 0.01:
                name = _COMPANIONS.get(companion.analyte, prose(companion.analyte))
                yield (
                    f"{name} cycle with them "
                    f"(p {_small(companion.p)}), highest "
                    f"{number(companion.crest_days_after_nadir, 2)} days after the nadir."
                )
    for reason, words in _LEFT_OUT.items():
        count = sum(c.left_out == reason for c in cycle.counts)
        if count:
            yield f"Left out: {count} {'count' if count == 1 else 'counts'} {words}."
    if cycle.next_nadir is not None and cycle.to_age_days is not None:
        days = cycle.next_nadir
        low, most, high = (
            round(d - cycle.to_age_days)
            for d in (days.earliest_age_days, days.expected_age_days, days.latest_age_days)
        )
        yield (
            f"Next nadir expected {most} days after the last count used "
            f"({low} to {high}; 95 % by the model)."
        )
    if cycle.missing is not None:
        yield prose(cycle.missing.text)
    if cycle.advice:
        yield prose(cycle.advice)


def _small(p: float) -> str:
    return "below 0.001" if p < 0.001 else number(p, 1)


def nadir_days(cycle: NeutrophilCycle) -> str:
    """Say when the nadirs were, as a list of days since the first count used, with values."""
    first = cycle.from_age_days or 0
    return listed(f"{number(n.value)} on day {n.age_days - first}" for n in cycle.nadirs)
