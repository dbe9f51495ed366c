"""Onset, nadir, recovery, slopes, transfusion dependence and supported intervals of a record."""

from __future__ import annotations

import pytest

from hematon.engine import assess, assess_many
from hematon.engine.assessment_trends import Trends
from hematon.engine.case import Case, Measurement, Treatment
from hematon.knowledge import Knowledge


def told(knowledge: Knowledge, *treatments: Treatment, **counts: dict[int, float]) -> Trends:
    """Assess counts by analyte and age, and give the trends."""
    return assess(record(*treatments, **counts), knowledge).trends


def record(*treatments: Treatment, **counts: dict[int, float]) -> Case:
    """Make a record of counts by analyte and age."""
    return Case(
        "t",
        "male",
        measurements=tuple(
            Measurement(name, value, age)
            for name, series in counts.items()
            for age, value in series.items()
        ),
        treatments=treatments,
    )


def progressive(knowledge: Knowledge, *series: list[float]) -> int:
    """Give the fact for counts 30 days apart of hemoglobin, platelets and neutrophils."""
    names = ("hemoglobin", "platelets", "anc")
    counts = {
        name: {1000 + 30 * k: value for k, value in enumerate(values)}
        for name, values in zip(names, series, strict=False)
    }
    return int(assess_many([record(**counts)], knowledge).serial.facts["progressive_fall"][0])


def test_course_of_a_lineage(knowledge: Knowledge) -> None:
    """Low from the second count, lowest at the third, recovered at the fifth."""
    platelets = {1000: 260.0, 1030: 90.0, 1060: 40.0, 1090: 120.0, 1120: 210.0, 1150: 250.0}
    trend = told(knowledge, platelets=platelets).platelet
    assert (trend.from_age_days, trend.to_age_days, trend.draws) == (1000, 1150, 6)
    assert (trend.onset_age_days, trend.nadir, trend.nadir_age_days) == (1030, 40, 1060)
    assert trend.recovered_age_days == 1120
    assert trend.direction == "no_trend"


def test_relapse_is_no_recovery(knowledge: Knowledge) -> None:
    """What was normal between two low counts does not count as recovered."""
    trend = told(knowledge, platelets={1000: 90.0, 1030: 250.0, 1060: 80.0}).platelet
    assert trend.recovered_age_days is None


def test_directions(knowledge: Knowledge) -> None:
    """Falling and rising need a trend beyond chance; equal counts and two counts have none."""
    falling = {1000 + 30 * k: 300.0 - 20 * k for k in range(6)}
    trends = told(
        knowledge,
        platelets=falling,
        hemoglobin={age: 20 - value / 20 for age, value in falling.items()},
        anc={1000: 2.0, 1100: 1.0},
    )
    assert trends.platelet.direction == "falling"
    assert trends.platelet.slope_per_30_days == pytest.approx(-20)
    assert trends.platelet.mann_kendall_p == pytest.approx(2 / 720)
    assert trends.red.direction == "rising"
    assert trends.white.direction == "too_few"
    assert trends.white.slope_per_30_days is None
    level = told(knowledge, platelets={1000: 90.0, 1001: 90.0, 1002: 90.0}).platelet
    assert level.direction == "no_trend"


def test_progressive_fall(knowledge: Knowledge) -> None:
    """Two lineages that fall by a fifth, beyond chance; too few counts leave it open."""
    fall = [12.0, 11.0, 10.0, 9.0, 8.0, 7.5]
    platelets = [250.0, 200.0, 150.0, 120.0, 90.0, 70.0]
    assert progressive(knowledge, fall, platelets) == 1
    assert progressive(knowledge, fall[:4], platelets[:4]) == 0
    assert progressive(knowledge, fall, [250.0] * 6, [3.0] * 6) == -1
    # It ends lower, but not in an order that chance would seldom make.
    unsteady = [250.0, 90.0, 240.0, 80.0, 230.0, 100.0]
    assert progressive(knowledge, fall, unsteady, [3.0] * 6) == -1


def test_transfusion_dependence(knowledge: Knowledge) -> None:
    """Three days in 16 weeks; fewer is no; none recorded is unknown."""

    def given(kind: str, *ages: int) -> tuple[Treatment, ...]:
        return tuple(Treatment(kind, age) for age in ages)  # type: ignore[arg-type]

    treatments = (
        *given("red_cell_transfusion", 700, 900, 930, 960, 960, 1200),
        *given("platelet_transfusion", 990),
        Treatment("platelet_transfusion"),
    )
    red, platelets = told(knowledge, *treatments, hemoglobin={1000: 7.0}).transfusions
    assert (red.dependent, red.days_in_16_weeks) == ("yes", 3)
    assert red.median_interval_days == pytest.approx(115)
    assert red.last_age_days == 1200
    assert (platelets.dependent, platelets.days_in_16_weeks) == ("unknown", 1)
    alone = told(knowledge, *given("platelet_transfusion", 990), hemoglobin={1000: 7.0})
    assert alone.transfusions[1].dependent == "no"
    assert alone.transfusions[1].median_interval_days is None
    none = alone.transfusions[0]
    assert (none.dependent, none.last_age_days) == ("unknown", None)


def test_supported_intervals(knowledge: Knowledge) -> None:
    """Windows that overlap are one; G-CSF without an end is an event; undated ones are unknown."""
    trends = told(
        knowledge,
        Treatment("red_cell_transfusion", 100),
        Treatment("red_cell_transfusion", 150),
        Treatment("red_cell_transfusion", 400),
        Treatment("g_csf", 500, 520),
        Treatment("g_csf"),
        hemoglobin={600: 9.0},
    )
    hemoglobin = [
        (s.from_age_days, s.to_age_days) for s in trends.supported if "hemoglobin" in s.analytes
    ]
    assert hemoglobin == [(100, 240), (400, 490)]
    neutrophils = [s for s in trends.supported if "anc" in s.analytes]
    assert [(s.from_age_days, s.to_age_days) for s in neutrophils] == [(500, 534)]


def test_undated_counts_have_no_dates(knowledge: Knowledge) -> None:
    """Counts of a child whose age nobody states have a value and no ages."""
    case = Case("t", measurements=(Measurement("platelets", 20.0),))
    trend = assess(case, knowledge).trends.platelet
    assert (trend.nadir, trend.nadir_age_days, trend.from_age_days) == (20, None, None)
