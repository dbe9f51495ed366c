"""Observations: numbers, findings, temperatures, comments and variants, plain and odd."""

from __future__ import annotations

import runpy
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_documents import (
    BORN,
    HPO,
    KNOWLEDGE,
    LOINC,
    SNOMED,
    UCUM,
    bundle,
    case,
    concept,
    count,
    issues,
    observation,
    patient,
    quantity,
    reading,
    resource,
)
from hematon.engine.case import Finding, Measurement
from hematon.interchange import fhir, fhir_observations, fhir_plain
from hematon.interchange.fhir_values import blasts_in, parse

Json = dict[str, Any]
AGE = (date(2024, 3, 5) - BORN).days


def measured(*resources: object) -> list[tuple[str, float, str]]:
    """Give analyte, value and comparator of each measurement."""
    return [(m.analyte, m.value, m.comparator) for m in case(*resources).measurements]


def found(*resources: object) -> list[tuple[str, bool]]:
    """Give code and presence of each finding."""
    return [(f.code, f.observed) for f in case(*resources).findings]


def codes(*resources: object) -> list[str]:
    """Give the codes of all issues."""
    return [code for code, _ in issues(*resources)]


# --- the two ways ------------------------------------------------------------------------------

TWICE: list[Json] = [
    count(),
    count(value=7),
    count("777-3", 28, "10*3/uL"),
    count("59260-0", 4.4, "mmol/L"),
    count(referenceRange=[{"low": quantity(11.5, "g/dL"), "high": quantity(15.5, "g/dL")}]),
    count(
        "59260-0",
        4.4,
        "mmol/L",
        referenceRange=[{"low": {"value": 7}, "high": quantity(9.6, "mmol/L")}],
    ),
    count(referenceRange=[{"low": quantity(115, "g/L"), "high": quantity(15.5, "g/dL")}]),
    count(referenceRange=[{"low": quantity(11.5, "g/dL"), "high": {"value": 155, "unit": "g/L"}}]),
    count(referenceRange=[{"low": quantity(15.5, "g/dL"), "high": quantity(11.5, "g/dL")}]),
    count(referenceRange=[{"low": quantity("11.5", "g/dL"), "high": quantity(15.5, "g/dL")}]),
    count(referenceRange=[{"low": quantity(11.5, "g/dL")}]),
    count(referenceRange=[]),
    count(
        referenceRange=[
            {
                "low": quantity(1, "g/dL"),
                "high": quantity(2, "g/dL"),
                "type": concept("x", "therapeutic"),
            }
        ]
    ),
    count(value=True),
    count(value="7.1"),
    count(value=None),
    count(value=-1),
    count(value=71),
    count(unit="g/L", value=71),
    count(valueQuantity=quantity(7.1, "g/dL") | {"comparator": "<"}),
    count(valueQuantity=quantity(7.1, "g/dL") | {"comparator": "~"}),
    count(valueQuantity=quantity(7.1, "g/dL") | {"unit": "g/L"}),
    count(valueQuantity=quantity(7.1, "g/dL") | {"unit": ["g/dL"]}),
    count(valueQuantity=quantity(7.1, "g/dL") | {"unit": "grams per decilitre, venous"}),
    count(valueQuantity={"value": 7.1, "code": "g/dL"}),
    count(valueQuantity={"value": 7.1, "code": "g/dL", "system": "http://local"}),
    count(status="cancelled"),
    count(status=["final"]),
    count(effectiveDateTime="2024-03-06"),
    count(effectiveDateTime=20240306),
    count(effectiveDateTime=None, issued="2024-03-06"),
    count(effectiveDateTime="2016-01-01"),
    count(dataAbsentReason=concept("x", "error")),
    count(focus=[{"reference": "Patient/p2"}]),
    count(code={"coding": [{"system": LOINC, "code": ["718-7"]}]}),
    count(
        code={
            "coding": [
                {"system": "http://local", "code": "718-7"},
                {"system": LOINC, "code": "718-7"},
            ]
        }
    ),
    count(code={"coding": [{"system": "http://local", "code": "718-7"}]}),
    count(code={"coding": [7]}),
    count(code={"coding": {}}),
    count(valueQuantity={"value": 7.1, "unit": "g/dL"}),
    count(valueQuantity={"value": 71, "unit": "g/L"}),
    count(valueQuantity=quantity(7.1, "g/dL") | {"system": {}}),
    count(valueQuantity=quantity(7.1, "g/dL") | {"system": 5}),
    count(
        valueQuantity=quantity(7.1, "g/dL") | {"unit": "g per dl"},
        referenceRange=[{"low": {"value": 11.5, "unit": "g per dl"}}],
    ),
    count(
        valueQuantity=quantity(7.1, "g/dL") | {"unit": "odd"},
        referenceRange=[{"low": {"value": 11.5, "unit": "odd"}}],
    ),
    count(
        valueQuantity=quantity(7.1, "g/dL") | {"code": "odd", "unit": "g/dL"},
        referenceRange=[{"low": {"value": 11.5, "code": "odd"}}],
    ),
    count(referenceRange=None),
    count(referenceRange=[{"text": "11.5-15.5"}]),
    count(referenceRange=[{"low": {"unit": "g/dL"}}]),
    count(referenceRange=[{"low": 5}]),
    count(referenceRange=[5]),
    count(referenceRange=[{"high": quantity(15.5, "g/dL")}]),
    count(referenceRange=[{"high": quantity(15.5, "g/dL")}, {"low": quantity(15.5, "g/dL")}]),
    count("59260-0", 4.4, "mmol/L", referenceRange=[{"high": quantity(9.6, "mmol/L")}]),
    count(effectivePeriod={"start": "2024-03-07"}, effectiveDateTime=None),
    count(method={"text": "Automated"}),
    count(method={"coding": [{"system": "https://hematon.org/methods"}], "text": "computed"}),
    count(method=5),
    count(component=None),
    count("1007-4", 1, "{presence}"),
    count("1007-4", 1, "{presence}", interpretation=[concept("x", "POS")]),
    count(code={"coding": [{"system": "http://local", "code": "HGB"}], "text": "Platelets"}),
    count(code={"coding": [{"system": "http://local", "code": "PLT"}], "text": "HGB"}),
    count(code={"coding": [{"code": "718-7"}, {"system": HPO, "code": "HP:0001744"}]}),
    count(code={"coding": [{"system": HPO, "code": "HP:0001744"}, {"code": "718-7"}]}),
    count(code={"coding": [{"system": {}, "code": "x"}, {"system": LOINC, "code": "718-7"}]}),
    count(code={"coding": [5, {"system": LOINC, "code": "718-7"}]}),
    count(code={"coding": [{"display": "Hb"}, {"system": LOINC, "code": "718-7"}]}),
    count(code=concept(None, "718-7")),
    count(code={"coding": [{"system": 5, "code": "718-7"}]}),
    count(code=concept("http://x" * 40, "718-7")),
    count(code=concept(LOINC, "718-7" * 40)),
    count(code=concept("urn:oid:2.16.840.1.113883.6.1", "718-7")),
]


