"""Case sets are known by their content, read without a diagnosis, and lose no case in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hematon.errors import UnreadableError
from hematon.evaluation.case_sets import CaseSets, EvaluationCase, read_case_sets
from hematon.evaluation.truth import TruthTable
from hematon.knowledge import Knowledge
from unit.evaluation.case_files import packet, write_lines


def _case(sets: CaseSets, name: str) -> EvaluationCase:
    (found,) = [c for c in sets.cases if c.case.id == name]
    return found


def test_every_case_is_scored_or_said_why_not(sets: CaseSets) -> None:
    """Cases in = scored + not scored + unreadable."""
    assert len(sets.cases) == 4 + 2 + 2 + 3
    assert sets.not_scored == {
        ("packets", "OMIM:999999"): 1,
        ("packets", "no disease named"): 1,
        ("reports.jsonl", "of no kind"): 1,
        ("terms.jsonl", "of no kind (OMIM:4)"): 1,
    }
    assert sets.unreadable == {"terms.jsonl": 1}
    assert sets.passed_over == ("broken.ndjson", "notes.json")


def test_truth_comes_from_disease_group_key_or_set(sets: CaseSets) -> None:
    """A set without tiers is of other diseases, whatever a disease may stand for elsewhere."""
    assert _case(sets, "fa2").truth.conditions == {"fanconi_anemia"}
    assert _case(sets, "ghosal").truth.groups == {"inherited_bmf_other"}
    assert _case(sets, "t1").truth.conditions == {"dba"}
    assert _case(sets, "t2").truth.is_something_else
    assert _case(sets, "o1").truth.is_something_else
    assert _case(sets, "r3").truth.conditions == {"aa_idiopathic", "aa_hepatitis"}


def test_publication_circularity_and_ancestry_are_kept(sets: CaseSets) -> None:
    """An address stands for a publication without an id."""
    assert _case(sets, "fa1").publication == _case(sets, "fa2").publication == "PMID:11"
    assert _case(sets, "r1").publication == "https://example.org/r1"
    assert _case(sets, "t1").circular
    assert not _case(sets, "t2").circular
    assert _case(sets, "r1").ancestry_stated
    assert _case(sets, "r1").key == "reports.jsonl:r1"


def test_packet_without_publication_is_its_own(
    tmp_path: Path, loaded: Knowledge, table: TruthTable
) -> None:
    """Nothing says that two such cases belong together."""
    file = tmp_path / "two.json"
    file.write_text(json.dumps([packet("a", "HEMATON:dba"), packet("b", "HEMATON:dba")]), "utf-8")
    one, two = read_case_sets(file, loaded, table).cases
    assert one.publication != two.publication
    assert one.case_set == "two.json"


def test_diagnosis_genes_and_variants_are_withheld(
    tmp_path: Path, loaded: Knowledge, table: TruthTable
) -> None:
    """The engine sees them only when asked to, and the diagnosis never."""
    file = write_lines(tmp_path / "p.jsonl", [packet("a", "OMIM:227645", gene="FANCC")])
    (case,) = read_case_sets(file, loaded, table).cases
    assert case.case.variants == case.case.recorded_conditions == ()
    (case,) = read_case_sets(file, loaded, table, include_variants=True).cases
    assert [v.gene for v in case.case.variants] == ["FANCC"]
    assert case.case.recorded_conditions == case.case.excluded_conditions == ()


def test_onset_stays_when_the_disease_goes(
    tmp_path: Path, loaded: Knowledge, table: TruthTable
) -> None:
    """The age of many patients hangs on it."""
    document = packet("a", "OMIM:227645")
    del document["subject"]["timeAtLastEncounter"]
    document["diseases"][0]["onset"] = {"age": {"iso8601duration": "P2Y"}}
    (case,) = read_case_sets(write_lines(tmp_path / "p.jsonl", [document]), loaded, table).cases
    assert case.case.age_days is not None
    assert 700 < case.case.age_days < 740


def test_unreadable_packet_is_counted(tmp_path: Path, loaded: Knowledge, table: TruthTable) -> None:
    """A packet without its parts beside a good one, and a line that is no object."""
    file = tmp_path / "p.jsonl"
    rows = [packet("a", "HEMATON:dba"), {"subject": 3}, {"diseases": 3}, 5]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    found = read_case_sets(file, loaded, table)
    assert len(found.cases) == 1
    assert found.unreadable == {"p.jsonl": 2}


def test_progress_is_told(folder: Path, loaded: Knowledge, table: TruthTable) -> None:
    """Once for each file, to the end."""
    told: list[tuple[int, int]] = []
    read_case_sets(folder, loaded, table, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(told)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_place_without_cases_is_refused(
    tmp_path: Path, loaded: Knowledge, table: TruthTable, name: str
) -> None:
    """Nothing there, and nothing of use there, are said and never an empty result."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableError, match=r"nothing at this place|no case could be scored"):
        read_case_sets(tmp_path / name, loaded, table)


def test_null_fields_of_a_packet_are_absent_ones(
    tmp_path: Path, loaded: Knowledge, table: TruthTable
) -> None:
    """Some writers spell out what is empty; the diagnosis may stand in either place."""
    one, other = packet("a", "OMIM:227645"), packet("b", "OMIM:227645", gene="FANCC")
    one["interpretations"] = other["diseases"] = None
    other["interpretations"].append({"id": "x", "diagnosis": None})
    file = write_lines(tmp_path / "p.jsonl", [one, other])
    for variants in (False, True):
        found = read_case_sets(file, loaded, table, include_variants=variants)
        assert [c.truth.conditions for c in found.cases] == [{"fanconi_anemia"}] * 2
