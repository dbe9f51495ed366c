"""Read what was measured, done and sequenced: three parts of a phenopacket.

Measurements give numbers, with a LOINC code, a `HEMATON:` analyte id or a name; or words, for
tests that are read as positive or negative. Medical actions give treatments; how many mean nothing
to the knowledge is for the caller to say. Interpretations give variants as a laboratory reported
them. Two heterozygous variants of one gene, both (likely) pathogenic, are read as compound:
reports of recessive disease rarely state the phase, and dismissing such a pair would be the worse
mistake.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from typing import get_args

from hematon import units
from hematon.engine.case import (
    Classification,
    ReportedVariant,
    Treatment,
    TreatmentKind,
    Zygosity,
)
from hematon.errors import UnitError
from hematon.interchange import words
from hematon.interchange.node import Node
from hematon.interchange.phenopacket_time import Span, read_interval, read_time

OWN = "HEMATON:"
BASIS = "computed as "
"""How a measurement's description begins when it says how the number was computed."""
COMPARATOR_TERMS: dict[str, str] = {
    f"{OWN}less-than": "<",
    f"{OWN}at-most": "<=",
    f"{OWN}at-least": ">=",
    f"{OWN}more-than": ">",
}
"""Types of a quantity that is a bound: the standard has no comparator."""
ACMG: dict[str, Classification] = {
    "NOT_PROVIDED": "unknown",
    "BENIGN": "benign",
    "LIKELY_BENIGN": "likely_benign",
    "UNCERTAIN_SIGNIFICANCE": "uncertain",
    "LIKELY_PATHOGENIC": "likely_pathogenic",
    "PATHOGENIC": "pathogenic",
}
ZYGOSITY_TERMS: dict[str, Zygosity] = {
    "GENO:0000135": "heterozygous",
    "GENO:0000136": "homozygous",
    "GENO:0000134": "hemizygous",
    "GENO:0000402": "compound",
    f"{OWN}mosaic": "mosaic",
}
_ZYGOSITY_WORDS: dict[str, Zygosity] = {
    "compound heterozygous": "compound",
    "heterozygous": "heterozygous",
    "homozygous": "homozygous",
    "hemizygous": "hemizygous",
    "mosaic": "mosaic",
}
_STATUS = ("UNKNOWN_STATUS", "REJECTED", "CANDIDATE", "CONTRIBUTORY", "CAUSATIVE")
_LOINC_ID = re.compile(r"(?:LOINC:|LNC:|https?://loinc\.org/)?(\d{1,7}-\d)", re.IGNORECASE)
_TREATMENT_PREFIXES = {
    "SNOMED": "SNOMED",
    "SNOMEDCT": "SNOMED",
    "SCTID": "SNOMED",
    "ATC": "ATC",
}
_KINDS: frozenset[str] = frozenset(get_args(TreatmentKind))
_RADIATION_FINDING = "EXP_CHEMO_RAD"


# --- measurements ------------------------------------------------------------------------------


def read_measurement(node: Node) -> None:
    """Take one measurement: a quantity, several typed quantities, or a word."""
    intake = node.intake
    assay, value = node.object("assay"), node.object("value")
    when = read_time(node.object("timeObserved")).middle
    typed = list(node.object("complexValue").objects("typedQuantities"))
    description = node.text("description")
    basis = description.removeprefix(BASIS) if description.startswith(BASIS) else ""
    for part in typed:
        kind = part.object("type")
        comparator = COMPARATOR_TERMS.get(kind.text("id"), "")
        _read_quantity(
            assay if comparator else kind, part.object("quantity"), when, comparator, basis
        )
    if quantity := value.object("quantity"):
        _read_quantity(assay, quantity, when, "", basis)
    elif word := value.object("ontologyClass"):
        _read_word(assay, word, when)
    elif not typed:
        intake.warn("value-absent", node.where, "the measurement has no value")


def _read_quantity(
    assay: Node, quantity: Node, when: int | None, comparator: str, basis: str
) -> None:
    intake, where = quantity.intake, quantity.at("value")
    unit = _unit(quantity.object("unit"))
    before = len(intake.issues)
    value = quantity.number("value")
    if len(intake.issues) > before:
        return
    if value is None:
        if unit is None:
            intake.warn("value-absent", where, "the quantity has no value")
            return
        # Protobuf leaves a zero out of its JSON; a count of zero must not be lost.
        intake.warn(
            "value-absent",
            where,
            "no value beside the unit; read as zero, which protobuf leaves out",
            "write zeros out",
        )
        value = 0.0
    low, high = _limits(quantity)
    code = assay.text("id")
    if match := _LOINC_ID.fullmatch(code):
        intake.loinc(
            match[1],
            value,
            unit,
            where,
            age_days=when,
            comparator=comparator,
            lab_low=low,
            lab_high=high,
            basis=basis,
        )
        return
    analyte = _analyte(assay, unit)
    if analyte is not None:
        intake.measurement(
            analyte,
            value,
            unit,
            where,
            age_days=when,
            comparator=comparator,
            lab_low=low,
            lab_high=high,
            basis=basis,
        )


def _read_word(assay: Node, word: Node, when: int | None) -> None:
    intake, code = word.intake, word.text("id")
    analyte = _analyte(assay, None)
    if analyte is None:
        return
    positive = words.positive_or_negative(word.text("label"))
    if code in words.POSITIVE_CODES or code in words.NEGATIVE_CODES:
        positive = code in words.POSITIVE_CODES
    if positive is None:
        intake.error(
            "value-not-number",
            word.where,
            "the term is neither positive nor negative",
            "send a quantity, or a term for present or absent",
        )
        return
    intake.qualitative(analyte, positive, word.where, age_days=when)


