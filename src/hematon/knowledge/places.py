"""Where each record stands: its file, and the JSON pointer to it inside the file.

`conditions/fanconi_anemia.yaml#/evidence/3` is the fourth evidence row of Fanconi anemia. A file
of severity criteria is named by its `criteria` (`severity/hlh`), since its name carries the
edition, which the record holds in another form. Decides nothing; checks and descriptions use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

from hematon.errors import Issue
from hematon.knowledge.files import SINGLE_FILES, KnowledgeFiles
from hematon.knowledge.records import HpoFile, Record

R = TypeVar("R", bound=Record)

SOURCE_FIELDS = ("source", "variants_source")
_WORD = re.compile(r"[A-Z][A-Z0-9_]+")
_SCALAR = (str, int, float, bool, type(None))


def broken(code: str, where: str, message: str, fix: str) -> Issue:
    """Make the issue of a broken rule; in the knowledge every broken rule is an error."""
    return Issue("error", code, where, message, fix)


def file_records(files: KnowledgeFiles) -> Iterator[tuple[str, Record]]:
    """Give every file as (its path in the data folder, its record)."""
    for name in SINGLE_FILES:
        attribute = "floor" if name == "safety_floor.yaml" else name.removesuffix(".yaml")
        yield name, getattr(files, attribute)
    for condition in files.conditions:
        yield f"conditions/{condition.id}.yaml", condition
    for interval in files.intervals:
        yield f"reference_intervals/{interval.analyte}.yaml", interval
    for severity in files.severity:
        yield f"severity/{severity.criteria}", severity


def nodes(files: KnowledgeFiles) -> list[tuple[str, Record]]:
    """Give every record at every depth as (where, record), in file order."""
    found: list[tuple[str, Record]] = []
    for path, record in file_records(files):
        _collect(record, f"{path}#", found)
    return found


def nodes_of(files: KnowledgeFiles, kind: type[R]) -> Iterator[tuple[str, R]]:
    """Give every record of one kind at every depth as (where, record)."""
    return ((where, record) for where, record in nodes(files) if isinstance(record, kind))


def _collect(value: Any, where: str, found: list[tuple[str, Record]]) -> None:
    if isinstance(value, Record):
        found.append((where, value))
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if not isinstance(inner, _SCALAR):
                _collect(inner, f"{where}/{field.alias or name}", found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, _SCALAR):
                _collect(item, f"{where}/{index}", found)
    elif isinstance(value, dict):
        for key, item in value.items():
            _collect(item, f"{where}/{key}", found)


def citations(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    """Give every citation of a source as (where, source id)."""
    for where, record in nodes(files):
        for field in SOURCE_FIELDS:
            for index, source in enumerate(getattr(record, field, ())):
                yield f"{where}/{field}/{index}", source
        if isinstance(record, HpoFile):
            yield f"{where}/citation", record.citation


def words(files: KnowledgeFiles) -> set[str]:
    """Give the words in capitals of every text but those of the sources: ids named in a note."""
    found: set[str] = set()
    for where, record in nodes(files):
        if not where.startswith("sources.yaml"):
            for name in type(record).model_fields:
                value = getattr(record, name)
                if isinstance(value, str):
                    found.update(_WORD.findall(value))
    return found
