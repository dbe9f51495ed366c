"""The synthetic case sets, and the truth table."""

from __future__ import annotations

from pathlib import Path

import pytest

from hematon.evaluation.case_sets import CaseSets, read_case_sets
from hematon.evaluation.truth import TruthTable, load_truth
from hematon.knowledge import Knowledge, load_knowledge
from unit.evaluation.case_files import write_folder


@pytest.fixture(scope="module")
def loaded() -> Knowledge:
    """The package's own knowledge."""
    return load_knowledge()


@pytest.fixture(scope="module")
def table(loaded: Knowledge) -> TruthTable:
    """The package's own table."""
    return load_truth(loaded)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a case set of each shape."""
    return write_folder(tmp_path_factory.mktemp("cases") / "sets")


@pytest.fixture(scope="module")
def sets(folder: Path, loaded: Knowledge, table: TruthTable) -> CaseSets:
    """The case sets of the folder."""
    return read_case_sets(folder, loaded, table)