@pytest.mark.parametrize("part", TWICE, ids=range(len(TWICE)))
def test_the_short_way_and_the_long_way_agree(part: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever has been learned before, a result is read alike, with the same issues."""
    raw = orjson.dumps(bundle(patient(), part))
    monkeypatch.setattr(fhir_plain, "_LAST", [])
    first = fhir.read(raw, KNOWLEDGE)
    for other in TWICE:
        fhir.read(orjson.dumps(bundle(patient(), other)), KNOWLEDGE)
    again = fhir.read(raw, KNOWLEDGE)
    assert again == first


def test_a_whole_blood_count_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Bundle that reading is timed with goes the short way throughout, once learned."""
    path = Path(__file__).parents[3] / "benchmarks" / "bundle_20kb.py"
    raw = runpy.run_path(str(path))["make_bundle"]()
    first = fhir.read(raw, KNOWLEDGE)
    assert first.issues == ()
    assert first.value is not None
    assert len(first.value.measurements) == 28
    monkeypatch.delattr(fhir_observations, "_take_any")
    assert fhir.read(raw, KNOWLEDGE) == first


def test_there_is_a_limit_to_what_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the memory is full, results are still read."""
    monkeypatch.setattr(fhir_plain, "_LAST", [])
    monkeypatch.setattr(fhir_plain, "MOST_SHORTCUTS", 0)
    assert measured(count()) == [("hemoglobin", 7.1, "")]
    assert fhir_plain.shortcuts_for(KNOWLEDGE) == {}


# --- numbers -----------------------------------------------------------------------------------


def test_a_plain_count() -> None:
    """Code, unit, date and range of a plain result become one measurement."""
    part = count(
        "777-3",
        28,
        "10*3/uL",
        referenceRange=[{"low": quantity(150, "10*3/uL"), "high": quantity(450, "10*3/uL")}],
    )
    for _ in range(2):
        assert case(part).measurements == (
            Measurement(
                "platelets", 28.0, AGE, "", 150.0, 450.0, "", "/entry/1/resource/valueQuantity"
            ),
        )


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"valueQuantity": {"value": 71, "unit": "g/L"}}, [("hemoglobin", 7.1, "")], ""),
        ({"valueQuantity": {"value": 71, "code": "g/L"}}, [("hemoglobin", 7.1, "")], ""),
        (
            {"valueQuantity": {"value": 7.1, "unit": "??", "code": "g/dL"}},
            [("hemoglobin", 7.1, "")],
            "",
        ),
        ({"valueQuantity": {"value": 7.1, "unit": "??", "code": "!!"}}, [], "unit-unknown"),
        (
            {"valueQuantity": {"value": 7.1, "unit": "g/dL", "code": "??", "system": UCUM}},
            [("hemoglobin", 7.1, "")],
            "",
        ),
        (
            {"valueQuantity": {"value": 7.1, "unit": "mg", "code": "g/dL", "system": UCUM}},
            [("hemoglobin", 7.1, "")],
            "unit-unknown",
        ),
        (
            {"valueQuantity": {"value": 7.1, "unit": "g/dL", "code": "g/L"}},
            [("hemoglobin", 7.1, "")],
            "unit-unknown",
        ),
        ({"valueQuantity": {"value": 7.1}}, [], "unit-missing"),
        ({"valueQuantity": {"value": {}, "unit": "g/dL"}}, [], "value-not-number"),
        ({"valueQuantity": {"unit": "g/dL"}}, [], "value-absent"),
        ({"valueQuantity": 7.1}, [], "wrong-type"),
        ({"valueString": "7.1 g/dL"}, [("hemoglobin", 7.1, "")], "wrong-type"),
        ({"valueString": "<7,1 g/dL"}, [("hemoglobin", 7.1, "<")], "wrong-type"),
        ({"valueString": "≤ 7.1 g/dL"}, [("hemoglobin", 7.1, "<=")], "wrong-type"),
        ({"valueString": "see 12.3"}, [], "value-not-number"),
        ({"valueString": "clotted"}, [], "sample-quality"),
        ({"valueString": "pending"}, [], "value-absent"),
        ({"valueString": "see Jane"}, [], "value-not-number"),
        ({"valueCodeableConcept": {"text": "7.1 g/dL"}}, [("hemoglobin", 7.1, "")], "wrong-type"),
        ({"valueCodeableConcept": concept("x", "y")}, [], "value-not-number"),
        ({"valueInteger": 7}, [], "unit-missing"),
        ({"valueInteger": "x"}, [], "value-not-number"),
        ({"valueBoolean": True}, [], "value-not-number"),
        ({"valueRange": {"low": quantity(1, "g/dL")}}, [], "value-not-number"),
        ({"valueRatio": {}}, [], "value-not-number"),
        ({"dataAbsentReason": concept("x", "not-performed")}, [], "value-absent"),
        ({"dataAbsentReason": concept("x", "Jane Doe")}, [], "value-absent"),
        ({}, [], "value-absent"),
        (
            {"valueQuantity": quantity(7.1, "g/dL"), "dataAbsentReason": concept("x", "error")},
            [("hemoglobin", 7.1, "")],
            "value-absent",
        ),
    ],
)
def test_values_of_every_kind(
    fields: Json, expected: list[tuple[str, float, str]], code: str
) -> None:
    """A number is taken in whatever form it comes; what is odd is said once, by its code."""
    assert measured(observation(**fields)) == expected
    own = [
        c
        for c in codes(observation(**fields))
        if c not in ("nothing-usable", "age-unknown", "sex-unknown")
    ]
    assert own == ([code] if code else [])


def test_the_reason_for_an_absent_value_is_named_when_it_is_one_of_the_standards() -> None:
    """`not-performed` may be repeated, any other text may not."""
    said = [
        reading(observation(dataAbsentReason=concept("x", c))).issues[1].message
        for c in ("not-performed", "Jane Doe")
    ]
    assert said == ["a result has no value: not-performed", "a result has no value, with a reason"]


@pytest.mark.parametrize(
    ("text", "value", "unit", "comparator"),
    [
        ("1:80", 80, "{titer}", ""),
        ("<1:40", 40, "{titer}", "<"),
        ("150 /uL", 150, "/uL", ""),
        ("0.5x10^9/L", 0.5, "x10^9/L", ""),
        ("> 12", 12, None, ">"),
    ],
)
def test_numbers_in_words(text: str, value: float, unit: str | None, comparator: str) -> None:
    """Bounds, titers and units are read out of text."""
    amount = parse(text, "")
    assert amount is not None
    assert (amount.value, amount.unit, amount.comparator) == (value, unit, comparator)


@pytest.mark.parametrize(
    "text", ["1,234", "120/80", "12-15", "2024-01-01", "1.2.3", "", "x", "12:30", "9" * 20]
)
def test_what_is_not_surely_a_number_is_not_one(text: str) -> None:
    """Ranges, dates, and a comma that may mean thousands are refused."""
    assert parse(text, "") is None


def test_titers_as_ratio_and_as_text() -> None:
    """A titer of 1:160 is 160, however it is sent."""
    code = concept(LOINC, "5048-4")
    ratio = {"numerator": {"value": 1}, "denominator": {"value": 160}}
    assert measured(observation(code, valueRatio=ratio)) == [("ana_titer", 160, "")]
    assert measured(observation(code, valueString="1:160")) == [("ana_titer", 160, "")]
    odd = {"numerator": {"value": 1}, "denominator": {"value": "x"}}
    assert "value-not-number" in codes(observation(code, valueRatio=odd))


@pytest.mark.parametrize(
    ("ranges", "limits", "code"),
    [
        ([{"low": quantity(115, "g/L"), "high": {"value": 15.5}}], (11.5, 15.5), ""),
        ([{"high": quantity(15.5, "g/dL")}], (None, 15.5), ""),
        (
            [
                {"low": quantity(1, "g/dL"), "type": concept("x", "normal")},
                {"low": quantity(9, "g/dL"), "type": concept("x", "critical")},
            ],
            (1.0, None),
            "",
        ),
        (
            [{"low": quantity(1, "g/dL")}, {"low": quantity(2, "g/dL")}],
            (None, None),
            "resource-not-used",
        ),
        ([{"low": quantity(9, "g/dL"), "high": quantity(2, "g/dL")}], (None, None), "wrong-type"),
        ([{"low": quantity(9, "U/L")}], (None, None), "unit-unknown"),
        ([{"low": 9}], (None, None), "wrong-type"),
        ([5, None, {"text": "9-15"}], (None, None), "wrong-type"),
        ({"low": 1}, (None, None), "wrong-type"),
    ],
)
def test_limits_of_the_laboratory(
    ranges: object, limits: tuple[float | None, float | None], code: str
) -> None:
    """One range that applies is taken, in the unit of the analyte; a doubtful one is not."""
    part = count(referenceRange=ranges)
    (m,) = case(part).measurements
    assert (m.value, m.lab_low, m.lab_high) == (7.1, *limits)
    assert codes(part) == ([code] if code else [])


@pytest.mark.parametrize(
    ("status", "taken", "code"),
    [
        ("final", 1, ""),
        ("preliminary", 1, ""),
        ("amended", 1, ""),
        ("corrected", 1, ""),
        ("cancelled", 0, "status-not-final"),
        ("entered-in-error", 0, "status-not-final"),
        ("registered", 0, "status-not-final"),
        ("unknown", 0, "status-not-final"),
        (None, 1, "missing-field"),
        ("done", 1, "wrong-type"),
        (5, 1, "wrong-type"),
    ],
)
def test_status(status: object, taken: int, code: str) -> None:
    """A withdrawn result is dropped; one whose status cannot be read is kept and noted."""
    part = count(status=status)
    assert len(case(part).measurements) == taken
    assert (code in codes(part)) is bool(code)


@pytest.mark.parametrize(
    ("focus", "taken"),
    [
        ([{"reference": "Patient/fetus"}], 0),
        ([{"reference": "RelatedPerson/mother"}], 0),
        ([{"reference": "Condition/c"}], 1),
        ([{}], 1),
        ([5], 1),
        ("x", 1),
    ],
)
def test_a_result_about_someone_else_is_not_the_patients(focus: object, taken: int) -> None:
    """An Observation in the mother's record may be about the child, and the other way round."""
    assert len(case(count(focus=focus)).measurements) == taken


@pytest.mark.parametrize(
    ("fields", "age"),
    [
        ({"effectiveDateTime": "2024-03-05"}, AGE),
        ({"effectiveInstant": "2024-03-05T00:00:00Z"}, AGE),
        ({"effectivePeriod": {"start": "2024-03-05", "end": "2024-03-07"}}, AGE),
        ({"effectivePeriod": {"end": "2024-03-07"}}, None),
        ({"effectivePeriod": {}, "issued": "2024-03-05"}, None),
        ({"issued": "2024-03-05T08:12:00Z"}, AGE),
        ({"effectiveDateTime": "2024-03"}, AGE + 10),
        ({"effectiveDateTime": "not a date"}, None),
        ({"effectiveDateTime": "2024-03-05X"}, None),
        ({"effectiveDateTime": 5}, None),
        ({"effectiveDateTime": "2016-03-05"}, None),
        ({"effectiveDateTime": "2200-03-05"}, None),
        ({}, None),
    ],
)
def test_time(fields: Json, age: int | None) -> None:
    """The age at a result is worked out from whatever time it has; a bad time costs only itself."""
    part = count() | {"effectiveDateTime": None} | fields
    (m,) = case(part).measurements
    assert m.age_days == age


def test_a_day_after_today_is_refused() -> None:
    """A date in the future is an error, and the result stands undated."""
    found = reading(count(), today=date(2024, 1, 1))
    assert [i.code for i in found.issues if i.level == "error"] == ["date-in-future"]


@pytest.mark.parametrize("unit", ["a", "years", "Year"])
def test_the_age_of_a_record_without_a_birth_date(unit: str) -> None:
    """LOINC 30525-0 gives the age of the record; the largest counts."""
    age = observation(concept(LOINC, "30525-0"), valueQuantity={"value": 7, "unit": unit})
    younger = observation(concept(LOINC, "30525-0"), valueQuantity=quantity(3, "mo"))
    value = case(patient(birthDate=None), age, younger, count())
    assert (value.age_days, value.measurements[0].age_days) == (2556, None)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"value": 7}, "unit-unknown"),
        ({"value": 7, "code": 5}, "unit-unknown"),
        ({"value": 900, "code": "a"}, "age-implausible"),
        ({"value": 1e300, "code": "a"}, "age-implausible"),
        ({"value": "x"}, "value-not-number"),
        ({}, ""),
        (5, "wrong-type"),
        (None, ""),
    ],
)
def test_an_age_that_cannot_be_read(value: object, code: str) -> None:
    """An age without a unit, or beyond a life, is refused."""
    part = observation(concept(LOINC, "30525-0"), valueQuantity=value)
    assert case(part, count()).age_days is None
    assert [c for c, w in issues(part, count()) if "entry/1" in w] == ([code] if code else [])


