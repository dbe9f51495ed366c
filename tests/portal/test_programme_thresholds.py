"""The suggested reading order: what fires, what is missing, and that missing is never routine."""

from __future__ import annotations

import ast
import inspect
import re
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import hematon
from hematon.portal.programme import shapes, thresholds
from hematon.portal.programme.models import Kind
from hematon.portal.programme.rules import KINDS, default
from hematon.portal.programme.thresholds import (
    MEASURED,
    REPORTED,
    Amount,
    Answer,
    Band,
    Facts,
    Thresholds,
    at_least,
    evaluate,
)

SHIPPED = cast(Thresholds, default(Kind.THRESHOLDS))
WELL: dict[str, Amount | bool | None] = {
    **dict.fromkeys(REPORTED, False),
    "absolute_neutrophil_count": Amount(Decimal("3.2"), "10*9/L"),
    "platelets": Amount(Decimal(300), "10*9/L"),
    "reticulocytes": Amount(Decimal(70), "10*9/L"),
    "hemoglobin": Amount(Decimal("13.0"), "g/dL"),
    "age": Amount(Decimal(3000), "d"),
}
UNITS = {name: next(iter(units)) for name, units in MEASURED.items()}


def told(**facts: Any) -> Facts:
    """A well child of 8 years with these differences; numbers in the usual unit."""
    made: dict[str, Amount | bool | None] = dict(WELL)
    for name, value in facts.items():
        made[name] = (
            Amount(Decimal(str(value)), UNITS[name])
            if name in MEASURED and not isinstance(value, Amount | None)
            else value
        )
    return made


def ids(facts: Facts) -> set[str]:
    """Which rules fire."""
    return {rule.id for rule in evaluate(facts, SHIPPED).fired}


CASES: list[tuple[dict[str, Any], Band, str]] = [
    ({"blasts": True}, Band.A, "blasts_reported"),
    ({"wanted_within_a_day": True}, Band.A, "clinician_asks_within_a_day"),
    (
        {"absolute_neutrophil_count": 0.49, "fever": True},
        Band.A,
        "neutrophils_below_0_5_and_fever",
    ),
    ({"platelets": 19.9}, Band.A, "platelets_below_20"),
    ({"platelets": 49, "bleeding": True}, Band.A, "platelets_below_50_and_bleeding"),
    ({"platelets": 99, "headache": True}, Band.A, "platelets_below_100_and_headache"),
    ({"hemoglobin": 6.9}, Band.A, "hemoglobin_below_7"),
    ({"hemoglobin": 11.4, "breathless": True}, Band.A, "anemia_not_borne_well"),
    ({"age": 28, "hemoglobin": 15, "platelets": 49}, Band.A, "newborn_count"),
    ({"age": 7, "hemoglobin": 9.9}, Band.A, "newborn_count"),
    (
        {"hemoglobin": 11.4, "absolute_neutrophil_count": 1.4, "platelets": 149},
        Band.A,
        "three_lineages_low",
    ),
    ({"absolute_neutrophil_count": 0.4, "reticulocytes": 59}, Band.A, "two_of_three_very_low"),
    ({"absolute_neutrophil_count": 0.19}, Band.A, "neutrophils_below_0_2"),
    (
        {"age": 89, "absolute_neutrophil_count": 0.49},
        Band.A,
        "neutrophils_below_0_5_before_90_days",
    ),
    ({"absolute_neutrophil_count": 0.49}, Band.B, "neutrophils_below_0_5"),
    ({"platelets": 49}, Band.B, "platelets_below_50"),
    ({"hemoglobin": 7.9}, Band.B, "hemoglobin_below_8"),
    ({"hemoglobin": 11.4, "platelets": 149}, Band.B, "two_lineages_low"),
    ({"fever": True}, Band.B, "sign_reported"),
    ({"hemoglobin": 11.4}, Band.C, "one_lineage_low"),
]


@pytest.mark.parametrize(("facts", "band", "rule"), CASES, ids=[c[2] for c in CASES])
def test_each_shipped_rule_fires_where_it_says(
    facts: dict[str, Any], band: Band, rule: str
) -> None:
    """Just inside its limit, and it places the request in its band."""
    reading = evaluate(told(**facts), SHIPPED)
    assert rule in {fired.id for fired in reading.fired}
    assert reading.band == band
    assert reading.missing == ()


