"""The clinician report as one self-contained HTML page: no script, nothing fetched.

Order: whom it is about, time to act, counts, severity, differential, what must not be missed,
next tests, hazards, what is missing, inputs, limits and sources. Every text of the record passes
through `markup.element`, which escapes it; the page also forbids itself scripts and requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Final

from hematon.engine.assessment import Assessment, Lineage, Urgency, UrgencyReason
from hematon.knowledge.compiled import Knowledge
from hematon.report import (
    charts,
    html_reasoning,
    html_record,
    html_time,
    over_time,
    selection,
    wording,
)
from hematon.report.html_parts import (
    LEVEL_CLASSES,
    bullets,
    definitions,
    details,
    paragraph,
    reference,
    section,
    table,
)
from hematon.report.markup import Markup, element, join, style_sheet
from hematon.report.quantities import prose, short_age, unit

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_LINEAGE_ANALYTES: Final = ("hemoglobin", "anc", "platelets")
_CONTENTS: Final = (
    ("urgency", "Time to act"),
    ("lineages", "Counts"),
    ("time", "Over time"),
    ("severity", "Severity"),
    ("differential", "To consider"),
    ("always", "Must not be missed"),
    ("tests", "Next tests"),
    ("hazards", "Hazards"),
    ("missing", "Missing"),
    ("inputs", "Inputs"),
    ("limits", "Limits and sources"),
)


def render(assessment: Assessment, knowledge: Knowledge) -> str:
    """Write the report.

    Args:
        assessment: what to report.
        knowledge: the knowledge it was made with, for the reference bands and names.

    Returns:
        A whole HTML document; the same arguments give the same text.
    """
    css = resources.files("hematon.report").joinpath("style.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"Hematon: {assessment.id}"),
        style_sheet(css),
    )
    main = element(
        "main",
        _urgency(assessment),
        _lineages(assessment, knowledge),
        html_time.section_of_time(assessment) if over_time.is_told(assessment) else None,
        _severity(assessment),
        html_reasoning.differential(assessment, knowledge),
        html_reasoning.always_shown(assessment),
        html_reasoning.next_tests(assessment),
        html_reasoning.hazards(assessment, knowledge),
        html_record.missing(assessment),
        html_record.inputs(assessment, knowledge),
        html_record.limits(assessment),
        id="report",
    )
    body = element(
        "body",
        element("a", "Skip to the report", class_="skip", href="#report"),
        _masthead(assessment),
        main,
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _masthead(assessment: Assessment) -> Markup:
    links = (
        element("a", title, href=f"#{name}")
        for name, title in _CONTENTS
        if name != "time" or over_time.is_told(assessment)
    )
    return element(
        "header",
        paragraph("Hematon · clinician report", class_="kicker"),
        element("h1", wording.TITLE),
        definitions(wording.who(assessment), "who"),
        paragraph(assessment.label, class_="label"),
        element("nav", bullets(links), aria_label="Contents"),
    )


# --- time to act --------------------------------------------------------------------------------


def _urgency(assessment: Assessment) -> Markup:
    urgency = assessment.urgency
    headline, asks = wording.time_to_act(urgency)
    deciding = [r for r in urgency.reasons if r.level == urgency.level]
    lesser = [r for r in urgency.reasons if r.level != urgency.level]
    return section(
        "urgency",
        "Time to act",
        paragraph(headline, class_="headline"),
        paragraph(f"{asks} (level {urgency.level})", class_="asks"),
        _ladder(urgency),
        bullets((_reason(r, assessment) for r in deciding), "reasons") if deciding else None,
        paragraph("Also met, less urgent", class_="subhead") if lesser else None,
        bullets((_reason(r, assessment) for r in lesser), "reasons lesser") if lesser else None,
        _could_be_higher(assessment),
        paragraph(treated) if (treated := wording.treated(assessment)) else None,
        paragraph(wording.CAUTION, class_="note"),
        class_=LEVEL_CLASSES[urgency.level],
    )


def _reason(reason: UrgencyReason, assessment: Assessment) -> Markup:
    level = wording.URGENCY[reason.level][0].lower()
    return join(
        element("strong", prose(reason.name)),
        f" ({prose(reason.rule)}, {level}). {prose(reason.text)}. ",
        paragraph(element("b", "Do: "), prose(reason.act), class_="act"),
        paragraph(element("b", "Confirm: "), prose(reason.confirm)) if reason.confirm else None,
        reference(reason.grade, reason.source, assessment.citations),
    )


def _ladder(urgency: Urgency) -> Markup:
    steps = (
        element(
            "li",
            "This record: " if level == urgency.level else None,
            # Where nothing is settled, the last step must not read as an all-clear.
            wording.time_to_act(urgency)[0] if level == urgency.level else words[0],
            aria_current="true" if level == urgency.level else None,
        )
        for level, words in wording.URGENCY.items()
    )
    return element("ol", steps, class_="ladder", aria_label="Levels, most urgent first")


def _could_be_higher(assessment: Assessment) -> Markup | None:
    urgency = assessment.urgency
    if not urgency.undetermined:
        return None
    rows = [
        (
            prose(rule.name),
            wording.URGENCY[rule.level][0],
            prose(rule.text),
            wording.listed(rule.missing) or "–",
            reference(rule.grade, rule.source, assessment.citations),
        )
        for rule in urgency.undetermined
    ]
    headers = ("Rule", "Would be", "Says", "Not stated", "Source")
    return details(
        element("strong", wording.could_be_higher(urgency)),
        table("Rules that could not be judged", headers, rows),
        class_="higher rest",
    )


# --- counts -------------------------------------------------------------------------------------


def _lineages(assessment: Assessment, knowledge: Knowledge) -> Markup:
    rest = [a for a in charts.charted(assessment, knowledge) if a not in _LINEAGE_ANALYTES]
    figures = [_figure(assessment, knowledge, analyte) for analyte in rest]
    return section(
        "lineages",
        "Counts against age",
        element("div", _panels(assessment, knowledge), class_="panels"),
        _lineage_table(assessment),
        _readings(assessment),
        element("div", figures, class_="charts") if figures else None,
        _legend() if charts.charted(assessment, knowledge) else None,
    )


def _panels(assessment: Assessment, knowledge: Knowledge) -> Iterator[Markup]:
    drawn = charts.charted(assessment, knowledge)
    for name, title in wording.LINEAGES:
        lineage: Lineage = getattr(assessment.lineages, name)
        yield element(
            "article",
            element("h3", title),
            paragraph(wording.lineage_value(lineage), class_="figure"),
            paragraph(
                element("span", wording.lineage_status(lineage), class_=lineage.status),
                f" · drawn {age}" if (age := wording.drawn(assessment, lineage)) else None,
                class_="status",
            ),
            _figure(assessment, knowledge, lineage.analyte) if lineage.analyte in drawn else None,
            class_=f"panel {name}",
        )


def _figure(assessment: Assessment, knowledge: Knowledge, analyte: str) -> Markup:
    inputs = selection.serial_inputs(assessment, analyte)
    rows = [(short_age(i.age_days), wording.value(i), wording.our_limits(i)) for i in inputs]
    caption = element("figcaption", f"{inputs[0].name}, {unit(inputs[0].unit)}")
    return element(
        "figure",
        caption,
        charts.chart(assessment, knowledge, analyte),
        details(
            f"{inputs[0].name} as a table",
            table(f"{inputs[0].name} by age", ("Age", "Value", "Limits for age"), rows),
            class_="data",
        ),
    )


def _legend() -> Markup:
    return paragraph(
        "Shaded: reference band for age and sex; solid lines its limits, dashed its median. "
        "Filled point: as measured; larger: in the judged draw; hollow: under a treatment that "
        "supports or explains it. Open triangle: reported as below (pointing down) or above "
        "(pointing up). White cells, platelets and reticulocytes are drawn on a logarithmic scale; "
        "a count of zero stands on its floor.",
        class_="note",
    )


def _lineage_table(assessment: Assessment) -> Markup:
    rows, labels = [], []
    for name, title in wording.LINEAGES:
        lineage: Lineage = getattr(assessment.lineages, name)
        facts = wording.lineage_facts(lineage)
        labels = [label for label, _ in facts]
        text = join(
            prose(lineage.text) or "–",
            element("br"),
            element("span", wording.listed(lineage.source), class_="ref"),
        )
        said = (wording.lineage_value(lineage), wording.lineage_status(lineage))
        rows.append((title, *said, *(fact for _, fact in facts), text))
    headers = ("Lineage", "Value", "Status", *labels, "Reading and source")
    return table("The three lineages", headers, rows, "wide")


def _readings(assessment: Assessment) -> Markup | None:
    if not assessment.readings:
        return None

    def rows(*answers: str) -> list[tuple[str, ...]]:
        return [
            (
                prose(r.name),
                element("span", wording.ANSWERS[r.answer], class_=f"answer {r.answer}"),
                prose(r.text),
                reference(r.grade, r.source, assessment.citations),
            )
            for answer in answers
            for r in assessment.readings
            if r.answer == answer
        ]

    headers = ("Reading", "Answer", "Means", "Source")
    known = rows("yes", "no")
    unknown = [r.name for r in assessment.readings if r.answer == "unknown"]
    return join(
        table("What the counts say", headers, known) if known else None,
        details(
            f"Not known ({len(unknown)}): {wording.listed(unknown)}",
            table("What the counts do not say", headers, rows("unknown")),
            class_="rest",
        )
        if unknown
        else None,
    )


# --- severity -----------------------------------------------------------------------------------


def _severity(assessment: Assessment) -> Markup:
    met, open_, unmet = (
        selection.severity_by_answer(assessment, answer) for answer in ("yes", "unknown", "no")
    )
    citations = assessment.citations

    def rows(answer: str) -> list[tuple[str, ...]]:
        return [
            (
                prose(s.name),
                prose(s.text),
                f"{prose(s.criteria)} {prose(s.edition)}".replace("_", " "),
                wording.still_needed(s),
                reference(s.grade, s.source, citations),
            )
            for s in selection.severity_by_answer(assessment, answer)
        ]

    headers = ("Criterion", "Says", "Edition", "Still needed", "Source")
    return section(
        "severity",
        "Severity criteria",
        table("Met", headers, rows("yes")) if met else paragraph("No criterion is met."),
        details(
            f"Cannot be graded yet ({len(open_)}): {wording.waits_for(open_)}",
            table("Cannot be graded", headers, rows("unknown")),
            class_="rest",
        )
        if open_
        else None,
        details(f"Not met ({len(unmet)})", table("Not met", headers, rows("no")), class_="rest")
        if unmet
        else None,
    )
