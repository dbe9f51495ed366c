"""Children at a first visit, for the simulation of next tests: published ones and drawn ones.

Published children are read by the public reader, with everything a test of `tests.yaml` could
show withheld. Drawn children come from the knowledge: one condition each, age and sex from its
entry, counts from one of its presentations, history and examination from its frequencies, of
which a first visit writes down some. The same knowledge judges them: what they show is whether
the engine is consistent with itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hematon.engine import intervals
from hematon.engine.case import Case, Finding, Measurement
from hematon.evaluation.case_sets import read_case_sets
from hematon.evaluation.truth import load_truth
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE, ConditionInfo

WRITTEN_PRESENT, WRITTEN_ABSENT = 0.7, 0.15
"""Share of present and of absent history and examination findings that a first visit records."""
ASKED = ("phenotype", "exposure", "history")
COUNTED = ("mcv", "alc", "monocytes")
"""Numbers beside the three counts that every first blood count has."""
OLDEST_YEARS = 17.9


@dataclass(frozen=True)
class Child:
    """A child, its true condition, and what every finding would be if it were looked for."""

    case: Case
    condition: int
    accepted: tuple[int, ...]
    truth: npt.NDArray[np.bool_]


def withheld(knowledge: Knowledge) -> frozenset[str]:
    """Give the findings that some test can show: no first visit knows them."""
    return frozenset(name for test in knowledge.tests for name in test.outcomes)


def published(path: Path, knowledge: Knowledge, seed: int) -> list[Child]:
    """Read the published children whose diagnosis is a condition, as they were before any test."""
    rng = np.random.default_rng(seed)
    index = {c.id: c.index for c in knowledge.conditions}
    hidden = withheld(knowledge)
    children = []
    for found in read_case_sets(path, knowledge, load_truth(knowledge)).cases:
        case = found.case
        if found.truth.is_something_else:
            continue
        accepted = tuple(sorted(index[name] for name in found.truth.conditions))
        kept = tuple(f for f in case.findings if not hidden.intersection(_says(f, knowledge)))
        counts = tuple(m for m in case.measurements if knowledge.analytes[m.analyte].part_of_count)
        first = replace(case, findings=kept, measurements=counts, variants=())
        children.append(Child(first, accepted[0], accepted, _truth(rng, accepted[0], knowledge)))
    return children


def _says(finding: Finding, knowledge: Knowledge) -> Sequence[str]:
    return (*knowledge.findings_of(finding.code), *knowledge.findings_beneath(finding.code))


def drawn(knowledge: Knowledge, each: int, seed: int) -> list[Child]:
    """Draw the same number of children with every condition."""
    rng = np.random.default_rng(seed)
    conditions = [c for c in knowledge.conditions if c.id != SOMETHING_ELSE]
    return [_draw(rng, c, f"{c.id}-{k}", knowledge) for c in conditions for k in range(each)]


def _draw(
    rng: np.random.Generator, condition: ConditionInfo, name: str, knowledge: Knowledge
) -> Child:
    age = _age(rng, condition)
    male = rng.random() < condition.male_fraction
    truth = _truth(rng, condition.index, knowledge)
    hidden = withheld(knowledge)
    findings = []
    for f in knowledge.findings.values():
        said = Finding(f.hpo or f.id, bool(truth[f.index]))
        written = rng.random() < (WRITTEN_PRESENT if said.observed else WRITTEN_ABSENT)
        asked = f.kind in ASKED and _applies(f.only_sex, male=male)
        if written and asked and not hidden.intersection(_says(said, knowledge)):
            findings.append(said)
    case = Case(
        name,
        "male" if male else "female",
        age,
        measurements=tuple(_counts(rng, condition.index, age, male, knowledge)),
        findings=tuple(findings),
    )
    return Child(case, condition.index, (condition.index,), truth)


def _applies(only_sex: str | None, *, male: bool) -> bool:
    return only_sex is None or only_sex == ("male" if male else "female")


def _truth(rng: np.random.Generator, condition: int, knowledge: Knowledge) -> npt.NDArray[np.bool_]:
    """(findings,) what each finding would be: drawn from its frequency, each for itself."""
    chance = knowledge.frequency[condition]
    return np.asarray(rng.random(len(chance)) < chance)


def _age(rng: np.random.Generator, condition: ConditionInfo) -> int:
    """Draw an age in days: two half-normals on the square root of years, as the entry says."""
    median, p5, p95 = (
        np.sqrt(x) for x in (condition.age_median, condition.age_p5, condition.age_p95)
    )
    left, right = max(median - p5, 0.02) / 1.645, max(p95 - median, 0.02) / 1.645
    step = abs(rng.normal())
    below = rng.random() < left / (left + right)
    root = max(median - left * step if below else median + right * step, 0.0)
    return int(365.25 * min(root**2, OLDEST_YEARS))


def _counts(
    rng: np.random.Generator, condition: int, age: int, male: bool, knowledge: Knowledge
) -> list[Measurement]:
    """Draw the three counts from one presentation, and the numbers beside them state by state."""
    lineages = knowledge.raw["lineages"]
    states = [[*x["not_low"], *x["low"]] for x in lineages]
    weights = knowledge.lineage_weights[:, condition]
    flat = int(rng.choice(len(weights), p=weights / weights.sum()))
    at = np.unravel_index(flat, [len(s) for s in states])
    chosen = [(lineage["analyte"], states[k][int(at[k])]) for k, lineage in enumerate(lineages)]
    for channel in knowledge.raw["channels"]:
        if channel["analyte"] in COUNTED:
            share = np.array(channel["weights"])[:, condition]
            state = channel["states"][int(rng.choice(len(share), p=share / share.sum()))]
            chosen.append((channel["analyte"], state))
    return [
        Measurement(analyte, _value(rng, analyte, state["emission"], age, male, knowledge), age)
        for analyte, state in chosen
    ]


def _value(
    rng: np.random.Generator,
    analyte: str,
    emission: dict[str, Any],
    age: int,
    male: bool,
    knowledge: Knowledge,
) -> float:
    """Draw a number from a normal density; the model itself uses heavier tails."""
    x = float(rng.normal(emission["location"], emission["scale"]))
    info = knowledge.analytes[analyte]
    if emission["on"] == "ln":
        value = float(np.exp(x))
    else:
        sex = np.array([1 if male else -1], dtype=np.int8)
        null = np.zeros(1, dtype=np.int8)
        limits = intervals.limits(knowledge, analyte, np.array([float(age)]), sex, null)
        spread = float((limits.sd_below if x < 0 else limits.sd_above)[0])
        median = float(limits.median[0])
        value = median * float(np.exp(x * spread)) if info.scale == "log" else median + x * spread
    low = max(info.plausible_low, 1.5 if analyte == "hemoglobin" else 0.0)
    return round(min(max(value, low), info.plausible_high), max(info.decimals, 2))
