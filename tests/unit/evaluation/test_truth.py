"""What counts as right: the table fits the knowledge, and a wrong table is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hematon.errors import KnowledgeError
from hematon.evaluation.truth import FILE, Truth, TruthTable, load_truth
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE


@pytest.mark.parametrize(
    ("disease", "conditions", "groups"),
    [
        ("OMIM:615272", {"fanconi_anemia"}, {"fanconi_anemia"}),
        ("OMIM:621262", {"dba"}, {"diamond_blackfan_anemia"}),
        ("OMIM:147791", {"bss_other_it"}, {"inherited_thrombocytopenia"}),
        ("OMIM:231000", {"gaucher"}, {"storage_infiltrative"}),
        ("OMIM:620926", set(), {"inherited_bmf_other"}),
        ("OMIM:256500", {SOMETHING_ELSE}, {SOMETHING_ELSE}),
        ("HEMATON:tec", {"tec"}, {"tec"}),
    ],
)
def test_disease_stands_for_its_condition_and_group(
    table: TruthTable, disease: str, conditions: set[str], groups: set[str]
) -> None:
    """By the table, and by Hematon's own id."""
    truth = table.of_diseases(["OMIM:0", disease])
    assert truth == Truth(frozenset(conditions), frozenset(groups))


def test_code_of_a_condition_file_counts(table: TruthTable, loaded: Knowledge) -> None:
    """Every OMIM, ORPHA and MONDO code of the knowledge names its own condition, or its like."""
    for code, condition in loaded.condition_codes.items():
        if code.startswith(("OMIM", "ORPHA", "MONDO")):
            truth = table.of_diseases([code])
            assert truth is not None
            assert condition in truth.conditions, code
            assert code in table.diseases_of(condition)


def test_unknown_names_have_no_truth(table: TruthTable) -> None:
    """A disease, diagnosis or group that nothing names is not guessed."""
    assert table.of_diseases(["OMIM:0"]) is None
    assert table.of_diagnosis("of no kind") is None
    assert table.of_case_group("of no kind") is None


def test_something_else_is_a_truth_of_its_own(table: TruthTable) -> None:
    """Scurvy is no condition of ours, and a group without a condition is not something else."""
    scurvy = table.of_diagnosis("other:scurvy")
    assert scurvy is not None
    assert scurvy.is_something_else
    assert scurvy == table.something_else()
    group = table.of_case_group("inherited_thrombocytopenia")
    assert group is not None
    assert (group.conditions, group.is_something_else) == (frozenset(), False)


def test_every_group_of_many_conditions_is_known(table: TruthTable) -> None:
    """A case group is scored as a group that some condition, or the table, belongs to."""
    content = yaml.safe_load(FILE.read_text("utf-8"))
    for name, entry in content["case_groups"].items():
        truth = table.of_case_group(name)
        assert truth is not None
        for condition in entry.get("conditions", []):
            assert table.group_of(condition) == entry["group"], name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"groups": {"a": ["dba"], "b": ["dba"]}}, "stands in two groups"),
        ({"groups": {"a": ["dbaa"]}}, "dbaa is no condition"),
        ({"diagnoses": {"x": ["dbaa"]}}, "dbaa is no condition"),
        ({"diseases": [{"ids": ["OMIM:1"]}]}, "or else a group"),
        ({"diseases": [{"ids": ["OMIM:1"], "group": "a"}]}, "a is no group"),
        ({"diseases": [{"ids": ["OMIM:1", "OMIM:1"], "group": "dba"}]}, "stands there twice"),
        ({"case_groups": {"x": {"group": "a"}}}, "a is no group"),
        ({"groups": 3}, "does not fit its schema at groups"),
    ],
)
def test_wrong_table_is_refused(
    tmp_path: Path, loaded: Knowledge, change: dict[str, object], said: str
) -> None:
    """Each rule of the table has a table that breaks it."""
    content = {
        "reviewed": "2026-11-23",
        "groups": {},
        "case_groups": {},
        "diagnoses": {},
        "diseases": [],
    }
    file = tmp_path / "truth.yaml"
    file.write_text(yaml.safe_dump(content), "utf-8")
    file.write_text(file.read_text("utf-8").replace("'2026-11-23'", "2026-11-23"), "utf-8")
    load_truth(loaded, file)
    text = yaml.safe_dump({**content, **change}).replace("'2026-11-23'", "2026-11-23")
    file.write_text(text, "utf-8")
    with pytest.raises(KnowledgeError, match=said):
        load_truth(loaded, file)
