"""Whatever a reader may produce, every form of the report can be made of it."""

from __future__ import annotations

import io

from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from hypothesis import given, settings
from rich.console import Console

from hematon.engine import assess
from hematon.engine.case import Case
from hematon.knowledge import load_knowledge
from hematon.report import fhir, html, terminal
from strategies import cases
from unit.report.test_html import Page

KNOWLEDGE = load_knowledge()


@given(case=cases())
@settings(max_examples=15)
def test_every_assessment_can_be_reported(case: Case) -> None:
    """The engine's own results render, close every element, and are valid FHIR."""
    assessment = assess(case, KNOWLEDGE)
    assert not Page(html.render(assessment, KNOWLEDGE)).open
    DiagnosticReport.model_validate(fhir.render(assessment, KNOWLEDGE))
    leader = assessment.differential[0].condition
    for explain in (None, leader):
        console = Console(file=io.StringIO(), width=80)
        terminal.render(assessment, console, explain=explain)
