"""Finding out the format of a document from its content."""

from __future__ import annotations

import json
from datetime import date

import pytest

from hematon.errors import UnreadableError
from hematon.interchange.detect import read_any
from hematon.knowledge import load_knowledge

KNOWLEDGE = load_knowledge()
PACKET = {"id": "p", "subject": {"id": "s"}, "metaData": {}}
PATIENT = {"resourceType": "Patient", "id": "x", "gender": "male", "birthDate": "2020-01-01"}
BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}]}


def formats(raw: bytes) -> list[str]:
    """Give the source format of each child read."""
    return [r.value.source_format if r.value else "" for r in read_any(raw, KNOWLEDGE)]


@pytest.mark.parametrize("indent", [None, 2])
def test_phenopackets_are_found_by_their_fields(indent: int | None) -> None:
    """A packet or an array of them, on one line or many, is read as phenopackets."""
    assert formats(json.dumps(PACKET, indent=indent).encode()) == ["phenopacket"]
    assert formats(json.dumps([PACKET, PACKET], indent=indent).encode()) == ["phenopacket"] * 2


def test_lines_of_phenopackets_are_read_one_by_one() -> None:
    """Lines are read lazily: a case comes before the lines that follow are looked at."""
    line = json.dumps(PACKET).encode()
    assert formats(line + b"\n" + line) == ["phenopacket"] * 2
    assert formats(b"[broken\n" + line) == ["", "phenopacket"]
    assert next(read_any(line + b"\n{broken", KNOWLEDGE)).value is not None


def test_fhir_is_found_by_its_resource_type() -> None:
    """A Bundle, and resources one a line, are read as FHIR."""
    assert formats(json.dumps(BUNDLE).encode()) == formats(json.dumps(BUNDLE, indent=1).encode())
    assert formats(json.dumps(BUNDLE).encode())[0].startswith("fhir")
    assert formats(b"\xef\xbb\xbf" + json.dumps(PATIENT).encode())[0].startswith("fhir")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_are_found_by_their_headings(encoding: str) -> None:
    """A table with a known heading is read as one, in any encoding it may have."""
    assert formats("date,HGB (g/dL)\n2024-01-01,7\n".encode(encoding)) == ["table"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty-input"),
        (b"\xef\xbb\xbf \n", "empty-input"),
        (b"{broken", "not-json"),
        (b"[1, 2]", "unknown-format"),
        (b"[]", "unknown-format"),
        (b'{"a": 1}', "unknown-format"),
        (b"Dear colleague, this child ...", "unknown-format"),
        (b"PK\x03\x04xyz", "unknown-format"),
        (b"<Bundle/>", "unknown-format"),
        (b"\xff\xfd\x00 nonsense", "not-utf8"),
    ],
)
def test_anything_else_is_refused_with_what_was_looked_for(raw: bytes, code: str) -> None:
    """An unknown document raises, and the message says what Hematon reads."""
    with pytest.raises(UnreadableError) as caught:
        read_any(raw, KNOWLEDGE, name="record.csv")
    issue = caught.value.issues[0]
    assert issue.code == code
    assert code != "unknown-format" or "phenopacket" in issue.message


def test_a_date_of_birth_from_elsewhere_turns_dates_into_ages() -> None:
    """A form asked for it: the document need not say it; where it does, its own is used."""
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/x"},
        "effectiveDateTime": "2026-01-03",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "valueQuantity": {"value": 9.8, "unit": "g/dL", "code": "g/dL"},
    }

    def bundle(**patient: str) -> bytes:
        resources = [{"resourceType": "Patient", "id": "x", **patient}, observation]
        entries = [{"resource": resource} for resource in resources]
        return json.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": entries}
        ).encode()

    def ages(raw: bytes, born: date | None) -> list[int | None]:
        (reading,) = read_any(raw, KNOWLEDGE, born=born)
        assert reading.value is not None
        return [m.age_days for m in reading.value.measurements]

    table = b"date,HGB (g/dL)\n2026-01-03,9.8\n"
    born = date(2026, 1, 1)
    for raw in (table, bundle()):
        assert ages(raw, None) == [None]
        assert ages(raw, born) == [2]
    stated = b"birth date,date,HGB (g/dL)\n2026-01-02,2026-01-03,9.8\n"
    for raw in (stated, bundle(birthDate="2026-01-02")):
        assert ages(raw, born) == [1]
