"""What of an assessment is shown, and in which order; shared by every form of the report.

Nothing is decided here about the child. A condition is never left out: those that the model
ranks low are shown with less detail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from hematon.engine.assessment import (
    Assessment,
    Candidate,
    Contribution,
    Input,
    NextTest,
    Severity,
    StatedFinding,
)
from hematon.knowledge.compiled import SOMETHING_ELSE

DETAILED: Final = 8
"""Conditions whose evidence is written out in full: more is not read."""

ALWAYS_DETAILED: Final = 4
"""So many are written out even when one fits far better: a list of one reads as a verdict."""

STEPS_SHOWN: Final = 10
"""Steps of a condition that are drawn one by one; the smaller ones are gathered in one."""

NO_DIFFERENCE: Final = math.log(1.1)
"""Evidence weaker than this, either way, is counted as making no difference."""


COUNTS: Final = "counts"
"""The piece of evidence that the three lineages are together."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The contributions of one condition, strongest first."""

    prior: tuple[Contribution, ...]
    supporting: tuple[Contribution, ...]
    opposing: tuple[Contribution, ...]
    indifferent: tuple[Contribution, ...]

    @property
    def evidence(self) -> tuple[Contribution, ...]:
        """Everything but the prior."""
        return (*self.supporting, *self.opposing, *self.indifferent)


def counts(assessment: Assessment) -> str:
    """Give what the counts are that the ranking is about; the same for every condition."""
    for candidate in assessment.differential:
        for contribution in candidate.contributions:
            if contribution.evidence == COUNTS:
                return contribution.text
    return ""


def weigh(candidate: Candidate) -> Weighed:
    """Sort a condition's evidence into for, against and neither."""
    prior: list[Contribution] = []
    evidence: list[Contribution] = []
    for contribution in candidate.contributions:
        (prior if contribution.observed is None else evidence).append(contribution)
    evidence.sort(key=lambda c: -abs(c.log_likelihood_ratio))
    return Weighed(
        prior=tuple(prior),
        supporting=tuple(c for c in evidence if c.log_likelihood_ratio >= NO_DIFFERENCE),
        opposing=tuple(c for c in evidence if c.log_likelihood_ratio <= -NO_DIFFERENCE),
        indifferent=tuple(c for c in evidence if abs(c.log_likelihood_ratio) < NO_DIFFERENCE),
    )


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one condition against the rest: those shown, in order, and the small ones."""

    shown: tuple[Contribution, ...]
    gathered: tuple[Contribution, ...]


def steps(candidate: Candidate) -> Steps:
    """Keep the largest steps in their order and gather the others; the prior is no step."""
    pieces = [c for c in candidate.contributions if c.observed is not None]
    by_size = sorted(pieces, key=lambda c: -abs(c.log_ratio_against_rest))
    large = {
        c.evidence for c in by_size[:STEPS_SHOWN] if abs(c.log_ratio_against_rest) >= NO_DIFFERENCE
    }
    return Steps(
        shown=tuple(c for c in pieces if c.evidence in large),
        gathered=tuple(c for c in pieces if c.evidence not in large),
    )


def is_something_else(candidate: Candidate) -> bool:
    """Whether a row stands for a cause that the knowledge does not hold."""
    return candidate.condition == SOMETHING_ELSE


def fitting(assessment: Assessment) -> tuple[Candidate, ...]:
    """Give the conditions that fit well or could fit, in rank order."""
    return tuple(c for c in _conditions(assessment) if c.band in ("fits_well", "could_fit"))


def leading(assessment: Assessment) -> tuple[Candidate, ...]:
    """Give the conditions to write out: those that fit well or could fit, and never only one."""
    count = max(len(fitting(assessment)), ALWAYS_DETAILED)
    return tuple(_conditions(assessment)[: min(count, DETAILED)])


def others(assessment: Assessment) -> tuple[Candidate, ...]:
    """Give the other conditions whose evidence the assessment holds, in rank order."""
    return tuple(c for c in _after_leading(assessment) if c.contributions)


def unexplained(assessment: Assessment) -> tuple[Candidate, ...]:
    """Give the conditions ranked too low for the assessment to hold their evidence."""
    return tuple(c for c in _after_leading(assessment) if not c.contributions)


def _after_leading(assessment: Assessment) -> list[Candidate]:
    return _conditions(assessment)[len(leading(assessment)) :]


def _conditions(assessment: Assessment) -> list[Candidate]:
    return [c for c in assessment.differential if not is_something_else(c)]


def conditions_by_id(assessment: Assessment) -> dict[str, str]:
    """Give the name of each condition of the differential."""
    return {c.condition: c.name for c in assessment.differential}


def severity_by_answer(assessment: Assessment, answer: str) -> tuple[Severity, ...]:
    """Give the criteria with one answer, in the order of the knowledge."""
    return tuple(s for s in assessment.severity if s.answer == answer)


def tests_by_tier(assessment: Assessment) -> tuple[tuple[int, tuple[NextTest, ...]], ...]:
    """Group the next tests by tier, in the order given within a tier."""
    tiers = sorted({t.tier for t in assessment.next_tests})
    return tuple(
        (tier, tuple(t for t in assessment.next_tests if t.tier == tier)) for tier in tiers
    )


def findings_by_presence(assessment: Assessment, *, observed: bool) -> tuple[StatedFinding, ...]:
    """Give the stated findings that are present, or those that are absent."""
    return tuple(f for f in assessment.findings if f.observed is observed)


def serial_inputs(assessment: Assessment, analyte: str) -> tuple[Input, ...]:
    """Give one analyte's dated values, oldest first."""
    dated = [i for i in assessment.inputs if i.analyte == analyte and i.age_days is not None]
    return tuple(sorted(dated, key=lambda i: i.age_days or 0))
