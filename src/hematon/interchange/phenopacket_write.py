"""Write a case as a GA4GH phenopacket, version 2, that reads back as the same case.

Decides how to say in a phenopacket what its schema has no field for:

- A finding of Hematon's own is written as its HPO term, with the exact id as a modifier, when it
  is present; when it is absent the exact id alone is written, because excluding a narrow finding
  does not exclude the broader term.
- A bound (`<0.5`) is a typed quantity, so that nobody reads it as an exact number.
- An open end of a reference range is infinity, which protobuf's JSON can carry.
- A single event is a procedure and a course is a regimen: only these can carry ages.
- Ids without a public code begin with `HEMATON:`, a resource the packet declares.

There is no clock here: `metaData.created` is written only when the caller gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hematon import __version__
from hematon.engine.case import Case, Finding, Measurement, ReportedVariant, Treatment
from hematon.interchange.phenopacket_results import (
    ACMG,
    BASIS,
    COMPARATOR_TERMS,
    OWN,
    ZYGOSITY_TERMS,
)
from hematon.interchange.phenopacket_time import TIME_UNKNOWN
from hematon.knowledge import Knowledge

Json = dict[str, Any]
SCHEMA_VERSION = "2.0"
_SINGLE_EVENTS = frozenset(("red_cell_transfusion", "platelet_transfusion", "transplant"))
_CONDITION_SYSTEMS = ("MONDO", "OMIM", "ORPHA", "ICD10CM")
"""Most specific first. SNOMED is left out: its codes may also mean a history finding."""
_PURL = "http://purl.obolibrary.org/obo/"
_RESOURCES: dict[str, tuple[str, str, str, str]] = {
    # prefix: name, url, version, IRI prefix
    "HP": ("human phenotype ontology", f"{_PURL}hp.owl", "", f"{_PURL}HP_"),
    "GENO": ("Genotype Ontology", f"{_PURL}geno.owl", "unknown", f"{_PURL}GENO_"),
    "LOINC": (
        "Logical Observation Identifiers Names and Codes",
        "https://loinc.org",
        "unknown",
        "https://loinc.org/",
    ),
    "UCUM": ("Unified Code for Units of Measure", "https://ucum.org", "2.1", "https://ucum.org/"),
    "NCIT": ("NCI Thesaurus", f"{_PURL}ncit.owl", "unknown", f"{_PURL}NCIT_"),
    "MONDO": ("Mondo Disease Ontology", f"{_PURL}mondo.owl", "unknown", f"{_PURL}MONDO_"),
    "OMIM": (
        "Online Mendelian Inheritance in Man",
        "https://www.omim.org",
        "unknown",
        "https://www.omim.org/entry/",
    ),
    "ORPHA": (
        "Orphanet",
        "https://www.orpha.net",
        "unknown",
        "https://www.orpha.net/ORDO/Orphanet_",
    ),
    "ICD10CM": (
        "ICD-10-CM",
        "https://www.cdc.gov/nchs/icd/icd-10-cm.htm",
        "unknown",
        "https://icd10cmtool.cdc.gov/?fy=FY2025&query=",
    ),
    "HEMATON": (
        "Hematon findings",
        "https://hematon.org/findings",
        __version__,
        "https://hematon.org/findings/",
    ),
}
_COMPARATOR_LABELS = {"<": "less than", "<=": "at most", ">=": "at least", ">": "more than"}


def write(case: Case, knowledge: Knowledge, *, created: datetime | None = None) -> Json:
    """Write a case as a phenopacket.

    Places in the source document (`where`) and the format it came from are not written.

    Args:
        case: the record.
        knowledge: gives names, codes and units.
        created: when the packet is made, with its time zone; left out when None.

    Returns:
        The phenopacket, ready for a JSON encoder and for protobuf's JSON parser.
    """
    packet: Json = {
        "id": case.id,
        "subject": _subject(case),
        "phenotypicFeatures": [_feature(f, knowledge) for f in case.findings],
        "measurements": [_measurement(m, knowledge) for m in case.measurements],
        "diseases": [_disease(c, knowledge, excluded=False) for c in case.recorded_conditions]
        + [_disease(c, knowledge, excluded=True) for c in case.excluded_conditions],
        "medicalActions": [_action(t, knowledge) for t in case.treatments],
        "interpretations": _interpretations(case),
    }
    packet = {name: part for name, part in packet.items() if part or name == "id"}
    packet["metaData"] = _metadata(case, packet, knowledge, created)
    return packet


def _subject(case: Case) -> Json:
    subject: Json = {"id": case.id, "sex": (case.sex or "unknown_sex").upper()}
    if case.birth_date is not None:
        subject["dateOfBirth"] = f"{case.birth_date.isoformat()}T00:00:00Z"
    subject["timeAtLastEncounter"] = (
        # Said outright, so that no reader infers an age that the record does not state.
        {"ontologyClass": {"id": TIME_UNKNOWN, "label": "Unknown"}}
        if case.age_days is None
        else _age(case.age_days)
    )
    return subject


def _age(days: int) -> Json:
    return {"age": {"iso8601duration": f"P{days}D"}}


def _term(code: str, label: str) -> Json:
    # The standard demands a label; the id stands for none and reads back as none.
    return {"id": code, "label": label or code}


def _feature(finding: Finding, knowledge: Knowledge) -> Json:
    feature: Json = {"type": _term(finding.code, finding.label)}
    if not finding.code.startswith("HP:"):
        own = f"{OWN}{finding.code}"
        info = knowledge.findings[finding.code]
        if finding.observed and info.hpo is not None:
            feature["type"] = _term(info.hpo, finding.label)
            feature["modifiers"] = [_term(own, info.name)]
        else:
            feature["type"] = _term(own, finding.label)
    if not finding.observed:
        feature["excluded"] = True
    if finding.age_days is not None:
        feature["onset"] = _age(finding.age_days)
    return feature


def _measurement(measurement: Measurement, knowledge: Knowledge) -> Json:
    analyte = knowledge.analytes[measurement.analyte]
    codes = [c for c in analyte.loinc if knowledge.loinc[c].use != "exclude"]
    unit = analyte.unit or ""
    quantity: Json = {"unit": {"id": f"UCUM:{unit}", "label": unit}, "value": measurement.value}
    low, high = measurement.lab_low, measurement.lab_high
    if low is not None or high is not None:
        quantity["referenceRange"] = {
            "unit": quantity["unit"],
            "low": "-Infinity" if low is None else low,
            "high": "Infinity" if high is None else high,
        }
    written: Json = {
        "assay": _term(f"LOINC:{codes[0]}" if codes else f"{OWN}{analyte.id}", analyte.name)
    }
    if measurement.comparator:
        term = next(t for t, sign in COMPARATOR_TERMS.items() if sign == measurement.comparator)
        kind = _term(term, _COMPARATOR_LABELS[measurement.comparator])
        written["complexValue"] = {"typedQuantities": [{"type": kind, "quantity": quantity}]}
    else:
        written["value"] = {"quantity": quantity}
    if measurement.basis:
        written["description"] = f"{BASIS}{measurement.basis}"
    if measurement.age_days is not None:
        written["timeObserved"] = _age(measurement.age_days)
    return written


def _disease(condition: str, knowledge: Knowledge, *, excluded: bool) -> Json:
    codes = [code for code, known in knowledge.condition_codes.items() if known == condition]
    public = [c for system in _CONDITION_SYSTEMS for c in codes if c.startswith(f"{system}:")]
    name = next(c.name for c in knowledge.conditions if c.id == condition)
    disease: Json = {"term": _term(public[0] if public else f"{OWN}{condition}", name)}
    if excluded:
        disease["excluded"] = True
    return disease


def _action(treatment: Treatment, knowledge: Knowledge) -> Json:
    names = next((t.names for t in knowledge.treatments if t.kind == treatment.kind), ())
    term = _term(f"{OWN}{treatment.kind}", names[0] if names else treatment.kind)
    start, end = treatment.start_age_days, treatment.end_age_days
    if treatment.kind in _SINGLE_EVENTS and end is None:
        procedure: Json = {"code": term}
        if start is not None:
            procedure["performed"] = _age(start)
        return {"procedure": procedure}
    regimen: Json = {"ontologyClass": term}
    if start is not None:
        regimen["startTime"] = _age(start)
    if end is not None:
        regimen["endTime"] = _age(end)
    return {"therapeuticRegimen": regimen}


def _interpretations(case: Case) -> list[Json]:
    if not case.variants:
        return []
    genomic = [_genomic(variant, case.id, i) for i, variant in enumerate(case.variants)]
    return [
        {
            "id": "variants",
            "progressStatus": "UNKNOWN_PROGRESS",
            # A diagnosis is demanded around variants; the record's own stand in `diseases`.
            "diagnosis": {
                "disease": {"id": "MONDO:0000001", "label": "disease"},
                "genomicInterpretations": genomic,
            },
        }
    ]


def _genomic(variant: ReportedVariant, subject: str, number: int) -> Json:
    descriptor: Json = {
        "id": f"variant-{number}",
        "geneContext": {"valueId": variant.gene, "symbol": variant.gene},
        "moleculeContext": "genomic",
    }
    if variant.description:
        descriptor["description"] = variant.description
    state = next((t for t, known in ZYGOSITY_TERMS.items() if known == variant.zygosity), None)
    if state is not None:
        descriptor["allelicState"] = {"id": state, "label": variant.zygosity}
    acmg = next(a for a, known in ACMG.items() if known == variant.classification)
    return {
        "subjectOrBiosampleId": subject,
        "interpretationStatus": "UNKNOWN_STATUS",
        "variantInterpretation": {
            "acmgPathogenicityClassification": acmg,
            "variationDescriptor": descriptor,
        },
    }


def _metadata(case: Case, packet: Json, knowledge: Knowledge, created: datetime | None) -> Json:
    prefixes = {code.partition(":")[0] for code in _ids(packet)}
    resources = []
    for prefix, (name, url, version, iri) in _RESOURCES.items():
        if prefix in prefixes:
            resources.append(
                {
                    "id": prefix.lower(),
                    "name": name,
                    "url": url,
                    "namespacePrefix": prefix,
                    "version": knowledge.hpo_version if prefix == "HP" else version,
                    "iriPrefix": iri,
                }
            )
    metadata: Json = {
        "createdBy": f"Hematon {__version__}",
        "resources": resources,
        "phenopacketSchemaVersion": SCHEMA_VERSION,
    }
    if created is not None:
        metadata["created"] = created.isoformat()
    if case.publications:
        metadata["externalReferences"] = [{"id": p} for p in case.publications]
    return metadata


def _ids(part: Any) -> Iterator[str]:
    """Give every term id of the packet; only a term has an id and a label."""
    if isinstance(part, list):
        for item in part:
            yield from _ids(item)
    elif isinstance(part, dict):
        if "label" in part:
            yield part["id"]
        for item in part.values():
            yield from _ids(item)
