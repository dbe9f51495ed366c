"""The suggested reading order: bands A, B and C from rules that a clinician of the programme signs.

A rule compares what a family or a doctor reported with a number that was set beforehand, and says
so in one sentence. It orders what people read; it assesses nobody, closes nothing and hides
nothing. What is missing ranks above routine. This module is arithmetic alone: no database, no
clock, and nothing of the assessment engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from hematon.portal.programme.shapes import Name, Rules, Strict, Words

# --- facts ---------------------------------------------------------------------------------------

MEASURED: Final[Mapping[str, Mapping[str, Decimal]]] = {
    "absolute_neutrophil_count": {
        "10*9/L": Decimal(1),
        "10*3/uL": Decimal(1),
        "/uL": Decimal("0.001"),
    },
    "platelets": {"10*9/L": Decimal(1), "10*3/uL": Decimal(1), "/uL": Decimal("0.001")},
    "reticulocytes": {"10*9/L": Decimal(1), "10*3/uL": Decimal(1), "/uL": Decimal("0.001")},
    "hemoglobin": {"g/dL": Decimal(1), "g/L": Decimal("0.1")},
    "age": {"d": Decimal(1)},
}
"""What is measured, and the units it may come in; the first is the one compared in."""

WANTED: Final = "wanted_within_a_day"
"""The one thing that only a referring clinician is asked: for everyone else it is a no."""
REPORTED: Final[Mapping[str, str]] = {
    "fever": "fever",
    "looks_unwell": "looking unwell",
    "bleeding": "bleeding",
    "new_bruises": "new bruises or small red spots",
    "headache": "severe headache",
    "head_injury": "head injury",
    "drowsy": "unusual sleepiness or confusion",
    "breathless": "short of breath at rest",
    "blasts": "blasts on a report",
    WANTED: "care asked for within 24 hours by the referring clinician",
}
"""What is answered yes or no, and what staff call it."""


@dataclass(frozen=True)
class Amount:
    """A measured value as it came."""

    value: Decimal
    unit: str


Facts = Mapping[str, Amount | bool | None]
"""By name. What is not there, or None, was not told."""


class Answer(Enum):
    """What can be said of a rule."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def at_least(number: int, answers: Iterable[Answer]) -> Answer:
    """Say whether at least so many are yes; unknown while it can still go either way."""
    given = list(answers)
    yes = given.count(Answer.YES)
    if yes >= number:
        return Answer.YES
    return Answer.NO if yes + given.count(Answer.UNKNOWN) < number else Answer.UNKNOWN


def measured(facts: Facts, name: str) -> Decimal | None:
    """Give a value in the unit it is compared in; None when it was not told.

    A unit that is not known for it counts as not told: a number in the wrong unit could place a
    child too low.
    """
    found = facts.get(name)
    if not isinstance(found, Amount) or not found.value.is_finite():
        return None
    factor = MEASURED[name].get(found.unit)
    return None if factor is None else found.value * factor


# --- conditions ----------------------------------------------------------------------------------


class _Measures(Strict):
    fact: Name
    unit: str

    @model_validator(mode="after")
    def _in_a_known_unit(self) -> Self:
        if self.fact not in MEASURED:
            raise ValueError(f"fact: not one of {', '.join(MEASURED)}")
        if self.unit not in MEASURED[self.fact]:
            raise ValueError(f"unit: {self.fact} comes in {', '.join(MEASURED[self.fact])}")
        return self

    def _limit(self, number: Decimal) -> Decimal:
        return number * MEASURED[self.fact][self.unit]


class Below(_Measures):
    """A value is lower than a number; at the number it is not."""

    below: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]

    def answer(self, facts: Facts, named: Named) -> Answer:
        """Compare."""
        value = measured(facts, self.fact)
        if value is None:
            return Answer.UNKNOWN
        return Answer.YES if value < self._limit(self.below) else Answer.NO

    def needs(self, named: Named) -> set[str]:
        """Name what it reads."""
        return {self.fact}


class FromAge(Strict):
    """From this many days of age on, the value must be below this."""

    days: Annotated[int, Field(ge=0)]
    below: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class BelowByAge(_Measures):
    """A value is lower than the number for the child's age."""

    below_by_age: tuple[FromAge, ...]

    @model_validator(mode="after")
    def _from_birth(self) -> Self:
        days = [step.days for step in self.below_by_age]
        if not days or days[0] != 0 or days != sorted(set(days)):
            raise ValueError("below_by_age: begin at 0 days, each step later than the one before")
        return self

    def answer(self, facts: Facts, named: Named) -> Answer:
        """Compare; without the age, only where every age would answer the same."""
        value, age = measured(facts, self.fact), measured(facts, "age")
        if value is None:
            return Answer.UNKNOWN
        steps = [s for s in self.below_by_age if age is None or s.days <= age]
        limits = [self._limit(s.below) for s in (steps if age is None else steps[-1:])]
        found = {value < limit for limit in limits}
        if len(found) != 1:
            return Answer.UNKNOWN
        return Answer.YES if found.pop() else Answer.NO

    def needs(self, named: Named) -> set[str]:
        """Name what it reads."""
        return {self.fact, "age"}


