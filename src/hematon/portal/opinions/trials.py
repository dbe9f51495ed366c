"""Changing one input of a record for trial: a count, a finding, the result of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hematon.engine.case import Case as EngineCase
from hematon.engine.case import Finding, Measurement
from hematon.interchange.intake import Intake
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import FindingInfo
from hematon.portal.opinions.results import number_of
from hematon.report.quantities import prose, quantity, short_age, unit

WHERE: Final = "changed for trial"
"""Stands where other inputs say their place in the record."""

PRESENT, ABSENT, NOT_STATED = "present", "absent", "not stated"
ANSWERS: Final = (
    (PRESENT, "Present, or positive"),
    (ABSENT, "Absent, or negative"),
    (NOT_STATED, "Not stated: leave it open"),
)
KINDS: Final[Mapping[str, str]] = {
    "test": "Tests",
    "marrow": "Marrow",
    "lab": "Laboratory",
    "phenotype": "Examination",
    "history": "History",
    "exposure": "Exposures",
    "pattern": "Course of the counts",
}
FIRST: Final = "Would change the ranking most"
Groups = list[tuple[str, list[tuple[str, str]]]]


class CannotBeTried(Exception):  # noqa: N818 it is an answer to a person, as in care.refused
    """The value cannot be one of this count; the message says why and what to do."""


@dataclass(frozen=True)
class Change:
    """One input changed: the record with it, and what was changed in words."""

    record: EngineCase
    name: str
    before: str
    after: str

    def to_json(self) -> dict[str, str]:
        """Give what is kept with the run."""
        return {"name": self.name, "before": self.before, "after": self.after}


# --- counts ---------------------------------------------------------------------------------------


def counts(record: EngineCase, known: Knowledge) -> Groups:
    """Give what of the counts can be changed, and what can be added to the latest draw."""
    ordered = sorted(
        enumerate(record.measurements), key=lambda pair: -(pair[1].age_days or 0)
    )  # the latest first; within a draw as sent
    stated = [(f"value-{n}", _label(one, known)) for n, one in ordered]
    latest = _latest(record)
    drawn = {m.analyte for m in record.measurements if m.age_days == latest}
    open_ = [
        (f"add-{analyte.id}", f"{prose(analyte.name)}, in {unit(analyte.unit) or 'no unit'}")
        for analyte in sorted(known.analytes.values(), key=lambda a: a.name.lower())
        if analyte.unit not in (None, "{presence}") and analyte.id not in drawn
    ]
    when = "" if latest is None else f" at {short_age(latest)}"
    return [("Values of the record", stated), (f"Add to the latest draw{when}", open_)]


def _label(one: Measurement, known: Knowledge) -> str:
    at = f"drawn at {short_age(one.age_days)}" if one.age_days is not None else "draw not dated"
    return f"{prose(known.analytes[one.analyte].name)} {_said(one, known)}, {at}"


def _said(one: Measurement, known: Knowledge) -> str:
    return quantity(one.value, known.analytes[one.analyte].unit or "", comparator=one.comparator)


def _latest(record: EngineCase) -> int | None:
    return max(
        (m.age_days for m in record.measurements if m.age_days is not None),
        default=record.age_days,
    )


def with_count(record: EngineCase, known: Knowledge, which: str, typed: str) -> Change:
    """Give the record with one count changed or added.

    Args:
        record: as it is.
        known: checks the number as it does for any record that comes in.
        which: a code of `counts`.
        typed: the number, in the unit of the knowledge; a bound is allowed.

    Raises:
        CannotBeTried: it is no number, or none that this count can have.
    """
    what, _, name = which.partition("-")
    old = record.measurements[int(name)] if what == "value" else None
    analyte = known.analytes[old.analyte if old else name]
    age = old.age_days if old else _latest(record)
    number = number_of(typed)
    if number is None:
        raise CannotBeTried(f"Enter {prose(analyte.name)} as a number, such as 7.9 or <0.5.")
    intake = Intake(known, record.source_format)
    intake.measurement(
        analyte.id, number.value, analyte.unit, WHERE, age_days=age, comparator=number.comparator
    )
    if not intake.measurements:
        issue = intake.issues[0]
        raise CannotBeTried(f"{prose(issue.message)}: {prose(issue.fix)}.")
    new = intake.measurements[0]
    if old is None:
        values = (*record.measurements, new)
    else:
        # The laboratory's limits belong to the draw and stay.
        new = replace(new, lab_low=old.lab_low, lab_high=old.lab_high)
        values = tuple(new if one is old else one for one in record.measurements)
    return Change(
        record=replace(record, measurements=values),
        name=f"{prose(analyte.name)}, at {short_age(age)}",
        before=_said(old, known) if old else NOT_STATED,
        after=_said(new, known),
    )


# --- findings and results of tests ----------------------------------------------------------------


def findings(said: Mapping[str, Any], known: Knowledge) -> Groups:
    """Give the findings that can be stated, first those that would change the ranking most.

    Args:
        said: the assessment as JSON holds it.
        known: every finding; what numbers tell is left to the numbers.
    """
    open_ = {
        finding.id: finding
        for finding in known.findings.values()
        if finding.kind in KINDS and finding.when is None
    }
    first = [one for one in dict.fromkeys(_telling(said)) if one in open_]
    groups = [(FIRST, [(one, prose(open_[one].name)) for one in first])]
    for kind, words in KINDS.items():
        names = sorted(
            (prose(one.name), one.id)
            for one in open_.values()
            if one.kind == kind and one.id not in first
        )
        groups.append((words, [(code, name) for name, code in names]))
    return [group for group in groups if group[1]]


def _telling(said: Mapping[str, Any]) -> Iterator[str]:
    for candidate in said["differential"][:4]:
        for change in candidate["would_change"]:
            yield change["finding"]
    for test in said["next_tests"]:
        for outcome in test["outcomes"]:
            yield outcome["finding"]


def with_finding(
    record: EngineCase, known: Knowledge, said: Mapping[str, Any], code: str, answer: str
) -> Change:
    """Give the record with one finding stated, or no longer stated.

    Args:
        record: as it is.
        known: names the finding.
        said: the assessment of the record, which tells what its terms were read as.
        code: a finding of the knowledge.
        answer: of `ANSWERS`.
    """
    finding = known.findings[code]
    codes = {one["code"] for one in said["findings"] if code in one["used_as"]} | {code}
    old = [one for one in record.findings if one.code in codes]
    kept = tuple(one for one in record.findings if one.code not in codes)
    if answer != NOT_STATED:
        kept += (Finding(code, answer == PRESENT, finding.name, where=WHERE),)
    return Change(
        record=replace(record, findings=kept),
        name=_named(finding),
        before=" and ".join(sorted({PRESENT if one.observed else ABSENT for one in old}))
        or NOT_STATED,
        after=answer,
    )


def _named(finding: FindingInfo) -> str:
    return prose(finding.name)
