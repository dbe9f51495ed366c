"""Whatever is sent as a phenopacket, a reading or an UnreadableError comes out, and no name."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hematon.engine.case import Case
from hematon.errors import Reading, UnreadableError
from hematon.interchange import phenopacket
from hematon.knowledge import load_knowledge
from strategies import cases

KNOWLEDGE = load_knowledge()
CANARY = "Zquxcanary"
SEED: dict[str, Any] = {
    "id": "p",
    "proband": None,
    "subject": {
        "id": "s",
        "sex": "MALE",
        "dateOfBirth": "2020-01-01T00:00:00Z",
        "timeAtLastEncounter": {"age": {"iso8601duration": "P3Y"}},
    },
    "phenotypicFeatures": [
        {
            "type": {"id": "HP:0001744", "label": "x"},
            "excluded": True,
            "onset": {"ontologyClass": {"id": "HP:0003577", "label": "y"}},
            "modifiers": [{"id": "HEMATON:LAB_DAT_POS", "label": ""}],
        },
        {"type": {"id": "HEMATON:FH_CONSANG", "label": "x"}},
    ],
    "measurements": [
        {
            "assay": {"id": "LOINC:718-7", "label": "Hb"},
            "description": "computed as x",
            "value": {
                "quantity": {
                    "unit": {"id": "UCUM:g/dL", "label": "g/dL"},
                    "value": 7.1,
                    "referenceRange": {"low": 1, "high": 2},
                }
            },
            "timeObserved": {"timestamp": "2021-01-01T00:00:00Z"},
        },
        {"assay": {"id": "LOINC:1007-4"}, "value": {"ontologyClass": {"id": "NCIT:C38758"}}},
        {
            "assay": {"id": "HEMATON:anc"},
            "complexValue": {
                "typedQuantities": [
                    {
                        "type": {"id": "HEMATON:less-than"},
                        "quantity": {"unit": {"id": "UCUM:10*9/L"}, "value": 1},
                    }
                ]
            },
        },
    ],
    "medicalActions": [
        {
            "procedure": {
                "code": {"id": "SNOMED:71493000", "label": "x"},
                "performed": {
                    "ageRange": {
                        "start": {"iso8601duration": "P1D"},
                        "end": {"iso8601duration": "P2D"},
                    }
                },
            }
        },
        {
            "treatment": {
                "agent": {"id": "ATC:L03AA02"},
                "doseIntervals": [
                    {"interval": {"start": "2020-01-02T00:00:00Z", "end": "2020-01-03T00:00:00Z"}}
                ],
            }
        },
        {"therapeuticRegimen": {"ontologyClass": {"id": "x", "label": "prednisone"}}},
        {"radiationTherapy": {"fractions": 1}},
    ],
    "diseases": [
        {
            "term": {"id": "OMIM:227650", "label": "x"},
            "excluded": True,
            "onset": {"gestationalAge": {"weeks": 1}},
        }
    ],
    "interpretations": [
        {
            "diagnosis": {
                "genomicInterpretations": [
                    {
                        "interpretationStatus": "CAUSATIVE",
                        "variantInterpretation": {
                            "acmgPathogenicityClassification": "PATHOGENIC",
                            "variationDescriptor": {
                                "geneContext": {"symbol": "WAS"},
                                "expressions": [{"syntax": "hgvs.c", "value": "c.1A>G"}],
                                "allelicState": {"id": "GENO:0000135"},
                            },
                        },
                    }
                ]
            }
        }
    ],
    "metaData": {
        "phenopacketSchemaVersion": "2.0",
        "resources": [{"namespacePrefix": "HP", "version": "2024-01-01"}],
        "externalReferences": [{"id": "PMID:1"}],
    },
    "relatives": [{}],
    "consanguinousParents": True,
    "pedigree": {
        "persons": [
            {
                "individualId": "s",
                "maternalId": "m",
                "paternalId": "f",
                "affectedStatus": "AFFECTED",
            }
        ]
    },
}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.just(CANARY)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "label", "age", "value", CANARY]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def attempt(raw: bytes | str) -> list[Reading[Case]]:
    """Read a document; nothing but UnreadableError may come out, and no issue tells a name."""
    try:
        readings = list(phenopacket.read_many(raw, KNOWLEDGE))
    except UnreadableError as error:
        readings = [Reading(None, error.issues)]
    for reading in readings:
        for issue in reading.issues:
            assert CANARY.lower() not in repr(issue).lower()
    return readings


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Give the path of every value of a document."""
    found = [path]
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


PLACES = places(SEED)[1:]


@given(st.binary(max_size=200))
def test_random_bytes(raw: bytes) -> None:
    """Any bytes are a reading or unreadable."""
    attempt(raw)


@given(json_values)
def test_random_json(document: object) -> None:
    """Any JSON is a reading or unreadable."""
    attempt(json.dumps(document))
    attempt(json.dumps({"subject": document, "measurements": [document], "metaData": document}))


@given(st.sampled_from(PLACES), json_values, st.booleans())
def test_one_field_replaced(place: tuple[str | int, ...], new: object, as_family: bool) -> None:
    """A packet with any one field replaced by anything still gives its case."""
    document: Any = json.loads(json.dumps(SEED))
    if as_family:
        document["proband"] = json.loads(json.dumps({**SEED, "proband": None}))
    target = document
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = new
    assert attempt(json.dumps(document))


def test_a_name_in_every_text_field_is_never_repeated() -> None:
    """A name put into each text in turn, bare or behind a known prefix, is in no issue."""
    for place in PLACES:
        for disguise in (
            CANARY,
            f"HP:{CANARY}",
            f"HEMATON:{CANARY}",
            f"LOINC:{CANARY}",
            f"UCUM:{CANARY}",
            f"UCUM:g/dL{{{CANARY}}}",
            f"2024-01-01{CANARY}",
        ):
            document: Any = json.loads(json.dumps(SEED))
            target = document
            for step in place[:-1]:
                target = target[step]
            target[place[-1]] = disguise
            attempt(json.dumps(document))


@given(cases(), st.data())
def test_written_packet_with_bytes_flipped(case: Case, data: st.DataObject) -> None:
    """A packet broken on the way is a reading or unreadable."""
    raw = bytearray(json.dumps(phenopacket.write(case, KNOWLEDGE)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    attempt(bytes(raw))


@given(cases(), st.data())
def test_truncated_lines(case: Case, data: st.DataObject) -> None:
    """Lines cut short do not hide the good ones."""
    line = json.dumps(phenopacket.write(case, KNOWLEDGE))
    cut = line[: data.draw(st.integers(1, len(line) - 1))]
    readings = attempt(f"{line}\n{cut}\n{line}\n")
    assert [r.value is not None for r in readings] == [True, False, True]


def test_deep_nesting_is_refused() -> None:
    """Nesting beyond any document is unreadable, not a crash."""
    attempt('{"subject":' * 5000 + "1" + "}" * 5000)
    attempt("[" * 100_000)
