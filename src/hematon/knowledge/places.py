"""Where each record stands: its file, and the JSON pointer to it inside the file.

`conditions/fanconi_anemia.yaml#/evidence/3` is the fourth evidence row of Fanconi anemia. A file
of severity criteria is named by its `criteria` (`severity/hlh`), since its name carries the
edition, which the record holds in another form. Decides nothing; checks and descriptions use it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast, get_args

from hematon.errors import Issue
from hematon.knowledge.files import SINGLE_FILES, KnowledgeFiles, attribute_of
from hematon.knowledge.records import Record, Source

R = TypeVar("R", bound=Record)

SOURCE_FIELDS = ("source", "variants_source")

_Walked = dict[type[Record], list[tuple[str, Record]]]
_WALKED: dict[int, _Walked] = {}


def broken(code: str, where: str, message: str, fix: str) -> Issue:
    """Make the issue of a broken rule; in the knowledge every broken rule is an error."""
    return Issue("error", code, where, message, fix)


def file_records(files: KnowledgeFiles) -> Iterator[tuple[str, Record]]:
    """Give every file as (its path in the data folder, its record)."""
    for name in SINGLE_FILES:
        yield name, getattr(files, attribute_of(name))
    for condition in files.conditions:
        yield f"conditions/{condition.id}.yaml", condition
    for interval in files.intervals:
        yield f"reference_intervals/{interval.analyte}.yaml", interval
    for severity in files.severity:
        yield f"severity/{severity.criteria}", severity


def nodes(files: KnowledgeFiles) -> Iterator[tuple[str, Record]]:
    """Give every record at every depth as (where, record)."""
    return (pair for pairs in _by_kind(files).values() for pair in pairs)


def nodes_of(files: KnowledgeFiles, kind: type[R]) -> list[tuple[str, R]]:
    """Give every record of one kind at every depth as (where, record), in file order."""
    return cast("list[tuple[str, R]]", _by_kind(files).get(kind, []))


def _by_kind(files: KnowledgeFiles) -> Mapping[type[Record], list[tuple[str, Record]]]:
    # The records never change, and dozens of rules walk them: one walk serves them all, and is
    # forgotten together with the files. They cannot be hashed, hence their identity.
    found = _WALKED.get(id(files))
    if found is None:
        found = _WALKED[id(files)] = {}
        weakref.finalize(files, _WALKED.pop, id(files))
        for path, record in file_records(files):
            _collect(record, f"{path}#", found)
    return found


def _collect(value: Any, where: str, found: _Walked) -> None:
    if isinstance(value, Record):
        found.setdefault(type(value), []).append((where, value))
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
    yield "hpo.yaml#/citation", files.hpo.citation


def texts(files: KnowledgeFiles) -> str:
    """Give every text of the files but those of the sources, one per line."""
    return "\n".join(
        value
        for _, record in nodes(files)
        if type(record) is not Source
        for value in vars(record).values()
        if isinstance(value, str)
    )
