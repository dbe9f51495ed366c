"""Reading the knowledge files: strict, and every problem at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hematon.errors import KnowledgeError
from hematon.knowledge.files import (
    DATA,
    SINGLE_FILES,
    TABLES,
    KnowledgeFiles,
    data_files,
    read_files,
)
from hematon.knowledge.records import Criterion


def test_shipped_files_are_read_in_order_of_path(files: KnowledgeFiles) -> None:
    """Order of conditions is that of their files, so arrays have the same axes every time."""
    assert [c.id for c in files.conditions] == sorted(c.id for c in files.conditions)


def test_each_condition_and_interval_stands_in_the_file_named_for_it(
    files: KnowledgeFiles,
) -> None:
    """An issue can name the file from the id, and an editor finds the entry."""
    assert [c.id for c in files.conditions] == [p.stem for p in _sorted("conditions")]
    assert [i.analyte for i in files.intervals] == [p.stem for p in _sorted("reference_intervals")]


def test_every_yaml_file_of_the_folder_is_read(files: KnowledgeFiles) -> None:
    """No file lies in the folder that nothing reads."""
    many = len(files.conditions) + len(files.intervals) + len(files.severity)
    assert len(data_files(DATA)) == many + len(SINGLE_FILES) + len(TABLES)


def test_missing_file_is_reported(data_folder: Path) -> None:
    """A file that is gone stops the start."""
    (data_folder / "cutoffs.yaml").unlink()
    assert _problems(data_folder) == [("missing-file", "cutoffs.yaml")]


def test_text_that_is_not_yaml_is_reported_with_its_line(data_folder: Path) -> None:
    """A slip of syntax names the line."""
    (data_folder / "cutoffs.yaml").write_text("edition: '1'\ncutoffs: [\n", "utf-8")
    assert _problems(data_folder) == [("not-yaml", "cutoffs.yaml, line 3")]


def test_bytes_that_are_not_text_are_reported(data_folder: Path) -> None:
    """A file in another encoding is not guessed at."""
    (data_folder / "cutoffs.yaml").write_bytes(b"\xff\xfe\x00")
    assert _problems(data_folder) == [("not-yaml", "cutoffs.yaml")]


def test_unknown_key_is_refused(data_folder: Path) -> None:
    """A misspelt key is an error and never a silent default."""
    _edit(data_folder / "settings.yaml", "default: referral", "defualt: referral")
    assert _problems(data_folder) == [
        ("schema", "settings.yaml#/default"),
        ("schema", "settings.yaml#/defualt"),
    ]


def test_number_in_quotes_is_refused(data_folder: Path) -> None:
    """Types are strict: a number is a number."""
    path = data_folder / "conditions" / "fanconi_anemia.yaml"
    _edit(path, "prior: {value: 0.5", 'prior: {value: "0.5"')
    assert _problems(data_folder) == [("schema", "conditions/fanconi_anemia.yaml#/prior/value")]


def test_probability_above_one_is_refused(data_folder: Path) -> None:
    """A percentage typed as a probability is found."""
    path = data_folder / "conditions" / "fanconi_anemia.yaml"
    _edit(path, "male_fraction: 0.5", "male_fraction: 50.0")
    assert _problems(data_folder) == [
        ("schema", "conditions/fanconi_anemia.yaml#/sex/male_fraction")
    ]


def test_problems_of_all_files_are_gathered(data_folder: Path) -> None:
    """An editor sees everything that is wrong, not the first."""
    (data_folder / "cutoffs.yaml").unlink()
    _edit(data_folder / "settings.yaml", "default: referral", "defualt: referral")
    (data_folder / "conditions" / "dba.yaml").write_text("[", "utf-8")
    wheres = {where.partition(",")[0] for _, where in _problems(data_folder)}
    assert wheres == {
        "cutoffs.yaml",
        "settings.yaml#/default",
        "settings.yaml#/defualt",
        "conditions/dba.yaml",
    }


def test_table_with_a_wrong_row_is_reported(data_folder: Path) -> None:
    """A row with a column too few is named by its number."""
    path = data_folder / "annotations" / "diseases.csv"
    _edit(path, "tar,OMIM:274000,", "tar,")
    ((code, where),) = _problems(data_folder)
    assert code == "not-csv"
    assert re.fullmatch(r"annotations/diseases\.csv, row \d+", where)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, ("missing-file", "annotations/lines.csv")),
        (b"\xff\xfe", ("not-csv", "annotations/lines.csv")),
        (b"", ("not-csv", "annotations/lines.csv")),
        (b"a,b,c,d,e,f\n", ("not-csv", "annotations/lines.csv")),
    ],
)
def test_table_that_is_none_is_reported(
    data_folder: Path, content: bytes | None, problem: tuple[str, str]
) -> None:
    """A table that is gone, or is no table, stops the start."""
    path = data_folder / "annotations" / "lines.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert _problems(data_folder) == [problem]


def test_message_counts_the_problems_and_names_the_first(data_folder: Path) -> None:
    """What a user sees without the list still says where to start."""
    (data_folder / "cutoffs.yaml").unlink()
    with pytest.raises(KnowledgeError, match=r"1 problem.*cutoffs\.yaml: the file is missing"):
        read_files(data_folder)


@pytest.mark.parametrize(
    "keys",
    [
        {"finding": "LAB_BLASTS", "fact": "prior_normal"},
        {},
        {"at_least": 2},
        {"of": [{"sex": "male"}]},
        {"analyte": "anc"},
        {"analyte": "anc", "below": 1.0, "above": 2.0},
        {"finding": "LAB_BLASTS", "below": 1.0},
    ],
)
def test_rule_says_exactly_one_thing(keys: dict[str, object]) -> None:
    """A node of two kinds, of none, or without its comparison is refused."""
    with pytest.raises(ValueError, match=r"exactly one|needs"):
        Criterion.model_validate(keys)


def _sorted(folder: str) -> list[Path]:
    return sorted((DATA / folder).glob("*.yaml"))


def _problems(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(KnowledgeError) as caught:
        read_files(folder)
    return sorted((issue.code, issue.where) for issue in caught.value.issues)


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