def test_an_age_component_dates_a_result() -> None:
    """The age at the result may stand beside it, for records without dates."""
    age = {"code": concept(LOINC, "30525-0"), "valueQuantity": quantity(400, "d")}
    part = count(component=[age]) | {"effectiveDateTime": None}
    (m,) = case(patient(birthDate=None), part).measurements
    assert m.age_days == 400
    assert case(count(component=[age])).measurements[0].age_days == AGE


def test_each_component_is_a_result_at_the_time_of_its_panel() -> None:
    """A panel needs no value and no code that Hematon knows; its components are read."""
    part = observation(
        concept(LOINC, "58410-2"),
        component=[
            {"code": concept(LOINC, "718-7"), "valueQuantity": quantity(7.1, "g/dL")},
            {"code": concept(LOINC, "777-3"), "valueQuantity": quantity(28, "10*3/uL")},
            {"code": concept(LOINC, "751-8"), "dataAbsentReason": concept("x", "error")},
            {"valueQuantity": quantity(1, "%")},
            {"code": 5},
            7,
        ],
    )
    got = case(part).measurements
    assert [(m.analyte, m.value, m.age_days, m.where) for m in got] == [
        ("hemoglobin", 7.1, AGE, "/entry/1/resource/component/0/valueQuantity"),
        ("platelets", 28.0, AGE, "/entry/1/resource/component/1/valueQuantity"),
    ]
    assert sorted(codes(part)) == ["missing-field", "value-absent", "wrong-type", "wrong-type"]


