"""Read FHIR R4: a Bundle, a resource, a list of resources, or NDJSON, into cases.

`read` takes the record of one patient, `read_many` a folder or a bulk export. JSON is walked as
plain values: one odd field never costs a Bundle, it becomes an issue with a JSON pointer, and no
issue repeats a patient's data. Who a resource is about is decided in `fhir_patients`, what it
means in the readers by type, what the codes mean in the knowledge. Written back by `fhir_write`.

Race and ethnicity are not read: ancestry counts only where somebody stated it as a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

import orjson

from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.interchange import (
    fhir_family,
    fhir_histories,
    fhir_observations,
    fhir_plain,
    fhir_temperatures,
)
from hematon.interchange.fhir_codes import Json
from hematon.interchange.fhir_patients import Gathering, Group, Item, type_of
from hematon.interchange.fhir_record import Record, collapse
from hematon.knowledge import Knowledge

MAX_BYTES = 64 * 1024 * 1024
"""Largest document read at once; bulk NDJSON, read line by line, may be larger."""
_LONGEST_NAME = 80
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Read = Callable[[Record, Json, str], None]
READERS: dict[str, Read] = {
    "Condition": fhir_histories.condition,
    "DiagnosticReport": fhir_histories.report,
    "FamilyMemberHistory": fhir_family.family,
    "Medication": fhir_histories.medication_itself,
    "MedicationAdministration": fhir_histories.medication,
    "MedicationRequest": fhir_histories.medication,
    "MedicationStatement": fhir_histories.medication,
    "Observation": fhir_observations.observation,
    "Procedure": fhir_histories.procedure,
}
"""Which function reads which type; a type that is not here is counted and not used."""


def read(raw: bytes | str, knowledge: Knowledge, *, today: date | None = None) -> Reading[Case]:
    """Read the record of one patient.

    Args:
        raw: a Bundle of any type, one resource, a JSON list of resources, or NDJSON.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None when the caller has no clock.

    Returns:
        The case, never None, and every issue found.

    Raises:
        UnreadableError: the document is no FHIR JSON, says nothing about a patient, or is about
            more than one.
    """
    gathering = Gathering()
    for where, document in _documents("", raw, is_bulk=False, issues=gathering.issues):
        gathering.add(document, where)
    groups, nobody, others = gathering.groups()
    if len(groups) > 1:
        raise _unreadable(
            "mixed-patients",
            "",
            f"the document is about {len(groups)} patients",
            "send one patient, or read it with read_many",
        )
    if not groups:
        if not _is_any_used(nobody):
            raise _unreadable(
                "no-patient",
                "",
                "nothing in the document is about a patient",
                "send a Bundle with a Patient and Observations",
            )
        groups = [Group("", [], [])]
    groups[0].items.extend(nobody)
    return _read_group(groups[0], gathering, knowledge, today, others, gathering.issues)


def read_many(
    raws: Iterable[tuple[str, bytes | str]],
    knowledge: Knowledge,
    *,
    today: date | None = None,
    born: date | None = None,
) -> list[Reading[Case]]:
    """Read every patient of several documents, joined by patient.

    Args:
        raws: name and content of each document, such as the files of a bulk export. The names
            are shown in the places of issues.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None when the caller has no clock.
        born: date of birth of a patient for whom the documents state none.

    Returns:
        One reading for each patient, ordered by case id. What belongs to no patient, and what is
        wrong with a whole document, is in one more reading at the end, without a case.

    Raises:
        UnreadableError: none of the documents can be read.
    """
    gathering = Gathering()
    unreadable: list[Issue] = []
    documents = read_documents = 0
    for name, raw in raws:
        documents += 1
        try:
            for where, document in _documents(
                name[:_LONGEST_NAME], raw, is_bulk=True, issues=gathering.issues
            ):
                gathering.add(document, where)
            read_documents += 1
        except UnreadableError as error:
            unreadable.extend(error.issues)
    if documents and not read_documents:
        raise UnreadableError(tuple(unreadable))
    groups, nobody, others = gathering.groups()
    left = [*unreadable, *gathering.issues]
    if not groups and documents == 1 and _is_any_used(nobody):
        groups = [Group("", [], [])]
    if len(groups) == 1:
        groups[0].items.extend(nobody)
        nobody = []
    readings = [_read_group(group, gathering, knowledge, today, [], [], born) for group in groups]
    readings.sort(key=lambda reading: reading.value.id if reading.value else "")
    left.extend(_unassigned(nobody, others))
    return [*readings, Reading(None, collapse(left))] if left else readings


def sniff(document: object) -> bool:
    """Say whether parsed JSON looks like FHIR: a resource, or a list that starts with one."""
    if isinstance(document, list) and document:
        document = document[0]
    return isinstance(document, dict) and isinstance(document.get("resourceType"), str)


def _read_group(
    group: Group,
    gathering: Gathering,
    knowledge: Knowledge,
    today: date | None,
    others: list[Item],
    issues: list[Issue],
    born: date | None = None,
) -> Reading[Case]:
    record = Record(knowledge, today, fhir_plain.shortcuts_for(knowledge), gathering.medication)
    record.intake.issues.extend(issues)
    for person in group.persons:
        fhir_histories.patient(record, person.resource, person.where)
    record.intake.birth_date = record.intake.birth_date or born
    if not record.intake.case_id and not group.key.startswith(("identifier ", "contained ")):
        record.intake.case_id = group.key.rpartition("/")[2].rpartition(":")[2]
    for where, resource, _, _ in group.items:
        kind = resource["resourceType"]
        reader = READERS.get(kind)
        if reader is not None and not resource.get("modifierExtension"):
            reader(record, resource, where)
        elif reader is not None:
            record.tally(
                "resource-not-used",
                f"{where}/modifierExtension",
                f"{kind} with a modifier extension, which may reverse its meaning",
            )
        elif kind != "OperationOutcome":
            record.tally("resource-not-used", where, f"{type_of(resource)} is not used")
    for item in others:
        record.tally(
            "resource-not-used",
            item.where,
            f"{type_of(item.resource)} about something else than a patient is not used",
        )
    fhir_temperatures.judge_temperatures(record)
    fhir_family.judge_siblings(record)
    return record.close()


def _is_any_used(items: list[Item]) -> bool:
    return any(item.resource["resourceType"] in READERS for item in items)


def _unassigned(nobody: list[Item], others: list[Item]) -> Iterator[Issue]:
    for item in nobody:
        kind = item.resource["resourceType"]
        if kind in READERS and kind != "Medication":
            yield Issue(
                "error",
                "no-patient",
                item.where,
                f"{type_of(item.resource)} cannot be tied to one patient",
                "give its subject",
            )
        else:
            yield Issue(
                "warning", "resource-not-used", item.where, f"{type_of(item.resource)} is not used"
            )
    for item in others:
        yield Issue(
            "warning",
            "resource-not-used",
            item.where,
            f"{type_of(item.resource)} about something else than a patient is not used",
        )


# --- documents ---------------------------------------------------------------------------------


def _documents(
    place: str, raw: bytes | str, *, is_bulk: bool, issues: list[Issue]
) -> Iterator[tuple[str, object]]:
    """Give the JSON values of a document, each with its place: one, or one a line.

    Args:
        place: what stands before every pointer.
        raw: the document.
        is_bulk: whether NDJSON may be larger than `MAX_BYTES`.
        issues: takes what is wrong with single lines.

    Raises:
        UnreadableError: the document as a whole cannot be read.
    """
    content = _bytes_of(place, raw)
    if not content.strip():
        raise _unreadable("empty-input", place, "the document is empty")
    is_lines = _starts_with_a_line(content)
    if len(content) > MAX_BYTES and not (is_bulk and is_lines):
        raise _unreadable(
            "too-large",
            place,
            f"the document is larger than {MAX_BYTES} bytes",
            "send one patient at a time, or NDJSON",
        )
    if is_lines:
        yield from _lines(place, content, issues)
        return
    document = _parse(place, content)
    if not sniff(document):
        raise _unreadable("unknown-format", place, "the JSON is not FHIR: no resourceType")
    yield place, document


def _bytes_of(place: str, raw: bytes | str) -> bytes:
    if isinstance(raw, str):
        try:
            raw = raw.encode()
        except UnicodeEncodeError:
            raise _unreadable("not-utf8", place, "the text cannot be written as UTF-8") from None
    return raw.removeprefix(_BYTE_ORDER_MARK)


def _starts_with_a_line(content: bytes) -> bool:
    """Say whether the first line is a JSON object of its own and others follow."""
    start = content.lstrip()
    line, newline, rest = start[:MAX_BYTES].partition(b"\n")
    if not newline or not rest.strip():
        return False
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(place: str, content: bytes, issues: list[Issue]) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{place} line {number}".strip()
        try:
            if len(line) > MAX_BYTES:
                raise _unreadable("too-large", where, f"the line is larger than {MAX_BYTES} bytes")
            yield where, _parse(where, line)
        except UnreadableError as error:
            issues.extend(error.issues)


def _parse(where: str, content: bytes) -> object:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        line, column = error.lineno, error.colno
    try:
        content.decode()
    except UnicodeDecodeError:
        raise _unreadable("not-utf8", where, "the bytes are not UTF-8") from None
    raise _unreadable(
        "not-json",
        where,
        f"the text is not valid JSON, or nested too deep, at line {line} column {column}",
        "check that it is complete",
    )


def _unreadable(code: str, where: str, message: str, fix: str = "") -> UnreadableError:
    return UnreadableError((Issue("error", code, where or "document", message, fix),))
