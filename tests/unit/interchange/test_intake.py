"""The intake every reader shares: what is taken, what is asked back, what is noted."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import orjson
import pytest

from hematon.errors import UnreadableError
from hematon.interchange import fhir, folder
from hematon.interchange.intake import Intake
from hematon.knowledge import Knowledge


def codes(intake: Intake) -> list[str]:
    """The codes noted so far."""
    return [issue.code for issue in intake.issues]


@pytest.mark.parametrize(
    ("value", "unit", "comparator", "code"),
    [
        (9.0, "g/dL", "~", "comparator-unknown"),
        (math.nan, "g/dL", "", "value-not-number"),
        (math.inf, "g/dL", "", "value-not-number"),
        (-1.0, "g/dL", "", "value-negative"),
        (9.0, None, "", "unit-missing"),
        (9.0, "furlong", "", "unit-unknown"),
        (95.0, "g/dL", "", "value-implausible"),
    ],
)
def test_what_is_refused(
    knowledge: Knowledge, value: float, unit: str | None, comparator: str, code: str
) -> None:
    """A number that cannot be used is an error that names the analyte and not the number."""
    intake = Intake(knowledge, "test")
    intake.measurement("hemoglobin", value, unit, "here", comparator=comparator)
    assert codes(intake) == [code]
    assert not intake.measurements
    assert "95" not in intake.issues[0].message + intake.issues[0].fix


def test_likely_unit_is_asked(knowledge: Knowledge) -> None:
    """Platelets 250000 10*9/L are a question with the likely unit."""
    intake = Intake(knowledge, "test")
    intake.measurement("platelets", 250000.0, "10*9/L", "here")
    assert "/uL" in intake.issues[0].fix
    odd = Intake(knowledge, "test")
    odd.measurement("mcv", 900.0, "fL", "here")
    assert "check the number" in odd.issues[0].fix


def test_analyte_without_a_fixed_unit(knowledge: Knowledge) -> None:
    """A code with no fixed conversion is read and not used."""
    intake = Intake(knowledge, "test")
    intake.measurement("eada_candidate", 1.0, "U/L", "here")
    intake.loinc("4579-9", 1.0, "%", "here")
    assert codes(intake) == ["code-excluded", "code-excluded"]


def test_obsolete_terms(knowledge: Knowledge) -> None:
    """An obsolete term is replaced and said; one without a replacement is refused."""
    obsolete = knowledge.raw["hpo_obsolete"]
    replaced = next(k for k, v in obsolete.items() if v)
    lost = next(k for k, v in obsolete.items() if not v)
    intake = Intake(knowledge, "test")
    intake.finding(replaced, True, "here")
    assert intake.findings[0].code == obsolete[replaced]
    intake.finding(lost, True, "here")
    assert codes(intake).count("hpo-obsolete") == 2
    assert len(intake.findings) == 1


@pytest.mark.parametrize("code", ["HP:9999999", "HP:12", "NOT_A_FINDING"])
def test_unknown_findings(knowledge: Knowledge, code: str) -> None:
    """A finding nobody knows is an error."""
    intake = Intake(knowledge, "test")
    intake.finding(code, True, "here")
    assert codes(intake)[0] in ("hpo-unknown", "code-unknown")
    assert not intake.findings


def test_known_term_without_evidence_is_kept(knowledge: Knowledge) -> None:
    """A current term that is no phenotype is kept on the case and said; a phenotype is used."""
    intake = Intake(knowledge, "test")
    intake.finding("HP:0000006", True, "here")
    intake.finding("HP:0000316", True, "there")
    assert codes(intake) == ["hpo-not-used"]
    assert [f.code for f in intake.findings] == ["HP:0000006", "HP:0000316"]


def test_history_in_words(knowledge: Knowledge) -> None:
    """Down syndrome in words or by code is the same history; a refuted diagnosis is excluded."""
    intake = Intake(knowledge, "test")
    intake.condition([], "Trisomy 21", "here")
    intake.condition([("SNOMED", "41040004")], "", "here")
    intake.condition([("OMIM", "227650")], "", "here", refuted=True)
    intake.condition([("OMIM", "227650")], "", "here", refuted=True)
    intake.condition([], "sprained ankle", "here")
    assert [f.code for f in intake.findings] == ["HX_DOWN", "HX_DOWN"]
    assert intake.excluded_conditions == ["fanconi_anemia"]
    assert codes(intake) == ["condition-not-used"]


def test_whole_words_only(knowledge: Knowledge) -> None:
    """`gold` is a drug, marigold is not."""
    intake = Intake(knowledge, "test")
    assert intake.treatment("sodium aurothiomalate (gold)", "here")
    assert not intake.treatment("marigold ointment", "here")
    assert intake.treatment("", "here", codes=[("ATC", "L03AA02")], start=5)
    assert intake.treatments[0].kind == "g_csf"


def test_variant_without_gene(knowledge: Knowledge) -> None:
    """A variant needs a gene; one in another gene is kept and said."""
    intake = Intake(knowledge, "test")
    intake.variant("", "pathogenic", "heterozygous", "here")
    intake.variant("BRCA9", "pathogenic", "heterozygous", "here")
    assert codes(intake) == ["variant-unclear", "variant-not-used"]
    assert len(intake.variants) == 1


def test_qualitative_result_of_a_measured_analyte(knowledge: Knowledge) -> None:
    """Positive hemoglobin means nothing."""
    intake = Intake(knowledge, "test")
    intake.qualitative("hemoglobin", True, "here")
    intake.qualitative("dat", False, "here")
    assert codes(intake) == ["code-excluded"]
    assert not intake.findings[0].observed


def test_packed_file_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file cannot fill the memory."""
    monkeypatch.setattr(folder, "MAX_UNPACKED", 1000)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * 5000))
    with pytest.raises(UnreadableError, match="unpacks to more"):
        folder.read_bytes(path)