def test_a_group_of_results_says_nothing_itself() -> None:
    """An Observation with members is neither an unknown code nor an absent value."""
    members = [{"reference": "Observation/1"}]
    panel = observation(concept(LOINC, "58410-2"), hasMember=members)
    known = observation(hasMember=members)
    assert codes(panel, known, count()) == []


# --- codes and names ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "analyte"),
    [
        (concept(LOINC, "718-7"), "hemoglobin"),
        (concept("https://loinc.org/", "718-7"), "hemoglobin"),
        (concept("urn:oid:2.16.840.1.113883.6.1", "718-7"), "hemoglobin"),
        (concept(None, "718-7"), "hemoglobin"),
        (
            {"coding": [{"system": LOINC, "code": "99999-9"}, {"system": LOINC, "code": "718-7"}]},
            "hemoglobin",
        ),
        (concept("https://hematon.org/analytes", "mchc"), "mchc"),
    ],
)
def test_codes_of_an_analyte(code: Json, analyte: str) -> None:
    """The first code that is known counts, with or without its system."""
    part = observation(
        code, valueQuantity=quantity(30, "g/dL") if analyte == "mchc" else quantity(7.1, "g/dL")
    )
    assert [a for a, _, _ in measured(part)] == [analyte]
    assert codes(part) == []


