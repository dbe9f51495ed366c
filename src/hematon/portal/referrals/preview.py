"""The engine over exactly what was entered: counts, what is stated beside them, sex, birth date.

The result is made anew each time it is shown and kept nowhere: it is no part of the referral. The
team makes its own from the same answers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from hematon.engine import assess
from hematon.engine.assessment import Assessment
from hematon.engine.case import Case as Record
from hematon.engine.case import Sex
from hematon.errors import Issue
from hematon.interchange.intake import Intake
from hematon.portal.clinic.reading import knowledge
from hematon.portal.referrals.steps import counts_of, stated_of
from hematon.report.tested import with_doubt

CALL_NOW: Final = frozenset({"E", "U24", "U72"})
"""Levels at which a form is too slow: seen by hematology within three days or sooner."""
_log = logging.getLogger(__name__)


def can_be_assessed(answers: Mapping[str, Any]) -> bool:
    """Say whether there is a child and anything about blood or findings to judge."""
    findings = answers.get("findings", {}).get("present", [])
    return "child" in answers and bool(counts_of(answers).get("sets") or findings)


def computed(
    answers: Mapping[str, Any], *, today: date, unread: Iterable[Issue] = ()
) -> Assessment | None:
    """Assess a draft; give None where the engine fails.

    Nobody is kept from sending because of it: the pages say that nothing was computed, and whom
    to call.
    """
    try:
        return assessment_of(answers, name="draft", today=today, unread=unread)
    except Exception:
        # Where the engine's faults end, whatever they are; the log keeps type and place alone.
        _log.exception("the engine failed on a referral")
        return None


def assessment_of(
    answers: Mapping[str, Any], *, name: str, today: date, unread: Iterable[Issue] = ()
) -> Assessment:
    """Assess what was entered.

    Args:
        answers: of the referral; there must be a child.
        name: of the record in the result; a reference or a word, never the child's name.
        today: last day a date may have.
        unread: what was not read of the record that the answers come from.

    Raises:
        KeyError: there is no child among the answers.
    """
    intake = Intake(knowledge(), "referral", today)
    intake.case_id = name
    child = answers["child"]
    intake.birth_date = date.fromisoformat(child["date"])
    sexes: dict[str, Sex] = {"male": "male", "female": "female"}
    intake.sex = sexes.get(child["sex"])
    _take_counts(intake, answers)
    ages = [m.age_days for m in intake.measurements if m.age_days is not None]
    # As in a table: the record ends with its last draw; without one, today.
    intake.age_days = max(ages) if ages else intake.age_at(today, "birth date")
    _take_stated(intake, stated_of(answers))
    reading = intake.reading()
    if reading.value is None:
        raise AssertionError("an intake always gives a record")
    # What was said in reading the record is not said again of the same place.
    issues = tuple(dict.fromkeys((*unread, *reading.issues)))
    return with_doubt(assess(reading.value, knowledge(), issues=issues))


def _take_counts(intake: Intake, answers: Mapping[str, Any]) -> None:
    for drawn in counts_of(answers).get("sets", []):
        on = date.fromisoformat(drawn["date"]) if drawn["date"] else None
        for result in drawn["results"]:
            where = f"{result['name']['en']}, {drawn['date'] or 'no date'}"
            number = result["value"].lstrip("<>=")
            intake.measurement(
                result["analyte"],
                float(number),
                result["unit"],
                where,
                age_days=intake.age_at(on, where),
                comparator=result["value"][: -len(number)],
                lab_low=float(result["low"]) if result["low"] else None,
                lab_high=float(result["high"]) if result["high"] else None,
                basis=result.get("basis", ""),
            )


def _take_stated(intake: Intake, stated: Record) -> None:
    for f in stated.findings:
        intake.finding(f.code, f.observed, f.where, label=f.label, age_days=f.age_days)
    for v in stated.variants:
        intake.variant(v.gene, v.classification, v.zygosity, v.where, v.description)
    intake.treatments.extend(stated.treatments)
    intake.recorded_conditions.extend(stated.recorded_conditions)
    intake.excluded_conditions.extend(stated.excluded_conditions)
