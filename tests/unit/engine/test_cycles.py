"""Periodic neutropenia: each call, each guard, what is left out and what is asked for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hematon.engine import assess, assess_many
from hematon.engine.assessment import Assessment
from hematon.engine.assessment_trends import NeutrophilCycle
from hematon.engine.case import Case, Finding, Measurement, Treatment
from hematon.engine.cycles import CRITERIA
from hematon.knowledge import Knowledge
from series import SIX_WEEKS, TWELVE_WEEKS, case_of, cycling, steady


def cycle(case: Case, knowledge: Knowledge) -> NeutrophilCycle:
    """Give what the assessment says of the cycle."""
    return assess(case, knowledge).trends.neutrophil_cycle


def answers(found: NeutrophilCycle) -> dict[str, str]:
    """Give the criteria by id."""
    return {c.id: c.answer for c in found.criteria}


def pat_cyclic(assessment: Assessment, knowledge: Knowledge, case: Case) -> int:
    """Give the finding the differential uses."""
    many = assess_many([case], knowledge)
    return int(many.evidence.findings[0, knowledge.findings["PAT_CYCLIC"].index])


def test_confirmed(knowledge: Knowledge) -> None:
    """Three counts a week for six weeks, deep nadirs three weeks apart: everything is said."""
    case = case_of(SIX_WEEKS, cycling(SIX_WEEKS))
    assessment = assess(case, knowledge)
    found = assessment.trends.neutrophil_cycle
    assert found.call == "confirmed"
    assert found.period_days == pytest.approx(21, abs=1.5)
    assert found.false_alarm_probability == pytest.approx(1 / 10_001)
    assert (found.false_alarm_method, found.permutations) == ("permutation", 10_000)
    assert (found.draws_used, found.covered_days, found.median_gap_days) == (18, 42, 2)
    assert (found.from_age_days, found.to_age_days) == (1000, 1039)
    assert found.cycles_seen == pytest.approx(2, abs=0.2)
    assert [n.age_days for n in found.nadirs] == [1016, 1037]
    assert max(n.value for n in found.nadirs) < 0.2
    assert set(answers(found).values()) == {"yes"}
    assert list(answers(found)) == list(CRITERIA)
    assert found.alias_period_days is None
    assert found.missing is None
    assert "ELANE" in found.advice
    assert "Neutrophils cycle every 21" in found.text
    assert pat_cyclic(assessment, knowledge, case) == 1
    assert set(found.source) <= set(assessment.citations)


def test_the_day_of_the_cycle_does_not_decide_the_ranking(knowledge: Knowledge) -> None:
    """A child last drawn near the crest is ranked by the nadir, and the report says so."""
    case = case_of(SIX_WEEKS, cycling(SIX_WEEKS, phase=12.0))
    result = assess(case, knowledge)
    assert result.lineages.white.value is not None
    assert result.lineages.white.value > 0.5
    assert result.trends.neutrophil_cycle.call in {"probable", "confirmed"}
    first = next(c for c in result.differential if c.condition != "something_else")
    assert first.condition == "cyclic_neutropenia"
    (counts,) = (c for c in first.contributions if c.evidence == "counts")
    assert counts.text.endswith("(an earlier draw: the lowest of the neutrophil cycle)")
    assert any(limit.startswith("Neutrophils cycle; the ranking") for limit in result.limits)
    many = assess_many([case, case_of(SIX_WEEKS, steady(SIX_WEEKS, 3.0))], knowledge)
    assert many.presentation.nadir.tolist() == [True, False]


def test_next_nadir_is_where_it_comes(knowledge: Knowledge) -> None:
    """The troughs of the wave are on days 16, 37 and 58: the third lies in the interval."""
    found = cycle(case_of(SIX_WEEKS, cycling(SIX_WEEKS)), knowledge)
    assert found.next_nadir is not None
    assert found.next_nadir.expected_age_days == pytest.approx(1058, abs=2)
    assert found.next_nadir.earliest_age_days < 1058 < found.next_nadir.latest_age_days
    assert found.fit is not None
    trough = found.next_nadir.expected_age_days - found.fit.trough_age_days
    assert trough % found.fit.period_days == pytest.approx(0, abs=1e-6) or (
        trough % found.fit.period_days == pytest.approx(found.fit.period_days, abs=1e-6)
    )


def test_next_nadir_is_not_told_long_after(knowledge: Knowledge) -> None:
    """Two years after the counts the phase is lost, though the cycle stays confirmed."""
    case = case_of(SIX_WEEKS, cycling(SIX_WEEKS))
    later = replace(
        case,
        age_days=1800,
        measurements=(*case.measurements, Measurement("hemoglobin", 12.0, 1800)),
    )
    found = cycle(later, knowledge)
    assert found.call == "confirmed"
    assert found.next_nadir is None


def test_weekly_counts_are_probable_and_name_the_alias(knowledge: Knowledge) -> None:
    """Twelve weekly counts find 21 days, and say that they cannot exclude 10.5."""
    found = cycle(case_of(TWELVE_WEEKS, cycling(TWELVE_WEEKS, phase=1.0)), knowledge)
    assert found.call == "probable"
    assert found.period_days == pytest.approx(21, abs=0.7)
    assert found.alias_period_days == pytest.approx(10.5, abs=0.3)
    assert answers(found)["alias_excluded"] == "no"
    assert found.missing is not None
    assert (found.missing.draws, found.missing.weeks, found.missing.per_week) == (18, 6, 3)
    assert found.missing.age_days[:4] == (1078, 1080, 1082, 1085)
    assert found.next_nadir is None


def test_a_shallow_cycle_is_probable(knowledge: Knowledge) -> None:
    """Nadirs between 0.2 and 0.5: probable, and the deep nadirs are named as wanting."""
    counts = cycling(SIX_WEEKS, lowest=0.27, highest=1.9, noise=0.05)
    found = cycle(case_of(SIX_WEEKS, counts), knowledge)
    assert found.call == "probable"
    assert answers(found)["nadirs_deep"] == "no"
    assert found.missing is not None
    assert found.missing.weeks == 3


def test_not_supported(knowledge: Knowledge) -> None:
    """Eighteen counts without a cycle and without one below 0.5 speak against it."""
    case = case_of(SIX_WEEKS, steady(SIX_WEEKS, 1.1, noise=0.15))
    found = cycle(case, knowledge)
    assert found.call == "not_supported"
    assert found.false_alarm_probability is not None
    assert found.false_alarm_probability > 0.2
    assert found.missing is None
    assert found.advice == ""
    assert pat_cyclic(assess(case, knowledge), knowledge, case) == -1


def test_a_floor_is_no_nadir(knowledge: Knowledge) -> None:
    """Always below 0.5: no cycle is called, and none is excluded."""
    case = case_of(SIX_WEEKS, steady(SIX_WEEKS, 0.2, noise=0.25))
    found = cycle(case, knowledge)
    assert found.call == "insufficient"
    assert found.nadirs == ()
    assert answers(found)["nadirs"] == "no"
    assert "cannot tell" in found.text
    assert pat_cyclic(assess(case, knowledge), knowledge, case) == 0


def test_stated_cycle_stands_where_counts_cannot_tell(knowledge: Knowledge) -> None:
    """A record that states the oscillation keeps it; counts against it overrule it."""
    stated = (Finding("PAT_CYCLIC", True),)
    few = case_of(SIX_WEEKS[:4], cycling(SIX_WEEKS[:4]), findings=stated)
    assert pat_cyclic(assess(few, knowledge), knowledge, few) == 1
    against = case_of(SIX_WEEKS, steady(SIX_WEEKS, 1.1, noise=0.15), findings=stated)
    assert pat_cyclic(assess(against, knowledge), knowledge, against) == -1


def test_too_few_counts(knowledge: Knowledge) -> None:
    """Six counts: nothing is looked for, and the schedule that would tell is named."""
    days = (0, 9, 20, 33, 41, 60)
    found = cycle(case_of(days, cycling(days)), knowledge)
    assert found.call == "insufficient"
    assert found.period_days is None
    assert (found.false_alarm_probability, found.false_alarm_method) == (None, "none")
    assert found.draws_used == 0
    assert found.missing is not None
    assert found.missing.draws == 18
    assert "3 a week for 6 weeks" in found.missing.text
    assert "too few to look" in found.text
    assert [c.age_days for c in found.counts] == [1000 + d for d in days]


def test_no_neutropenia_asks_for_nothing(knowledge: Knowledge) -> None:
    """A child with normal neutrophils is not sent for counts."""
    found = cycle(case_of((0, 10), [3.0, 3.4]), knowledge)
    assert found.missing is None
    assert "No low neutrophil count" in found.text


def test_a_good_start_needs_less(knowledge: Knowledge) -> None:
    """After three weeks of three counts a week, three more weeks are asked for."""
    start = SIX_WEEKS[:9]
    found = cycle(case_of(start, cycling(start)), knowledge)
    assert found.call == "insufficient"
    assert answers(found)["enough_draws"] == "no"
    assert found.missing is not None
    assert found.missing.weeks == 3
    assert found.missing.age_days[0] == 1000 + start[-1] + 1


def test_without_an_age_nothing_is_dated(knowledge: Knowledge) -> None:
    """A stated neutropenia of unknown age gives neither counts nor dates."""
    case = Case("x", findings=(Finding("LAB_NEUTROPENIA", True),))
    undated = replace(case, measurements=(Measurement("anc", 0.3),))
    for record in (case, undated):
        found = cycle(record, knowledge)
        assert found.counts == ()
        assert found.missing is None


def test_sparse_counts_cannot_tell(knowledge: Knowledge) -> None:
    """Every four weeks no accepted period can be seen; too far apart, none can be tried."""
    monthly = tuple(28 * k for k in range(7))
    assert cycle(case_of(monthly, steady(monthly, 0.6)), knowledge).call == "insufficient"
    far = tuple(27 * k for k in range(8))
    found = cycle(case_of(far, steady(far, 0.6)), knowledge)
    assert found.call == "insufficient"
    assert found.period_days is None
    assert "too far apart" in found.text
    assert answers(found)["period_accepted"] == "unknown"
    assert answers(found)["enough_draws"] == "no"
    assert found.cycles_seen is None
    assert found.fit is None
    fortnightly = tuple(14 * k for k in range(13))
    found = cycle(case_of(fortnightly, cycling(fortnightly)), knowledge)
    assert found.call == "insufficient"
    assert found.period_days is not None
    assert found.period_days >= 28


def test_twelve_days_apart_never_exclude(knowledge: Knowledge) -> None:
    """Sixteen normal counts every twelve days could not have shown 21 days."""
    days = tuple(12 * k for k in range(16))
    found = cycle(case_of(days, steady(days, 1.3, noise=0.1)), knowledge)
    assert found.call == "insufficient"


def test_treated_counts_are_left_out_and_named(knowledge: Knowledge) -> None:
    """G-CSF from the fourth week: its counts are not used, and too few are left."""
    given = (Treatment("g_csf", 1020, 1034),)
    found = cycle(case_of(SIX_WEEKS, cycling(SIX_WEEKS), treatments=given), knowledge)
    left = [c.age_days for c in found.counts if c.left_out == "treatment"]
    assert left == [1000 + d for d in SIX_WEEKS if d > 20]
    assert found.call == "insufficient"
    assert found.draws_used == 9


def test_chemotherapy_cycles_are_not_called(knowledge: Knowledge) -> None:
    """Neutrophils that fall every three weeks under recorded chemotherapy are no such cycle."""
    given = tuple(Treatment("chemotherapy", 995 + 21 * k) for k in range(3))
    found = cycle(case_of(SIX_WEEKS, cycling(SIX_WEEKS), treatments=given), knowledge)
    assert found.call == "insufficient"
    assert {c.left_out for c in found.counts} == {"treatment"}


def test_infected_counts_are_left_out_and_named(knowledge: Knowledge) -> None:
    """Counts from the day before a dated fever to a week after are not used."""
    fever = (
        Finding("HP:0001945", True, age_days=1021),
        Finding("HP:0001945", False, age_days=1005),
    )
    found = cycle(case_of(SIX_WEEKS, cycling(SIX_WEEKS), findings=fever), knowledge)
    left = [c.age_days for c in found.counts if c.left_out == "infection"]
    assert left == [1021, 1023, 1025, 1028]
    assert found.draws_used == len(SIX_WEEKS) - 4


def test_bounds(knowledge: Knowledge) -> None:
    """`<0.2` is a nadir below 0.2; `>2` is no number to fit."""
    counts = [max(c, 0.21) if c > 0.15 else 0.2 for c in cycling(SIX_WEEKS)]
    signs = {k: "<" for k, c in enumerate(counts) if c == 0.2}
    assert cycle(case_of(SIX_WEEKS, counts), knowledge).call == "probable"
    found = cycle(case_of(SIX_WEEKS, counts, comparators=signs), knowledge)
    assert found.call == "confirmed"
    found = cycle(case_of(SIX_WEEKS, counts, comparators={**signs, 3: ">"}), knowledge)
    assert [c.left_out for c in found.counts].count("bound") == 1


def test_the_stretch_that_tells_most_is_used(knowledge: Knowledge) -> None:
    """A daily hospital stay and lone counts years apart do not hide six weeks of counts."""
    stay = tuple(range(12))
    lone = (400, 800, 1500)
    study = tuple(2000 + d for d in SIX_WEEKS)
    days = (*stay, *lone, *study)
    counts = [0.9] * len(stay) + [0.8] * len(lone) + cycling(SIX_WEEKS)
    found = cycle(case_of(days, counts), knowledge)
    assert found.call == "confirmed"
    assert found.draws_used == len(SIX_WEEKS)
    assert [c.left_out for c in found.counts].count("another_time") == len(stay) + len(lone)


def test_companions(knowledge: Knowledge) -> None:
    """Monocytes that peak at the nadir are said to; steady platelets are not."""
    monocytes = [0.9 + 0.6 * math.cos(2 * math.pi * (d + 5) / 21) for d in SIX_WEEKS]
    case = case_of(
        SIX_WEEKS,
        cycling(SIX_WEEKS),
        other={"monocytes": monocytes, "platelets": steady(SIX_WEEKS, 280.0, noise=0.1)},
    )
    by_name = {c.analyte: c for c in cycle(case, knowledge).companions}
    assert by_name["monocytes"].p < 1e-4
    lag = by_name["monocytes"].crest_days_after_nadir
    assert min(lag, 21 - lag) < 2
    assert by_name["platelets"].p > 0.01
    assert by_name["platelets"].draws == len(SIX_WEEKS)


def test_a_row_of_many_equals_one(knowledge: Knowledge) -> None:
    """Cycling, steady, sparse and empty records together and alone: the same bytes."""
    cases = [
        case_of(SIX_WEEKS, cycling(SIX_WEEKS)),
        case_of((0,), [2.0]),
        case_of(
            TWELVE_WEEKS,
            cycling(TWELVE_WEEKS),
            findings=(Finding("HP:0001945", True, age_days=1010),),
        ),
        case_of(SIX_WEEKS, steady(SIX_WEEKS, 0.4)),
        Case("empty"),
        case_of(SIX_WEEKS, steady(SIX_WEEKS, 1.1, noise=0.15)),
    ]
    many = assess_many(cases, knowledge)
    for i, case in enumerate(cases):
        assert many.row(i, case).to_json() == assess(case, knowledge).to_json()


def test_same_day_counts_and_order_do_not_matter(knowledge: Knowledge) -> None:
    """Draws in any order, and one of them sent twice, give the same answer."""
    case = case_of(SIX_WEEKS, cycling(SIX_WEEKS))
    turned = replace(case, measurements=(*case.measurements[::-1], case.measurements[4]))
    assert cycle(turned, knowledge).text == cycle(case, knowledge).text


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_seldom_called(knowledge: Knowledge, seed: int) -> None:
    """Of 60 children with benign neutropenia at most three are called, in any of three draws."""
    cases = [
        case_of(SIX_WEEKS, steady(SIX_WEEKS, 0.6, noise=0.5, seed=1000 * seed + k))
        for k in range(60)
    ]
    calls = assess_many(cases, knowledge).serial.cycles.call
    assert (calls >= 2).sum() <= 3


def test_nearly_all_cycles_are_called(knowledge: Knowledge) -> None:
    """Of 40 cycling children, at any phase, at least 38 are called and most confirmed."""
    rng = np.random.default_rng(9)
    cases = [
        case_of(SIX_WEEKS, cycling(SIX_WEEKS, phase=rng.uniform(0, 21), noise=0.25, seed=k))
        for k in range(40)
    ]
    calls = assess_many(cases, knowledge).serial.cycles.call
    assert (calls >= 2).sum() >= 38
    assert (calls == 3).sum() >= 28