def _analyte(assay: Node, unit: str | None) -> str | None:
    """Give the analyte of a LOINC code, of one of our own ids, or of a name; note any other."""
    intake, code = assay.intake, assay.text("id")
    knowledge = intake.knowledge
    if match := _LOINC_ID.fullmatch(code):
        known = knowledge.loinc.get(match[1])
        if known is not None and known.use != "exclude":
            return known.analyte
    elif code.startswith(OWN):
        if code.removeprefix(OWN) in knowledge.analytes:
            return code.removeprefix(OWN)
    elif (named := words.analyte_named(knowledge, assay.text("label"), unit)) is not None:
        return named
    intake.warn(
        "code-unknown", assay.where, "the assay is not one that Hematon uses", "use a LOINC code"
    )
    return None


def _unit(term: Node) -> str | None:
    """Give the unit by its UCUM id, else as the label writes it; None when there is none."""
    code, label = term.text("id"), term.text("label")
    ucum = code.removeprefix("UCUM:")
    if ucum == code and label:
        return label
    try:
        units.canonical(ucum)
    except UnitError:
        return label or ucum or None
    return ucum


def _limits(quantity: Node) -> tuple[float | None, float | None]:
    limits = quantity.object("referenceRange")
    unit = limits.object("unit").text("id")
    if unit and unit != quantity.object("unit").text("id"):
        quantity.intake.warn(
            "unit-unknown",
            limits.where,
            "the reference range has another unit than the value and is not used",
            "give both in one unit",
        )
        return None, None
    low, high = limits.number("low"), limits.number("high")
    # Infinity is how an open end is written.
    return (
        low if low is not None and math.isfinite(low) else None,
        high if high is not None and math.isfinite(high) else None,
    )


# --- medical actions ---------------------------------------------------------------------------


def read_action(action: Node) -> bool:
    """Take one medical action; say whether it meant anything to the knowledge."""
    if procedure := action.object("procedure"):
        return _treat(procedure.object("code"), read_time(procedure.object("performed")))
    if treatment := action.object("treatment"):
        given = [read_interval(d.object("interval")) for d in treatment.objects("doseIntervals")]
        starts = [span.start for span in given if span.start is not None]
        ends = [span.end for span in given if span.end is not None]
        return _treat(
            treatment.object("agent"), Span(min(starts, default=None), max(ends, default=None))
        )
    if regimen := action.object("therapeuticRegimen"):
        started = read_time(regimen.object("startTime")).middle
        stopped = read_time(regimen.object("endTime")).middle
        term = regimen.object("ontologyClass") or regimen.object("externalReference")
        return _treat(term, Span(started, stopped))
    if radiation := action.object("radiationTherapy"):
        action.intake.finding(_RADIATION_FINDING, True, radiation.where)
        return True
    return False


def _treat(term: Node, when: Span) -> bool:
    intake, (prefix, _, code) = term.intake, term.text("id").partition(":")
    if f"{prefix}:" == OWN and code in _KINDS:
        kind: TreatmentKind = code  # type: ignore[assignment]  # checked above
        intake.treatments.append(Treatment(kind, when.start, when.end, term.where))
        return True
    system = _TREATMENT_PREFIXES.get(prefix.upper())
    text = term.text("label") or term.text("description")
    return intake.treatment(
        text, term.where, codes=[(system, code)] if system else [], start=when.start, end=when.end
    )


# --- interpretations ---------------------------------------------------------------------------


def read_interpretation(interpretation: Node) -> None:
    """Take the variants of one interpretation; rejected ones are noted and left out."""
    intake = interpretation.intake
    for genomic in interpretation.object("diagnosis").objects("genomicInterpretations"):
        if genomic.choice("interpretationStatus", _STATUS) == "REJECTED":
            intake.warn("variant-not-used", genomic.where, "the interpretation was rejected")
        else:
            _read_variant(genomic)


def _read_variant(genomic: Node) -> None:
    variant = genomic.object("variantInterpretation")
    descriptor = variant.object("variationDescriptor")
    gene = descriptor.object("geneContext") or genomic.object("gene")
    acmg = variant.choice("acmgPathogenicityClassification", tuple(ACMG))
    state = descriptor.object("allelicState")
    zygosity = ZYGOSITY_TERMS.get(state.text("id")) or _ZYGOSITY_WORDS.get(
        state.text("label").lower(), "unknown"
    )
    genomic.intake.variant(
        gene.text("symbol"),
        ACMG.get(acmg, "unknown"),
        zygosity,
        genomic.where,
        _describe(descriptor),
    )


def _describe(descriptor: Node) -> str:
    written = {e.text("syntax"): e.text("value") for e in descriptor.objects("expressions")}
    return (
        written.get("hgvs.c")
        or next(iter(written.values()), "")
        or descriptor.text("description")
        or descriptor.text("label")
    )


def mark_compound(variants: list[ReportedVariant]) -> list[ReportedVariant]:
    """Read two heterozygous (likely) pathogenic variants of one gene as compound."""
    hits = Counter(v.gene for v in variants if _may_pair(v))
    return [
        replace(v, zygosity="compound") if _may_pair(v) and hits[v.gene] > 1 else v
        for v in variants
    ]


def _may_pair(variant: ReportedVariant) -> bool:
    return variant.zygosity == "heterozygous" and variant.classification in (
        "pathogenic",
        "likely_pathogenic",
    )