@pytest.mark.parametrize(
    "code",
    [
        {"text": "HGB"},
        concept("http://local", "4711", "Hemoglobin"),
        concept("http://local", "HGB"),
        concept("http://local", "4711", text="Hb"),
        concept(None, "HGB"),
    ],
)
def test_a_name_is_read_where_there_is_no_code(code: Json) -> None:
    """A local code with a name that a laboratory would use is read, and noted."""
    part = observation(code, valueQuantity=quantity(7.1, "g/dL"))
    assert measured(part) == [("hemoglobin", 7.1, "")]
    assert codes(part) == ["code-unknown"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueQuantity": quantity(40, "%")}, "neutrophils_pct"),
        ({"valueQuantity": quantity(0.4, "10*9/L")}, "anc"),
        ({"valueString": "40 %"}, "neutrophils_pct"),
    ],
)
def test_the_unit_tells_two_analytes_of_one_name_apart(value: Json, expected: str) -> None:
    """Neutrophils in per cent and in cells per liter have one name."""
    assert [a for a, _, _ in measured(observation({"text": "Neutrophils"}, **value))] == [expected]


@pytest.mark.parametrize(
    ("code", "specimen"),
    [
        ({"text": "Hemoglobin"}, {"display": "Urine, catheter"}),
        (concept(LOINC, "5794-3", "Hemoglobin"), None),
        ({"text": "x" * 5000}, None),
        ({"text": ""}, None),
        ({"text": 5}, None),
        (concept("http://local", "hgbx"), None),
        ({}, None),
    ],
)
def test_a_name_is_not_read_where_a_code_or_the_specimen_speaks_against_it(
    code: Json, specimen: Json | None
) -> None:
    """Hemoglobin in urine is not a blood count, and a LOINC code is never overruled by a name."""
    part = observation(code, valueQuantity=quantity(7.1, "g/dL"), specimen=specimen)
    assert measured(part) == []
    assert "code-unknown" in codes(part)


