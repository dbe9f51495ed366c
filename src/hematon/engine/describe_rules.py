"""What the rules say: readings, severity, urgency, the safety floor, hazards, and what is missing.

Everything here is read off answers the batch already holds; nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hematon.engine import criteria, ternary, urgency
from hematon.engine.assessment import (
    AlwaysShown,
    HazardNote,
    Missing,
    Reading3,
    Severity,
    Urgency,
    UrgencyReason,
)
from hematon.engine.describe_ranking import likely
from hematon.engine.urgency import LEVELS, FloorResult

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

ANSWER: dict[int, Any] = {1: "yes", -1: "no", 0: "unknown"}
READINGS = (
    "macrocytosis",
    "microcytosis",
    "hbf_high",
    "reticulocytopenia",
    "reticulocytes_aplastic",
    "lymphopenia",
    "monocytopenia",
    "counts_meet_saa_level",
    "explained",
)


def readings(result: BatchAssessment, i: int) -> tuple[Reading3, ...]:
    """Give the named readings of the counts."""
    entries = {d["id"]: d for d in result.knowledge.rules["definitions"]}
    return tuple(
        Reading3(
            name,
            entries[name]["name"],
            ANSWER[int(result.facts.definition(name)[i])],
            entries[name]["text"],
            entries[name]["grade"],
            tuple(entries[name]["source"]),
        )
        for name in READINGS
    )


def severity_criteria(result: BatchAssessment, i: int) -> tuple[Severity, ...]:
    """Give every severity criterion, with what is missing where it is open."""
    out = []
    for k, rule in enumerate(result.knowledge.rules["severity"]):
        answer = int(result.severity[i, k])
        missing: tuple[str, ...] = ()
        if answer == ternary.UNKNOWN:
            missing = criteria.missing(rule["when"], result.facts, i)
        out.append(
            Severity(
                rule["id"],
                rule["group"],
                rule["name"],
                rule["criteria"],
                rule["edition"],
                ANSWER[answer],
                rule["text"],
                missing,
                rule["needs_marrow"],
                rule["grade"],
                tuple(rule["source"]),
            )
        )
    return tuple(out)


def urgency_reasons(result: BatchAssessment, i: int) -> Urgency:
    """Give the level, the rules that matched and those above it that lack data."""
    level = int(result.urgency.level[i])
    reasons, undetermined = [], []
    for k, rule in enumerate(result.knowledge.rules["urgency"]):
        answer = int(result.urgency.rules[i, k])
        rank = LEVELS.index(rule["level"])
        if answer == ternary.YES:
            reasons.append(_reason(result, i, rule, ()))
        elif answer == ternary.UNKNOWN and rank > level:
            undetermined.append(
                _reason(result, i, rule, criteria.missing(rule["when"], result.facts_now, i))
            )
    rank_of = {name: -k for k, name in enumerate(LEVELS)}
    return Urgency(
        LEVELS[level],  # type: ignore[arg-type]  # one of UrgencyLevel by definition
        tuple(sorted(reasons, key=lambda r: rank_of[r.level])),
        tuple(sorted(undetermined, key=lambda r: rank_of[r.level])),
    )


def _reason(
    result: BatchAssessment, i: int, rule: dict[str, Any], missing: tuple[str, ...]
) -> UrgencyReason:
    confirm = rule["confirm"] or ""
    if confirm and result.facts.fact(rule["confirmed_by"])[i] == ternary.YES:
        confirm = "confirmed on repeat"
    return UrgencyReason(
        rule["id"],
        rule["level"],
        rule["name"],
        rule["text"],
        rule["act"],
        confirm,
        missing,
        rule["grade"],
        tuple(rule["source"]),
    )


def always_shown(result: BatchAssessment, i: int) -> tuple[AlwaysShown, ...]:
    """Give the conditions of the safety floor that no recorded result excludes."""
    knowledge = result.knowledge
    rules = knowledge.rules
    one = FloorResult(result.floor.rules[i : i + 1], result.floor.left[i : i + 1])
    (shown,) = urgency.always_shown(one, result.batch.columns.recorded[i : i + 1], knowledge)
    names = {c.id: c for c in knowledge.conditions}
    wanted: dict[str, list[str]] = {}
    for k, rule in enumerate(rules["floor"]):
        if result.floor.rules[i, k]:
            for condition in rule["conditions"]:
                if shown[names[condition].index]:
                    wanted.setdefault(condition, []).append(rule["name"])
    return tuple(
        AlwaysShown(condition, names[condition].name, tuple(why), names[condition].note or "")
        for condition, why in wanted.items()
    )


def hazard_notes(result: BatchAssessment, i: int, shown: set[str]) -> tuple[HazardNote, ...]:
    """Give the open hazards whose conditions are on the table: shown, or not argued against."""
    knowledge = result.knowledge
    leading = likely(result, i)
    tests = {t.id: t.name for t in knowledge.tests}
    out = []
    for k, hazard in enumerate(knowledge.rules["hazards"]):
        of_concern = [c for c in hazard["conditions"] if c in shown or c in leading]
        if of_concern and result.hazards[i, k] == ternary.YES:
            out.append(
                HazardNote(
                    hazard["id"],
                    hazard["text"],
                    tuple(of_concern),
                    tests.get(hazard["test"] or "", ""),
                    hazard["grade"],
                    tuple(hazard["source"]),
                )
            )
    return tuple(out)


def missing_facts(severity: Sequence[Severity], urgency: Urgency) -> tuple[Missing, ...]:
    """Turn round what rules lack: for each missing fact, what knowing it could change."""
    changes: dict[str, list[str]] = {}
    for rule in urgency.undetermined:
        for item in rule.missing:
            changes.setdefault(item, []).append(f"urgency {rule.level}: {rule.name}")
    for criterion in severity:
        for item in criterion.missing:
            changes.setdefault(item, []).append(f"severity: {criterion.name}")
    ranked = sorted(changes.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return tuple(Missing(item, item, tuple(dict.fromkeys(what))) for item, what in ranked)
