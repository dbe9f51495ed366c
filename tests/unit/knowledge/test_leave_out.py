"""The knowledge without some publications: only what rests on them alone goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hematon.knowledge import load_knowledge
from hematon.knowledge.without import leave_out, sources_alone


@pytest.fixture
def folder(data_folder: Path) -> Path:
    """A copy in which one publication holds one entry alone and another together with others."""
    sources = data_folder / "sources.yaml"
    text = sources.read_text("utf-8").replace(
        "sources:\n",
        "sources:\n"
        '  - {id: OWN, citation: "own", pmid: "11", doi: "10.1/ab", status: retrieved}\n'
        '  - {id: OTHER, citation: "other", pmid: "12", status: retrieved}\n',
        1,
    )
    sources.write_text(text, "utf-8")
    path = data_folder / "conditions" / "fanconi_anemia.yaml"
    text = path.read_text("utf-8")
    for finding, cited in (("HP:0001172", '"OWN"'), ("HP:0007400", '"OWN", "OTHER"')):
        before, at, after = text.partition(f'finding: "{finding}"')
        head, _, tail = after.partition("source: [")
        text = f"{before}{at}{head}source: [{cited}]{tail.partition(']')[2]}"
    path.write_text(text, "utf-8")
    return data_folder


def test_only_evidence_that_rests_on_them_alone_is_dropped(folder: Path) -> None:
    """The entry with a second source stays as it is; nothing else moves."""
    whole = load_knowledge(folder)
    left = leave_out(["PMID:11"], folder)
    assert sources_alone(whole, ["PMID:11"]) == {"OWN"}
    assert left.evidence("fanconi_anemia", "HP:0001172") is None
    assert left.evidence("fanconi_anemia", "HP:0007400") is not None
    moved = np.argwhere(left.frequency != whole.frequency)
    ids, findings = [c.id for c in whole.conditions], whole.finding_ids
    assert {(ids[i], findings[j]) for i, j in moved} == {("fanconi_anemia", "HP:0001172")}
    assert left.fingerprint != whole.fingerprint
    assert left.version == whole.version


def test_both_together_take_what_rests_on_both(folder: Path) -> None:
    """A set of publications is left out as one."""
    left = leave_out(["PMID:12", "PMID:11"], folder)
    assert left.evidence("fanconi_anemia", "HP:0007400") is None


def test_doi_names_a_publication_as_well(folder: Path) -> None:
    """In any case of letters."""
    whole = load_knowledge(folder)
    assert sources_alone(whole, ["DOI:10.1/AB"]) == {"OWN"}
    assert leave_out(["doi:10.1/ab"], folder) is leave_out(["PMID:11"], folder)


@pytest.mark.parametrize("publications", [(), ("PMID:12",), ("PMID:999",), ("PMID:None",)])
def test_knowledge_itself_when_nothing_rests_on_them(
    folder: Path, publications: tuple[str, ...]
) -> None:
    """Most publications hold no entry, and cost nothing."""
    assert leave_out(publications, folder) is load_knowledge(folder)


def test_what_the_annotations_counted_is_left_out(folder: Path) -> None:
    """Lines of a publication go, with a fingerprint that says so, beside entries or alone."""
    whole = load_knowledge(folder)
    counted = "PMID:12471199"
    assert whole.annotations.counted_in([counted, "PMID:0"]) == {counted}
    left = leave_out([counted], folder)
    assert left.annotations.left_out == {counted}
    assert left.fingerprint != whole.fingerprint
    both = leave_out([counted, "PMID:11"], folder)
    assert both.annotations.left_out == {counted}
    assert both.evidence("fanconi_anemia", "HP:0001172") is None
