"""How each lineage stands: status, depth, since when, slope, and what supports the count.

A lineage is failing when it is low and at least moderately deep, low when low and mild, not
assessable when it was not measured or is only held up by a treatment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hematon.engine import ternary
from hematon.engine.assessment import Lineage, Lineages, LineageStatus
from hematon.engine.batch import JUDGED, SUPPORT_BEFORE, SUPPORT_USED
from hematon.engine.facts import LINEAGE_OF, LINEAGES

if TYPE_CHECKING:
    from hematon.engine.pipeline import BatchAssessment

GROUP = {"red": "anemia", "white": "neutropenia", "platelet": "thrombocytopenia"}
DEEPER = {"moderate", "severe", "very severe", "critical"}
PRODUCTION = {
    "red": ("LAB_RETIC_LOW", "MAR_ERYTHROID_HYPO"),
    "white": ("MAR_MYELOID_ARREST",),
    "platelet": ("MAR_MEGAK_LOW",),
}
DESTRUCTION = {
    "red": ("LAB_RETIC_HIGH", "LAB_HEMOLYSIS", "LAB_DAT_POS"),
    "white": ("TST_ANTINEUT_POS",),
    "platelet": ("LAB_SCHISTOCYTES",),
}
WORDS = {
    "failing": "low, at least moderately",
    "low": "low, mildly",
    "normal": "not low",
    "not_assessable": "cannot be judged",
}


def lineages(result: BatchAssessment, i: int) -> Lineages:
    """Describe the three lineages of one child."""
    red, white, platelet = (_lineage(result, i, name) for name in LINEAGES)
    return Lineages(red, white, platelet)


def _lineage(result: BatchAssessment, i: int, name: str) -> Lineage:
    knowledge, batch, serial = result.knowledge, result.batch, result.serial
    k = LINEAGES.index(name)
    analyte = knowledge.analytes[JUDGED[k]]
    j = analyte.index
    answer = int(result.lineages[i, k])
    depth = _depth(result, i, name) if answer == ternary.YES else ""
    status = _status(answer, depth, measured=bool(batch.measured[i, j]))
    measured = bool(batch.measured[i, j])
    low, high = float(batch.low[i, j]), float(batch.high[i, j])
    comparator, value = "", low
    if measured and low != high:
        comparator, value = (">", low) if np.isinf(high) else ("<", high)
    entry = next(d for d in knowledge.rules["definitions"] if d["id"] == LINEAGE_OF[name])
    since, slope = serial.since[i, k], serial.slopes[k].slope[i]
    return Lineage(
        status=status,
        analyte=analyte.id,
        value=round(value, 6) if measured else None,
        unit=analyte.unit or "",
        comparator=comparator,
        z=_z(result, i, name, value) if measured else None,
        lower_limit=_limit(result, i, name),
        depth=depth,
        since_age_days=None if np.isnan(since) or np.isnan(batch.age[i]) else int(since),
        draws=int(serial.draws[i, k]),
        lowest=None if np.isnan(serial.lowest[i, k]) else float(serial.lowest[i, k]),
        slope_per_30_days=None if np.isnan(slope) else float(slope) * 30,
        support={
            SUPPORT_USED: "held up or changed by a treatment in its window",
            SUPPORT_BEFORE: "the value from before a treatment is used",
        }.get(int(batch.support[i, j]), ""),
        mechanism=_mechanism(result, i, name) if answer == ternary.YES else "undetermined",
        text=f"{analyte.name}: {WORDS[status]}" + (f" ({depth})" if depth else ""),
        source=tuple(entry["source"]),
    )


def _status(answer: int, depth: str, *, measured: bool) -> LineageStatus:
    if answer == ternary.NO:
        return "normal"
    if answer == ternary.UNKNOWN:
        return "not_assessable"
    # Stated low without a number: how deep is not known, so it is not called mild.
    return "failing" if depth in DEEPER or not measured else "low"


def _depth(result: BatchAssessment, i: int, name: str) -> str:
    rules = result.knowledge.rules["severity"]
    for k, rule in enumerate(rules):
        if rule["group"] == GROUP[name] and result.severity[i, k] == ternary.YES:
            return str(rule["name"]).rsplit(" ", 1)[0].lower()
    return ""


def _limit(result: BatchAssessment, i: int, name: str) -> float | None:
    """Give the limit below which the lineage counts as low, if it is one number."""
    facts = result.facts
    if name == "platelet":
        definitions = result.knowledge.rules["definitions"]
        entry = next(d for d in definitions if d["id"] == LINEAGE_OF[name])
        return float(entry["when"]["below"])
    if name == "white":
        low, high = facts.cutoff("neutropenia")
        return float(low[i]) if low[i] == high[i] else None
    low, high = facts.cutoff("anemia_who")
    if not np.isnan(low[i]) and low[i] == high[i]:
        return float(low[i])
    bounds = facts.limits("hemoglobin")
    if bounds.lower_min[i] == bounds.lower_max[i]:
        return float(bounds.lower_min[i])
    return None


def _z(result: BatchAssessment, i: int, name: str, value: float) -> float | None:
    from hematon.engine import intervals

    analyte = result.knowledge.analytes[JUDGED[LINEAGES.index(name)]]
    bounds = result.facts.limits(analyte.id)
    z: Any = intervals.z_score(np.full(len(result), value), bounds, log=analyte.scale == "log")[i]
    return None if np.isnan(z) else float(z)


def _mechanism(result: BatchAssessment, i: int, name: str) -> Any:
    facts = result.facts
    production = any(facts.finding(f)[i] == ternary.YES for f in PRODUCTION[name])
    destruction = any(facts.finding(f)[i] == ternary.YES for f in DESTRUCTION[name])
    if production != destruction:
        return "production" if production else "destruction_or_loss"
    return "undetermined"
