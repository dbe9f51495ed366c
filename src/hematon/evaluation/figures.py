"""What an evaluation found, as plain frozen values with a published JSON Schema.

The schema is `docs/reference/evaluation.schema.json`, made from these classes. Shares are of one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from hematon.evaluation.scores import Bin, Estimate

SCHEMA_VERSION = "1"

Level = Literal["condition", "group"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Where the right answers stand among the conditions, or among the groups of conditions.

    Attributes:
        level: what is ranked; something else is ranked only in `with_something_else`.
        cases: cases with a right answer at this level.
        publications: publications they come from.
        top_1, top_3, top_5: share of cases whose right answer is among the first.
        reciprocal_rank: mean of one over the rank.
        with_something_else: `top_1` when something else is ranked among them.
        largest_shift: how far `top_1` moves, at most, when one publication is left out.
    """

    level: Level
    cases: int
    publications: int
    top_1: Estimate
    top_3: Estimate
    top_5: Estimate
    reciprocal_rank: Estimate
    with_something_else: Estimate
    largest_shift: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rankings of some of the cases.

    Attributes:
        by: what the cases are split by.
        name: which part this is.
        rankings: by condition and by group; a level without a case is left out.
    """

    by: str
    name: str
    rankings: tuple[Ranking, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A simpler way to rank, on the cases it was given, with Hematon on the same cases.

    Attributes:
        id: short name.
        name: what it is, in a line.
        text: how it ranks.
        strata: its rankings.
        hematon: Hematon's rankings of the same cases, in the same order.
    """

    id: str
    name: str
    text: str
    strata: tuple[Stratum, ...]
    hematon: tuple[Stratum, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether shares mean what they say, for the leading row of each case.

    Attributes:
        name: which cases.
        level: whether rows are conditions or groups; something else is a row.
        cases: how many.
        brier: multi-class Brier score over all rows.
        error: expected calibration error of the leading row, bins of equal mass.
        error_equal_width: the same with bins of equal width.
        bins: the bins of equal mass.
    """

    name: str
    level: Level
    cases: int
    brier: Estimate
    error: Estimate
    error_equal_width: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class BandShare:
    """How often what was said in a word of fit was so.

    Attributes:
        band: id of the band.
        predictions: rows of all cases in this band, something else left out.
        stated: mean share stated.
        right: share of rows that were right.
        brier: mean squared distance of the share from what was so.
    """

    band: str
    predictions: int
    stated: float
    right: float
    brier: float


@dataclass(frozen=True, slots=True)
class NeverMiss:
    """Whether conditions that must not be missed were shown.

    Attributes:
        by: what the cases are split by.
        name: which cases: all, a set, or a condition.
        cases: cases whose truth must not be missed.
        in_five: share among the first five conditions.
        shown: share among the first five or in the list that is always shown.
    """

    by: str
    name: str
    cases: int
    in_five: Estimate
    shown: Estimate


@dataclass(frozen=True, slots=True)
class Specificity:
    """What was said of those who have no condition of the knowledge.

    Attributes:
        name: which cases.
        cases: how many.
        something_else_first: share in whom something else leads.
        no_marrow_failure_fits_well: share in whom no marrow failure condition `fits well`.
        either: share with one or the other.
        no_condition_fits_well: share in whom no condition at all `fits well`.
    """

    name: str
    cases: int
    something_else_first: Estimate
    no_marrow_failure_fits_well: Estimate
    either: Estimate
    no_condition_fits_well: Estimate


@dataclass(frozen=True, slots=True)
class CaseSetFigures:
    """What a case set held.

    Attributes:
        name: its file or folder.
        scored: cases scored.
        publications: publications they come from.
        circular: cases whose publication is known to have fed public annotations, or the
            evidence of the knowledge.
        not_scored: diagnosis that no condition stands for, to the number of cases.
        unreadable: cases that could not be read.
    """

    name: str
    scored: int
    publications: int
    circular: int
    not_scored: dict[str, int]
    unreadable: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something was tested, and came first or in three.

    Attributes:
        cases, publications: published patients and their publications.
        first, in_three: how many of the patients had the right condition there.
    """

    cases: int
    publications: int
    first: int
    in_three: int


@dataclass(frozen=True, slots=True)
class AgeTally:
    """A tally of an age band, ages in days, `below_days` excluded and None without a limit."""

    name: str
    from_days: int
    below_days: int | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Tested:
    """On whom the ranking was tested: what the report says of its own doubt.

    Attributes:
        engine, knowledge, fingerprint: what was tested.
        conditions: condition to its tally; one that is not named was never tested.
        ages: age bands in order.
        ancestry_stated: tested patients whose publication states the ancestry.
        duffy_null: tested patients with the Duffy-null count stated.
        cases: tested patients.
    """

    engine: str
    knowledge: str
    fingerprint: str
    conditions: dict[str, Tally]
    ages: tuple[AgeTally, ...]
    ancestry_stated: int
    duffy_null: int
    cases: int


@dataclass(frozen=True, slots=True)
class PopulationGroup:
    """Children of a population survey.

    Attributes:
        name: all, an age band, a sex or an ancestry as the survey records it.
        children: how many.
        urgent: how many in urgency E or U24.
        levels: urgency level to its number of children.
        fits_well: children in whom a marrow failure condition fits well.
        something_else_first: children in whom something else leads.
    """

    name: str
    children: int
    urgent: int
    levels: dict[str, int]
    fits_well: int
    something_else_first: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything an evaluation found.

    Attributes:
        engine, knowledge, fingerprint: what was evaluated.
        setting: whose prior was used.
        own_sources_left_out: whether each case was judged without its own publication.
        knowledge_remade: cases for which that changed the knowledge.
        largest_publication: the publication that gives most cases with a right answer.
        case_sets: what each case set held.
        strata: rankings, split every way.
        baselines: simpler ways to rank, beside Hematon on the same cases.
        calibration: whether shares mean what they say.
        bands: how often what was said in a word of fit was so.
        never_miss: whether conditions that must not be missed were shown.
        specificity: what was said of patients with another disease.
        population: children of a survey; empty without one.
        tested: the tallies that the clinician report reads.
    """

    engine: str
    knowledge: str
    fingerprint: str
    setting: str
    own_sources_left_out: bool
    knowledge_remade: int
    largest_publication: str
    case_sets: tuple[CaseSetFigures, ...]
    strata: tuple[Stratum, ...]
    baselines: tuple[Baseline, ...]
    calibration: tuple[Calibration, ...]
    bands: tuple[BandShare, ...]
    never_miss: tuple[NeverMiss, ...]
    specificity: tuple[Specificity, ...]
    population: tuple[PopulationGroup, ...]
    tested: Tested
    schema: str = SCHEMA_VERSION

    @property
    def whole_calibration(self) -> Calibration | None:
        """The calibration over all cases at the level of conditions; None without a case."""
        return next((c for c in self.calibration if c.level == "condition"), None)

    def to_json(self) -> bytes:
        """Write as JSON, four decimals; the same figures give the same bytes."""
        return write_json(self)


def write_json(value: Any) -> bytes:
    """Write figures, or a part of them, as indented JSON with a line feed at the end."""
    return orjson.dumps(_plain(value), option=orjson.OPT_INDENT_2) + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {name: _plain(getattr(value, name)) for name in names}
    return value
