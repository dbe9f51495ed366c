"""Rows of a case set as phenopackets, so that they are read as a hospital's data would be.

Nothing here knows a diagnosis: the disease of a case is never written, and its genes and variants
only when asked for. The packets need no reader of their own, and the official library accepts
them. This module holds what all packets share and the patients described by terms; case reports
with counts are written by `report_packets`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
UNNAMED = {"id": "MONDO:0000001", "label": "disease"}
"""Stands for the disease that is withheld; an onset may hang on it."""

ZYGOSITY = {
    "het": ("GENO:0000135", "heterozygous"),
    "hom": ("GENO:0000136", "homozygous"),
    "hemi": ("GENO:0000134", "hemizygous"),
}


def new_packet(name: str, sex: str | None, publications: Sequence[str]) -> Json:
    """Give an empty packet of one patient."""
    return {
        "id": name,
        "subject": {"id": name, "sex": (sex or "unknown_sex").upper()},
        "phenotypicFeatures": [],
        "measurements": [],
        "medicalActions": [],
        "metaData": {
            "createdBy": "Hematon evaluation",
            "phenopacketSchemaVersion": "2.0",
            "resources": [],
            "externalReferences": [{"id": p} for p in publications],
        },
    }


def at_age(days: int) -> Json:
    """Give a time element for an age in days."""
    return {"age": {"iso8601duration": f"P{days}D"}}


def feature(code: str, label: str, observed: bool, onset: Json | None = None) -> Json:
    """Give a phenotypic feature, seen or looked for and absent."""
    written: Json = {"type": {"id": code, "label": label or code}}
    if not observed:
        written["excluded"] = True
    if onset:
        written["onset"] = onset
    return written


def measurement(
    assay: str, value: float, unit: str, days: int | None, comparator: str = ""
) -> Json:
    """Give a measurement, or a bound when there is a comparator; `days` is the age at the draw."""
    quantity: Json = {"value": value}
    if unit:
        quantity["unit"] = {"id": f"UCUM:{unit}", "label": unit}
    written: Json = {"assay": {"id": assay, "label": assay}}
    if comparator:
        kind = {"<": "HEMATON:less-than", ">": "HEMATON:more-than"}[comparator]
        written["complexValue"] = {
            "typedQuantities": [{"type": {"id": kind, "label": kind}, "quantity": quantity}]
        }
    else:
        written["value"] = {"quantity": quantity}
    if days is not None:
        written["timeObserved"] = at_age(days)
    return written


def interpretations(subject: str, variants: Sequence[Json]) -> list[Json]:
    """Give reported variants (`gene`, `hgvs`, `state`), with the disease unnamed."""
    genomic = []
    for i, variant in enumerate(variants):
        descriptor: Json = {"id": f"v{i}", "moleculeContext": "genomic"}
        if variant["gene"]:
            descriptor["geneContext"] = {"valueId": variant["gene"], "symbol": variant["gene"]}
        if variant.get("hgvs"):
            descriptor["expressions"] = [{"syntax": "hgvs.c", "value": variant["hgvs"]}]
        if variant.get("state"):
            code, label = variant["state"]
            descriptor["allelicState"] = {"id": code, "label": label}
        genomic.append(
            {
                "subjectOrBiosampleId": subject,
                "interpretationStatus": "CONTRIBUTORY",
                "variantInterpretation": {
                    "acmgPathogenicityClassification": "NOT_PROVIDED",
                    "variationDescriptor": descriptor,
                },
            }
        )
    return [
        {
            "id": "variants",
            "progressStatus": "UNKNOWN_PROGRESS",
            "diagnosis": {"disease": UNNAMED, "genomicInterpretations": genomic},
        }
    ]


# --- patients described by terms ---------------------------------------------------------------


def terms_packet(row: Json, *, include_variants: bool = False) -> Json:
    """Give a patient of `bmf_cases.jsonl` and its like as a packet.

    The age of onset stands at an unnamed disease, because the disease itself is left out.

    Args:
        row: one row.
        include_variants: whether to write variants and genes.

    Returns:
        The packet, without the disease.
    """
    sex = None if row["sex"] == "UNKNOWN_SEX" else row["sex"]
    packet = new_packet(row["id"], sex, row["pmids"])
    if encounter := _when(row["age_last_encounter"]):
        packet["subject"]["timeAtLastEncounter"] = encounter
    if onset := _when(row["age_onset"]):
        packet["diseases"] = [{"term": UNNAMED, "onset": onset}]
    packet["phenotypicFeatures"] = [
        feature(f["id"], f["label"], observed, _when(f.get("onset")))
        for name, observed in (("observed", True), ("excluded", False))
        for f in row[name]
    ]
    packet["measurements"] = [_assay(m) for m in row["measurements"]]
    if include_variants:
        variants = [
            {"gene": v["gene"], "hgvs": v["hgvs_c"], "state": _state(v["allelic_state"])}
            for v in row.get("variants", [])
        ] or [{"gene": gene} for gene in row["genes"]]
        packet["interpretations"] = interpretations(row["id"], variants)
    return packet


def _when(text: str | None) -> Json | None:
    """Give a time element for `P3Y`, `HP:0003577|Congenital onset` or a gestational age."""
    if not text:
        return None
    code, _, label = text.partition("|")
    if label:
        return {"ontologyClass": {"id": code, "label": label}}
    if text.startswith("P"):
        return {"age": {"iso8601duration": text}}
    return {"gestationalAge": {"weeks": int(re.findall(r"\d+", text)[0])}}


def _assay(row: Json) -> Json:
    written = measurement(row["assay_id"], row["value"], "", None)
    written["value"]["quantity"]["unit"] = {"id": row["unit_id"], "label": row["unit"]}
    written["assay"]["label"] = row["assay"]
    return written


def _state(text: str | None) -> tuple[str, str] | None:
    states = {label: (code, label) for code, label in ZYGOSITY.values()}
    return states.get(text or "")


# --- packets as others wrote them --------------------------------------------------------------


def withheld_packet(document: Json, *, include_variants: bool = False) -> Json:
    """Give a packet without its diagnosis.

    Excluded diseases go as well: that another disease was ruled out tells of the one found. The
    onset of the disease stays, because the age of many patients hangs on it.

    Args:
        document: a phenopacket v2 as JSON.
        include_variants: whether to leave its reported variants in.
    """
    packet = dict(document)
    diseases = packet.pop("diseases", None) or ()
    onsets = [d["onset"] for d in diseases if d.get("onset") and not _ruled_out(d)]
    if onsets:
        packet["diseases"] = [{"term": UNNAMED, "onset": onset} for onset in onsets]
    found = packet.pop("interpretations", None) or ()
    if include_variants:
        packet["interpretations"] = [
            {**i, "diagnosis": {**(i.get("diagnosis") or {}), "disease": UNNAMED}} for i in found
        ]
    return packet


def disease_ids(document: Json) -> list[str]:
    """Give the ids of the diseases a packet names: interpreted ones first, none ruled out."""
    diagnoses = [i.get("diagnosis") or {} for i in document.get("interpretations") or ()]
    named = [diagnosis.get("disease") for diagnosis in diagnoses]
    named += [d.get("term") for d in document.get("diseases") or () if not _ruled_out(d)]
    return list(dict.fromkeys(d["id"] for d in named if d and d.get("id")))


def _ruled_out(disease: Json) -> bool:
    return bool(disease.get("excluded"))
