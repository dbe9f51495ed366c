"""What can go wrong, and how it is said.

Bad data is a value: a reader gathers every `Issue` it can find and returns them in a `Reading`.
A broken contract is an exception. Neither ever carries a patient's value in its text: `where`
names the place, `fix` says what to do, and the reader of the message looks there.

    HematonError
    ├─ KnowledgeError     a knowledge file is wrong; start-up stops
    ├─ UnreadableError    the document as a whole cannot be read; carries its issues
    └─ UnitError          an unknown or incommensurable unit
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Level = Literal["error", "warning"]

ISSUE_CODES: dict[str, str] = {
    # documents
    "not-json": "The text is not valid JSON.",
    "not-utf8": "The bytes are not UTF-8 text.",
    "empty-input": "There is nothing in the file.",
    "unknown-format": "The document is not a format Hematon reads.",
    "too-large": "The document or one of its fields is larger than Hematon accepts.",
    "wrong-type": "A field has another JSON type than the standard says.",
    "missing-field": "A field that Hematon needs is absent.",
    "no-patient": "No patient could be identified.",
    "mixed-patients": "Records of more than one patient stand in one document.",
    "nothing-usable": "Nothing in the document says anything about blood, findings or tests.",
    # people and time
    "age-unknown": "The age cannot be worked out.",
    "age-implausible": "The age is negative or beyond a human life.",
    "age-out-of-scope": "The person is older than the reference intervals reach.",
    "date-invalid": "A date cannot be read.",
    "date-in-future": "A date lies after the day of assessment.",
    "date-before-birth": "A date lies before the birth.",
    "sex-unknown": "The sex is not stated; limits that depend on it stay open.",
    # measurements
    "code-unknown": "A code is not one that Hematon knows.",
    "code-excluded": "A code is known and deliberately not used.",
    "unit-missing": "A value has no unit.",
    "unit-unknown": "A unit is not known or does not fit the analyte.",
    "value-implausible": "A value is outside what this analyte and unit can be.",
    "value-not-number": "A value is not a number.",
    "value-negative": "A value is below zero.",
    "value-absent": "A result has no value; the reason given is kept.",
    "status-not-final": "A result was withdrawn, cancelled or never made; it is dropped.",
    "comparator-unknown": "A comparator is not one of <, <=, >=, >.",
    "duplicate-result": "Several results for one analyte on one day; the median is used.",
    "sample-quality": "The sample may be spurious (clumps, clot, dilution).",
    "anc-not-computable": "The neutrophil count cannot be computed from what was sent.",
    # findings, conditions, treatments, variants
    "hpo-unknown": "An HPO id does not exist.",
    "hpo-obsolete": "An HPO id is obsolete; its replacement is used where there is one.",
    "hpo-not-used": "An HPO term is read, and no likelihood in the knowledge depends on it.",
    "finding-conflict": "A finding is stated both present and absent.",
    "finding-contradicts-count": "A stated finding contradicts the numbers; the numbers are used.",
    "condition-not-used": "A diagnosis is read, and nothing in the knowledge depends on it.",
    "medication-not-used": "A medication is read, and nothing in the knowledge depends on it.",
    "variant-not-used": "A reported variant is in a gene the knowledge does not hold.",
    "variant-unclear": "A reported variant lacks gene or classification.",
    "family-not-used": "A family history entry is read and not used.",
    "resource-not-used": "Resources of a type that the assessment does not use.",
    # tables
    "header-unknown": "A column is not one that Hematon knows.",
    "header-ambiguous": "Two columns mean the same.",
    "row-ragged": "A row has more or fewer cells than the header.",
    # options
    "as-of-invalid": "The day of assessment cannot be used.",
}
"""Every issue code and what it means. Documented by `docs/reference/issues.md`."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing found wrong in an input.

    Attributes:
        level: `error` when something was lost or refused, `warning` when it was kept.
        code: a key of `ISSUE_CODES`; stable.
        where: JSON pointer, or `row 3, column HGB`. Never the value itself.
        message: what is wrong, without any of the patient's data.
        fix: what the sender can do.
    """

    level: Level
    code: str
    where: str
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What a reader made of an input: the value if there is one, and every issue found."""

    value: T | None
    issues: tuple[Issue, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether anything was lost or refused."""
        return any(issue.level == "error" for issue in self.issues)


class HematonError(Exception):
    """Base of every error a user sees without a traceback."""


class KnowledgeError(HematonError):
    """A knowledge file is wrong. Carries the issues, one per broken rule."""

    def __init__(self, message: str, issues: tuple[Issue, ...] = ()) -> None:
        super().__init__(message)
        self.issues = issues


class UnreadableError(HematonError):
    """The document as a whole cannot be read. Carries its issues."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__("; ".join(f"{i.where}: {i.message}" for i in issues))
        self.issues = issues


class UnitError(HematonError):
    """A unit is unknown, or cannot be converted to the analyte's unit."""
