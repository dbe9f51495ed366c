"""What changed between two editions of the knowledge, entry by entry.

Entries of a list are matched by what names them (an id, a finding, a code), so that an entry
moved or added does not make all that follow it look changed. Paths use those names too:
`/evidence/HP:0004322/frequency`. Rows of a table are matched alike:
`/OMIM:227650 HP:0001876 PMID:9042917/n`. Comments and order are no change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hematon.knowledge.files import TABLES, KnowledgeFiles
from hematon.knowledge.places import file_records

_NAMES: tuple[tuple[str, ...], ...] = (
    ("id", "population"),
    ("id",),
    ("finding",),
    ("system", "code"),
    ("code",),
    ("symbol",),
    ("unit",),
    ("classification",),
    ("lineage",),
    ("analyte",),
    ("sex", "population", "age_min_days"),
    ("from_days", "sex"),
    ("condition",),
)
"""What may name the entries of a list, the most telling first."""

_ROW_NAMES: Mapping[str, tuple[str, ...]] = {
    "diseases.csv": ("disease",),
    "lines.csv": ("disease", "term", "reference"),
    "terms.csv": ("term",),
}
"""What names the rows of a table."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs.

    Attributes:
        file: path in the data folder.
        path: place in the file, entries by name; empty for a whole file.
        old: what was there, None when nothing was.
        new: what is there, None when nothing is.
    """

    file: str
    path: str
    old: Any
    new: Any


def diff(old: KnowledgeFiles, new: KnowledgeFiles) -> list[Change]:
    """Give every difference between two editions of the knowledge.

    Args:
        old: the earlier edition.
        new: the later edition.

    Returns:
        The changes, in order of file and then of place in the later edition.
    """
    before, after = _plain(old), _plain(new)
    return [
        Change(file, path, was, now)
        for file in sorted({*before, *after})
        for path, was, now in _differences("", before.get(file), after.get(file))
    ]


def _plain(files: KnowledgeFiles) -> dict[str, Any]:
    tables = {
        f"annotations/{name}": _rows(rows, TABLES[name], _ROW_NAMES[name])
        for name, rows in files.annotations.items()
    }
    records = {
        path: record.model_dump(mode="json", by_alias=True, exclude_none=True)
        for path, record in file_records(files)
    }
    return {**records, **tables}


def _rows(rows: list[list[str]], header: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Give the other cells of each row by its name; rows of one name stand together, sorted."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in sorted(rows):
        cells = dict(zip(header, row, strict=True))
        name = " ".join(cells.pop(key) for key in names)
        found[name].append(cells)
    return {name: same[0] if len(same) == 1 else same for name, same in found.items()}


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if old == new:
        return
    before, after = _parts(old), _parts(new)
    if before is None or after is None:
        yield path, old, new
        return
    names = [*after, *(name for name in before if name not in after)]
    for name in names:
        yield from _differences(f"{path}/{name}", before.get(name), after.get(name))


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Give a value's parts by name, None when it has none and is compared as a whole."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for keys in _NAMES:
            if all(key in item for item in value for key in keys):
                named = {" ".join(str(item[key]) for key in keys): item for item in value}
                if len(named) == len(value):
                    return named
    return None
