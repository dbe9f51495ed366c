"""Evaluate a rule written as data, in three-valued logic, for n children at once.

A rule is the plain form of `records.Criterion`. `answer` gives yes, no or unknown; `missing`
says, for one child, which unknown facts keep a rule open. What a leaf means is answered by
`Facts`; nothing here knows medicine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hematon.engine import ternary
from hematon.engine.ternary import Ternary

if TYPE_CHECKING:
    from hematon.engine.facts import Facts

Rule = Mapping[str, Any]


def answer(when: Rule, unless: Rule | None, facts: Facts) -> Ternary:
    """Answer a rule with its exception.

    An exception that is not known to apply does not apply: the cautious reading of a red flag.

    Args:
        when: the rule.
        unless: its exception, or None.
        facts: n rows.

    Returns:
        (n,) +1 yes, -1 no, 0 unknown.
    """
    result = evaluate(when, facts)
    if unless is None:
        return result
    return np.where(evaluate(unless, facts) == ternary.YES, ternary.NO, result).astype(np.int8)


def evaluate(rule: Rule, facts: Facts) -> Ternary:
    """Answer a rule; see `answer`."""
    if "all" in rule:
        return ternary.all_of([evaluate(part, facts) for part in rule["all"]])
    if "any" in rule:
        return ternary.any_of([evaluate(part, facts) for part in rule["any"]])
    if "not" in rule:
        return ternary.negate(evaluate(rule["not"], facts))
    if "of" in rule:
        return ternary.at_least(rule["at_least"], [evaluate(p, facts) for p in rule["of"]])
    if "analyte" in rule:
        return _compare(rule, facts)
    if "finding" in rule:
        return facts.finding(rule["finding"])
    if "lineage" in rule:
        return facts.lineage(rule["lineage"])
    if "lineages_low" in rule:
        return facts.lineages_low(rule["lineages_low"])
    if "lineages_low_exactly" in rule:
        return facts.lineages_low_exactly(rule["lineages_low_exactly"])
    if "definition" in rule:
        return facts.definition(rule["definition"])
    if "fact" in rule:
        return facts.fact(rule["fact"])
    if "recorded" in rule:
        return facts.recorded(rule["recorded"])
    if "sex" in rule:
        wanted = 1 if rule["sex"] == "male" else -1
        return (facts.sex * wanted).astype(np.int8)
    return _age(rule, facts)


def _age(rule: Rule, facts: Facts) -> Ternary:
    known = ~np.isnan(facts.age)
    yes = np.ones(len(facts), dtype=bool)
    if "age_from_days" in rule:
        yes &= facts.age >= rule["age_from_days"]
    if "age_to_days" in rule:
        yes &= facts.age < rule["age_to_days"]
    return ternary.of(yes, known)


def _compare(rule: Rule, facts: Facts) -> Ternary:
    name = rule["analyte"]
    low, high, measured = facts.bounds(name)
    if not measured.any():
        return facts.unknown
    if "below" in rule:
        yes, no = high < rule["below"], low >= rule["below"]
    elif "at_most" in rule:
        yes, no = high <= rule["at_most"], low > rule["at_most"]
    elif "above" in rule:
        yes, no = low > rule["above"], high <= rule["above"]
    elif "from" in rule:
        yes, no = low >= rule["from"], high < rule["from"]
    elif "below_limit" in rule:
        bounds, times = facts.limits(name), rule["below_limit"]
        yes, no = high < times * bounds.lower_min, low >= times * bounds.lower_max
    elif "above_limit" in rule:
        bounds, times = facts.limits(name), rule["above_limit"]
        yes, no = low > times * bounds.upper_max, high <= times * bounds.upper_min
    elif "below_cutoff" in rule:
        least, most = facts.cutoff(rule["below_cutoff"])
        yes, no = high < least, low >= most
    elif "above_lab_limit" in rule:
        limit = facts.lab_limits(name)[1] * rule["above_lab_limit"]
        yes, no = low > limit, high <= limit
    else:
        limit = facts.lab_limits(name)[0] * rule["below_lab_limit"]
        yes, no = high < limit, low >= limit
    # Comparisons with an absent value or limit are false both ways, which is unknown.
    result = yes.astype(np.int8) - no.astype(np.int8)
    return np.where(measured, result, ternary.UNKNOWN).astype(np.int8)


def missing(rule: Rule, facts: Facts, row: int) -> tuple[str, ...]:
    """Name the unknown facts that keep a rule open for one child.

    Args:
        rule: a rule that is unknown for the row.
        facts: n rows.
        row: the child.

    Returns:
        Names as a reader knows them, in rule order, without repeats.
    """
    found: dict[str, None] = {}
    _missing(rule, facts, row, found)
    return tuple(found)


def _missing(rule: Rule, facts: Facts, row: int, found: dict[str, None]) -> None:
    if evaluate(rule, facts)[row] != ternary.UNKNOWN:
        return
    for part in rule.get("all", rule.get("any", rule.get("of", ()))):
        _missing(part, facts, row, found)
    if "not" in rule:
        _missing(rule["not"], facts, row, found)
    knowledge = facts.knowledge
    if "analyte" in rule:
        found[knowledge.analytes[rule["analyte"]].name] = None
    elif "finding" in rule:
        found[knowledge.findings[rule["finding"]].name] = None
    elif "lineage" in rule:
        found[_COUNT[rule["lineage"]]] = None
    elif "lineages_low" in rule or "lineages_low_exactly" in rule:
        for lineage in ("red", "white", "platelet"):
            if facts.lineage(lineage)[row] == ternary.UNKNOWN:
                found[_COUNT[lineage]] = None
    elif "definition" in rule:
        entry = next(d for d in knowledge.rules["definitions"] if d["id"] == rule["definition"])
        _missing(entry["when"], facts, row, found)
    elif "fact" in rule:
        found["earlier or repeated counts"] = None
    elif "recorded" in rule:
        pass  # whether a diagnosis is recorded is not something a test would answer
    elif "sex" in rule:
        found["sex"] = None
    elif "age_from_days" in rule or "age_to_days" in rule:
        found["age"] = None


_COUNT = {"red": "Hemoglobin", "white": "Absolute neutrophil count", "platelet": "Platelets"}
