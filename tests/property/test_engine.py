"""Invariants of the engine: what must hold for every record."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hematon.engine import assess, assess_many
from hematon.engine.case import Case, ReportedVariant
from hematon.engine.urgency import LEVELS
from strategies import GENES, KNOWLEDGE, RANGES, cases, single_draws


@given(st.lists(cases(), min_size=1, max_size=4))
def test_row_of_many_equals_one(records: list[Case]) -> None:
    """Row i of `assess_many` is, to the byte, `assess` of case i."""
    many = assess_many(records, KNOWLEDGE)
    for i, case in enumerate(records):
        assert many.row(i, case).to_json() == assess(case, KNOWLEDGE).to_json()


@given(cases(), st.data())
def test_order_is_irrelevant(case: Case, data: st.DataObject) -> None:
    """The order of counts and findings changes nothing."""
    counts = data.draw(st.permutations(case.measurements))
    findings = data.draw(st.permutations(case.findings))
    shuffled = dataclasses.replace(case, measurements=tuple(counts), findings=tuple(findings))
    assert assess(shuffled, KNOWLEDGE).to_json() == assess(case, KNOWLEDGE).to_json()


@given(st.lists(cases(), min_size=1, max_size=6))
def test_posteriors_are_finite_and_sum_to_one(records: list[Case]) -> None:
    """Whatever the record says, the posterior is a distribution."""
    posterior = assess_many(records, KNOWLEDGE).differential.posterior
    assert np.isfinite(posterior).all()
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0, rtol=0, atol=1e-12)


EVERY = frozenset(c.id for c in KNOWLEDGE.conditions)


@given(cases(), st.sampled_from([0.5, 1.0, 1.7]))
def test_contributions_sum_to_the_log_odds(case: Case, temperature: float) -> None:
    """For every condition, contributions add up to both of its log odds, to machine precision."""
    parameters = {**KNOWLEDGE.parameters, "temperature": temperature}
    knowledge = dataclasses.replace(KNOWLEDGE, parameters=parameters)
    found = assess(case, knowledge, explain=EVERY).differential
    posterior = {c.condition: c.posterior for c in found}
    for candidate in found:
        assert candidate.contributions[0].evidence == "prior"
        against_else = math.fsum(c.log_likelihood_ratio for c in candidate.contributions)
        assert against_else == approx(candidate.log_odds_against_something_else)
        against_rest = math.fsum(c.log_ratio_against_rest for c in candidate.contributions)
        assert against_rest == approx(candidate.log_odds_against_rest)
        others = math.fsum(p for name, p in posterior.items() if name != candidate.condition)
        assert against_rest == approx(math.log(candidate.posterior) - math.log(others))


def approx(value: float) -> Any:
    """Equal to nine digits; near zero to the rounding of the terms that cancel there."""
    return pytest.approx(value, rel=1e-9, abs=1e-11)


@given(cases(), st.data())
def test_a_step_against_the_rest_is_the_model_with_one_piece_more(
    case: Case, data: st.DataObject
) -> None:
    """The last finding's step is the difference it makes to the model that lacks it."""
    alone = dataclasses.replace(case, variants=(), findings=())
    gene = data.draw(st.sampled_from(GENES))
    told = dataclasses.replace(
        alone, variants=(ReportedVariant(gene, "pathogenic", "heterozygous"),)
    )
    before = {c.condition: c for c in assess(alone, KNOWLEDGE, explain=EVERY).differential}
    for candidate in assess(told, KNOWLEDGE, explain=EVERY).differential:
        step = candidate.contributions[-1]
        assert step.evidence == f"variant:{gene}"
        was = before[candidate.condition].log_odds_against_rest
        assert step.log_ratio_against_rest == approx(candidate.log_odds_against_rest - was)


@given(cases())
def test_json_round_trips(case: Case) -> None:
    """The JSON says what the assessment says."""
    result = assess(case, KNOWLEDGE)
    assert orjson.loads(result.to_json()) == orjson.loads(orjson.dumps(result.to_dict()))


@given(single_draws(), st.sampled_from(["hemoglobin", "anc", "platelets"]), st.floats(0.05, 0.95))
def test_lowering_a_low_count_never_lowers_urgency(case: Case, analyte: str, factor: float) -> None:
    """Below its limit, a lower count is never less urgent nor less severe."""
    lineage = {"hemoglobin": 0, "anc": 1, "platelets": 2}[analyte]
    lower = dataclasses.replace(
        case,
        measurements=tuple(
            dataclasses.replace(m, value=m.value * factor) if m.analyte == analyte else m
            for m in case.measurements
        ),
    )
    before, after = assess_many([case, lower], KNOWLEDGE).urgency.level
    low = assess_many([case], KNOWLEDGE).lineages[0, lineage]
    if low == 1:
        assert LEVELS.index(LEVELS[after]) >= before


@given(
    single_draws(), st.sampled_from(["hemoglobin", "anc", "platelets", "mcv", "marrow_cellularity"])
)
def test_masking_a_value_never_reverses_an_answer(case: Case, analyte: str) -> None:
    """Without a value a rule may become unknown, never the opposite."""
    masked = dataclasses.replace(
        case, measurements=tuple(m for m in case.measurements if m.analyte != analyte)
    )
    both = assess_many([case, masked], KNOWLEDGE)
    for answers in (both.severity, both.urgency.rules, both.lineages):
        assert not ((answers[0] == 1) & (answers[1] == -1)).any()
        assert not ((answers[0] == -1) & (answers[1] == 1)).any()


@given(single_draws(), st.sampled_from(sorted(RANGES)))
def test_a_bound_is_never_more_certain_than_its_value(case: Case, analyte: str) -> None:
    """`<x` answers a rule only where every value below x gives that answer."""
    bounded = dataclasses.replace(
        case,
        measurements=tuple(
            dataclasses.replace(m, comparator="<") if m.analyte == analyte else m
            for m in case.measurements
        ),
    )
    inside = dataclasses.replace(
        case,
        measurements=tuple(
            dataclasses.replace(m, value=m.value * 0.5) if m.analyte == analyte else m
            for m in case.measurements
        ),
    )
    both = assess_many([bounded, inside], KNOWLEDGE)
    answers = both.severity
    assert not ((answers[0] * answers[1]) < 0).any()