def test_every_shipped_rule_has_its_case() -> None:
    """A rule without a case above could say anything."""
    assert {rule.id for rule in SHIPPED.rules} == {rule for _, _, rule in CASES}


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"absolute_neutrophil_count": 0.5, "fever": True}, "neutrophils_below_0_5_and_fever"),
        ({"platelets": 20}, "platelets_below_20"),
        ({"platelets": 50, "bleeding": True}, "platelets_below_50_and_bleeding"),
        ({"hemoglobin": 7}, "hemoglobin_below_7"),
        ({"age": 29, "platelets": 49}, "newborn_count"),
        ({"age": 8, "hemoglobin": 9.9}, "newborn_count"),
        ({"age": 90, "absolute_neutrophil_count": 0.49}, "neutrophils_below_0_5_before_90_days"),
        ({"hemoglobin": 11.5}, "one_lineage_low"),
    ],
)
def test_at_the_limit_a_rule_does_not_fire(facts: dict[str, Any], rule: str) -> None:
    """A value at the limit is normal."""
    assert rule not in ids(told(**facts))


def test_a_well_child_with_every_answer_is_routine() -> None:
    """Band C, nothing fired, nothing missing: the only way to be read last."""
    reading = evaluate(WELL, SHIPPED)
    assert (reading.band, reading.fired, reading.missing) == (Band.C, (), ())


def test_no_data_ranks_above_routine() -> None:
    """Nothing told at all: band B, with the names of what is missing."""
    reading = evaluate({}, SHIPPED)
    assert (reading.band, reading.fired) == (Band.B, ())
    assert set(reading.missing) == {*REPORTED, *MEASURED}
    assert reading.rank < evaluate(WELL, SHIPPED).rank


def test_what_fired_is_read_before_what_is_missing() -> None:
    """In the same band."""
    assert evaluate(told(platelets=49), SHIPPED).rank < evaluate({}, SHIPPED).rank


@pytest.mark.parametrize(("value", "unit"), [("0.4", "10*9/L"), ("0.4", "10*3/uL"), ("400", "/uL")])
def test_units_are_converted_exactly(value: str, unit: str) -> None:
    """The same count in another unit fires the same rules."""
    facts = told(absolute_neutrophil_count=Amount(Decimal(value), unit))
    assert ids(facts) == ids(told(absolute_neutrophil_count=0.4))
    at = told(absolute_neutrophil_count=Amount(Decimal(500), "/uL"))
    assert "neutrophils_below_0_5" not in ids(at)


@pytest.mark.parametrize("amount", [Amount(Decimal(4), "g"), Amount(Decimal("NaN"), "g/dL")])
def test_a_number_that_cannot_be_read_counts_as_missing(amount: Amount) -> None:
    """An unknown unit or no number: never compared, never routine."""
    reading = evaluate(told(hemoglobin=amount), SHIPPED)
    assert reading.band == Band.B
    assert reading.missing == ("hemoglobin",)


def test_without_an_age_only_what_every_age_agrees_on_is_said() -> None:
    """14.5 g/dL is below no age's limit, 8.9 below every one, 11 may be either."""
    for hemoglobin, missing in ((14.5, False), (8.9, False), (11, True)):
        reading = evaluate(told(age=None, hemoglobin=hemoglobin, breathless=True), SHIPPED)
        fires = "anemia_not_borne_well" in {r.id for r in reading.fired}
        assert fires == (hemoglobin == 8.9)
        assert ("age" in reading.missing) == missing or fires


# --- ternary logic -------------------------------------------------------------------------------

ANSWERS = list(Answer)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_at_least_agrees_with_every_way_the_unknown_could_turn_out(number: int) -> None:
    """Yes when all ways are yes, no when none is, unknown otherwise: all 27 triples."""
    for triple in product(ANSWERS, repeat=3):
        ways = product(*((a,) if a != Answer.UNKNOWN else (Answer.YES, Answer.NO) for a in triple))
        found = {sum(a is Answer.YES for a in way) >= number for way in ways}
        expected = (
            Answer.UNKNOWN if len(found) == 2 else Answer.YES if found == {True} else Answer.NO
        )
        assert at_least(number, triple) is expected


FACTS = st.fixed_dictionaries(
    {
        **{name: st.sampled_from([True, False, None]) for name in REPORTED},
        **{
            name: st.none()
            | st.builds(
                Amount,
                st.decimals(0, 20 if name == "hemoglobin" else 400, places=2),
                st.just(unit),
            )
            for name, unit in UNITS.items()
            if name != "age"
        },
        "age": st.none() | st.integers(0, 7000).map(lambda d: Amount(Decimal(d), "d")),
    }
)


