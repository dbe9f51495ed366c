"""Where the ranking was never tested is said, from the tallies and from nothing else."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hematon.engine.assessment import Assessment
from hematon.knowledge import load_knowledge
from hematon.report import html, terminal, tested
from hematon.report.tested import with_doubt
from unit.report import sample

FANCONI = {"cases": 4, "publications": 1, "first": 2, "in_three": 3}
NOBODY = {"cases": 0, "publications": 0, "first": 0, "in_three": 0}


def tallies(**more: Any) -> dict[str, Any]:
    """Give the tallies of an evaluation that tested one condition at one age."""
    return {
        "engine": "0",
        "knowledge": "2026-01-01",
        "fingerprint": "f",
        "conditions": {"fanconi_anemia": FANCONI},
        "ages": [
            {"name": "under 1 year", "from_days": 0, "below_days": 365, "tally": NOBODY},
            {"name": "1 year and over", "from_days": 365, "below_days": None, "tally": FANCONI},
        ],
        "ancestry_stated": 1,
        "duffy_null": 0,
        "cases": 4,
        **more,
    }


def doubted(tmp_path: Path, assessment: Assessment, **more: Any) -> Assessment:
    """Add the doubt of such tallies."""
    file = tmp_path / f"{len(more)}.json"
    file.write_text(json.dumps(tallies(**more)), "utf-8")
    return with_doubt(assessment, file)


def test_condition_says_on_whom_it_was_tested(tmp_path: Path) -> None:
    """One that the tallies do not hold was never tested; one not written out says nothing."""
    found = doubted(tmp_path, sample.full())
    assert tested.of_condition(found, "fanconi_anemia") == (
        "Tested on 4 published patients (1 publication): right answer first in 2, in the first "
        "three in 3"
    )
    assert tested.of_condition(found, "aa_idiopathic") == "Never tested on a published patient"
    assert tested.of_condition(found, "no such condition") == ""
    assert tested.in_brief(found, "fanconi_anemia") == "tested on 4 published patients, right in 2"
    assert tested.in_brief(found, "aa_idiopathic") == "never tested"
    assert tested.in_brief(found, "no such condition") == ""
    assert tested.in_brief(sample.full(), "fanconi_anemia") == ""
    assert found.doubt is not None
    named = [c.name for c in found.doubt.conditions]
    assert "acute_leukemia" in named
    assert len(named) == len(set(named))


def test_age_and_ancestry_are_said(tmp_path: Path) -> None:
    """The band of this child, that ancestry tells nothing, and that the knowledge moved on."""
    said = "\n".join(tested.lines(doubted(tmp_path, sample.full())))
    assert "At the age of this child (1 year and over) tested on 4 published patients" in said
    assert "stated for 1 of the 4 published patients" in said
    assert "knowledge 2026-01-01 as it then was" in said
    assert "Duffy" not in said


def test_age_never_tested_or_not_known(tmp_path: Path) -> None:
    """An empty band, no age, and an age beyond every band are three things."""
    young = "\n".join(tested.lines(doubted(tmp_path, sample.emergency())))
    assert "Never tested at the age of this child (under 1 year)" in young
    assert "Never tested on a published patient with the Duffy-null count" in young
    unknown = "\n".join(tested.lines(doubted(tmp_path, sample.sparse())))
    assert "The age is not stated" in unknown
    beyond = doubted(tmp_path, sample.full(), ages=[])
    assert beyond.doubt is not None
    assert beyond.doubt.age is None


def test_duffy_null_tested(tmp_path: Path) -> None:
    """With a number, it is said."""
    found = doubted(tmp_path, sample.emergency(), duffy_null=1)
    assert "Tested on 1 published patient with the Duffy-null" in "\n".join(tested.lines(found))


def test_same_knowledge_needs_no_warning(tmp_path: Path) -> None:
    """The fingerprint decides, not the date."""
    found = sample.full()
    same = doubted(tmp_path, found, fingerprint=found.versions.fingerprint)
    assert same.doubt is not None
    assert same.doubt.same_knowledge
    assert "as it then was" not in "\n".join(tested.lines(same))


def test_without_tallies_nothing_is_said(tmp_path: Path) -> None:
    """An installation without the file says nothing rather than something kind."""
    found = with_doubt(sample.full(), tmp_path / "nowhere.json")
    assert found.doubt is None
    assert tested.lines(found) == ()
    assert tested.of_condition(found, "fanconi_anemia") == ""


def test_json_carries_the_doubt(tmp_path: Path) -> None:
    """A reader of the JSON sees what a reader of the report sees."""
    written = json.loads(doubted(tmp_path, sample.full()).to_json())
    assert written["doubt"]["conditions"][0] == {"name": "fanconi_anemia", **FANCONI}


def test_both_reports_say_it(tmp_path: Path) -> None:
    """Beside each condition written out, and once for the child."""
    found = doubted(tmp_path, sample.full())
    console = Console(width=200, record=True, file=io.StringIO())
    terminal.render(found, console)
    page = html.render(found, load_knowledge())
    for text in (console.export_text(), page):
        assert "Tested on 4 published patients (1 publication)" in text
        assert "Never tested on a published patient" in text
        assert "At the age of this child" in text


def test_packaged_tallies_are_of_conditions_of_the_knowledge() -> None:
    """The file in the package fits the knowledge, and holds counts only."""
    packaged = json.loads(tested.FILE.read_text("utf-8"))
    assert set(packaged["conditions"]) <= load_knowledge().condition_ids
    for tally in (*packaged["conditions"].values(), *(a["tally"] for a in packaged["ages"])):
        assert 0 <= tally["first"] <= tally["in_three"] <= tally["cases"]
        assert tally["publications"] <= tally["cases"]
    assert with_doubt(replace(sample.full())).doubt is not None


@pytest.mark.parametrize("days", [0, 364, 365, 6574, 6575, 20000])
def test_every_age_has_a_band(days: int) -> None:
    """The packaged bands leave no hole."""
    found = with_doubt(replace(sample.full(), age_days=days))
    assert found.doubt is not None
    assert found.doubt.age is not None
