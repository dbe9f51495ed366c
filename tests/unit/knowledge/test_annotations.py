"""The public annotations: what lines become, what leaving a publication out leaves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hematon.knowledge import Knowledge, load_knowledge
from hematon.knowledge.annotations import Annotations, closure, counts, frequencies
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.without import without_annotations_of

JACOBSEN = "OMIM:147791"


@pytest.fixture(scope="module")
def annotations(knowledge: Knowledge) -> Annotations:
    """The shipped annotations."""
    return knowledge.annotations


def row_of(annotations: Annotations, disease: str) -> int:
    """Give the row of a disease."""
    return next(i for i in range(len(annotations.owner)) if annotations.disease(i)[0] == disease)


def column_of(annotations: Annotations, term: str) -> int:
    """Give the column of a term that is known."""
    at = annotations.column(term)
    assert at is not None
    return at


def test_counts_are_pooled_and_come_before_statements() -> None:
    """3 of 4 and 1 of 2 are 4 of 6, a little drawn down; a stated class beside them is ignored."""
    lines = [
        ("d", "a", "3", "4", "", "PMID:1"),
        ("d", "a", "1", "2", "", "PMID:2"),
        ("d", "a", "", "", "0.9", "PMID:3"),
        ("d", "b", "", "", "", "PMID:3"),
        ("d", "c", "", "", "0.17", "PMID:3"),
        ("d", "c", "", "", "0.55", "PMID:4"),
    ]
    found = frequencies(lines, {"a": 0, "b": 1, "c": 2})
    assert found == {0: pytest.approx(4.3 / 7), 1: 0.5, 2: pytest.approx(0.36)}


def test_none_of_many_is_nothing() -> None:
    """What nobody had does not speak for the disease, however few were looked at."""
    assert frequencies([("d", "a", "0", "7", "", "PMID:1")], {"a": 0}) == {0: 0.0}


def test_a_line_of_several_publications_goes_with_any_of_them(annotations: Annotations) -> None:
    """A reference may name several; leaving one out leaves the line out."""
    several = next(
        reference
        for reference in annotations.arrays["reference"].tobytes().decode().split("\n")
        if ";" in reference
    )
    one = several.split(";")[-1]
    assert annotations.counted_in([one, "PMID:0"]) == {one}
    without = annotations.without([one])
    row = int(
        annotations.arrays["line_row"][
            annotations.arrays["line_reference"]
            == annotations.arrays["reference"].tobytes().decode().split("\n").index(several)
        ][0]
    )
    named = [x.reference for x in annotations.lines(row, column_of(annotations, "HP:0000118"))]
    left = [x.reference for x in without.lines(row, column_of(annotations, "HP:0000118"))]
    assert several in named
    assert several not in left


def test_what_is_beneath_counts_for_what_is_above() -> None:
    """A root with two branches, one of them annotated twice: noisy-or on the way up, once each."""
    none = np.empty(0, dtype=np.int64)
    root = np.array([0])
    parents = [none, root, root, np.array([1, 2])]
    assert closure({3: 0.5, 1: 0.2}, parents) == pytest.approx([0.6, 0.6, 0.5, 0.5])
    assert closure({3: 1.0}, parents).max() < 1


def test_a_term_is_found_by_its_id(annotations: Annotations) -> None:
    """A phenotype has a column; a mode of inheritance, an unknown id and no id have none."""
    at = column_of(annotations, "HP:0001903")
    assert annotations.term_name(at) == "Anemia"
    assert annotations.column("HP:0000006") is None
    assert annotations.column("HP:9999999") is None
    assert annotations.column("LAB_ANEMIA") is None


def test_each_condition_begins_with_its_own_entry(
    annotations: Annotations, knowledge: Knowledge
) -> None:
    """Rows are in order of condition, the entry first, every condition present."""
    assert (np.diff(annotations.owner) >= 0).all()
    first = np.flatnonzero(np.diff(annotations.owner, prepend=-1))
    assert len(first) == len(knowledge.conditions) - 1
    assert all(annotations.disease(int(i)) == ("", "") for i in first)


def test_lines_say_who_counted(annotations: Annotations) -> None:
    """Lines come with their publication, those of most patients first, and those beneath."""
    row = row_of(annotations, "OMIM:274000")
    lines = annotations.lines(row, column_of(annotations, "HP:0009777"))
    assert lines
    assert lines == sorted(lines, key=lambda x: (-(x.of or 0), -(x.frequency or 0.0), x.term))
    assert all(x.disease == "OMIM:274000" and x.reference and x.term_name for x in lines)
    stated = annotations.lines(
        row_of(annotations, "ORPHA:84"), column_of(annotations, "HP:0004322")
    )
    assert all(x.n is None and x.of is None and x.frequency is not None for x in stated)


def test_leaving_a_publication_out_forgets_what_it_counted(annotations: Annotations) -> None:
    """Its disease has less of the term, another keeps its own; twice is as once."""
    row, at = row_of(annotations, "OMIM:274000"), column_of(annotations, "HP:0001627")
    other = row_of(annotations, "ORPHA:3320")
    counted = [x.reference for x in annotations.lines(row, at)]
    without = annotations.without(counted)
    assert without.frequency(at)[row] < annotations.frequency(at)[row]
    assert without.frequency(at)[other] == annotations.frequency(at)[other]
    assert not without.lines(row, at)
    assert without.without(counted).frequency(at) == pytest.approx(without.frequency(at))
    assert annotations.without(["PMID:0"]) is annotations


def test_counts_of_one_publication_are_of_the_same_patients(files: KnowledgeFiles) -> None:
    """Two terms that satisfy one finding in one publication are not added."""
    found = counts(files)
    for findings in found.values():
        for publications in findings.values():
            assert all(0 <= n <= of for n, of in publications.values())
    assert "LAB_ANEMIA" not in found["dba"]
    assert "LAB_MCV_HIGH" not in found["dba"]


def test_a_count_takes_the_place_of_an_estimate(knowledge: Knowledge) -> None:
    """Leukoplakia in a telomere disorder is counted in the annotations; the estimate is kept."""
    row = knowledge.raw["evidence"]["tbd"]["HP:0000252"]
    assert (row["grade"], row["source"]) == ("counted", ["HPOA"])
    assert row["of"] >= knowledge.parameters["counted_least"]
    assert row["n"] == sum(n for n, _ in row["counts"].values())
    assert row["estimate"]["grade"] == "expert"


def test_without_its_publications_a_count_falls_back(knowledge: Knowledge) -> None:
    """With some left out it is of fewer; with all left out the estimate stands again."""
    row = knowledge.raw["evidence"]["tbd"]["HP:0001518"]
    at = knowledge.findings["HP:0001518"].index
    tbd = next(c.index for c in knowledge.conditions if c.id == "tbd")
    publications = sorted(row["counts"], key=lambda name: row["counts"][name][1])
    fewer = without_annotations_of(knowledge, publications[:1])
    evidence = fewer.evidence("tbd", "HP:0001518")
    assert evidence is not None
    assert evidence.of == row["of"] - row["counts"][publications[0]][1]
    none = without_annotations_of(knowledge, publications)
    evidence = none.evidence("tbd", "HP:0001518")
    assert evidence is not None
    assert (evidence.of, evidence.grade) == (None, "expert")
    assert none.frequency[tbd, at] == pytest.approx(row["estimate"]["frequency"])
    assert without_annotations_of(knowledge, ["PMID:0"]) is knowledge


def test_annotations_are_compiled_again_when_the_kept_form_is_gone(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data_folder: Path
) -> None:
    """A cache that is lost or spoilt costs time, never an answer; one that cannot be kept too."""
    monkeypatch.setenv("HEMATON_CACHE_DIR", str(tmp_path / "cache"))
    first = load_knowledge(data_folder)
    assert first.annotations.frequency(1000) == pytest.approx(knowledge.annotations.frequency(1000))
    (kept,) = (tmp_path / "cache").glob("*.npz")
    kept.write_bytes(b"spoilt")
    again = dataclasses.replace(first)
    assert again.annotations.owner.tolist() == knowledge.annotations.owner.tolist()
    load_knowledge.cache_clear()
    assert (
        load_knowledge(data_folder).annotations.owner.tolist() == again.annotations.owner.tolist()
    )
    load_knowledge.cache_clear()


def test_every_term_is_found_by_its_own_id(annotations: Annotations) -> None:
    """What a search by name gives is what a record states."""
    terms = dict(annotations.terms())
    assert terms["HP:0001744"] == "Splenomegaly"
    for code in list(terms)[::500]:
        assert annotations.term_name(column_of(annotations, code)) == terms[code]
    assert list(terms) == sorted(terms)
