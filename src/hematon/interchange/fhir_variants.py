"""Read a variant from a genomic Observation, as the FHIR genomics reporting guide writes it.

One Observation is one variant, its parts are components: gene studied, clinical significance,
allelic state, name of the variant. A variant looked for and absent, or not called, is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from hematon.interchange.fhir_codes import (
    ALLELIC_STATE_LOINC,
    CLASSIFICATIONS,
    GENE_LOINC,
    NOT_CALLED_CODES,
    SIGNIFICANCE_LOINC,
    VARIANT_NAME_LOINCS,
    ZYGOSITIES,
    Json,
    codings,
)
from hematon.interchange.fhir_record import Record
from hematon.interchange.intake import MAX_TEXT

T = TypeVar("T")

_SYMBOL = re.compile(r"[A-Z][A-Za-z0-9-]{1,14}")


def read_variant(record: Record, resource: Json, parts: list[tuple[str, Json]], where: str) -> None:
    """Take the variant of an Observation whose status stands.

    Args:
        record: takes it.
        resource: the Observation.
        parts: its components, each with its place.
        where: place of the Observation.
    """
    value = resource.get("valueCodeableConcept")
    answers = codings(value) if isinstance(value, dict) else ()
    if any(f"{c.system}:{c.code}" in NOT_CALLED_CODES for c in answers):
        record.tally("variant-not-used", where, "a variant is reported absent or not called")
        return
    said: dict[str, list[str]] = {}
    for _, part in parts:
        concept = part.get("code")
        for coded in codings(concept) if isinstance(concept, dict) else ():
            said.setdefault(coded.code, []).extend(_words(part))
    classification = _first(CLASSIFICATIONS, said.get(SIGNIFICANCE_LOINC, ()))
    if classification is None:
        record.tally(
            "variant-unclear",
            where,
            "a variant has no classification Hematon knows",
            "send LOINC 53037-8 with a ClinVar class",
        )
    names = [text for code in VARIANT_NAME_LOINCS for text in said.get(code, ())[:1]]
    record.intake.variant(
        _gene(record, said.get(GENE_LOINC, ())),
        classification or "unknown",
        _first(ZYGOSITIES, said.get(ALLELIC_STATE_LOINC, ())) or "unknown",
        where,
        "; ".join(dict.fromkeys(names)),
    )


def _words(part: Json) -> Iterator[str]:
    """Give what a component says, words before codes."""
    value = part.get("valueCodeableConcept")
    for text in (part.get("valueString"), value.get("text") if isinstance(value, dict) else None):
        if isinstance(text, str):
            yield text[:MAX_TEXT].strip()
    for coded in codings(value) if isinstance(value, dict) else ():
        yield from (t[:MAX_TEXT].strip() for t in (coded.display, coded.code) if t)


def _first(table: Mapping[str, T], texts: Sequence[str]) -> T | None:
    for text in texts:
        found = table.get(text) or table.get(text.lower())
        if found is not None:
            return found
    return None


def _gene(record: Record, texts: Sequence[str]) -> str:
    known = next((t for t in texts if t in record.knowledge.genes), "")
    return known or next((t for t in texts if _SYMBOL.fullmatch(t)), "")
