"""The clinician report as a FHIR R4 DiagnosticReport with the inputs it used as Observations.

Possibilities stand in the text as a list to consider. There is no conclusion code, no
RiskAssessment and no probability, because each of them would be read as a diagnosis or a risk of
this child. The report is `preliminary`: a clinician has not yet looked at it. Ages are given, no
dates: the assessment knows none but its own day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from hematon.engine.assessment import Assessment, Input
from hematon.knowledge.compiled import Knowledge
from hematon.report import evidence, selection, wording
from hematon.report.html_parts import bullets, paragraph
from hematon.report.markup import element, join
from hematon.report.quantities import age, clean, number, prose

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
_CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"
_OBSERVATION_CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_RANGE_TYPES: Final = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_FHIR_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def render(assessment: Assessment, knowledge: Knowledge) -> dict[str, Any]:
    """Write the report as plain JSON values.

    Args:
        assessment: what to report.
        knowledge: names the LOINC code of each count.

    Returns:
        A DiagnosticReport; the same arguments give the same value.
    """
    subject = _subject(assessment)
    observations = [
        _observation(f"input-{k}", item, subject, knowledge)
        for k, item in enumerate(assessment.inputs, start=1)
    ]
    report: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "language": "en-US",
        "text": {"status": "additional", "div": _narrative(assessment)},
        "identifier": [
            {"type": {"text": "Hash of the input"}, "value": clean(assessment.input_hash)}
        ],
        "status": "preliminary",
        "category": [_concept(_CATEGORIES, "HM", "Hematology")],
        "code": {"text": wording.TITLE},
        "subject": subject,
        **_times(assessment.as_of),
        "conclusion": "\n".join(conclusion(assessment)),
    }
    if observations:
        # FHIR forbids empty arrays.
        report["contained"] = observations
        report["result"] = [{"reference": f"#{o['id']}"} for o in observations]
    return report


def conclusion(assessment: Assessment) -> tuple[str, ...]:
    """Give the conclusion as lines of plain text, most urgent first, the intended use last."""
    lines = (f"{title}: {text}" for title, text in _statements(assessment) if text)
    return (*lines, prose(assessment.label))


def _statements(assessment: Assessment) -> Iterable[tuple[str, str]]:
    urgency = assessment.urgency
    headline, asks = wording.time_to_act(urgency)
    reasons = "; ".join(prose(r.name) for r in urgency.reasons)
    yield "Time to act", f"{headline} ({asks}){f': {reasons}' if reasons else ''}"
    yield "Time to act, not judged", wording.could_be_higher(urgency)
    for name, title in wording.LINEAGES:
        lineage = getattr(assessment.lineages, name)
        drawn = wording.drawn(assessment, lineage)
        value = f"{wording.lineage_value(lineage)} {drawn}".strip()
        yield title, f"{value}, {wording.lineage_status(lineage)}"
    yield "Treatment", wording.treated(assessment)
    met = selection.severity_by_answer(assessment, "yes")
    yield "Criteria met", "; ".join(prose(s.name) for s in met)
    yield (
        "Consider, in this order; a list, not a diagnosis",
        "; ".join(_ranked(assessment)),
    )
    yield (
        "Must not be missed, whatever the ranking",
        "; ".join(prose(s.name) for s in assessment.always_show),
    )
    yield wording.ASK, "; ".join(prose(q.name) for q in assessment.questions)
    yield "Next tests to consider", "; ".join(prose(t.name) for t in assessment.next_tests)
    yield "Treatment hazards", "; ".join(prose(h.text) for h in assessment.hazards)
    yield "Not stated", wording.listed((m.name for m in assessment.missing), most=8)


def _ranked(assessment: Assessment) -> Iterable[str]:
    shown = {c.condition for c in selection.leading(assessment)}
    for candidate in assessment.differential:
        if candidate.condition in shown or selection.is_something_else(candidate):
            yield f"{candidate.rank}. {prose(candidate.name)} ({evidence.band(candidate)})"


def _narrative(assessment: Assessment) -> str:
    items = [
        join(element("b", f"{title}: "), text) for title, text in _statements(assessment) if text
    ]
    versions = assessment.versions
    return element(
        "div",
        paragraph(element("b", wording.TITLE)),
        paragraph("; ".join(f"{label} {value}" for label, value in wording.who(assessment))),
        paragraph(assessment.label),
        bullets(items),
        paragraph(
            f"Hematon {versions.engine}, knowledge {versions.knowledge} "
            f"({versions.fingerprint}), HPO {versions.hpo}."
        ),
        xmlns=_XHTML,
        lang="en",
    )


def _subject(assessment: Assessment) -> dict[str, Any]:
    if _FHIR_ID.fullmatch(assessment.id):
        return {"reference": f"Patient/{assessment.id}"}
    # An id that FHIR does not allow is carried as an identifier, never bent into another one.
    return {"type": "Patient", "identifier": {"value": clean(assessment.id)}}


def _times(as_of: str | None) -> dict[str, str]:
    if as_of is None:
        return {}
    if _INSTANT.fullmatch(as_of):
        return {"effectiveDateTime": as_of, "issued": as_of}
    # A day is not an instant: a time of day would be made up.
    return {"effectiveDateTime": as_of} if _DATE.fullmatch(as_of) else {}


# --- observations -------------------------------------------------------------------------------


def _observation(
    name: str, item: Input, subject: dict[str, Any], knowledge: Knowledge
) -> dict[str, Any]:
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "id": name,
        # The assessment does not carry the status that the sender gave.
        "status": "unknown",
        "category": [_concept(_OBSERVATION_CATEGORIES, "laboratory", "Laboratory")],
        "code": _code(item, knowledge),
        "subject": subject,
        **_value(item),
        "note": [{"text": note} for note in _notes(item)],
    }
    ranges = _ranges(item)
    if ranges:
        observation["referenceRange"] = ranges
    return observation


def _code(item: Input, knowledge: Knowledge) -> dict[str, Any]:
    analyte = knowledge.analytes.get(item.analyte)
    loinc = _loinc(analyte.loinc, knowledge) if analyte is not None else None
    code: dict[str, Any] = {"text": clean(item.name)}
    if loinc is not None:
        code["coding"] = [{"system": LOINC, "code": loinc}]
    return code


def _loinc(codes: tuple[str, ...], knowledge: Knowledge) -> str | None:
    """Choose the code that names no method, because the assessment does not say which was used."""
    without_method = (c for c in codes if " by " not in knowledge.loinc[c].name)
    return next(without_method, codes[0] if codes else None)


def _value(item: Input) -> dict[str, Any]:
    if item.unit == "{presence}":
        return {"valueCodeableConcept": {"text": wording.value(item)}}
    return {"valueQuantity": _quantity(item.value, item.unit, item.comparator)}


def _quantity(value: float, ucum: str, comparator: str = "") -> dict[str, Any]:
    # Ten significant digits, as in the JSON of the assessment.
    quantity: dict[str, Any] = {"value": float(f"{value:.10g}")}
    if comparator:
        quantity["comparator"] = comparator
    if ucum:
        quantity |= {"unit": ucum, "system": UCUM, "code": ucum}
    return quantity


def _ranges(item: Input) -> list[dict[str, Any]]:
    median = "" if item.median is None else f", median {number(item.median, 3)}"
    sources = (
        ("Limits of the laboratory", item.lab_low, item.lab_high),
        (f"Limits of Hematon for age and sex{median}", item.lower, item.upper),
    )
    ranges = []
    for text, low, high in sources:
        limits = {"low": low, "high": high}
        given = {
            side: _quantity(limit, item.unit) for side, limit in limits.items() if limit is not None
        }
        if given:
            kind = _concept(_RANGE_TYPES, "normal", "Normal Range")
            ranges.append({**given, "type": kind, "text": text})
    return ranges


def _notes(item: Input) -> Iterable[str]:
    yield f"Age at draw: {age(item.age_days)}"
    if item.age_days is not None:
        yield f"Age at draw in completed days: {item.age_days}"
    notes = wording.input_notes(item)
    if notes != "–":
        yield notes


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}
