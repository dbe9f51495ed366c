"""The result: one frozen Assessment, and its JSON.

Every field is plain data with units beside the numbers. `to_json` writes it with fixed key order
and rounded numbers, so the same input on the same versions gives the same bytes. The published
schema is `docs/reference/assessment.schema.json`, generated from these classes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from hematon.engine.assessment_trends import Answer as Answer
from hematon.engine.assessment_trends import Trends

# These types are compared and shown through their JSON: generated comparisons and
# representations would only slow every start.
SCHEMA_VERSION = "1"

LineageStatus = Literal["failing", "low", "normal", "not_assessable"]
UrgencyLevel = Literal["E", "U24", "U72", "S2", "R", "none"]
Band = Literal["fits_well", "could_fit", "less_likely", "argues_against"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Versions:
    """What produced this result."""

    engine: str
    knowledge: str
    fingerprint: str
    hpo: str
    schema: str = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IssueNote:
    """An issue of the input, as in `errors.Issue`."""

    level: str
    code: str
    where: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Input:
    """One value the assessment read, with its limits.

    `used` says whether it stands in the draw that was judged; `lab_low`, `lab_high` are the
    laboratory's own limits, `lower`, `median`, `upper` ours for age and sex.
    """

    analyte: str
    name: str
    value: float
    unit: str
    comparator: str
    age_days: int | None
    lower: float | None
    median: float | None
    upper: float | None
    z: float | None
    lab_low: float | None
    lab_high: float | None
    basis: str
    support: str
    used: bool
    where: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StatedFinding:
    """One finding the assessment read, and the finding of the model it means, if any."""

    code: str
    label: str
    observed: bool
    used_as: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lineage:
    """How one lineage stands.

    `failing` is low by a rule with depth at least moderate; `low` is low and mild.
    Slopes are per 30 days, in `unit`; `trends` says more of them.
    """

    status: LineageStatus
    analyte: str
    value: float | None
    unit: str
    comparator: str
    z: float | None
    lower_limit: float | None
    depth: str
    since_age_days: int | None
    draws: int
    lowest: float | None
    slope_per_30_days: float | None
    support: str
    mechanism: Literal["production", "destruction_or_loss", "undetermined"]
    text: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lineages:
    """The three lineages."""

    red: Lineage
    white: Lineage
    platelet: Lineage


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reading3:
    """A named reading of the counts (macrocytosis, HbF, ...) in three-valued logic."""

    id: str
    name: str
    answer: Answer
    text: str
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Severity:
    """One named criterion, with its edition, and what is missing when it cannot be answered."""

    id: str
    group: str
    name: str
    criteria: str
    edition: str
    answer: Answer
    text: str
    missing: tuple[str, ...]
    needs_marrow: bool
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UrgencyReason:
    """A rule that matched, or one that could not be answered."""

    rule: str
    level: UrgencyLevel
    name: str
    text: str
    act: str
    confirm: str
    missing: tuple[str, ...]
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Urgency:
    """Time to act. `undetermined` are rules above `level` that lack data: they could raise it."""

    level: UrgencyLevel
    reasons: tuple[UrgencyReason, ...]
    undetermined: tuple[UrgencyReason, ...]


NOT_STATED = "not stated for this condition: frequency among all children"
"""Basis of a frequency that a condition's entry does not give."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Contribution:
    """What one piece of evidence did for a condition.

    Attributes:
        evidence: id of a finding, a channel (`mcv`), `counts`, `variant:GENE`, `prior`; or
            `annotations:HP:...`, a stated term in the disease of the condition that fits best, and
            `annotations:diseases`, what it costs that there are several.
        text: what was seen, in words.
        observed: True present or measured, False absent, None for the prior.
        log_likelihood_ratio: natural log, against something else; as used, after damping.
        likelihood_ratio: the same as a ratio.
        log_ratio_against_rest: natural log, against all other conditions together, given the
            contributions before this one; for the prior, the log odds it begins with.
        frequency: of the finding in the condition, None for counts and prior.
        background: of the finding among children with an unexplained cytopenia; of a stated term
            among patients with any annotated disease.
        basis: how the frequency was obtained; for a stated term, the publications.
        grade: counted, named_source, expert or derived.
        source: source ids.
        counted: `26/70` when counted.
    """

    evidence: str
    text: str
    observed: bool | None
    log_likelihood_ratio: float
    likelihood_ratio: float
    log_ratio_against_rest: float
    frequency: float | None
    background: float | None
    basis: str
    grade: str
    source: tuple[str, ...]
    counted: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Change:
    """What would move one condition: a finding not known, and the step of each answer.

    `if_present` and `if_absent` are changes of `log_odds_against_rest`; `expected` is their size
    weighted by how likely each answer is, `chance` being that of present.
    """

    finding: str
    name: str
    kind: str
    chance: float
    if_present: float
    if_absent: float
    expected: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Candidate:
    """One condition of the differential.

    `log_odds_against_something_else` is the sum of the contributions' `log_likelihood_ratio`,
    `log_odds_against_rest`, which is log(posterior / (1 - posterior)), that of their
    `log_ratio_against_rest`; the prior included in both. Contributions stand in the order in
    which they were added.
    """

    rank: int
    condition: str
    name: str
    category: str
    never_miss: bool
    posterior: float
    band: Band
    log_odds_against_something_else: float
    log_odds_against_rest: float
    contributions: tuple[Contribution, ...]
    would_change: tuple[Change, ...]
    note: str
    excluded: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AlwaysShown:
    """A condition of the safety floor, and why it stands there."""

    condition: str
    name: str
    rules: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Outcome:
    """What a result or an answer would do: the three leading conditions after it.

    `finding` names what a positive result shows where a test can show several.
    """

    result: Literal["positive", "negative", "present", "absent"]
    finding: str
    probability: float
    leading: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Question:
    """Something to ask, examine or look up that is not known, and what each answer would do.

    `information_gain` is how far the answer is expected to move the ranking, in bits: the
    Kullback-Leibler divergence of the ranking after each answer from the present one, weighted
    by how likely the answer is. `never_miss_gain` is the same for the share of the conditions
    that must not be missed.
    """

    finding: str
    name: str
    kind: str
    information_gain: float
    never_miss_gain: float
    outcomes: tuple[Outcome, ...]
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NextTest:
    """A test not yet done. Gains are in bits.

    `worth` is the gain over the burden of the test (parameters `test_*` of `model.yaml`), `order`
    its place by worth over all tiers; tests are listed by tier and, within it, by worth.
    """

    test: str
    name: str
    order: int
    tier: int
    tier_when: str
    information_gain: float
    never_miss_gain: float
    worth: float
    invasiveness: str
    turnaround: str
    before_transfusion: bool
    outcomes: tuple[Outcome, ...]
    pitfalls: str
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HazardNote:
    """A treatment that can harm while a condition is not excluded."""

    id: str
    text: str
    conditions: tuple[str, ...]
    test: str
    grade: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Missing:
    """Something not known, and what knowing it would change."""

    item: str
    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tested:
    """On how many published patients something was tested, and how often it came out.

    Attributes:
        name: a condition id, or an age band in words.
        cases: published patients.
        publications: publications they come from.
        first: patients whose condition was ranked first.
        in_three: patients whose condition was among the first three.
    """

    name: str
    cases: int
    publications: int
    first: int
    in_three: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Doubt:
    """How far the ranking has been tested where it bears on this child.

    Attributes:
        knowledge: version of the knowledge that was tested.
        same_knowledge: whether this assessment rests on just that knowledge.
        conditions: the conditions written out or always shown, each with its tally.
        age: the child's age band; None when the age is not known.
        cases: published patients in all.
        ancestry_stated: how many of them have their ancestry stated.
        duffy_null: how many have the Duffy-null count stated, when this child has; else None.
    """

    knowledge: str
    same_knowledge: bool
    conditions: tuple[Tested, ...]
    age: Tested | None
    cases: int
    ancestry_stated: int
    duffy_null: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Assessment:
    """Everything Hematon says about one record.

    Attributes:
        doubt: how far the ranking has been tested; the engine leaves it to the report to say.
    """

    id: str
    label: str
    versions: Versions
    input_hash: str
    as_of: str | None
    setting: str
    age_days: int | None
    sex: str | None
    issues: tuple[IssueNote, ...]
    inputs: tuple[Input, ...]
    findings: tuple[StatedFinding, ...]
    lineages: Lineages
    trends: Trends
    readings: tuple[Reading3, ...]
    severity: tuple[Severity, ...]
    urgency: Urgency
    differential: tuple[Candidate, ...]
    always_show: tuple[AlwaysShown, ...]
    questions: tuple[Question, ...]
    next_tests: tuple[NextTest, ...]
    hazards: tuple[HazardNote, ...]
    missing: tuple[Missing, ...]
    citations: dict[str, str]
    evidence_grades: dict[str, int]
    limits: tuple[str, ...]
    doubt: Doubt | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain nested values, in field order."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def to_json(self, *, indent: bool = False) -> bytes:
        """Write as JSON; the same assessment gives the same bytes."""
        options = orjson.OPT_INDENT_2 if indent else 0
        return orjson.dumps(self.to_dict(), option=options)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        # Ten significant digits: below the noise of summation order, above any use.
        return float(f"{value:.10g}")
    if isinstance(value, (str, int, bool)) or value is None:
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return {name: _plain(getattr(value, name)) for name in _names(type(value))}


def _names(kind: type[Any]) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(f.name for f in dataclasses.fields(kind))
    return names


_NAMES: dict[type[Any], tuple[str, ...]] = {}