class Told(Strict):
    """Something was reported."""

    told: Name

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.told not in REPORTED:
            raise ValueError(f"told: not one of {', '.join(REPORTED)}")
        return self

    def answer(self, facts: Facts, named: Named) -> Answer:
        """Look."""
        found = facts.get(self.told)
        if not isinstance(found, bool):
            return Answer.UNKNOWN
        return Answer.YES if found else Answer.NO

    def needs(self, named: Named) -> set[str]:
        """Name what it reads."""
        return {self.told}


class Use(Strict):
    """One of the definitions."""

    use: Name

    def answer(self, facts: Facts, named: Named) -> Answer:
        """Answer as the definition does."""
        return named[self.use].answer(facts, {})

    def needs(self, named: Named) -> set[str]:
        """Name what it reads."""
        return named[self.use].needs({})


class Group(Strict):
    """At least so many of several conditions; `all` and any number may be said."""

    at_least: Annotated[int, Field(ge=1)] | Literal["all"]
    of: tuple[Condition, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.at_least != "all" and self.at_least > len(self.of):
            raise ValueError(f"at_least: there are only {len(self.of)} conditions")
        return self

    def answer(self, facts: Facts, named: Named) -> Answer:
        """Count."""
        number = len(self.of) if self.at_least == "all" else self.at_least
        return at_least(number, (part.answer(facts, named) for part in self.of))

    def needs(self, named: Named) -> set[str]:
        """Name what it reads."""
        return set().union(*(part.needs(named) for part in self.of))


Condition = Below | BelowByAge | Told | Use | Group
Named = Mapping[str, Condition]
Group.model_rebuild()

# --- rules ---------------------------------------------------------------------------------------


class Band(StrEnum):
    """How soon to read; A first."""

    A = "A"
    B = "B"
    C = "C"


class Rule(Strict):
    """One rule of the reading order."""

    id: Name
    band: Band
    sentence: Words
    source: Words
    when: Condition


class Thresholds(Rules):
    """The rules of the reading order.

    Attributes:
        definitions: conditions that several rules use; they use none themselves.
        rules: any one that fires places a request in its band at least.
        missing: the band of a request for which no rule fired but one of a higher band than C
            could not be answered; never C.
    """

    definitions: dict[Name, Condition] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = Field(min_length=1)
    missing: Literal["A", "B"]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        ids = [rule.id for rule in self.rules]
        if double := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"rules: {', '.join(double)} stands twice")
        for place, condition, allowed in (
            *((f"definitions.{n}", c, set()) for n, c in self.definitions.items()),
            *((f"rules.{r.id}", r.when, set(self.definitions)) for r in self.rules),
        ):
            if unknown := sorted(set(_uses(condition)) - allowed):
                raise ValueError(f"{place}: {', '.join(unknown)} is not among the definitions")
        return self


def _uses(condition: Condition) -> Iterable[str]:
    if isinstance(condition, Use):
        yield condition.use
    elif isinstance(condition, Group):
        for part in condition.of:
            yield from _uses(part)


@dataclass(frozen=True)
class Reading:
    """Where a request stands in the suggested order, and why.

    Attributes:
        band: as the rules say; C when all of them were answered and none fired.
        fired: the rules that fired, the highest band first.
        missing: names of facts that were not told and could raise the band.
    """

    band: Band
    fired: tuple[Rule, ...]
    missing: tuple[str, ...]

    @property
    def rank(self) -> int:
        """Give the place to sort by: in one band, what fired comes before what is missing."""
        decided = any(rule.band == self.band for rule in self.fired)
        return 2 * list(Band).index(self.band) + (not decided and self.band != Band.C)


def evaluate(facts: Facts, thresholds: Thresholds) -> Reading:
    """Give the band of a request.

    Args:
        facts: what was reported.
        thresholds: the rules, signed or not; the caller says which on the page.

    Returns:
        The highest band a rule placed it in. Where no rule above C fired and one could not be
        answered, the band for missing data. More facts told can only take "missing" away; a fact
        left out never lowers a request below what the others say.
    """
    named = thresholds.definitions
    answers = [(rule, rule.when.answer(facts, named)) for rule in thresholds.rules]
    yes = (rule for rule, answer in answers if answer is Answer.YES)
    fired = tuple(sorted(yes, key=lambda rule: rule.band))
    band = min((rule.band for rule in fired), default=Band.C)
    open_rules = [r for r, a in answers if a is Answer.UNKNOWN and r.band < band]
    missing = sorted({n for r in open_rules for n in r.when.needs(named) if not _told(facts, n)})
    if open_rules and band is Band.C:
        band = Band(thresholds.missing)
    return Reading(band, fired, tuple(missing))


def _told(facts: Facts, name: str) -> bool:
    if name in MEASURED:
        return measured(facts, name) is not None
    return isinstance(facts.get(name), bool)
