"""Find out which format a document is in, and read it with the reader of that format.

The content decides: the first character tells JSON from a table, and the fields of the first
object tell FHIR from a phenopacket. The name of the file is not believed; it only words the
message when nothing fits. Reader modules are imported when their format turns up.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import orjson

from hematon.engine.case import Case
from hematon.errors import Issue, Reading, UnreadableError
from hematon.knowledge import Knowledge

_LOOKED_FOR = "FHIR R4 JSON or NDJSON, phenopacket v2 JSON or NDJSON, and CSV or TSV"
_SIGNATURES = {
    b"PK\x03\x04": "save the workbook as CSV UTF-8, or unzip the archive",
    b"\xd0\xcf\x11\xe0": "save the workbook as CSV UTF-8",
    b"\x1f\x8b": "decompress it first",
    b"PAR1": "save the table as CSV",
    b"%PDF": "export the results as FHIR or CSV",
    b"<": "XML is not read; send FHIR as JSON",
    b"MSH|": "HL7 version 2 is not read; send FHIR as JSON",
}
"""What common files of other formats begin with, and what to do about them."""


def read_any(
    raw: bytes,
    knowledge: Knowledge,
    *,
    today: date | None = None,
    name: str = "",
    born: date | None = None,
) -> Iterator[Reading[Case]]:
    """Read a document in any format that Hematon reads.

    Args:
        raw: the document.
        knowledge: where codes, units and words are looked up.
        today: last day a date may have; None for no limit.
        name: the name of the file, for FHIR's messages and for nothing else.
        born: date of birth of the one child of a table or of FHIR that states none.

    Returns:
        One reading per child.

    Raises:
        UnreadableError: the document is empty, or in no format that Hematon reads.
    """
    content = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content:
        raise UnreadableError((Issue("error", "empty-input", "document", "the file is empty"),))
    for signature, fix in _SIGNATURES.items():
        if content.startswith(signature):
            raise _unknown(fix)
    if content[:1] in (b"{", b"["):
        return _read_json(content, knowledge, today, name, born)
    from hematon.interchange import tabular
    from hematon.interchange.tabular_cells import decode

    if tabular.sniff(decode(raw), knowledge):
        return tabular.read_many(raw, knowledge, today=today, born=born)
    raise _unknown("a table starts with a row of headings such as date, HGB (g/dL), PLT (K/uL)")


def _unknown(fix: str) -> UnreadableError:
    message = f"the format is not known; looked for {_LOOKED_FOR}"
    return UnreadableError((Issue("error", "unknown-format", "document", message, fix),))


def _read_json(
    content: bytes, knowledge: Knowledge, today: date | None, name: str, born: date | None
) -> Iterator[Reading[Case]]:
    from hematon.interchange import fhir

    document = _first_object(content)
    if document is None:
        raise UnreadableError((_not_json(content),))
    if fhir.sniff(document):
        named = [(name or "document", content)]
        return iter(fhir.read_many(named, knowledge, today=today, born=born))
    from hematon.interchange import phenopacket

    if phenopacket.sniff(document):
        return phenopacket.read_many(content, knowledge, today=today)
    raise _unknown("the JSON has neither a resourceType nor the fields of a phenopacket")


def _not_json(content: bytes) -> Issue:
    """Say where a document stops being JSON."""
    where = "document"
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
    return Issue(
        "error", "not-json", where, "the text is not valid JSON", "check that it is complete"
    )


def _first_object(content: bytes) -> object:
    """Give the document, the first element of an array, or the first line that is JSON.

    The first line is tried first: a large file of lines is not parsed twice.
    """
    first = _parsed(content.partition(b"\n")[0])
    if isinstance(first, dict):
        return first
    whole = _parsed(content)
    if whole is None:
        whole = next(filter(None, map(_parsed, io.BytesIO(content))), None)
    if isinstance(whole, list):
        return next((item for item in whole if isinstance(item, dict)), {})
    return whole


def _parsed(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