def test_a_name_without_a_value_is_an_absent_value() -> None:
    """A named result without a value is not forgotten."""
    assert "value-absent" in codes(observation({"text": "HGB"}))
    assert "value-absent" in codes(observation({"text": "HGB"}, valueQuantity={}))
    assert "value-not-number" in codes(observation({"text": "HGB"}, valueString="abc"))
    assert "value-not-number" in codes(observation({"text": "HGB"}, valueBoolean=True))


def test_excluded_codes_are_named() -> None:
    """A code that is known and deliberately not used says why."""
    part = count("1722-8", 5, "U/L")
    assert "code-excluded" in codes(part)
    assert "code-excluded" in codes(observation(concept(LOINC, "4579-9"), valueBoolean=True))


# --- findings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        concept(HPO, "HP:0001744"),
        concept(HPO, "HP_0001744"),
        concept(HPO, "0001744"),
        concept("http://purl.obolibrary.org/obo/hp.owl", "HP:0001744"),
        concept("urn:x", "http://purl.obolibrary.org/obo/HP_0001744"),
        concept(None, "HP:0001744"),
    ],
)
@pytest.mark.parametrize(
    ("value", "observed"),
    [
        ({}, True),
        ({"valueBoolean": True}, True),
        ({"valueBoolean": False}, False),
        ({"valueString": "Absent"}, False),
        ({"valueString": "mild"}, True),
        ({"valueCodeableConcept": concept(SNOMED, "2667000")}, False),
        ({"valueCodeableConcept": concept(SNOMED, "373067005")}, False),
        ({"valueCodeableConcept": concept(LOINC, "LA33-6")}, True),
        ({"valueCodeableConcept": {"text": "no"}}, False),
        ({"interpretation": [concept("x", "NEG")]}, False),
        ({"interpretation": [5, concept("x", "A"), concept("x", "POS")]}, True),
        ({"valueQuantity": quantity(2, "cm")}, True),
    ],
)
def test_hpo_terms(code: Json, value: Json, observed: bool) -> None:
    """A term is observed unless its value says absent."""
    assert found(observation(code, **value)) == [("HP:0001744", observed)]


@pytest.mark.parametrize(
    "value",
    [
        {"dataAbsentReason": concept("x", "not-asked")},
        {"valueString": "unknown"},
        {"valueCodeableConcept": {"text": "Not done"}},
    ],
)
def test_a_finding_not_looked_for_is_neither_present_nor_absent(value: Json) -> None:
    """Not asked is never absent."""
    part = observation(concept(HPO, "HP:0001744"), **value)
    assert found(part) == []
    assert "value-absent" in codes(part)


def test_a_finding_keeps_its_words_and_its_age() -> None:
    """Display text stands beside the code; the code text wins over the display of the coding."""
    part = observation(concept(HPO, "HP:0001744", "Splenomegaly"))
    assert case(part).findings == (
        Finding("HP:0001744", True, "Splenomegaly", AGE, "/entry/1/resource"),
    )
    own = observation(concept("https://hematon.org/findings", "FH_CONSANG", "x", "cousins"))
    assert case(own).findings == (Finding("FH_CONSANG", True, "cousins", AGE, "/entry/1/resource"),)
    nobody = observation(concept("https://hematon.org/findings", "JANE_DOE"))
    assert found(nobody) == []
    assert "JANE" not in str(reading(nobody).issues)


def test_hpo_terms_as_the_value() -> None:
    """A symptom code with HPO terms as its value states those terms."""
    part = observation(
        concept(SNOMED, "404684003"),
        valueCodeableConcept={
            "coding": [{"system": HPO, "code": "HP:0001744"}, {"system": HPO, "code": "HP:0002240"}]
        },
    )
    assert found(part) == [("HP:0001744", True), ("HP:0002240", True)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueCodeableConcept": concept(SNOMED, "10828004")}, True),
        ({"valueCodeableConcept": concept(SNOMED, "260373001")}, True),
        ({"valueCodeableConcept": concept(SNOMED, "260385009")}, False),
        ({"valueCodeableConcept": concept(SNOMED, "260415000")}, False),
        ({"valueCodeableConcept": concept(LOINC, "LA6576-8")}, True),
        ({"valueCodeableConcept": concept(LOINC, "LA6577-6")}, False),
        ({"valueCodeableConcept": concept("x", "1", "Reactive")}, True),
        ({"valueString": "Non-reactive"}, False),
        ({"valueString": " not  DETECTED "}, False),
        ({"valueBoolean": True}, True),
        ({"valueQuantity": quantity(3, "{index}"), "interpretation": [concept("x", "RR")]}, True),
    ],
)
def test_qualitative_results(value: Json, expected: bool) -> None:
    """Positive and negative are understood by code and by word."""
    assert found(observation(concept(LOINC, "1007-4"), **value)) == [("LAB_DAT_POS", expected)]


