"""Whatever is sent as FHIR, a reading or an UnreadableError comes out, and no patient's data."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_documents import (
    HPO,
    KNOWLEDGE,
    LOINC,
    SNOMED,
    bundle,
    concept,
    condition,
    count,
    observation,
    patient,
    quantity,
    resource,
)
from hematon.engine.case import Case
from hematon.errors import ISSUE_CODES, Issue, Reading, UnreadableError
from hematon.interchange import fhir

CANARY = "Zquxcanary Jane 4711"
RANGE = [{"low": quantity(11.5, "g/dL"), "high": quantity(15.5, "g/dL")}]
SEED = bundle(
    patient(
        name=[{"family": "x"}],
        identifier=[{"system": "urn:mrn", "value": "1"}],
        extension=[
            {
                "url": "https://hematon.org/fhir/StructureDefinition/publication",
                "valueString": "PMID:1",
            }
        ],
    ),
    count(referenceRange=RANGE, id="o1"),
    count("777-3", 28, "10*3/uL", issued="2024-03-05T00:00:00Z", focus=[{"reference": "x/1"}]),
    observation({"text": "HGB"}, valueString="7.1 g/dL", specimen={"display": "Blood"}),
    observation(
        concept(LOINC, "58410-2"),
        component=[
            {"code": concept(LOINC, "718-7"), "valueQuantity": quantity(7.1, "g/dL")},
            {"code": concept(LOINC, "30525-0"), "valueQuantity": quantity(400, "d")},
        ],
    ),
    observation(
        concept(LOINC, "1007-4"),
        valueCodeableConcept=concept(SNOMED, "10828004"),
        interpretation=[concept("x", "POS")],
    ),
    observation(concept(LOINC, "18314-5"), valueString="Circulating blasts present."),
    observation(concept(LOINC, "8310-5"), valueQuantity=quantity(39, "Cel")),
    observation(concept(HPO, "HP:0001744", "Splenomegaly"), valueBoolean=True),
    observation(concept(LOINC, "777-3"), dataAbsentReason=concept("x", "not-performed")),
    observation(
        concept(LOINC, "5048-4"),
        valueRatio={"numerator": {"value": 1}, "denominator": {"value": 80}},
    ),
    observation(
        concept(LOINC, "69548-6"),
        component=[
            {"code": concept(LOINC, "48018-6"), "valueCodeableConcept": {"text": "FANCA"}},
            {"code": concept(LOINC, "53037-8"), "valueCodeableConcept": concept(LOINC, "LA6668-3")},
        ],
    ),
    condition(
        concept("http://hl7.org/fhir/sid/icd-10-cm", "D61.03", text="Fanconi anemia"),
        onsetAge=quantity(3, "a"),
        verificationStatus=concept("x", "confirmed"),
    ),
    condition(concept(HPO, "HP:0001744"), onsetRange={"low": quantity(3, "d")}),
    resource(
        "DiagnosticReport",
        status="final",
        conclusionCode=[concept(HPO, "HP:0005528")],
        contained=[count()],
    ),
    resource(
        "MedicationStatement",
        status="active",
        medicationReference={"reference": "#m", "display": "x"},
        effectivePeriod={"start": "2024-03-05", "end": "2024-03-06"},
        contained=[
            {
                "resourceType": "Medication",
                "id": "m",
                "code": {"text": "filgrastim"},
                "ingredient": [{"itemCodeableConcept": {"text": "x"}}],
            }
        ],
    ),
    resource(
        "Procedure",
        status="completed",
        code=concept(SNOMED, "71493000"),
        performedDateTime="2024-03-05",
    ),
    {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": {"reference": "Patient/p1"},
        "relationship": concept("x", "BRO", "brother"),
        "condition": [
            {"code": concept(HPO, "HP:0001873", text="low platelets"), "onsetAge": quantity(3, "a")}
        ],
    },
    resource("Encounter", status="finished"),
    {"resourceType": "Medication", "id": "m2", "code": {"text": "x"}},
)
Path_ = tuple[str | int, ...]


def paths(value: object, at: Path_ = ()) -> Iterator[Path_]:
    """Give the path of every value in a document."""
    yield at
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        yield from paths(inner, (*at, key))


PATHS = [p for p in paths(SEED) if p]
ODD: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    2**63,
    "",
    CANARY,
    CANARY * 40,
    f"{CANARY}-1",
    [],
    {},
    [[]],
    [CANARY],
    {"coding": CANARY},
    {"coding": [CANARY]},
    {"reference": CANARY},
    {"value": CANARY},
    {"text": CANARY},
    "#m",
    "#",
    "Patient/p1",
    "http://loinc.org",
    "2024-03",
    "9999-12-31",
    "0001-01-01",
    {"resourceType": "Bundle", "entry": [{"resource": CANARY}]},
    {"resourceType": CANARY},
    {"resourceType": "Patient", "id": CANARY, "birthDate": CANARY},
    {"value": 5, "code": CANARY, "unit": CANARY, "system": CANARY},
]


def at(document: Any, path: Path_) -> Any:
    """Give the value at a path, None when an earlier change took it away."""
    for key in path:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def change(document: Any, path: Path_, how: str, odd: object) -> None:
    """Drop, replace, rename or repeat the value at a path."""
    parent, key = at(document, path[:-1]), path[-1]
    if isinstance(parent, dict) and key in parent:
        if how == "drop":
            del parent[key]
        elif how == "rename":
            parent[f"{key}X"] = parent.pop(key)
        else:
            parent[key] = odd
    elif isinstance(parent, list) and isinstance(key, int) and key < len(parent):
        if how == "drop":
            del parent[key]
        elif how == "repeat":
            parent.insert(0, copy.deepcopy(parent[key]))
        else:
            parent[key] = odd


def read(raw: bytes | str, today: date | None = None) -> tuple[Issue, ...]:
    """Read, alone and among many, and give all issues; nothing else may be raised."""
    issues: list[Issue] = []
    try:
        reading = fhir.read(raw, KNOWLEDGE, today=today)
        assert isinstance(reading, Reading)
        assert isinstance(reading.value, Case)
        issues += reading.issues
    except UnreadableError as error:
        issues += error.issues
    try:
        readings = fhir.read_many([("file", raw)], KNOWLEDGE, today=today)
        issues += [issue for r in readings for issue in r.issues]
    except UnreadableError as error:
        issues += error.issues
    for issue in issues:
        assert issue.code in ISSUE_CODES
        text = issue.message + issue.fix + issue.where
        assert "Zqux" not in text
        assert "Jane" not in text
        assert len(text) < 500
    return tuple(issues)


@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(PATHS),
            st.sampled_from(["drop", "replace", "rename", "repeat"]),
            st.sampled_from(ODD),
        ),
        min_size=1,
        max_size=8,
    ),
    today=st.sampled_from([None, date(2024, 6, 1)]),
)
def test_mutated_documents(changes: list[tuple[Path_, str, object]], today: date | None) -> None:
    """Fields that are missing, repeated, misnamed or of any other type become issues at most."""
    document = copy.deepcopy(SEED)
    for path, how, odd in changes:
        change(document, path, how, odd)
    read(orjson.dumps(document), today)


@pytest.mark.parametrize(("k", "odd"), list(enumerate(ODD)), ids=range(len(ODD)))
def test_every_field_with_every_odd_value(k: int, odd: object) -> None:
    """Each single field replaced by odd values; by each of them in the long run."""
    step = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 3
    for path in PATHS[k % step :: step]:
        document = copy.deepcopy(SEED)
        change(document, path, "replace", odd)
        read(orjson.dumps(document))


def test_numbers_beyond_any_type() -> None:
    """A number of a thousand digits is a number, or the document is refused."""
    for number in ("9" * 1000, "1e999", "-0", "1" + "0" * 30):
        read(orjson.dumps(SEED).replace(b"7.1", number.encode()))


@given(st.binary(max_size=300))
def test_random_bytes(raw: bytes) -> None:
    """Noise is refused."""
    assert read(raw)


@given(st.text(max_size=300))
def test_random_text(raw: str) -> None:
    """So is text, whatever the characters."""
    assert read(raw)


@given(st.integers(0, len(orjson.dumps(SEED))), st.binary(max_size=3))
def test_truncated_and_spliced_bytes(cut: int, splice: bytes) -> None:
    """A document cut off anywhere, or with bytes put in, is read or refused."""
    raw = orjson.dumps(SEED)
    read(raw[:cut])
    read(raw[:cut] + splice + raw[cut:])
    lines = b"\n".join(orjson.dumps(e["resource"]) for e in SEED["entry"])
    read(lines[:cut])


KEYS = (
    "resourceType",
    "entry",
    "resource",
    "code",
    "coding",
    "system",
    "value",
    "valueQuantity",
    "subject",
    "reference",
    "component",
    "contained",
    "status",
    "id",
)
LEAVES = ("", CANARY, "final", "718-7", LOINC, "Patient/p1", "HP:0001744")


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give lists and objects of values."""
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from(LEAVES),
    nested,
    max_leaves=20,
)


