"""What a clinician states beside blood counts: findings, treatments, variants and diagnoses.

The pages of a referral ask for findings and treatments. A record that was pasted or uploaded may
state more; what was confirmed of it is kept among the answers, in the engine's own words. Here
both become one record, of which a referral's preview and the packet's Bundle are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Final

from hematon.engine.case import Case as Record
from hematon.engine.case import Finding, ReportedVariant, Treatment
from hematon.portal.clinic.reading import knowledge
from hematon.portal.opinions.resources import text

STATED: Final = "stated"
"""Key among the answers of what was confirmed of a record."""
_TRANSFUSIONS: Final = ("red_cell_transfusion", "platelet_transfusion")
_PARTS: Final = (
    *("findings", "treatments", "variants", "recorded_conditions"),
    "excluded_conditions",
)

_MADE: Final[Mapping[str, Callable[..., Any]]] = {
    "findings": Finding,
    "treatments": Treatment,
    "variants": ReportedVariant,
}


@dataclass(frozen=True)
class Fact:
    """One thing that a record states beside counts.

    Attributes:
        part: which part of the record it is of.
        stated: as the engine has it.
    """

    part: str
    stated: Any

    @property
    def kind(self) -> str:
        """Say what kind of thing it is."""
        if self.part == "findings":
            return "Finding" if self.stated.observed else "Looked for and not there"
        return {
            "treatments": "Treatment",
            "variants": "Variant",
            "recorded_conditions": "Diagnosis",
            "excluded_conditions": "Diagnosis ruled out",
        }[self.part]

    @property
    def words(self) -> str:
        """Say it."""
        one = self.stated
        if isinstance(one, Finding):
            return name_of(one.code)
        if isinstance(one, Treatment):
            return one.kind.replace("_", " ")
        if isinstance(one, ReportedVariant):
            said = (one.gene or "no gene named", one.classification, one.zygosity, one.description)
            return ", ".join(part.replace("_", " ") for part in said if part not in ("", "unknown"))
        return next((c.name for c in knowledge().conditions if c.id == one), str(one))

    @property
    def where(self) -> str:
        """Give its place in the record, where that is known."""
        return str(getattr(self.stated, "where", ""))


def facts_of(record: Record) -> list[Fact]:
    """Give what a record states beside counts."""
    return [Fact(part, one) for part in _PARTS for one in getattr(record, part)]


def kept(facts: Iterable[Fact]) -> dict[str, list[Any]]:
    """Give facts as plain values, to be kept among the answers under `STATED`."""
    found: dict[str, list[Any]] = {part: [] for part in _PARTS}
    for fact in facts:
        one = fact.stated
        # Texts of a record may hold what a Bundle cannot; a finding has a name of its own.
        if isinstance(one, Finding):
            one = replace(one, label=name_of(one.code))
        elif isinstance(one, ReportedVariant):
            one = replace(one, gene=text(one.gene), description=text(one.description))
        found[fact.part].append(one if isinstance(one, str) else asdict(one))
    return found


def facts_in(held: Mapping[str, Any] | None) -> list[Fact]:
    """Give the facts that were kept; see `kept`."""
    return [
        Fact(part, _MADE[part](**one) if part in _MADE else one)
        for part in _PARTS
        for one in (held or {}).get(part, ())
    ]


def stated_in(answers: Mapping[str, Any], born: date | None) -> Record:
    """Give what answers state beside counts, as a record without counts.

    What was ticked on a page outweighs what a record says of the same finding.

    Args:
        answers: of any case; families' pages state nothing of this.
        born: the child's birth date; None where it is not known.
    """
    held: dict[str, list[Any]] = {part: [] for part in _PARTS}
    for fact in facts_in(answers.get(STATED)):
        held[fact.part].append(fact.stated)
    ticked = {
        code: Finding(code, page == "findings", name_of(code), None, f"findings, {key}")
        for page, key in (("absent", "absent"), ("findings", "present"))
        for code in _listed(answers, page, key)
    }
    return Record(
        id="",
        birth_date=born,
        findings=(*(f for f in held["findings"] if f.code not in ticked), *ticked.values()),
        treatments=(*held["treatments"], *_ticked_treatments(answers, held["treatments"], born)),
        variants=tuple(held["variants"]),
        recorded_conditions=tuple(held["recorded_conditions"]),
        excluded_conditions=tuple(held["excluded_conditions"]),
    )


def _ticked_treatments(
    answers: Mapping[str, Any], held: Iterable[Treatment], born: date | None
) -> Iterator[Treatment]:
    known = {one.kind for one in held}
    given = answers.get("history")
    on = _age(given.get("transfused_on"), born) if isinstance(given, Mapping) else None
    for kind in _listed(answers, "history", "treatments"):
        start = on if kind in _TRANSFUSIONS else None
        # A tick without a date says no more than the record that has the dates.
        if kind != "none" and (start is not None or kind not in known):
            yield Treatment(kind, start, None, "history")


def _listed(answers: Mapping[str, Any], page: str, key: str) -> list[Any]:
    given = answers.get(page)
    found = given.get(key) if isinstance(given, Mapping) else None
    return found if isinstance(found, list) else []


def _age(typed: object, born: date | None) -> int | None:
    try:
        day = date.fromisoformat(str(typed))
    except ValueError:
        return None
    return (day - born).days if born is not None and day >= born else None


def name_of(code: str) -> str:
    """Give the name of a finding: the knowledge's own, else the ontology's, else its code."""
    known = knowledge()
    if code in known.findings:
        return known.findings[code].name
    at = known.annotations.column(code)
    return code if at is None else known.annotations.term_name(at)