def test_a_qualitative_result_that_says_neither() -> None:
    """Indeterminate is neither positive nor negative."""
    part = observation(
        concept(LOINC, "1007-4"), valueString="indeterminate", interpretation=[concept("x", "IND")]
    )
    assert found(part) == []
    assert "value-not-number" in codes(part)


# --- temperature -------------------------------------------------------------------------------


def temperature(
    value: object, unit: str = "Cel", day: str = "2024-03-05", **fields: object
) -> Json:
    """A body temperature."""
    return observation(
        concept(LOINC, "8310-5"),
        valueQuantity=quantity(value, unit),
        effectiveDateTime=day,
        **fields,
    )


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([temperature(38.3)], [("HP:0001945", True)]),
        ([temperature(38.2)], []),
        ([temperature(38.0), temperature(38.1)], [("HP:0001945", True)]),
        ([temperature(37.9), temperature(38.0)], []),
        ([temperature(101.0, "[degF]")], [("HP:0001945", True)]),
        ([temperature(100.4, "[degF]"), temperature(100.4, "degF")], [("HP:0001945", True)]),
        ([observation(concept(LOINC, "8310-5"), valueString="38.5 °C")], [("HP:0001945", True)]),
        ([temperature(35.9)], [("SGN_HYPOTHERMIA", True)]),
        ([temperature(36.0)], []),
        ([temperature(39.5, day="2023-01-01"), temperature(36.8)], []),
        ([temperature(39.5, day="2024-03-03"), count()], [("HP:0001945", True)]),
        ([temperature(39.5, day="2024-03-02"), count()], []),
        ([temperature(39.5) | {"effectiveDateTime": None}], [("HP:0001945", True)]),
    ],
)
def test_fever_and_hypothermia(parts: list[Json], expected: list[tuple[str, bool]]) -> None:
    """38.3 once or 38.0 twice is fever, below 36.0 is hypothermia, and only at the end counts."""
    assert found(*parts) == expected


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (temperature(38.5, "K"), "unit-unknown"),
        (observation(concept(LOINC, "8310-5"), valueQuantity={"value": 38.5}), "unit-missing"),
        (temperature(101.0), "value-implausible"),
        (temperature("x"), "value-not-number"),
        (observation(concept(LOINC, "8310-5"), valueString="hot"), "value-not-number"),
        (observation(concept(LOINC, "8310-5"), valueQuantity={"unit": "Cel"}), "value-absent"),
        (temperature(None), "value-absent"),
        (observation(concept(LOINC, "8310-5")), "value-absent"),
    ],
)
def test_a_temperature_that_cannot_be_used(part: Json, code: str) -> None:
    """A temperature without a usable unit or number is refused by name."""
    assert found(part) == []
    assert code in codes(part)


# --- smears ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Circulating blasts present.", "present"),
        ("Rare blasts seen", "present"),
        ("Blasts 12%", "present"),
        ("12.5 % lymphoblasts identified; platelets markedly decreased", "present"),
        ("No blasts", "unclear"),
        ("Blasts not seen", "unclear"),
        ("0 % blasts", "unclear"),
        ("<1 % blasts seen", "unclear"),
        ("Possible blasts, suggest flow cytometry", "unclear"),
        ("Blasts seen. No blasts on repeat.", "unclear"),
        ("blasts", "unclear"),
        ("Occasional erythroblasts seen", ""),
        ("Toxic granulation", ""),
    ],
)
def test_blasts_in_a_comment(text: str, said: str) -> None:
    """Only what is clearly affirmed counts; a denial or a doubt is for a person to read."""
    assert blasts_in({"valueString": text}, "valueString") == said
    part = observation(concept(LOINC, "18314-5"), valueString=text)
    assert found(part) == ([("LAB_BLASTS", True)] if said == "present" else [])
    wanted = {"present": [], "unclear": ["value-not-number"], "": ["resource-not-used"]}[said]
    assert [c for c in codes(part) if c in ("value-not-number", "resource-not-used")] == wanted


