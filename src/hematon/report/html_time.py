"""The part of the HTML report about time: trends, the neutrophil cycle, treatments."""

from __future__ import annotations

from collections.abc import Iterator

from hematon.engine.assessment import Assessment
from hematon.engine.assessment_trends import NeutrophilCycle
from hematon.report import cycle_chart, over_time, wording
from hematon.report.html_parts import bullets, details, paragraph, reference, section, table
from hematon.report.markup import Markup, element


def section_of_time(assessment: Assessment) -> Markup:
    """Give the section about serial counts, where there is anything to tell."""
    trends = assessment.trends
    rows, treatments = over_time.trend_rows(trends), over_time.treatment_lines(trends)
    return section(
        "time",
        "Over time",
        table("Counts over time", over_time.TREND_HEADERS, rows, class_="wide") if rows else None,
        _cycle(assessment, trends.neutrophil_cycle),
        bullets(treatments, "treatments") if treatments else None,
    )


def _cycle(assessment: Assessment, cycle: NeutrophilCycle) -> Iterator[Markup]:
    if not over_time.cycle_is_told(cycle):
        return
    yield element("h3", over_time.called(cycle))
    if cycle.fit is not None:
        yield element(
            "figure",
            element("figcaption", "Neutrophils, 10⁹/L, logarithmic, with the fitted cycle"),
            cycle_chart.cycle_chart(cycle, cycle.fit),
            paragraph(
                "Filled: counts used; hollow: left out. Shaded: where the next nadir is expected, "
                "if the cycle is confirmed. Solid lines: 0.2, 0.5 and 1.0.",
                class_="note",
            ),
            class_="wide-figure",
        )
    yield bullets(over_time.cycle_lines(cycle))
    if cycle.criteria:
        answers = ((c.text, wording.ANSWERS[c.answer]) for c in cycle.criteria)
        nadirs = over_time.nadir_days(cycle)
        yield details(
            "What the call rests on",
            table("Criteria for a neutrophil cycle", ("Criterion", "Met"), answers),
            paragraph(f"Nadirs: {nadirs}.") if nadirs else None,
        )
    yield reference("named_source", cycle.source, assessment.citations)
