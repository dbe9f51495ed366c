"""The child's record as resources: blood counts, what is stated beside them, and files.

Source: HL7 FHIR R4 (4.0.1); mapping of portal.md 3.3.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.urls import reverse

from hematon.interchange import fhir_write
from hematon.interchange.fhir_codes import ANALYTES_URL, METHODS_URL
from hematon.knowledge import Knowledge
from hematon.portal.files.models import StoredFile
from hematon.portal.files.serve import Purpose, content_of, may_open
from hematon.portal.opinions.packet import STATES, Packet
from hematon.portal.opinions.resources import (
    HL7,
    LOINC,
    UCUM,
    Json,
    Maker,
    concept,
    instant,
    named_hash,
    text,
    without_nothing,
)
from hematon.portal.opinions.results import Result, number_of

_URI: Final = "urn:ietf:rfc:3986"
_TYPES: Final = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "csv": "text/csv",
    "json": "application/json",
}


def observation(make: Maker, result: Result, knowledge: Knowledge) -> Json:
    """Write one value of a blood count, as it was printed."""
    code: Json = {"text": text(result.name) or "Result"}
    if result.loinc:
        known = knowledge.loinc.get(result.loinc)
        code |= concept(LOINC, result.loinc, known.name if known else "")
    elif result.analyte:
        code |= concept(ANALYTES_URL, result.analyte)
    low, high = (_quantity(end, result) for end in (result.low, result.high))
    limits = without_nothing({"low": low, "high": high})
    printed = [{**limits, "text": text(result.range)}] if result.range else []
    return make.new(
        "Observation",
        result.place,
        # As typed from a printout; nobody has compared it with the laboratory's own.
        status="preliminary",
        category=[concept(f"{HL7}/observation-category", "laboratory")],
        code=code,
        subject=make.patient,
        effectiveDateTime=result.drawn.isoformat() if result.drawn else "",
        referenceRange=printed,
        interpretation=[concept(f"{HL7}/v3-ObservationInterpretation", result.flag)]
        if result.flag in ("H", "L")
        else [],
        method=concept(METHODS_URL, "computed") | {"text": text(result.basis)}
        if text(result.basis)
        else None,
        **_value(result),
    )


def _value(result: Result) -> Json:
    quantity = _quantity(result.value, result)
    return {"valueQuantity": quantity} if quantity else {"valueString": text(result.said)}


def _quantity(printed: str, result: Result) -> Json | None:
    number = number_of(printed)
    if number is None:
        return None
    unit = text(result.unit)
    return without_nothing(
        {
            "value": number.value,
            "comparator": number.comparator,
            "unit": text(result.unit_label) or unit,
            "system": UCUM if unit else "",
            "code": unit,
        }
    ) | {"value": number.value}


def draws(make: Maker, packet: Packet) -> Iterator[Json]:
    """Write the report of each draw."""
    for draw in sorted({result.draw for result in packet.results}):
        results = [result for result in packet.results if result.draw == draw]
        drawn = results[0].drawn
        yield make.new(
            "DiagnosticReport",
            draw,
            status="preliminary",
            category=[concept(f"{HL7}/v2-0074", "HM", "Hematology")],
            code={"text": "Blood count"},
            subject=make.patient,
            effectiveDateTime=drawn.isoformat() if drawn else "",
            result=[make.to("Observation", result.place) for result in results],
        )


def stated(make: Maker, packet: Packet, knowledge: Knowledge) -> Iterator[Json]:
    """Write findings, treatments, variants and diagnoses, as our own writer of records does."""
    written = fhir_write.write(packet.stated, knowledge)["entry"][1:]
    for number, resource in enumerate(one["resource"] for one in written):
        yield resource | {
            "id": make.id(resource["resourceType"], f"stated/{number}"),
            "subject": make.patient,
        }


def document(make: Maker, stored: StoredFile, *, with_files: bool) -> Json:
    """Write a file: its hash, its guarded address, and its content where that is asked for."""
    address = reverse("packet_file", kwargs={"pk": make.case.pk, "key": stored.pk})
    attachment: Json = {
        "contentType": _TYPES[stored.kind],
        "url": f"{settings.SITE_URL}{address}",
        "size": stored.size,
        "title": text(stored.name),
        "creation": instant(stored.taken_at),
    }
    if with_files and may_open(stored, Purpose.CARE):
        content = content_of(stored, Purpose.CARE)
        attachment["data"] = base64.b64encode(content).decode()
        # R4 says SHA-1 here; what guards the content is the SHA-256 of the identifier.
        digest = hashlib.sha1(content, usedforsecurity=False).digest()
        attachment["hash"] = base64.b64encode(digest).decode()
    return make.new(
        "DocumentReference",
        stored.pk,
        masterIdentifier={"system": _URI, "value": named_hash(stored.sha256)},
        status="current",
        docStatus="final" if may_open(stored, Purpose.CARE) else "preliminary",
        subject=make.patient,
        date=instant(stored.taken_at),
        description=f"Scan for viruses: {STATES[stored.state]}",
        content=[{"attachment": without_nothing(attachment)}],
    )
