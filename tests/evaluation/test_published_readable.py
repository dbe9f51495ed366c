"""Every evaluation case is read, and nothing that its source states is lost without a word."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from phenopackets import Phenopacket

from conftest import evaluation_folder
from evaluation.convert_published import (
    COUNTS,
    bmf_to_phenopackets,
    published_to_phenopackets,
    series_day,
    vignettes_to_phenopackets,
)
from hematon.engine.case import Case
from hematon.errors import Issue
from hematon.interchange.detect import read_any
from hematon.knowledge import load_knowledge

KNOWLEDGE = load_knowledge()
FILES = {
    "published_cases.jsonl": 54,
    "bmf_cases.jsonl": 224,
    "other_cytopenia_cases.jsonl": 34,
    "other_disease_cases.jsonl.gz": 2184,
}


def packets(name: str) -> list[dict[str, Any]]:
    """Give the packets of one file of the cases."""
    path = evaluation_folder("cases") / name
    convert = published_to_phenopackets if name.startswith("published") else bmf_to_phenopackets
    return list(convert(path))


def read(documents: list[dict[str, Any]]) -> Iterator[tuple[Case, tuple[Issue, ...]]]:
    """Read packets as one file of lines, through the door a file comes in by."""
    raw = "\n".join(json.dumps(document) for document in documents).encode()
    for reading in read_any(raw, KNOWLEDGE):
        assert reading.value is not None
        yield reading.value, reading.issues


def lost(issues: tuple[Issue, ...], part: str) -> int:
    """Count the errors, which mean something lost, within one part of a packet."""
    return sum(i.level == "error" and f"/{part}/" in i.where for i in issues)


@pytest.mark.parametrize("name", FILES)
def test_every_case_is_read_and_none_is_thinner_than_its_source(name: str) -> None:
    """Each feature of each case is a finding or an error; each age and publication is kept."""
    documents = packets(name)
    assert len(documents) >= FILES[name]
    read_back = list(read(documents))
    assert len(read_back) == len(documents)
    for document, (case, issues) in zip(documents, read_back, strict=True):
        features = document["phenotypicFeatures"]
        named = [f for f in case.findings if "/phenotypicFeatures/" in f.where]
        assert len(named) + lost(issues, "phenotypicFeatures") == len(features), case.id
        assert [f.observed for f in named] == [
            "excluded" not in f
            for i, f in enumerate(features)
            if not any(f"/phenotypicFeatures/{i}/" in x.where for x in issues if x.level == "error")
        ]
        assert (case.sex or "unknown_sex").upper() == document["subject"]["sex"]
        assert case.age_days is not None or "timeAtLastEncounter" not in document["subject"]
        assert len(case.publications) == len(
            {r["id"] for r in document["metaData"]["externalReferences"]}
        )
        taken = len(case.measurements) + sum("/measurements/" in i.where for i in issues)
        assert taken >= len(document["measurements"])


def test_every_published_count_is_a_measurement_or_an_issue() -> None:
    """Each count of each report, at presentation or dated later, arrives as it was printed."""
    path = evaluation_folder("cases") / "published_cases.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row, (case, issues) in zip(rows, read(packets(path.name)), strict=True):
        printed = {(n, 0, v) for n, v in row["presentation_day0"].items() if v is not None}
        for entry in row["series"]:
            day = series_day(entry)
            printed |= {(n, day, entry[n]) for n in COUNTS if n in entry and day is not None}
        codes = {c.removeprefix("LOINC:") for c, _ in COUNTS.values()}
        analytes = {KNOWLEDGE.loinc[code].analyte for code in codes}
        arrived = [m for m in case.measurements if m.analyte in analytes]
        implausible = sum(i.code == "value-implausible" for i in issues)
        assert len(arrived) + implausible >= len(printed), row["id"]
        values = Counter(m.value for m in arrived)
        if not implausible:
            assert not Counter(float(v) for _, _, v in printed) - values, row["id"]


def test_no_packet_tells_the_diagnosis() -> None:
    """Neither the disease nor, unless asked for, a gene stands in a packet."""
    folder = evaluation_folder("cases")
    for name in FILES:
        path = folder / name
        if name.startswith("published"):
            documents = published_to_phenopackets(path, include_variants=False)
        else:
            documents = bmf_to_phenopackets(path)
        for document in documents:
            text = json.dumps(document)
            assert "interpretations" not in document
            assert all(d["term"]["id"] == "MONDO:0000001" for d in document.get("diseases", []))
            assert '"OMIM:' not in text
            assert "diagnosis" not in text


@pytest.mark.parametrize("name", list(FILES)[:3])
def test_variants_are_written_when_asked_for(name: str) -> None:
    """Genes and variants come with the flag, and are read or noted."""
    path = evaluation_folder("cases") / name
    convert = published_to_phenopackets if name.startswith("published") else bmf_to_phenopackets
    documents = list(convert(path, include_variants=True))
    for document, (case, issues) in zip(documents, read(documents), strict=True):
        written = sum(
            len(i["diagnosis"]["genomicInterpretations"])
            for i in document.get("interpretations", [])
        )
        unclear = sum(i.code == "variant-unclear" for i in issues)
        assert len(case.variants) + unclear == written


def test_every_vignette_is_read_whole() -> None:
    """Each vignette's findings arrive, present and absent, without an error."""
    path: Path = evaluation_folder("clinical") / "vignettes.json"
    rows = json.loads(path.read_text())
    assert len(rows) == 34
    for row, (case, issues) in zip(rows, read(list(vignettes_to_phenopackets(path))), strict=True):
        assert {f.code for f in case.findings if f.observed} == set(row["present"])
        assert {f.code for f in case.findings if not f.observed} == set(row["absent"])
        assert not [i for i in issues if i.level == "error"]
        assert case.age_days == int(row["age"] * 365.25)


def test_packets_are_valid_for_the_official_library() -> None:
    """GA4GH's own parser accepts what the converter writes."""
    for name in list(FILES)[:3]:
        for document in packets(name):
            ParseDict(document, Phenopacket())
    for document in vignettes_to_phenopackets(evaluation_folder("clinical") / "vignettes.json"):
        ParseDict(document, Phenopacket())