@given(facts=FACTS, hidden=st.sampled_from([*REPORTED, *MEASURED]))
def test_leaving_a_fact_out_never_makes_a_request_routine(facts: Facts, hidden: str) -> None:
    """Masking turns yes or no into unknown, never into the opposite; from B it never falls to C."""
    whole = evaluate(facts, SHIPPED)
    less = evaluate({**facts, hidden: None}, SHIPPED)
    assert {r.id for r in less.fired} <= {r.id for r in whole.fired}
    if whole.band < Band.C:
        assert less.band < Band.C


@given(facts=FACTS)
def test_band_c_means_that_every_higher_rule_was_answered_no(facts: Facts) -> None:
    """Missing data rank above routine, always."""
    reading = evaluate(facts, SHIPPED)
    if reading.band == Band.C:
        for rule in SHIPPED.rules:
            if rule.band < Band.C:
                assert rule.when.answer(facts, SHIPPED.definitions) is Answer.NO


@given(facts=FACTS, name=st.sampled_from([n for n in MEASURED if n != "age"]))
def test_a_lower_count_never_lowers_the_place(facts: Facts, name: str) -> None:
    """Halving what was measured keeps or raises the rank."""
    found = facts[name]
    if isinstance(found, Amount):
        lower = {**facts, name: Amount(found.value / 2, found.unit)}
        assert evaluate(lower, SHIPPED).rank <= evaluate(facts, SHIPPED).rank


# --- the file and the module ---------------------------------------------------------------------


def test_each_source_of_a_shipped_rule_is_in_the_knowledge() -> None:
    """A key in capitals is one of the clinical sources; the others say expert or proposal."""
    file = Path(hematon.__file__).parent / "knowledge" / "data" / "sources.yaml"
    known = {s["id"] for s in yaml.safe_load(file.read_text(encoding="utf-8"))["sources"]}
    for text in [*(rule.source for rule in SHIPPED.rules), *SHIPPED.sources.values()]:
        keys = set(re.findall(r"\b[A-Z]{3,}[A-Z_]*\d{4}\b", text))
        assert keys <= known, text
        assert keys or "expert" in text or "proposal" in text, text


def test_thresholds_import_nothing_of_the_engine_or_the_database() -> None:
    """It is arithmetic: the standard library, pydantic and the shapes beside it."""
    tree = ast.parse(inspect.getsource(thresholds))
    named = {
        node.module.partition(".")[0] if not node.module.startswith("hematon") else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert {n for n in named if n.startswith("hematon")} == {shapes.__name__}
    assert "django" not in named


def _broken(change: dict[str, Any]) -> dict[str, Any]:
    return {**SHIPPED.model_dump(mode="json", exclude_defaults=True), **change}


RULE = {"id": "a", "band": "A", "sentence": "Something.", "source": "expert"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"missing": "C"}, "missing"),
        ({"rules": []}, "rules"),
        ({"rules": [{**RULE, "when": {"use": "nothing"}}]}, "rules.a: nothing"),
        ({"rules": [{**RULE, "when": {"told": "glowing"}}]}, "told: not one of"),
        (
            {"rules": [{**RULE, "when": {"fact": "platelets", "below": 5, "unit": "g"}}]},
            "unit: platelets comes in",
        ),
        ({"rules": [{**RULE, "when": {"at_least": 3, "of": [{"told": "fever"}]}}]}, "only 1"),
        ({"rules": [{**RULE, "when": {"told": "fever"}}] * 2}, "a stands twice"),
        ({"definitions": {"x": {"use": "x"}}}, "definitions.x"),
        ({"sources": {"rules": "expert"}}, "sources: definitions, missing"),
        ({"else": 1}, "Extra inputs"),
    ],
)
def test_wrong_thresholds_are_refused_by_the_place(change: dict[str, Any], said: str) -> None:
    """Each mistake names what is wrong."""
    with pytest.raises(ValidationError, match=re.escape(said)):
        Thresholds.model_validate(_broken(change))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_default_survives_being_kept(kind: Kind) -> None:
    """What goes to the database comes back equal."""
    shipped = default(kind)
    kept = shipped.model_dump(mode="json", exclude_defaults=True)
    assert KINDS[kind].model_validate(kept) == shipped


@pytest.mark.parametrize("kind", list(Kind))
def test_every_default_names_its_sources(kind: Kind) -> None:
    """Each part says a key in capitals, a general-knowledge mark, or that it is our proposal."""
    for part, text in default(kind).sources.items():
        assert "proposal" in text or re.search(r"\b[A-Z]{2,}", text), f"{kind}.{part}"
