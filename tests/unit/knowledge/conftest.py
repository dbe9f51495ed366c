"""The knowledge as shipped, and copies of it with a mistake made on purpose."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from hematon.knowledge.files import (
    DATA,
    FOLDERS,
    SINGLE_FILES,
    KnowledgeFiles,
    attribute_of,
    read_files,
)

Edit = Mapping[str, Any]
"""`file`, the place `at`, and one of `value`, `append` or `remove: true`."""
Patch = Callable[[Sequence[Edit]], KnowledgeFiles]

ATTRIBUTES = {"reference_intervals": "intervals"}


@pytest.fixture(scope="session")
def files() -> KnowledgeFiles:
    """The shipped knowledge as records."""
    return read_files()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A copy of the data folder that a test may spoil."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


@pytest.fixture(scope="session")
def patched(files: KnowledgeFiles) -> Patch:
    """Give the knowledge with edits made to its files, each validated again by itself."""
    parsed: dict[str, Any] = {}

    def plain(path: str) -> Any:
        if path.endswith(".csv"):
            return copy.deepcopy(files.annotations[path.rpartition("/")[2]])
        if path not in parsed:
            text = (DATA / path).read_text("utf-8")
            parsed[path] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return copy.deepcopy(parsed[path])

    def patch(edits: Sequence[Edit]) -> KnowledgeFiles:
        edited: dict[str, Any] = {}
        for edit in edits:
            if edit["file"] not in edited:
                edited[edit["file"]] = plain(edit["file"])
            _apply(edited[edit["file"]], edit)
        broken = files
        for path, content in edited.items():
            broken = _replace(broken, path, content)
        return broken

    return patch


def _apply(content: Any, edit: Edit) -> None:
    *inner, last = edit["at"]
    place = content
    for step in inner:
        place = place[_index(place, step)]
    key = _index(place, last)
    if "append" in edit:
        place[key].append(edit["append"])
    elif edit.get("remove"):
        del place[key]
    else:
        place[key] = edit["value"]


def _index(place: Any, step: Any) -> Any:
    """Give the key of a step; `{id: anc}` finds the one entry of a list that has it.

    For a row of a table the key is the number of the column.
    """
    if not isinstance(step, dict):
        return step
    (index,) = (
        i
        for i, item in enumerate(place)
        if step.items() <= (item if isinstance(item, dict) else dict(enumerate(item))).items()
    )
    return index


def _replace(files: KnowledgeFiles, path: str, content: Any) -> KnowledgeFiles:
    folder, _, name = path.rpartition("/")
    if name.endswith(".csv"):
        return dataclasses.replace(files, annotations={**files.annotations, name: content})
    if path in SINGLE_FILES:
        record = SINGLE_FILES[path].model_validate(content)
        return dataclasses.replace(files, **{attribute_of(path): record})
    names = sorted(p.name for p in (DATA / folder).glob("*.yaml"))
    attribute = ATTRIBUTES.get(folder, folder)
    many = list(getattr(files, attribute))
    many[names.index(name)] = FOLDERS[folder].model_validate(content)
    return dataclasses.replace(files, **{attribute: tuple(many)})
