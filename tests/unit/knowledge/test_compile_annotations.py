"""`tools/compile_annotations.py`: how a line of the public annotation file is read."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest

from tool_modules import tool_module

HEADER = ["database_id", "disease_name", "qualifier", "hpo_id", "reference", "frequency", "aspect"]
CURRENT = {"HP:1": "HP:1", "HP:2": "HP:1", "HP:3": ""}
"""A term as it is, one replaced by it, and one that went without a successor."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool, as a module."""
    return tool_module("compile_annotations")


def read(tool: ModuleType, **fields: str) -> list[list[str]]:
    """Read a file of one line."""
    row = {
        "database_id": "OMIM:1", "disease_name": "A  disease", "qualifier": "", "hpo_id": "HP:1",
        "reference": "PMID:9", "frequency": "", "aspect": "P",
    } | fields  # fmt: skip
    text = "\n".join(("#version: x", "\t".join(HEADER), "\t".join(row[name] for name in HEADER)))
    found = list(tool.annotation_lines(text, SimpleNamespace(current=CURRENT)))
    assert all((disease, name) == ("OMIM:1", "A disease") for disease, name, _ in found)
    return [line for _, _, line in found]


@pytest.mark.parametrize(
    ("fields", "cells"),
    [
        ({"frequency": "3/7"}, ["3", "7", ""]),
        ({"frequency": "HP:0040283"}, ["", "", "0.17"]),
        ({"frequency": "12.5%"}, ["", "", "0.125"]),
        ({"frequency": ""}, ["", "", ""]),
        ({"qualifier": "NOT"}, ["0", "1", ""]),
        ({"qualifier": "NOT", "frequency": "0/16"}, ["0", "16", ""]),
        ({"hpo_id": "HP:2", "frequency": "1/2"}, ["1", "2", ""]),
    ],
)
def test_line_is_read_as_published(
    tool: ModuleType, fields: dict[str, str], cells: list[str]
) -> None:
    """A count, a class at its middle, a share, nothing; looked for and absent is none of them."""
    assert read(tool, **fields) == [["OMIM:1", "HP:1", *cells, "PMID:9"]]


@pytest.mark.parametrize("fields", [{"aspect": "I"}, {"hpo_id": "HP:3"}, {"hpo_id": "HP:4"}])
def test_line_that_is_no_phenotype_of_this_release_is_passed_over(
    tool: ModuleType, fields: dict[str, str]
) -> None:
    """A mode of inheritance, a term without a successor, and one nobody knows."""
    assert read(tool, **fields) == []
