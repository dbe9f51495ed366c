"""The consistency vignettes of the clinical brief, and every published case, through the engine.

The vignettes were written with the numbers they test: they prove that the knowledge is read as it
was meant, not that it is right.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from conftest import evaluation_folder
from evaluation import convert_published as convert
from hematon.engine import assess, assess_many
from hematon.interchange import phenopacket
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE

SHOWN = 10
"""Rows of the ranking a reader sees in full; with the always-show list they are what is shown."""


def test_vignettes_rank_as_stated(knowledge: Knowledge) -> None:
    """An expected condition is within the stated rank, and what must be listed is shown."""
    path = evaluation_folder("clinical") / "vignettes.json"
    vignettes: list[dict[str, Any]] = json.loads(path.read_text())
    packets = list(convert.vignettes_to_phenopackets(path))
    assert len(packets) == len(vignettes)
    for vignette, packet in zip(vignettes, packets, strict=True):
        case = phenopacket.read(orjson.dumps(packet), knowledge).value
        assert case is not None
        result = assess(case, knowledge)
        ranked = [c.condition for c in result.differential if c.condition != SOMETHING_ELSE]
        best = min(ranked.index(condition) + 1 for condition in vignette["expect"])
        assert best <= vignette["topk"], vignette["id"]
        shown = {a.condition for a in result.always_show} | set(ranked[:SHOWN])
        assert shown.issuperset(vignette.get("must_list", ())), vignette["id"]


@pytest.mark.parametrize(
    "name", ["published_cases.jsonl", "bmf_cases.jsonl", "other_cytopenia_cases.jsonl"]
)
def test_every_published_case_is_assessed(knowledge: Knowledge, name: str) -> None:
    """None crashes; each gives a whole ranking that is a distribution."""
    path = evaluation_folder("cases") / name
    convert_all = (
        convert.published_to_phenopackets
        if name.startswith("published")
        else convert.bmf_to_phenopackets
    )
    cases = []
    for packet in convert_all(path):
        case = phenopacket.read(orjson.dumps(packet), knowledge).value
        assert case is not None
        cases.append(case)
    many = assess_many(cases, knowledge)
    for i, case in enumerate(cases):
        result = json.loads(many.row(i, case).to_json())
        assert result["id"] == case.id
        assert len(result["differential"]) == len(knowledge.conditions)
        assert sum(c["posterior"] for c in result["differential"]) == pytest.approx(1.0)