@given(st.sampled_from(sorted(fhir.READERS)), json_values, json_values)
def test_resources_made_of_anything(kind: str, fields: Any, subject: object) -> None:
    """A resource of any shape under a known type never breaks a reader."""
    made = {
        **(fields if isinstance(fields, dict) else {"code": fields}),
        "resourceType": kind,
        "subject": subject,
    }
    read(orjson.dumps([patient(), made], option=orjson.OPT_NON_STR_KEYS))


@pytest.mark.parametrize("depth", [50, 500, 1000, 20_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b'{"resourceType":"Bundle","entry":[{"resource":', b"}]}"),
        (b'{"resourceType":"Observation","contained":[', b"]}"),
        (b'{"resourceType":"Observation","component":[', b"]}"),
        (b'{"resourceType":"Observation","code":', b"}"),
        (b"[", b"]"),
    ],
)
def test_deep_nesting(depth: int, opening: bytes, closing: bytes) -> None:
    """However deep a document nests, it is read or refused, without recursion."""
    read(opening * depth + b"1" + closing * depth)


@pytest.mark.parametrize("path", [p for p in PATHS if isinstance(at(SEED, p), str)][::3])
def test_a_string_of_ten_megabytes_anywhere(path: Path_) -> None:
    """A huge string is passed over in no time, and never repeated."""
    document = copy.deepcopy(SEED)
    change(document, path, "replace", CANARY * 500_000)
    raw = orjson.dumps(document)
    assert len(raw) > 10_000_000
    start = time.perf_counter()
    read(raw)
    assert time.perf_counter() - start < 5


def test_examples_with_names_in_them_say_none() -> None:
    """No name or identifier of HL7's own example patients stands in an issue."""
    folder = Path(__file__).parents[1] / "conformance" / "fhir"
    for path in sorted(folder.glob("*.json")):
        raw = (
            path.read_bytes()
            .replace(b"Chalmers", CANARY.encode())
            .replace(b"Roel", CANARY.encode())
        )
        read(raw)
