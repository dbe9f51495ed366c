"""The record sections of the HTML report: what was read, what is missing, what it rests on."""

from __future__ import annotations

from typing import Final

from hematon.engine.assessment import Assessment, StatedFinding
from hematon.knowledge.compiled import Knowledge
from hematon.report import selection, wording
from hematon.report.html_parts import (
    bullets,
    definitions,
    details,
    linked,
    paragraph,
    section,
    table,
)
from hematon.report.markup import Markup, element
from hematon.report.quantities import prose, short_age, signed

_MISSING_SHOWN: Final = 12
"""What would change most comes first; the rest is folded."""
_CHANGES_SHOWN: Final = 5


def missing(assessment: Assessment) -> Markup:
    """Give what is not known with what it would change, and the issues of the input."""
    unknown = [
        (prose(m.name), wording.listed(m.changes, most=_CHANGES_SHOWN) or "–")
        for m in assessment.missing
    ]
    issues = [
        (prose(i.code), prose(i.level), prose(i.where), prose(i.message), prose(i.fix) or "–")
        for i in assessment.issues
    ]
    headers = ("Item", "Knowing it could change")
    rest = unknown[_MISSING_SHOWN:]
    return section(
        "missing",
        "Missing, conflicting or implausible",
        table("Not stated", headers, unknown[:_MISSING_SHOWN])
        if unknown
        else paragraph("Nothing that a rule asks for is missing."),
        details(
            f"{len(rest)} more not stated",
            table("Not stated, continued", headers, rest),
            class_="rest",
        )
        if rest
        else None,
        table("Data quality", ("Issue", "Level", "Where", "What", "What to do"), issues)
        if issues
        else paragraph("No issue was found in the input."),
    )


def inputs(assessment: Assessment, knowledge: Knowledge) -> Markup:
    """Give every value and finding that was read."""
    rows = [
        (
            prose(i.name),
            wording.value(i),
            short_age(i.age_days),
            wording.our_limits(i),
            signed(i.z) if i.z is not None else "–",
            wording.lab_limits(i),
            wording.input_notes(i),
            prose(i.where),
        )
        for i in assessment.inputs
    ]
    headers = (
        *("Count", "Value", "Age at draw", "Limits for age and sex", "z", "Laboratory limits"),
        *("Note", "Place in the record"),
    )
    return section(
        "inputs",
        "Inputs used",
        table("Values", headers, rows, "wide") if rows else paragraph("No value was stated."),
        _findings(assessment, knowledge),
    )


def _findings(assessment: Assessment, knowledge: Knowledge) -> Markup:
    rows = [
        (
            prose(finding.label) or prose(finding.code),
            prose(finding.code),
            "present" if observed else "absent",
            _used_as(finding, knowledge),
        )
        for observed in (True, False)
        for finding in selection.findings_by_presence(assessment, observed=observed)
    ]
    if not rows:
        return paragraph("No finding was stated.")
    return table("Findings", ("Finding", "Code", "Stated", "Used as"), rows)


def _used_as(finding: StatedFinding, knowledge: Knowledge) -> str:
    names = [
        knowledge.findings[name].name if name in knowledge.findings else name
        for name in finding.used_as
    ]
    return wording.listed(names) or "not used"


def limits(assessment: Assessment) -> Markup:
    """Give where the model is untested, what it rests on, and the versions."""
    versions = assessment.versions
    grades = wording.grade_counts(assessment)
    return section(
        "limits",
        "Limits, sources and versions",
        element("h3", "Where this has not been tested"),
        bullets(prose(limit) for limit in assessment.limits)
        if assessment.limits
        else paragraph("No limits are recorded for this version."),
        element("h3", "What the evidence rests on"),
        definitions(grades, "grades") if grades else paragraph("No evidence was used."),
        element("h3", "Sources"),
        _citations(assessment),
        element("h3", "Versions"),
        definitions(
            (
                ("Software", prose(versions.engine)),
                ("Knowledge", prose(versions.knowledge)),
                ("Knowledge fingerprint", element("code", versions.fingerprint)),
                ("Human Phenotype Ontology", prose(versions.hpo)),
                ("Result schema", prose(versions.schema)),
                ("Input hash", element("code", assessment.input_hash)),
            ),
            "versions",
        ),
    )


def _citations(assessment: Assessment) -> Markup:
    if not assessment.citations:
        return paragraph("No source was used.")
    rows = (
        element(
            "div", element("dt", name, id=f"source-{name}"), element("dd", linked(prose(citation)))
        )
        for name, citation in assessment.citations.items()
    )
    return element("dl", rows, class_="citations")
