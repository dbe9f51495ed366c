"""The FHIR form is valid R4, deterministic, and does not read as a diagnosis."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from hematon.engine.assessment import Assessment
from hematon.knowledge import Knowledge
from hematon.report import fhir
from unit.report import sample
from unit.report.test_html import hostile

SAMPLES = [sample.full(), sample.sparse(), sample.emergency()]


def observations(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Group the contained observations by their text."""
    found: dict[str, list[dict[str, Any]]] = {}
    for observation in report["contained"]:
        found.setdefault(observation["code"]["text"], []).append(observation)
    return found


@pytest.mark.parametrize("assessment", SAMPLES)
@pytest.mark.parametrize("attack", [False, True])
def test_it_is_valid_r4(assessment: Assessment, attack: bool, knowledge: Knowledge) -> None:
    """The published model accepts it, also when the record is hostile."""
    report = fhir.render(hostile(assessment) if attack else assessment, knowledge)
    DiagnosticReport.model_validate(report)
    written = json.dumps(report)
    assert json.loads(written) == report
    assert "\\u001b" not in written
    assert "\\u202e" not in written


@pytest.mark.parametrize("assessment", SAMPLES)
def test_the_narrative_is_well_formed_and_inert(
    assessment: Assessment, knowledge: Knowledge
) -> None:
    """XHTML of the elements FHIR allows; hostile text stays text."""
    root = ElementTree.fromstring(fhir.render(hostile(assessment), knowledge)["text"]["div"])
    space = "{http://www.w3.org/1999/xhtml}"
    assert root.tag == f"{space}div"
    assert {e.tag for e in root.iter()} <= {f"{space}{t}" for t in ("div", "p", "b", "ul", "li")}
    assert "<script>" in "".join(root.itertext())


@pytest.mark.parametrize("assessment", SAMPLES)
def test_it_does_not_read_as_a_diagnosis(assessment: Assessment, knowledge: Knowledge) -> None:
    """Preliminary, no conclusion code, no risk, no probability; a list to consider."""
    report = fhir.render(assessment, knowledge)
    assert report["status"] == "preliminary"
    assert "conclusionCode" not in report
    text = json.dumps(report)
    assert "RiskAssessment" not in text
    assert "probability" not in text.lower()
    assert "71 %" not in text
    assert "Consider, in this order; a list, not a diagnosis" in report["conclusion"]
    assert "For qualified clinicians" in report["conclusion"]


def test_conclusion_is_urgent_first(knowledge: Knowledge) -> None:
    """Time to act stands in the first line, the intended use in the last."""
    lines = fhir.render(sample.full(), knowledge)["conclusion"].splitlines()
    assert lines[0].startswith("Time to act: Within 24 hours")
    assert any(
        "1. Fanconi anemia (fits well); 2. Idiopathic aplastic anemia (could fit)" in line
        for line in lines
    )
    assert lines[-1] == sample.LABEL
    assert "Criteria met" not in fhir.render(sample.sparse(), knowledge)["conclusion"]


def test_counts_carry_loinc_ucum_and_both_limits(knowledge: Knowledge) -> None:
    """Units stay UCUM; the laboratory's limits and ours are told apart."""
    found = observations(fhir.render(sample.full(), knowledge))
    latest = found["Platelets"][-1]
    assert latest["code"]["coding"] == [{"system": fhir.LOINC, "code": "26515-7"}]
    assert latest["valueQuantity"] == {
        "value": 45.0, "unit": "10*9/L", "system": fhir.UCUM, "code": "10*9/L",
    }  # fmt: skip
    texts = [r["text"] for r in latest["referenceRange"]]
    assert texts == ["Limits of the laboratory", "Limits of Hematon for age and sex, median 300"]
    assert found["Absolute monocyte count"][0]["valueQuantity"]["comparator"] == "<"
    assert found["HIV 1+2 antibody and p24 antigen"][0]["valueCodeableConcept"] == {
        "text": "negative"
    }
    assert "referenceRange" not in found["HIV 1+2 antibody and p24 antigen"][0]


def test_ages_stand_in_place_of_dates(knowledge: Knowledge) -> None:
    """The assessment knows no dates of draws, so none is made up."""
    found = observations(fhir.render(sample.full(), knowledge))
    notes = [n["text"] for n in found["Absolute neutrophil count"][-1]["note"]]
    assert notes == [
        "Age at draw: 7 years 2 months",
        "Age at draw in completed days: 2641",
        "WBC × (segs + bands) %; in the judged draw",
    ]
    assert [n["text"] for n in found["Ferritin"][0]["note"]] == ["Age at draw: not stated"]
    assert all("effectiveDateTime" not in o for group in found.values() for o in group)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (None, {}),
        ("2026-11-24", {"effectiveDateTime": "2026-11-24"}),
        (
            "2026-11-24T08:30:00Z",
            {"effectiveDateTime": "2026-11-24T08:30:00Z", "issued": "2026-11-24T08:30:00Z"},
        ),
        ("yesterday", {}),
    ],
)
def test_times_come_from_the_day_of_assessment_alone(
    as_of: str | None, expected: dict[str, str], knowledge: Knowledge
) -> None:
    """A day is not an instant, and nothing reads a clock."""
    report = fhir.render(replace(sample.full(), as_of=as_of), knowledge)
    assert {k: report[k] for k in ("effectiveDateTime", "issued") if k in report} == expected


def test_subject_is_never_bent_into_another_patient(knowledge: Knowledge) -> None:
    """An id that FHIR does not allow is an identifier."""
    assert fhir.render(sample.full(), knowledge)["subject"] == {"reference": "Patient/case-0147"}
    assert fhir.render(sample.emergency(), knowledge)["subject"] == {
        "type": "Patient", "identifier": {"value": "baby 7/β"},
    }  # fmt: skip


def test_counts_the_knowledge_cannot_code(knowledge: Knowledge) -> None:
    """No code is invented; a method is named only when no code without one exists."""
    item = sample.full().inputs[0]
    odd = (
        replace(item, analyte="unheard_of", name="Odd"),
        replace(item, analyte="basophils", name="Basophils", unit=""),
        replace(item, analyte="segs_abs", name="Segs", lab_low=None, lab_high=None, median=None),
    )
    found = observations(fhir.render(replace(sample.full(), inputs=odd), knowledge))
    assert "coding" not in found["Odd"][0]["code"]
    assert found["Basophils"][0]["code"]["coding"][0]["code"] == "704-7"
    assert found["Basophils"][0]["valueQuantity"] == {"value": 10.8}
    assert found["Segs"][0]["referenceRange"][0]["text"] == "Limits of Hematon for age and sex"


def test_no_empty_arrays(knowledge: Knowledge) -> None:
    """FHIR forbids them; a record without values has neither results nor contained resources."""
    report = fhir.render(sample.sparse(), knowledge)
    assert "contained" not in report
    assert "result" not in report
    assert "[]" not in json.dumps(report)


@pytest.mark.parametrize("assessment", SAMPLES)
def test_the_same_input_gives_the_same_value(assessment: Assessment, knowledge: Knowledge) -> None:
    """Nothing depends on a clock or on the order of a set."""
    first, second = (json.dumps(fhir.render(assessment, knowledge)) for _ in range(2))
    assert first == second
