"""The FHIR writer: what it writes is valid R4 and reads back to the same case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given
from hypothesis import strategies as st

from fhir_documents import BORN, KNOWLEDGE
from hematon.engine.case import Case, Finding, Measurement, ReportedVariant, Treatment
from hematon.interchange import fhir, fhir_write
from strategies import bare, cases


def through(value: Case) -> Case:
    """Write a case, check the Bundle against the R4 models, and read it back."""
    raw = orjson.dumps(fhir_write.write(value, KNOWLEDGE))
    Bundle.model_validate_json(raw)
    return bare(fhir.read(raw, KNOWLEDGE).value)


EVERYTHING = Case(
    id="family 1 / é",
    sex="female",
    age_days=2500,
    birth_date=BORN,
    measurements=(
        Measurement("hemoglobin", 7.1),
        Measurement("wbc", 3.0, 0),
        Measurement("platelets", 28.0, 2400, "<", 150.0, 450.0),
        Measurement("anc", 0.4, 2400, "", None, 8.0, "WBC × neutrophils %"),
        Measurement("neutrophils_pct", 40.0, 2400, "", 1.5),
        Measurement("marrow_cellularity", 15.0, 2400),
    ),
    findings=(
        Finding("HP:0001744", True, "Splenomegaly", 0),
        Finding("FH_CONSANG", True),
        Finding("HP:0001945", False, "", 300),
        Finding("LAB_BLASTS", False, "none", 0),
    ),
    treatments=(
        Treatment("g_csf", 100, 120),
        Treatment("steroid"),
        Treatment("red_cell_transfusion", 0),
        Treatment("transplant", 4),
        Treatment("ivig", None, 40),
        Treatment("eltrombopag", 7),
        Treatment("platelet_transfusion", None, 40),
        Treatment("chemotherapy", 0),
        Treatment("red_cell_transfusion", 30, 31),
    ),
    variants=(
        ReportedVariant("FANCA", "likely_pathogenic", "compound", "c.3788_3790del; p.Phe1263del"),
        ReportedVariant("SBDS"),
        ReportedVariant("RPS19", "pathogenic", "mosaic"),
        ReportedVariant("TERT", "benign", "hemizygous"),
    ),
    recorded_conditions=("fanconi_anemia", "hemoglobinopathy_hemolytic"),
    excluded_conditions=("sds", "hiv"),
    publications=("PMID:1", "PMID:2"),
)


@pytest.mark.parametrize("born", [BORN, None])
def test_a_full_case_reads_back_the_same(born: date | None) -> None:
    """Every field survives, with and without a date of birth."""
    value = replace(EVERYTHING, birth_date=born)
    assert through(value) == value


def test_an_empty_case_reads_back_the_same() -> None:
    """A case of nothing but an id is a Bundle of a Patient."""
    assert through(Case(id="p1")) == Case(id="p1")


def test_a_case_without_an_id_is_written_without_one() -> None:
    """No identifier is made up for the patient."""
    written = fhir_write.write(Case(id=""), KNOWLEDGE)
    assert written["entry"][0]["resource"] == {"resourceType": "Patient"}


def test_every_analyte_condition_and_treatment_reads_back_the_same() -> None:
    """No code of the knowledge is lost on the way, whether it has a public code or not."""
    value = Case(
        id="all",
        measurements=tuple(
            Measurement(a.id, max(a.plausible_low, 1.0), 10)
            for a in KNOWLEDGE.analytes.values()
            if a.unit is not None
        ),
        findings=tuple(Finding(code, True) for code in sorted(KNOWLEDGE.findings)),
        treatments=tuple(Treatment(t.kind) for t in KNOWLEDGE.treatments if t.kind),
        variants=tuple(ReportedVariant(gene) for gene in sorted(KNOWLEDGE.genes)),
        recorded_conditions=tuple(sorted(KNOWLEDGE.condition_ids)),
    )
    assert through(value) == value


@given(value=cases(), born=st.sampled_from([BORN, None]))
def test_any_case_reads_back_the_same(value: Case, born: date | None) -> None:
    """Whatever a reader may have filled survives."""
    value = replace(value, birth_date=born)
    assert through(value) == bare(value)


def test_nothing_is_made_up() -> None:
    """Without a date of birth there is no date in the Bundle, and the same case gives the same."""
    written = fhir_write.write(replace(EVERYTHING, birth_date=None), KNOWLEDGE)
    assert "Date" not in orjson.dumps(written).decode()
    assert written == fhir_write.write(replace(EVERYTHING, birth_date=None), KNOWLEDGE)


def test_public_codes_come_first() -> None:
    """A hospital finds LOINC, UCUM, HPO, SNOMED CT, ICD-10-CM and ATC, not ours alone."""
    written = fhir_write.write(EVERYTHING, KNOWLEDGE)
    systems: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            systems.update(filter(None, [value.get("system")]))
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                walk(item)

    walk(written)
    assert systems >= {
        "http://loinc.org",
        "http://unitsofmeasure.org",
        "http://human-phenotype-ontology.org",
        "http://snomed.info/sct",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://www.whocc.no/atc",
    }
    kinds = [e["resource"]["resourceType"] for e in written["entry"]]
    assert set(kinds) == {
        "Patient",
        "Observation",
        "Condition",
        "MedicationAdministration",
        "Procedure",
    }


def test_a_kind_of_treatment_the_knowledge_does_not_map_is_written_all_the_same() -> None:
    """A public code is added where there is one, never required."""
    lean = replace(KNOWLEDGE, treatments=())
    written = fhir_write.write(Case(id="x", treatments=(Treatment("ivig", 3),)), lean)
    assert written["entry"][1]["resource"]["code"]["coding"] == [
        {"system": "https://hematon.org/treatments", "code": "ivig"}
    ]
