"""How each part of an assessment is said to a clinician.

Pure functions from the result to sentences; the terminal, HTML and FHIR forms share them, so that
a thing is said one way. How evidence and ranking are said stands in `evidence`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hematon.engine.assessment import (
    AlwaysShown,
    Assessment,
    HazardNote,
    Input,
    Lineage,
    NextTest,
    Outcome,
    Severity,
    Urgency,
)
from hematon.report.quantities import (
    age,
    interval,
    number,
    prose,
    quantity,
    short_age,
    signed,
    turnaround,
    unit,
)

TITLE: Final = "Assessment of suspected bone marrow failure"

URGENCY: Final[Mapping[str, tuple[str, str]]] = {
    "E": ("Emergency: go now", "emergency department or on-call hematology, without waiting"),
    "U24": ("Within 24 hours", "hematology contact the same or the next day"),
    "U72": ("Within 72 hours", "seen by hematology within three days"),
    "S2": ("Within two weeks", "clinic or virtual visit within two weeks"),
    "R": ("Within eight weeks", "virtual visit or shared care within eight weeks"),
    "none": ("No time limit met", "none of the rules that could be judged asks for one"),
}
"""Level to its words and what it asks for, most urgent first."""

STATUS: Final[Mapping[str, str]] = {
    "failing": "low",
    "low": "low",
    "normal": "not low",
    "not_assessable": "cannot be judged",
}
"""Failing is low with a depth of at least moderate: the depth, said beside it, tells them apart."""

ANSWERS: Final[Mapping[str, str]] = {"yes": "yes", "no": "no", "unknown": "not known"}

GRADES: Final[Mapping[str, tuple[str, str]]] = {
    "counted": ("●", "counted"),
    "named_source": ("◐", "named source"),
    "expert": ("○", "expert estimate"),
    "derived": ("◌", "derived"),
}
"""Evidence grade to its mark and its word; the word always stands beside the mark."""

TIERS: Final[Mapping[int, str]] = {
    0: "Blood now",
    1: "At the first visit",
    2: "Marrow, genetics and send-outs",
    3: "Later",
}

RESULTS: Final[Mapping[str, str]] = {
    "positive": "positive",
    "negative": "negative",
    "present": "present",
    "absent": "absent",
}
OUTCOMES_NAMED: Final = 3

ORDER: Final = "Numbered by how much a test is expected to tell for its burden."

ASK: Final = "Ask, examine or look up"

MECHANISMS: Final[Mapping[str, str]] = {
    "production": "points to production",
    "destruction_or_loss": "points to destruction or loss",
    "undetermined": "production or destruction cannot be told",
}

NO_TREATMENT: Final = "none stated"

CAUTION: Final = (
    "Read from the entered values alone. The child in front of you comes first: "
    "never use this to delay care."
)

CONSIDER: Final = "Consider, in this order"


def who(assessment: Assessment) -> tuple[tuple[str, str], ...]:
    """Say whom the assessment is about: label and value pairs."""
    return (
        ("Record", prose(assessment.id)),
        ("Age", age(assessment.age_days)),
        ("Sex", prose(assessment.sex) if assessment.sex else "not stated"),
        ("As of", prose(assessment.as_of) if assessment.as_of else "not stated"),
        ("Setting", prose(assessment.setting.replace("_", " "))),
    )


# --- urgency ------------------------------------------------------------------------------------


def time_to_act(urgency: Urgency) -> tuple[str, str]:
    """Say the level and what it asks for.

    That no rule is met means little while rules could not be judged, and is then not said first.
    """
    if urgency.level == "none" and urgency.undetermined:
        return "Not settled", "no rule that could be judged is met, and others could not be judged"
    return URGENCY[urgency.level]


def could_be_higher(urgency: Urgency) -> str:
    """Say that the level may be too low, and for want of what; empty when it cannot be higher."""
    if not urgency.undetermined:
        return ""
    items = listed(distinct(item for rule in urgency.undetermined for item in rule.missing), most=8)
    count = len(urgency.undetermined)
    rules = "1 rule above this level" if count == 1 else f"{count} rules above this level"
    reason = f" Not stated: {items}." if items else ""
    return f"Could be higher: {rules} could not be judged.{reason}"


# --- lineages -----------------------------------------------------------------------------------

LINEAGES: Final = (("red", "Red cells"), ("white", "White cells"), ("platelet", "Platelets"))


def lineage_value(lineage: Lineage) -> str:
    """Say the judged value with its unit."""
    if lineage.value is None:
        return "not measured"
    return quantity(lineage.value, lineage.unit, comparator=lineage.comparator)


def drawn(assessment: Assessment, lineage: Lineage) -> str:
    """Say at what age the judged count was drawn, empty when that is not known."""
    for item in assessment.inputs:
        if item.used and item.analyte == lineage.analyte and item.age_days is not None:
            return f"at {short_age(item.age_days)}"
    return ""


def treated(assessment: Assessment) -> str:
    """Say which lineages are judged with a treatment in view, empty when none is."""
    notes = []
    for name, title in LINEAGES:
        lineage: Lineage = getattr(assessment.lineages, name)
        if lineage.support:
            notes.append(f"{title}: {prose(lineage.support)}.")
    if not notes:
        return ""
    # Otherwise a deep count from before a transfusion seems to contradict a mild level.
    return f"{' '.join(notes)} Time to act is judged on the counts as they are under treatment."


def lineage_status(lineage: Lineage) -> str:
    """Say how a lineage stands: `low: severe`, `not low`."""
    status = STATUS[lineage.status]
    if status != "low":
        return status
    return f"low: {prose(lineage.depth)}" if lineage.depth else "low, how far is not known"


def lineage_facts(lineage: Lineage) -> tuple[tuple[str, str], ...]:
    """Give everything known about a lineage as label and value pairs, `-` where unknown."""
    return (
        ("Low below", _or_dash(lineage.lower_limit, lineage.unit)),
        ("z", signed(lineage.z) if lineage.z is not None else "–"),
        (
            "Low since age",
            short_age(lineage.since_age_days) if lineage.since_age_days is not None else "–",
        ),
        ("Lowest", lowest(lineage)),
        ("Slope", slope(lineage)),
        ("Treatment", prose(lineage.support) or NO_TREATMENT),
        ("Mechanism", MECHANISMS[lineage.mechanism] if STATUS[lineage.status] == "low" else "–"),
    )


def lowest(lineage: Lineage) -> str:
    """Say the lowest value and among how many draws, or a dash."""
    if lineage.lowest is None:
        return "–"
    draws = "1 draw" if lineage.draws == 1 else f"{lineage.draws} draws"
    return f"{quantity(lineage.lowest, lineage.unit)} in {draws}"


def slope(lineage: Lineage) -> str:
    """Say the slope per 30 days, or a dash."""
    value = lineage.slope_per_30_days
    if value is None:
        return "–"
    sign = "+" if value > 0 else ""
    return f"{sign}{number(value, 2)} {unit(lineage.unit)} per 30 d"


def _or_dash(value: float | None, ucum: str) -> str:
    return "–" if value is None else quantity(value, ucum, digits=3)


def still_needed(criterion: Severity) -> str:
    """Say what a criterion that cannot be graded waits for, a dash when it is graded."""
    if criterion.answer != "unknown":
        return "–"
    named = listed(criterion.missing, most=8) or "not stated which"
    return f"{named}; needs a marrow" if criterion.needs_marrow else named


def waits_for(criteria: Iterable[Severity]) -> str:
    """Say what several criteria that cannot be graded wait for, what most wait for first."""
    count = Counter(item for criterion in criteria for item in criterion.missing)
    return f"still needed {listed((item for item, _ in count.most_common()), most=8)}"


# --- evidence -----------------------------------------------------------------------------------


def grade(grade_id: str, counted: str = "") -> str:
    """Write an evidence grade: mark, word, and the count where there is one."""
    mark, word = GRADES.get(grade_id, ("", prose(grade_id)))
    return " ".join(part for part in (mark, word, prose(counted)) if part)


def reference(grade_id: str, source: Iterable[str], counted: str = "") -> str:
    """Write grade and sources, `◐ named source: BSH2016`; an estimate has no other source."""
    ids = ", ".join(prose(s) for s in source if s != "EXPERT" or grade_id != "expert")
    return f"{grade(grade_id, counted)}: {ids}" if ids else grade(grade_id, counted)


def why_shown(shown: AlwaysShown) -> str:
    """Say which rules of the safety floor name a condition."""
    return "; ".join(prose(rule) for rule in shown.rules)


# --- tests, hazards, inputs ---------------------------------------------------------------------


def outcome(result: Outcome, names: Mapping[str, str]) -> str:
    """Say which conditions lead after a result, without their probabilities."""
    return _would_lead((result,), names)


def outcomes(results: Iterable[Outcome], names: Mapping[str, str]) -> tuple[str, ...]:
    """Say what every outcome would do, likeliest first, those that do the same in one sentence."""
    same: dict[tuple[str, ...], list[Outcome]] = {}
    for result in sorted(results, key=lambda o: -o.probability):
        same.setdefault(tuple(name for name, _ in result.leading), []).append(result)
    return tuple(_would_lead(alike, names) for alike in same.values())


def _would_lead(alike: Sequence[Outcome], names: Mapping[str, str]) -> str:
    leaders = listed(names.get(name, name) for name, _ in alike[0].leading)
    words = [prose(o.finding) or RESULTS[o.result] for o in alike]
    word = listed(words, most=OUTCOMES_NAMED)
    word = word[0].upper() + word[1:]
    return f"{word}: {leaders} would lead" if leaders else f"{word}: the order would not change"


def practicalities(test: NextTest) -> str:
    """Say when a test is due, what it needs and how long it takes."""
    parts = (
        f"no. {test.order}" if test.worth > 0 else "",
        prose(test.tier_when),
        prose(test.invasiveness).replace("_", " ") if test.invasiveness != "blood" else "",
        f"result in {due}" if (due := turnaround(test.turnaround)) != "same day" else due,
    )
    return " · ".join(part for part in parts if part)


def hazard_about(hazard: HazardNote, names: Mapping[str, str]) -> str:
    """Say which conditions make a treatment hazardous."""
    return listed(names.get(condition, condition) for condition in hazard.conditions)


def value(item: Input) -> str:
    """Say one input with its unit."""
    return quantity(item.value, item.unit, comparator=item.comparator, digits=digits(item))


def digits(item: Input) -> int:
    """Say how many digits of an input tell: of what was worked out, fewer than were sent."""
    return 3 if item.where == "computed" else 4


def our_limits(item: Input) -> str:
    """Say our limits for age and sex, with the median."""
    limits = interval(item.lower, item.upper, item.unit)
    if not limits:
        return "–"
    return limits if item.median is None else f"{limits}, median {number(item.median, 3)}"


def input_notes(item: Input) -> str:
    """Say how a value came about, under what treatment, and whether it was judged."""
    notes = (prose(item.basis), prose(item.support), "in the judged draw" if item.used else "")
    return "; ".join(note for note in notes if note) or "–"


def grade_counts(assessment: Assessment) -> tuple[tuple[str, str], ...]:
    """Say how many numbers rest on which kind of evidence."""
    return tuple((grade(name), str(count)) for name, count in assessment.evidence_grades.items())


def lab_limits(item: Input) -> str:
    """Say the laboratory's own limits."""
    return interval(item.lab_low, item.lab_high, item.unit) or "–"


def listed(items: Iterable[str], most: int | None = None) -> str:
    """Join names with commas and a last "and", saying how many are left out beyond `most`."""
    names = [prose(item) for item in items]
    if most is not None and len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def distinct(items: Iterable[str]) -> tuple[str, ...]:
    """Drop repeats, keep the order."""
    return tuple(dict.fromkeys(items))
