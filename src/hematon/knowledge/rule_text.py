"""Write a rule of the knowledge in words, for the person who checks or edits it.

The words follow the rule exactly, nested as it is; the prose a reader of a report sees is the
rule's own `text`. Numbers keep the unit of their analyte.
"""

from __future__ import annotations

from hematon.knowledge.facts import FACTS
from hematon.knowledge.files import KnowledgeFiles
from hematon.knowledge.records import Criterion

_COMPARISONS = (("below", "<"), ("at_most", "<="), ("above", ">"), ("from_", ">="))
_LIMITS = (
    ("below_limit", "below", "the lower limit for age"),
    ("above_limit", "above", "the upper limit for age"),
    ("below_lab_limit", "below", "the laboratory's lower limit"),
    ("above_lab_limit", "above", "the laboratory's upper limit"),
)


class RuleText:
    """Names and units of the files, to write rules with.

    Args:
        files: where the ids in a rule get their names and units.
    """

    def __init__(self, files: KnowledgeFiles) -> None:
        self._units = {a.id: a.unit or "" for a in files.analytes.analytes}
        self._findings = {f.id: f.name for f in files.findings.findings}
        self._conditions = {c.id: c.name for c in files.conditions}
        self._definitions = {d.id: d.name for d in files.definitions.definitions}

    def finding(self, name: str) -> str:
        """Give a finding as `id name`."""
        return f"{name} {self._findings.get(name, '')}".rstrip()

    def condition(self, name: str) -> str:
        """Give a condition as `id (name)`; the mark for every condition in words."""
        return "every condition" if name == "*" else f"{name} ({self._conditions.get(name, '?')})"

    def write(self, rule: Criterion) -> str:
        """Write a rule in one line."""
        for word, parts in (("all of", rule.all), ("any of", rule.any)):
            if parts is not None:
                return self._several(word, parts)
        if rule.not_ is not None:
            return f"not [{self.write(rule.not_)}]"
        if rule.of is not None:
            return self._several(f"at least {rule.at_least} of", rule.of)
        if rule.analyte is not None:
            return self._comparison(rule)
        return self._leaf(rule)

    def _several(self, word: str, parts: list[Criterion]) -> str:
        return f"{word} [{'; '.join(self.write(part) for part in parts)}]"

    def _comparison(self, rule: Criterion) -> str:
        for field, sign in _COMPARISONS:
            value = getattr(rule, field)
            if value is not None:
                unit = self._units.get(rule.analyte or "", "")
                return f"{rule.analyte} {sign} {value:g} {unit}".rstrip()
        for field, side, limit in _LIMITS:
            factor = getattr(rule, field)
            if factor is not None:
                times = "" if factor == 1 else f"{factor:g} x "
                return f"{rule.analyte} {side} {times}{limit}"
        return f"{rule.analyte} below the cut-off {rule.below_cutoff}"

    def _leaf(self, rule: Criterion) -> str:
        if rule.finding is not None:
            return self.finding(rule.finding)
        if rule.definition is not None:
            return f"{rule.definition} ({self._definitions.get(rule.definition, '?')})"
        if rule.recorded is not None:
            return f"recorded: {self.condition(rule.recorded)}"
        if rule.fact is not None:
            return f"{rule.fact}: {FACTS.get(rule.fact, '?')}"
        if rule.lineage is not None:
            return f"{rule.lineage} lineage low"
        if rule.lineages_low is not None:
            return f"at least {rule.lineages_low} lineage(s) low"
        if rule.lineages_low_exactly is not None:
            return f"exactly {rule.lineages_low_exactly} lineage(s) low"
        if rule.sex is not None:
            return rule.sex
        start = "" if rule.age_from_days is None else f"from day {rule.age_from_days}"
        end = "" if rule.age_to_days is None else f"before day {rule.age_to_days}"
        return " ".join(part for part in ("age", start, end) if part)