@pytest.mark.parametrize(
    ("code", "specimen", "expected"),
    [
        ({"text": "Peripheral smear"}, None, [("LAB_BLASTS", True)]),
        ({"text": "Smear"}, {"display": "Bone marrow"}, []),
        ({"text": "Comment"}, None, []),
        (concept(LOINC, "99999-9", "Marrow comment"), None, []),
    ],
)
def test_blasts_in_a_comment_under_another_code(
    code: Json, specimen: Json | None, expected: list[tuple[str, bool]]
) -> None:
    """A comment on blood by name is read like a coded one; any other is for a person to read."""
    part = observation(code, valueString="Circulating blasts present", specimen=specimen)
    assert found(part) == expected
    assert ("value-not-number" in codes(part)) is not bool(expected)


# --- variants ----------------------------------------------------------------------------------


def variant(*parts: tuple[str, Json], **fields: object) -> Json:
    """A genomic Observation of components."""
    components = [{"code": concept(LOINC, code), **value} for code, value in parts]
    return observation(concept(LOINC, "69548-6"), component=components, **fields)


GENE = (
    "48018-6",
    {"valueCodeableConcept": concept("http://www.genenames.org", "HGNC:3582", "FANCA")},
)


@pytest.mark.parametrize(
    ("significance", "state", "expected"),
    [
        (concept(LOINC, "LA6668-3"), concept(LOINC, "LA6705-3"), ("pathogenic", "homozygous")),
        (
            concept(LOINC, "LA26332-9"),
            concept(LOINC, "LA6706-1"),
            ("likely_pathogenic", "heterozygous"),
        ),
        (concept(LOINC, "LA26333-7"), concept(LOINC, "LA6707-9"), ("uncertain", "hemizygous")),
        (
            {"text": "Likely benign"},
            {"text": "compound heterozygous"},
            ("likely_benign", "compound"),
        ),
        (concept("http://clinvar", "5", "Benign"), {"text": "mosaic"}, ("benign", "mosaic")),
        ({"text": "VUS"}, {"text": "odd"}, ("uncertain", "unknown")),
    ],
)
def test_a_variant(significance: Json, state: Json, expected: tuple[str, str]) -> None:
    """Gene, classification and allelic state are read from codes or words."""
    part = variant(
        GENE,
        ("53037-8", {"valueCodeableConcept": significance}),
        ("53034-5", {"valueCodeableConcept": state}),
        ("48004-6", {"valueCodeableConcept": {"text": "c.3788_3790del"}}),
        ("48005-3", {"valueString": "p.Phe1263del"}),
        valueCodeableConcept=concept(LOINC, "LA9633-4"),
    )
    (v,) = case(part).variants
    assert (v.gene, v.classification, v.zygosity) == ("FANCA", *expected)
    assert v.description == "c.3788_3790del; p.Phe1263del"


@pytest.mark.parametrize(
    ("part", "gene", "code"),
    [
        (variant(GENE), "FANCA", "variant-unclear"),
        (variant(("48018-6", {"valueString": "BRCA2X"})), "BRCA2X", "variant-not-used"),
        (
            variant(("48018-6", {"valueCodeableConcept": {"text": "Jane Doe"}})),
            None,
            "variant-unclear",
        ),
        (variant(("48018-6", {"valueInteger": 5})), None, "variant-unclear"),
        (variant(GENE, valueCodeableConcept=concept(LOINC, "LA9634-2")), None, "variant-not-used"),
        (
            observation(
                concept("x", "y"),
                component=[{"code": concept(LOINC, "48018-6"), "valueString": "SBDS"}, {"code": 5}],
            ),
            "SBDS",
            "variant-unclear",
        ),
        (variant(GENE, status="entered-in-error"), None, "status-not-final"),
        (
            observation(
                concept("x", "y"),
                component=[{"code": concept(LOINC, "53037-8"), "valueString": "benign"}],
            ),
            None,
            "variant-unclear",
        ),
    ],
)
def test_variants_that_are_unclear(part: Json, gene: str | None, code: str) -> None:
    """What a variant lacks is said; one that was not found is none."""
    assert [v.gene for v in case(part).variants] == ([gene] if gene else [])
    assert code in codes(part)
    assert "Jane" not in str(reading(part).issues)


def test_computed_numbers_keep_how_they_came_about() -> None:
    """Our own writer's method is read back; a laboratory's method is not a computation."""
    own = {
        "coding": [{"system": "https://hematon.org/methods", "code": "computed"}],
        "text": "WBC × neutrophils %",
    }
    methods = [own, {"text": "Automated"}, own | {"text": 5}, "x"]
    got = [case(count(method=m)).measurements[0].basis for m in methods]
    assert got == ["WBC × neutrophils %", "", "", ""]


def test_a_report_with_contained_results_gives_them_once() -> None:
    """References from a report to its results add nothing."""
    report = resource("DiagnosticReport", status="final", result=[{"reference": "Observation/o1"}])
    assert measured(report, count(id="o1")) == [("hemoglobin", 7.1, "")]
