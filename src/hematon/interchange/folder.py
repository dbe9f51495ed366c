"""Read a folder: FHIR resources of one or many patients spread over files, or a pile of records.

Bulk exports keep patients, results and conditions in separate files, so every FHIR document of a
folder is read together and joined by patient; any other document is read by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson

from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange import fhir
from hematon.interchange.detect import read_any
from hematon.knowledge import Knowledge

SUFFIXES = frozenset((".json", ".ndjson", ".jsonl", ".csv", ".tsv", ".txt", ".gz"))
MAX_UNPACKED = 2_000_000_000
"""A packed file that unpacks to more is refused: it is no export of a hospital's child."""


def read_folder(
    folder: Path, knowledge: Knowledge, *, today: date | None = None
) -> Iterator[Reading[Case]]:
    """Read every document of a folder and its subfolders, in order of path.

    Args:
        folder: the folder.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have.

    Yields:
        One reading per patient or record; a document that cannot be read gives a reading without
        a value, and the others go on.
    """
    joined: list[tuple[str, bytes]] = []
    others: list[tuple[str, bytes]] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        name = str(path.relative_to(folder))
        try:
            content = read_bytes(path)
        except UnreadableError as error:
            yield Reading(None, error.issues)
            continue
        (joined if _is_fhir(content) else others).append((name, content))
    if joined:
        yield from fhir.read_many(joined, knowledge, today=today)
    for name, content in others:
        try:
            yield from read_any(content, knowledge, today=today, name=name)
        except UnreadableError as error:
            yield Reading(
                None,
                tuple(
                    Issue(i.level, i.code, f"{name}: {i.where}", i.message, i.fix)
                    for i in error.issues
                ),
            )


def read_bytes(path: Path) -> bytes:
    """Read a file, unpacked when its name ends in `.gz`.

    Raises:
        UnreadableError: it cannot be opened or unpacked, or unpacks to too much.
    """
    try:
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        content = _unpacked(path)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "it is not a whole gzip file"
        raise UnreadableError(
            (
                Issue(
                    "error",
                    "empty-input",
                    path.name,
                    f"cannot be opened: {reason}",
                    "check the path and its permissions",
                ),
            )
        ) from None
    if len(content) > MAX_UNPACKED:
        raise UnreadableError(
            (Issue("error", "too-large", path.name, "unpacks to more than 2 GB", "split it"),)
        )
    return content


def _unpacked(path: Path) -> bytes:
    # Imported here: few files are packed, and every start would pay for it.
    import gzip
    import zlib

    try:
        with gzip.open(path) as packed:
            return packed.read(MAX_UNPACKED + 1)
    except zlib.error as error:
        raise EOFError from error


def _is_fhir(content: bytes) -> bool:
    """Whether a document, or the first line of an NDJSON one, is FHIR."""
    head = content.lstrip()[:1]
    if head not in (b"{", b"["):
        return False
    for text in (content.split(b"\n", 1)[0], content):
        try:
            return fhir.sniff(orjson.loads(text))
        except orjson.JSONDecodeError:
            continue
    return False
