"""What a referring clinician ticked of findings and treatments, as the engine's own record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from hematon.engine.case import Case as EngineCase
from hematon.engine.case import Finding, Treatment
from hematon.knowledge import Knowledge
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind

_TRANSFUSIONS: Final = ("red_cell_transfusion", "platelet_transfusion")


def stated(case: Case, born: date | None, knowledge: Knowledge) -> EngineCase:
    """Give the findings and treatments of a referral; nothing of what a family asks.

    Args:
        case: sent.
        born: turns the day of a transfusion into an age.
        knowledge: names the findings.
    """
    answers: Mapping[str, Any] = case.answers if case.kind == Kind.REFERRAL else {}
    return EngineCase(
        id="stated",
        birth_date=born,
        findings=tuple(_findings(answers, knowledge)),
        treatments=tuple(_treatments(answers, born)),
    )


def _findings(answers: Mapping[str, Any], knowledge: Knowledge) -> Iterator[Finding]:
    for key, question in (("present", "findings"), ("absent", "absent")):
        for code in answers.get(question, {}).get(key, []):
            known = knowledge.findings.get(code)
            yield Finding(code, key == "present", known.name if known else "")


def _treatments(answers: Mapping[str, Any], born: date | None) -> Iterator[Treatment]:
    given = answers.get("history", {})
    on = given.get("transfused_on", "")
    days = (date.fromisoformat(on) - born).days if on and born else None
    for kind in given.get("treatments", []):
        if kind != "none":
            yield Treatment(kind, days if kind in _TRANSFUSIONS else None)
