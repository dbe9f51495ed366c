"""Run the golden cases: what a rule must answer for a record, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hematon.engine import assess
from hematon.engine.assessment import Assessment
from hematon.engine.case import Case
from hematon.interchange.intake import Intake
from hematon.knowledge import Knowledge

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
CASES = [
    pytest.param(case, id=f"{path.stem}:{case['id']}")
    for path in FILES
    for case in yaml.safe_load(path.read_text())
]
KEYWORDS = {"age_days", "sex", "findings", "excluded", "recorded", "draws", "transfused_days_ago"}


def record(given: dict[str, Any], knowledge: Knowledge) -> Case:
    """Build the record through the same intake the readers use."""
    intake = Intake(knowledge, "golden")
    age = given["age_days"]
    intake.case_id, intake.sex, intake.age_days = "golden", given.get("sex"), age
    draws = given.get("draws") or [
        {"days_ago": 0, **{k: v for k, v in given.items() if k not in KEYWORDS}}
    ]
    for draw in draws:
        for analyte, text in draw.items():
            if analyte != "days_ago":
                number, unit = str(text).split(" ", 1)
                sign = number[0] if number[0] in "<>" else ""
                intake.measurement(
                    analyte,
                    float(number.lstrip("<>")),
                    unit,
                    analyte,
                    age_days=age - draw["days_ago"],
                    comparator=sign,
                )
    for code in given.get("findings", ()):
        intake.finding(code, True, code)
    for code in given.get("excluded", ()):
        intake.finding(code, False, code)
    for days in given.get("transfused_days_ago", ()):
        intake.treatment("red cell transfusion", "given", start=age - days)
    intake.recorded_conditions.extend(given.get("recorded", ()))
    reading = intake.reading()
    assert reading.value is not None
    assert not reading.has_errors, reading.issues
    return reading.value


@pytest.mark.parametrize("case", CASES)
def test_golden(case: dict[str, Any], knowledge: Knowledge) -> None:
    """The record gives the expected answers."""
    assert case["source"] in knowledge.sources
    assert case["because"]
    result = assess(record(case["given"], knowledge), knowledge)
    expect = case["expect"]
    assert expect, "a golden case expects something"
    for key, wanted in expect.items():
        CHECKS[key](result, wanted)


def _yes_no(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, value)


def _urgency(result: Assessment, wanted: str) -> None:
    assert result.urgency.level == wanted


def _rules(result: Assessment, wanted: dict[str, object]) -> None:
    matched = {r.rule for r in result.urgency.reasons}
    open_ = {r.rule for r in result.urgency.undetermined}
    for rule, answer in wanted.items():
        said = "yes" if rule in matched else "unknown" if rule in open_ else "no"
        assert said == _yes_no(answer), rule


def _confirm(result: Assessment, wanted: str) -> None:
    texts = [r.confirm for r in result.urgency.reasons if r.confirm]
    assert any(wanted in text.lower() for text in texts)


def _severity(result: Assessment, wanted: dict[str, object]) -> None:
    answers = {s.id: s.answer for s in result.severity}
    for rule, answer in wanted.items():
        assert answers[rule] == _yes_no(answer), rule


def _readings(result: Assessment, wanted: dict[str, object]) -> None:
    answers = {r.id: r.answer for r in result.readings}
    for name, answer in wanted.items():
        assert answers[name] == _yes_no(answer), name


def _lineages(result: Assessment, wanted: dict[str, str]) -> None:
    for name, status in wanted.items():
        assert getattr(result.lineages, name).status == status, name


def _value(result: Assessment, wanted: dict[str, float]) -> None:
    used = {i.analyte: i.value for i in result.inputs if i.used}
    for analyte, value in wanted.items():
        assert used[analyte] == pytest.approx(value, rel=1e-12)


CHECKS = {
    "urgency": _urgency,
    "rules": _rules,
    "confirm": _confirm,
    "severity": _severity,
    "readings": _readings,
    "lineages": _lineages,
    "value": _value,
}
