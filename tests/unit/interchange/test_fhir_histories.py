"""Diagnoses, reports, medications, procedures and family histories."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from fhir_documents import (
    BORN,
    HPO,
    KNOWLEDGE,
    LOINC,
    SNOMED,
    SUBJECT,
    bundle,
    case,
    concept,
    condition,
    count,
    issues,
    patient,
    quantity,
    reading,
    resource,
)
from hematon.engine.case import Treatment
from hematon.interchange import fhir

Json = dict[str, Any]
ICD, ICD_WHO = "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"
RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
VER = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def age(year: int, month: int, day: int) -> int:
    """Give the age of the patient on a day."""
    return (date(year, month, day) - BORN).days


def found(*resources: object) -> list[tuple[str, bool]]:
    """Give code and presence of each finding."""
    return [(f.code, f.observed) for f in case(*resources).findings]


def codes(*resources: object) -> list[str]:
    """Give the codes of all issues but those of an empty record."""
    return [c for c, _ in issues(*resources) if c not in ("nothing-usable", "age-unknown")]


# --- diagnoses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (concept(ICD, "D61.03"), "fanconi_anemia"),
        (concept(ICD, "d6103"), "fanconi_anemia"),
        (concept(ICD_WHO, "B20"), "hiv"),
        (concept(SNOMED, "30575002"), "fanconi_anemia"),
        (concept("http://snomed.info/sct/731000124108", "30575002"), "fanconi_anemia"),
        (concept("http://omim.org", "227650"), "fanconi_anemia"),
        (concept("https://www.omim.org/", "OMIM:227650"), "fanconi_anemia"),
        (concept("urn:oid:2.16.840.1.113883.6.174", "227650"), "fanconi_anemia"),
        (concept("http://www.orpha.net", "84"), "fanconi_anemia"),
        (concept("http://www.orpha.net", "ORPHA:84"), "fanconi_anemia"),
        (concept("http://purl.obolibrary.org/obo/mondo.owl", "MONDO:0019391"), "fanconi_anemia"),
        (concept("https://hematon.org/conditions", "sds"), "sds"),
    ],
)
def test_coded_diagnoses(code: Json, key: str) -> None:
    """A diagnosis is recorded from every code system of the knowledge, and excluded if refuted."""
    assert case(condition(code)).recorded_conditions == (key,)
    refuted = condition(code, verificationStatus=concept(VER, "refuted"))
    value = case(refuted, refuted)
    assert (value.recorded_conditions, value.excluded_conditions) == ((), (key,))


def test_one_diagnosis_stated_twice_is_one() -> None:
    """Repetition adds nothing."""
    own = condition(concept("https://hematon.org/conditions", "sds"))
    assert case(own, own).recorded_conditions == ("sds",)
    unknown = condition(concept("https://hematon.org/conditions", "jane_doe"))
    assert "condition-not-used" in codes(unknown)


@pytest.mark.parametrize(
    ("status", "recorded", "code"),
    [
        (None, 1, ""),
        (concept(VER, "confirmed"), 1, ""),
        ("confirmed", 1, ""),
        (5, 1, ""),
        (concept(VER, "entered-in-error"), 0, "status-not-final"),
        ("entered-in-error", 0, "status-not-final"),
        (concept(VER, "differential"), 0, "condition-not-used"),
        (concept(VER, "provisional"), 0, "condition-not-used"),
        (concept(VER, "unconfirmed"), 0, "condition-not-used"),
    ],
)
def test_only_a_diagnosis_that_stands_is_recorded(status: object, recorded: int, code: str) -> None:
    """What is only considered is not a diagnosis; what was entered in error is nothing."""
    part = condition(concept(ICD, "D61.03"), verificationStatus=status)
    assert len(case(part).recorded_conditions) == recorded
    assert (code in codes(part)) is bool(code)


def test_hpo_coded_conditions_are_findings() -> None:
    """A feature is observed, excluded when refuted, and kept with a note when unconfirmed."""
    term = concept(HPO, "HP:0001744", "Splenomegaly")
    refuted = condition(term, verificationStatus=concept(VER, "refuted"))
    unsure = condition(term, verificationStatus=concept(VER, "provisional"))
    assert found(condition(term), refuted, unsure) == [
        ("HP:0001744", True),
        ("HP:0001744", False),
        ("HP:0001744", True),
    ]
    assert codes(unsure) == ["condition-not-used"]
    assert case(condition(term)).findings[0].label == "Splenomegaly"
    assert case(condition(term | {"text": "big spleen"})).findings[0].label == "big spleen"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"onsetDateTime": "2019-02-01"}, age(2019, 2, 1)),
        ({"onsetAge": quantity(14, "mo")}, 426),
        ({"onsetAge": 5, "recordedDate": "2020-01-01"}, age(2020, 1, 1)),
        ({"onsetPeriod": {"start": "2019-02-01"}}, age(2019, 2, 1)),
        ({"onsetRange": {"low": quantity(2, "wk"), "high": quantity(4, "wk")}}, 14),
        ({"onsetRange": {}}, None),
        ({"onsetString": "as a baby", "recordedDate": "2019-02-01"}, age(2019, 2, 1)),
        ({"onsetAge": quantity(3, "d")}, 3),
        ({"onsetAge": quantity(5, "h")}, 0),
        ({}, None),
    ],
)
def test_onset(fields: Json, expected: int | None) -> None:
    """An onset is read from each of its forms, else the day of recording is used."""
    part = condition(concept(HPO, "HP:0001744"), **fields)
    assert case(part).findings[0].age_days == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ({"text": "Down syndrome"}, [("HX_DOWN", True)]),
        (concept(ICD, "Q90.9", "Down syndrome, unspecified"), [("HX_DOWN", True)]),
        (concept(SNOMED, "41040004"), [("HX_DOWN", True)]),
        (concept(ICD, "Z82.79", "Family history of Down syndrome"), []),
        ({"text": "Screening for Down syndrome"}, []),
        ({"text": "Down syndrome?"}, []),
        ({"text": "Down syndrome excluded"}, []),
        ({"text": 5}, []),
    ],
)
def test_histories_in_words(code: Json, expected: list[tuple[str, bool]]) -> None:
    """A history is believed in plain words only, not in those of family, doubt or denial."""
    assert found(condition(code)) == expected
    assert ("condition-not-used" in codes(condition(code))) is not bool(expected)


def test_a_condition_without_a_code() -> None:
    """A Condition that does not say what it is, is noted."""
    assert codes(condition(None)) == ["missing-field"]
    assert codes(condition("x")) == ["wrong-type", "missing-field"]


def test_conclusions_of_a_report() -> None:
    """Coded conclusions count, of a report whose status stands."""
    report = resource(
        "DiagnosticReport",
        status="final",
        effectiveDateTime="2024-03-05",
        conclusionCode=[concept(HPO, "HP:0005528"), concept(ICD, "D61.3"), 5],
    )
    value = case(report)
    assert [(f.code, f.age_days) for f in value.findings] == [("HP:0005528", age(2024, 3, 5))]
    assert value.recorded_conditions == ("aa_idiopathic",)
    assert codes(report) == ["wrong-type"]
    withdrawn = report | {"status": "entered-in-error"}
    assert (found(withdrawn), codes(withdrawn)) == ([], ["status-not-final"])


# --- medications and procedures ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "span"),
    [
        ("MedicationStatement", {"effectiveDateTime": "2024-03-05"}, (age(2024, 3, 5), None)),
        (
            "MedicationAdministration",
            {"effectivePeriod": {"start": "2024-03-05", "end": "2024-03-09"}},
            (age(2024, 3, 5), age(2024, 3, 9)),
        ),
        (
            "MedicationRequest",
            {"authoredOn": "2024-03-05", "intent": "order"},
            (age(2024, 3, 5), None),
        ),
        ("MedicationStatement", {}, (None, None)),
    ],
)
@pytest.mark.parametrize(
    "drug",
    [
        {"medicationCodeableConcept": {"text": "Filgrastim 300 ug"}},
        {"medicationCodeableConcept": concept(RXNORM, "1", "filgrastim 0.3 MG/ML")},
        {"medicationCodeableConcept": concept(ATC, "L03AA02")},
        {"medicationReference": {"reference": "Medication/m1"}},
        {"medicationReference": {"reference": "http://a.org/Medication/m1/_history/2"}},
        {
            "medicationReference": {"reference": "#c"},
            "contained": [
                5,
                {
                    "resourceType": "Medication",
                    "id": "c",
                    "ingredient": [{"itemCodeableConcept": {"text": "Filgrastim"}}, {}],
                },
            ],
        },
        {"medicationReference": {"display": "Filgrastim"}},
    ],
)
def test_medications(
    kind: str, fields: Json, span: tuple[int | None, int | None], drug: Json
) -> None:
    """A drug is known by its words or codes, wherever it is named, with its times."""
    medication = {"resourceType": "Medication", "id": "m1", "code": {"text": "filgrastim"}}
    part = resource(kind, status="completed", **fields, **drug)
    assert case(part, medication).treatments == (
        Treatment("g_csf", *span, where="/entry/1/resource"),
    )


def test_a_medication_found_by_the_url_of_its_entry() -> None:
    """A full URL names a Medication of the Bundle."""
    part = resource(
        "MedicationRequest", status="active", medicationReference={"reference": "urn:uuid:m"}
    )
    document = bundle(patient(), part)
    medication = {"resourceType": "Medication", "code": {"text": "prednisolone"}}
    document["entry"].append({"fullUrl": "urn:uuid:m", "resource": medication})
    value = fhir.read(orjson.dumps(document), KNOWLEDGE).value
    assert value is not None
    assert [t.kind for t in value.treatments] == ["steroid"]


@pytest.mark.parametrize(
    "fields",
    [
        {"medicationCodeableConcept": {"text": "Paracetamol"}},
        {"medicationReference": {"reference": "Medication/gone"}},
        {"medicationReference": {"reference": "gone"}},
        {"medicationReference": {"reference": "#gone"}},
        {"medicationReference": {"reference": "#gone"}, "contained": "x"},
        {"medicationReference": {"reference": 5}},
        {"medicationReference": {"reference": ""}},
        {},
    ],
)
def test_unused_medications_are_counted_not_named(fields: Json) -> None:
    """One warning for all, whatever the drugs are."""
    part = resource("MedicationRequest", status="active", **fields)
    said = [i for i in reading(part, part, count()).issues if i.code == "medication-not-used"]
    assert len(said) == 1
    assert said[0].message.endswith("(2 times)")
    assert "Paracetamol" not in said[0].message


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "entered-in-error"},
        {"status": "not-taken"},
        {"status": "cancelled"},
        {"status": "draft"},
        {"status": "active", "doNotPerform": True},
        {"status": "active", "intent": "plan"},
        {"taken": "n", "notTaken": "y"},
    ],
)
def test_what_was_not_given_is_no_treatment(fields: Json) -> None:
    """Planned, cancelled and refused drugs do not explain a count."""
    part = resource("MedicationRequest", medicationCodeableConcept={"text": "filgrastim"}, **fields)
    assert case(part).treatments == ()
    assert codes(part) == ["status-not-final"]


def test_odd_types_in_a_medication_cost_only_themselves() -> None:
    """A field of another type is noted; the rest is read."""
    part = resource(
        "MedicationStatement",
        status=["x"],
        intent=5,
        medicationReference=7,
        medicationCodeableConcept={"text": "filgrastim"},
    )
    assert [t.kind for t in case(part).treatments] == ["g_csf"]
    assert codes(part) == ["wrong-type"]


@pytest.mark.parametrize(
    ("fields", "span"),
    [
        ({"performedDateTime": "2024-03-05"}, (age(2024, 3, 5), None)),
        (
            {"performedPeriod": {"start": "2024-03-05", "end": "2024-03-06"}},
            (age(2024, 3, 5), age(2024, 3, 6)),
        ),
        ({"performedAge": quantity(2, "a")}, (730, None)),
        ({"performedRange": {"low": quantity(1, "wk"), "high": quantity(9, "d")}}, (7, 9)),
        ({"performedRange": {"high": quantity(9, "d")}}, (None, 9)),
        ({"performedString": "last year"}, (None, None)),
    ],
)
def test_procedures(fields: Json, span: tuple[int | None, int | None]) -> None:
    """A transfusion is known by code or words, with its time in every form."""
    for code in (concept(SNOMED, "71493000"), {"text": "Transfusion of packed red blood cells"}):
        part = resource("Procedure", status="completed", code=code, **fields)
        assert case(part).treatments == (
            Treatment("red_cell_transfusion", *span, where="/entry/1/resource"),
        )


def test_procedures_that_mean_nothing_here_are_counted() -> None:
    """Other procedures, and those not done, are noted."""
    other = resource("Procedure", status="completed", code={"text": "Appendectomy"})
    assert codes(other, resource("Procedure", status="completed")) == ["resource-not-used"]
    not_done = resource("Procedure", status="not-done", code=concept(SNOMED, "71493000"))
    assert codes(not_done) == ["status-not-final"]


@pytest.mark.parametrize(
    "text",
    [
        "Referral for bone marrow transplant",
        "Education about chemotherapy",
        "Platelet donation: apheresis platelets",
        "No chemotherapy given",
    ],
)
def test_a_procedure_that_is_only_spoken_of_is_no_treatment(text: str) -> None:
    """Words about a treatment are not the treatment."""
    part = resource("Procedure", status="completed", code={"text": text})
    assert case(part).treatments == ()


def test_our_own_codes_for_treatments() -> None:
    """A treatment of our writer is read by its kind; a kind nobody knows is not."""
    own = "https://hematon.org/treatments"
    part = resource("Procedure", status="completed", code=concept(own, "eltrombopag"))
    assert [t.kind for t in case(part).treatments] == ["eltrombopag"]
    odd = resource("Procedure", status="completed", code=concept(own, "jane"))
    assert case(odd).treatments == ()


# --- the family --------------------------------------------------------------------------------


def relative(role: object, code: Json, **fields: object) -> Json:
    """A relative with one disease."""
    relationship = (
        concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", role)
        if (isinstance(role, str))
        else role
    )
    return {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": SUBJECT,
        "relationship": relationship,
        "condition": [{"code": code}],
    } | fields


@pytest.mark.parametrize(
    ("role", "code", "expected"),
    [
        ("MTH", concept(HPO, "HP:0001875"), ["FH_NEUTROPENIA"]),
        ("NBRO", {"text": "Severe congenital neutropenia"}, ["FH_NEUTROPENIA"]),
        ("FTH", concept(HPO, "HP:0001873"), ["FH_THROMBOCYTOPENIA"]),
        ("FTH", {"text": "low platelets all his life"}, ["FH_THROMBOCYTOPENIA"]),
        ("MGRMTH", concept(HPO, "HP:0002863"), ["FH_MDS_AML"]),
        ("UNCLE", {"text": "Acute myeloid leukemia"}, ["FH_MDS_AML"]),
        ("COUSN", {"text": "Leukaemia"}, []),
        ("PUNCLE", concept(HPO, "HP:0002206"), ["FH_TBD"]),
        ("COUSN", {"text": "Early graying"}, ["FH_TBD"]),
        ("MTH", {"text": "Cirrhosis, cryptogenic"}, ["FH_TBD"]),
        ("MTH", {"text": "Alcoholic cirrhosis"}, []),
        ("BRO", concept(ICD, "D61.01"), ["FH_ANEMIA_DBA", "FH_SIB"]),
        ("COUSN", {"text": "Diamond-Blackfan anemia"}, ["FH_ANEMIA_DBA"]),
        ("SIS", concept(SNOMED, "30575002"), ["FH_SIB"]),
        ("MTH", {"text": "Rheumatoid arthritis"}, ["FH_AUTOIMMUNE"]),
        ("AUNT", {"text": "Rheumatoid arthritis"}, []),
        ("MTH", {"text": "No leukemia"}, []),
        ("MTH", {"text": "Heart attack"}, []),
        ("STPMTH", {"text": "Leukemia"}, []),
        ("ADOPTF", {"text": "Leukemia"}, []),
        ({"text": "Mother"}, {"text": "Leukemia"}, ["FH_MDS_AML"]),
        ({"text": "paternal grandfather"}, {"text": "Leukemia"}, ["FH_MDS_AML"]),
        ({"text": "twin brother"}, concept(SNOMED, "30575002"), ["FH_SIB"]),
        ({"text": "half-sister"}, {"text": "Neutropenia"}, []),
        ({"text": "son"}, {"text": "Leukemia"}, ["FH_MDS_AML"]),
        ({"text": "father-in-law"}, {"text": "Leukemia"}, []),
        ({"text": "adoptive mother"}, {"text": "Leukemia"}, []),
        ({"text": "cousin"}, {"text": "Leukemia"}, []),
        ({"text": "neighbor"}, {"text": "Leukemia"}, []),
        (concept(SNOMED, "72705000", "Mother"), {"text": "Leukemia"}, ["FH_MDS_AML"]),
        (None, {"text": "Leukemia"}, []),
        ("MTH", {"text": 5}, []),
    ],
)
def test_relatives(role: object, code: Json, expected: list[str]) -> None:
    """Which disease of which relative makes which finding."""
    assert [c for c, _ in found(relative(role, code))] == expected
    assert ("family-not-used" in codes(relative(role, code))) is not bool(expected)


@pytest.mark.parametrize(
    ("onset", "expected"),
    [(quantity(49, "a"), ["FH_MDS_AML"]), (quantity(50, "a"), []), (None, ["FH_MDS_AML"])],
)
def test_leukemia_of_old_age_says_nothing(onset: object, expected: list[str]) -> None:
    """From fifty years on, leukemia in a relative is no sign of an inherited disease."""
    part = relative("MTH", {}, condition=[{"code": {"text": "AML"}, "onsetAge": onset}])
    assert [c for c, _ in found(part)] == expected


def test_a_siblings_cytopenia_counts_when_it_is_the_patients_own() -> None:
    """The same cytopenia in a sibling is a finding; another one is noted."""
    brother = relative("BRO", concept(HPO, "HP:0001873"))
    same = condition(concept(HPO, "HP:0001873"))
    assert ("FH_SIB", True) in found(brother, same)
    assert "family-not-used" in codes(brother, condition(concept(HPO, "HP:0001875")))
    assert ("FH_SIB", True) not in found(brother)


def test_a_family_history_that_is_withdrawn_or_odd() -> None:
    """Withdrawn entries are dropped; odd ones cost only themselves."""
    leukemia = {"text": "Leukemia"}
    assert codes(relative("MTH", leukemia, status="entered-in-error")) == ["status-not-final"]
    assert codes(relative("MTH", leukemia, status="health-unknown")) == ["status-not-final"]
    odd = relative("MTH", {}, condition=[5, {"code": 7}, {}, {"code": leukemia}])
    assert found(odd) == [("FH_MDS_AML", True)]
    inside = relative("MTH", {}, contained=[count()])
    assert case(inside).measurements == ()


def test_the_family_table_names_what_the_knowledge_holds() -> None:
    """Every finding, condition and HPO id of the family table exists."""
    from hematon.interchange.fhir_family import _TABLE

    for row in _TABLE:
        assert row.finding in KNOWLEDGE.findings
        assert row.conditions <= KNOWLEDGE.condition_ids
        assert row.lab_findings <= set(KNOWLEDGE.findings)
        assert {KNOWLEDGE.hpo_status(term) for term in row.hpo} <= {"used", "known"}


def test_a_code_of_a_foreign_system_is_no_loinc() -> None:
    """The same digits under another system mean nothing."""
    assert "condition-not-used" in codes(condition(concept(LOINC, "30575002")))
