"""Where each record stands: its file, and the JSON pointer to it inside the file.

`conditions/fanconi_anemia.yaml#/evidence/3` is the fourth evidence row of Fanconi anemia. A file
of severity criteria is named by its `criteria` (`severity/hlh`), since its name carries the
edition, which the record holds in another form. Decides nothing; checks and descriptions use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar, get_args

from hematon.errors import Issue
from hematon.knowledge.files import SINGLE_FILES, KnowledgeFiles
from hematon.knowledge.records import HpoFile, Record

R = TypeVar("R", bound=Record)

SOURCE_FIELDS = ("source", "variants_source")
_WORD = re.compile(r"[A-Z][A-Z0-9_]+")


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
        for name, key in _inner_fields(type(value)):
            inner = getattr(value, name)
            if inner is not None:
                _collect(inner, f"{where}/{key}", found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _collect(item, f"{where}/{index}", found)
    else:
        for key, item in value.items():
            _collect(item, f"{where}/{key}", found)


@cache
def _inner_fields(kind: type[Record]) -> tuple[tuple[str, str], ...]:
    """Give the fields of a kind that hold records, as (name, key in the file)."""
    return tuple(
        (name, field.alias or name)
        for name, field in kind.model_fields.items()
        if _holds_records(field.annotation)
    )


def _holds_records(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return True
    return any(_holds_records(part) for part in get_args(annotation))


def citations(files: KnowledgeFiles) -> Iterator[tuple[str, str]]:
    """Give every citation of a source as (where, source id)."""
    for where, record in nodes(files):
        stated = vars(record)
        for field in SOURCE_FIELDS:
            for index, source in enumerate(stated.get(field, ())):
                yield f"{where}/{field}/{index}", source
        if isinstance(record, HpoFile):
            yield f"{where}/citation", record.citation


def words(files: KnowledgeFiles) -> set[str]:
    """Give the words in capitals of every text but those of the sources: ids named in a note."""
    found: set[str] = set()
    for where, record in nodes(files):
        if not where.startswith("sources.yaml"):
            for value in vars(record).values():
                if isinstance(value, str):
                    found.update(_WORD.findall(value))
    return found
