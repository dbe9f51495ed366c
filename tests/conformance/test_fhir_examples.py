"""The examples that HL7 publishes with FHIR R4: each is read, or refused in one line."""

from __future__ import annotations

import gzip
import os
import re
from datetime import date
from pathlib import Path

import pytest

from conftest import evaluation_folder
from hematon.errors import ISSUE_CODES, Issue, Reading, UnreadableError
from hematon.interchange import fhir
from hematon.knowledge import Knowledge

HERE = Path(__file__).parent / "fhir"
GHP = [
    ("hemoglobin", 17.6),
    ("rbc", 5.9),
    ("hematocrit", 55.0),
    ("mcv", 99.0),
    ("mch", 36.0),
    ("platelets", 444.0),
    ("wbc", 4.6),
    ("neutrophils_pct", 20.0),
    ("anc", 0.9),
    ("lymph_pct", 20.0),
    ("alc", 0.9),
    ("mono_pct", 20.0),
    ("monocytes", 0.9),
    ("eos_pct", 20.0),
    ("eosinophils", 0.92),
    ("basophils", 0.92),
    ("potassium", 4.2),
    ("bilirubin_total", pytest.approx(0.4095)),
    ("alt", 54.0),
    ("ast", 30.0),
    ("ldh", 131.0),
]
READ: dict[str, tuple[list[tuple[str, object]], set[str]]] = {
    "Bundle-ghp": (GHP, {"code-unknown", "resource-not-used"}),
    "Bundle-report": ([("wbc", 31.9), ("hematocrit", 27.0), ("platelets", 84.0)], {"code-unknown"}),
    "Patient-example": ([], set()),
    "Observation-f004": ([("rbc", 4.12)], set()),
    "Observation-f005": ([("hemoglobin", 7.2)], set()),
    "Observation-f202": ([], {"status-not-final"}),
    "Observation-f205": ([], {"code-unknown"}),
    "Observation-blood-pressure-dar": ([], {"code-unknown"}),
    "Observation-body-temperature": ([], set()),
    "Observation-unsat": ([], {"status-not-final"}),
    "Observation-example-genetics-2": ([], {"variant-unclear"}),
    "DiagnosticReport-102": ([], {"condition-not-used"}),
    "FamilyMemberHistory-father": ([], {"family-not-used"}),
    "Condition-family-history": ([], {"condition-not-used"}),
    "MedicationStatement-example001": ([], {"medication-not-used"}),
    "MedicationAdministration-medadmin0301": ([], {"resource-not-used"}),
    "Procedure-example": ([], {"resource-not-used"}),
}
ALWAYS = {"nothing-usable", "sex-unknown", "age-unknown"}


def test_every_committed_example_is_expected() -> None:
    """No example lies about unread."""
    names = {path.stem for path in HERE.glob("*.json")}
    assert names == {*READ, "Bundle-bundle-references"}
    assert sum(path.stat().st_size for path in HERE.iterdir()) < 150_000


@pytest.mark.parametrize("name", READ)
def test_examples(name: str, knowledge: Knowledge) -> None:
    """What the standard's own examples say of blood is read, and what is left is said."""
    measurements, codes = READ[name]
    reading = fhir.read((HERE / f"{name}.json").read_bytes(), knowledge)
    assert reading.value is not None
    assert [(m.analyte, m.value) for m in reading.value.measurements] == measurements
    assert {i.code for i in reading.issues} - ALWAYS == codes


def test_a_drug_of_the_examples_is_an_exposure(knowledge: Knowledge) -> None:
    """Vancomycin in a contained Medication is a drug that can lower counts."""
    raw = (HERE / "MedicationAdministration-medadmin0301.json").read_bytes()
    value = fhir.read(raw, knowledge).value
    assert value is not None
    assert [f.code for f in value.findings] == ["EXP_DRUG"]


def test_references_are_resolved_as_the_standard_shows(knowledge: Knowledge) -> None:
    """HL7's example of reference resolution holds five patients under two servers."""
    raw = (HERE / "Bundle-bundle-references.json").read_bytes()
    with pytest.raises(UnreadableError, match="5 patients"):
        fhir.read(raw, knowledge)
    readings = fhir.read_many([("references", raw)], knowledge)
    ids = [r.value.id for r in readings if r.value]
    assert ids == ["04121321-4af5-424c-a0e1-ed3aab1c349d", "1", "23", "23", "45"]


def examples() -> list[Path]:
    """Give every file of the package, if the environment says where it is."""
    folder = os.environ.get("HEMATON_FHIR_EXAMPLES")
    if not folder:
        pytest.skip("set HEMATON_FHIR_EXAMPLES to the folder of hl7.fhir.r4.examples 4.0.1")
    return sorted(Path(folder).glob("*.json"))


def check(issues: tuple[Issue, ...]) -> None:
    """Every issue has a documented code and one line of text."""
    for issue in issues:
        assert issue.code in ISSUE_CODES
        assert re.fullmatch(r"[^\n]{1,300}", f"{issue.where}: {issue.message}")


def test_the_whole_package(knowledge: Knowledge) -> None:
    """Each of the 5,307 files gives a reading or one line why not; nothing else comes out."""
    files = examples()
    read = refused = 0
    for path in files:
        try:
            reading: Reading[object] = fhir.read(path.read_bytes(), knowledge)
        except UnreadableError as error:
            refused += 1
            check(error.issues)
        else:
            read += 1
            assert reading.value is not None
            check(reading.issues)
    assert read + refused == len(files)
    assert (len(files), read) == (5307, 435)


def test_a_bulk_export_of_synthetic_patients(knowledge: Knowledge) -> None:
    """Synthea's export: every patient is read, and every count of a known code."""
    folder = evaluation_folder("cases/feeds")
    documents = [
        (name, gzip.decompress((folder / f"synthea_{name}.ndjson.gz").read_bytes()))
        for name in ("Patient", "Observation.cbc")
    ]
    readings = fhir.read_many(documents, knowledge, today=date(2026, 1, 1))
    cases = [r.value for r in readings]
    assert all(case is not None for case in cases)
    assert len(cases) == documents[0][1].count(b"\n") == 272
    ids = [case.id for case in cases if case]
    assert ids == sorted(ids)
    taken = [m for case in cases if case for m in case.measurements]
    unknown = documents[1][1].count(b'"32207-3"')
    assert len(taken) == documents[1][1].count(b"\n") - unknown == 5364
    assert all(m.age_days is not None for m in taken)
    assert {i.code for r in readings for i in r.issues} == {"code-unknown"}