def test_folder_with_broken_json_goes_on(tmp_path: Path, knowledge: Knowledge) -> None:
    """One broken document does not stop the others."""
    (tmp_path / "a.json").write_text('{"resourceType": "Patient"')
    (tmp_path / "b.csv").write_text("date,age_days,sex,HGB (g/dL)\n2024-01-01,900,F,7.0\n")
    readings = list(folder.read_folder(tmp_path, knowledge))
    assert [r.value is None for r in readings] == [True, False]


def test_stated_evidence_is_listed(knowledge: Knowledge) -> None:
    """The findings an entry speaks of can be asked for."""
    assert "TST_DEB_POS" in knowledge.stated_evidence("fanconi_anemia")
    assert knowledge.stated_evidence("nowhere") == ()


@pytest.mark.parametrize("status", ["active", "resolved"])
def test_a_diagnosis_that_is_over_explains_nothing(knowledge: Knowledge, status: str) -> None:
    """A resolved diagnosis is not used; an active one is recorded."""
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    resource = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": system, "code": status}]},
        "code": {"coding": [{"system": "http://omim.org", "code": "227650"}]},
        "subject": {"reference": "Patient/a"},
    }
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Patient", "id": "a"}}, {"resource": resource}],
    }
    case = fhir.read(orjson.dumps(bundle), knowledge).value
    assert case is not None
    assert case.recorded_conditions == (("fanconi_anemia",) if status == "active" else ())


def test_damaged_packed_file(tmp_path: Path) -> None:
    """A gzip file damaged inside is refused like one that is none."""
    packed = bytearray(gzip.compress(b"hello " * 500))
    packed[15:25] = b"\xff" * 10
    path = tmp_path / "damaged.json.gz"
    path.write_bytes(bytes(packed))
    with pytest.raises(UnreadableError, match="not a whole gzip file"):
        folder.read_bytes(path)
