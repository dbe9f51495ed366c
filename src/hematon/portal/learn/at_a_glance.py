"""What the clinical knowledge says of a condition, in plain words: "At a glance" on its page.

Nothing is written by hand here but the wording: ages, shares, genes and tests are read from the
knowledge files, each with its source, or marked as an estimate by the makers where the knowledge
grades it so. `content/plain_knowledge.yaml` and `content/tests.yaml` hold the words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import yaml
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import BaseModel, ConfigDict, ValidationError

from hematon.knowledge import load_knowledge
from hematon.knowledge.files import DATA
from hematon.knowledge.records import Condition
from hematon.portal.learn.pages import CONTENT
from hematon.portal.ui.site import InBoth

WEEKS_UNTIL, MONTHS_UNTIL = 1.5 / 12, 2.0
"""Years up to which an age is told in weeks, and in months."""
ALIKE = (0.45, 0.55)
NEARLY_ALL = 0.95
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAKERS = "EXPERT"
"""The knowledge's name for its makers where it lists sources."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlainTest(_Strict):
    """A test as families hear of it."""

    name: InBoth
    why: InBoth
    plans: bool = False


class PlainWords(_Strict):
    """Plain words for the knowledge's codes."""

    inheritance: dict[str, InBoth]
    without_genes: dict[str, str]
    cells: dict[str, InBoth]
    tiers: dict[int, InBoth]


@dataclass(frozen=True)
class Line:
    """One statement.

    Attributes:
        text: in the language that was active.
        sources: their numbers at the foot of the page.
        estimate: whether the makers put the number down without a source that states it.
    """

    text: str
    sources: tuple[int, ...] = ()
    estimate: bool = False


@dataclass(frozen=True)
class Part:
    """Statements that belong together."""

    lines: tuple[Line, ...]

    @property
    def estimate(self) -> bool:
        """Say whether every statement is an estimate, so that one mark does for all."""
        return all(line.estimate for line in self.lines)


@dataclass(frozen=True)
class Stage:
    """Tests done at the same time."""

    name: str
    tests: tuple[PlainTest, ...]


@dataclass(frozen=True)
class Glance:
    """The facts of one condition."""

    age: Part
    sex: Part
    inheritance: tuple[str, ...]
    cells: Part
    genes: tuple[str, ...]
    stages: tuple[Stage, ...]
    edition: str

    @property
    def has_estimate(self) -> bool:
        """Say whether any statement is an estimate."""
        return any(line.estimate for line in (*self.age.lines, *self.sex.lines, *self.cells.lines))


@lru_cache(maxsize=1)
def plain_words() -> PlainWords:
    """Give the words for codes."""
    return PlainWords.model_validate(_yaml("plain_knowledge.yaml"))


@lru_cache(maxsize=1)
def plain_tests() -> dict[str, PlainTest]:
    """Give the tests by their id in the knowledge."""
    return {key: PlainTest.model_validate(entry) for key, entry in _yaml("tests.yaml").items()}


def _yaml(name: str) -> dict[str, object]:
    file = CONTENT / name
    try:
        loaded: dict[str, object] = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error
    return loaded


@lru_cache(maxsize=64)
def condition_entry(key: str) -> Condition:
    """Read one entry of the knowledge, with the grades that the compiled form leaves out.

    Raises:
        ImproperlyConfigured: there is no such entry.
    """
    file = DATA / "conditions" / f"{key}.yaml"
    try:
        loaded = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 a safe one
        return Condition.model_validate(loaded)
    except (OSError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error


def at_a_glance(key: str, number: Callable[[str], int]) -> Glance:
    """Tell a condition's facts in the active language.

    Args:
        key: entry of the knowledge.
        number: gives a source its number at the foot of the page.
    """
    entry = condition_entry(key)

    def line(text: str, grade: str, source: list[str] | tuple[str, ...] = ()) -> Line:
        estimate = grade in {"expert", "derived"}
        known = () if estimate else tuple(sorted(number(s) for s in source if s != MAKERS))
        return Line(text, known, estimate)

    age = entry.age
    return Glance(
        age=Part(
            (
                line(
                    _("Usual age: about %(age)s.") % {"age": said_age(age.median)},
                    age.grade,
                    age.source,
                ),
                line(
                    _("9 in 10 children are first seen between %(low)s and %(high)s.")
                    % {"low": said_age(age.p5), "high": said_age(age.p95)},
                    age.grade,
                    age.source,
                ),
            )
        ),
        sex=Part((line(said_sex(entry.sex.male_fraction), entry.sex.grade),)),
        inheritance=tuple(said_inheritance(entry)),
        cells=Part(_cells(key, line)),
        genes=tuple(gene.symbol for gene in entry.genes),
        stages=stages(key),
        edition=load_knowledge().version,
    )


def said_age(years: float) -> str:
    """Say an age in the unit a parent would use."""
    if years <= 0:
        return _("birth")
    if years < WEEKS_UNTIL:
        weeks = max(round(years * 365.25 / 7), 1)
        return ngettext("%(n)s week", "%(n)s weeks", weeks) % {"n": weeks}
    if years < MONTHS_UNTIL:
        months = round(years * 12)
        if months != 12:
            return ngettext("%(n)s month", "%(n)s months", months) % {"n": months}
    whole, rest = divmod(years, 1)
    if 0.25 <= rest < 0.75:
        return ngettext("%(n)s and a half years", "%(n)s and a half years", int(whole)) % {
            "n": int(whole)
        }
    n = int(whole) + (rest >= 0.75)
    return ngettext("%(n)s year", "%(n)s years", n) % {"n": n}


def said_share(share: float) -> str:
    """Say a share as so many in 10; a half between two says both."""
    if share >= NEARLY_ALL:
        return _("nearly all children")
    if share < 0.1:
        return _("fewer than 1 in 10 children")
    whole, rest = divmod(round(share * 10, 6), 1)
    if 0.3 <= rest <= 0.7 and whole < 9:
        return _("%(low)s or %(high)s in 10 children") % {
            "low": int(whole),
            "high": int(whole) + 1,
        }
    return _("%(n)s in 10 children") % {"n": round(share * 10)}


def said_sex(boys: float) -> str:
    """Say whether it is seen in boys and girls alike."""
    if ALIKE[0] <= boys <= ALIKE[1]:
        return _("Girls and boys alike.")
    if boys >= NEARLY_ALL:
        return _("Nearly always boys.")
    return _("Girls and boys. About %(n)s in 10 are boys.") % {"n": round(boys * 10)}


def said_inheritance(entry: Condition) -> list[str]:
    """Say how it is passed on, the mode of most genes first."""
    words = plain_words()
    modes = Counter(mode for gene in entry.genes for mode in gene.modes)
    if not modes:
        stated = entry.inheritance or "none"
        for begin, mode in words.without_genes.items():
            if stated.startswith(begin):
                return [str(words.inheritance[mode])]
        return []
    if len(modes) == 1:
        return [str(words.inheritance[mode]) for mode in modes]
    total = len(entry.genes)
    return [
        ngettext("For %(n)s of the %(total)s genes:", "For %(n)s of the %(total)s genes:", n)
        % {"n": n, "total": total}
        + f" {words.inheritance[mode]}"
        for mode, n in modes.most_common()
    ]


_MakeLine = Callable[[str, str, "list[str] | tuple[str, ...]"], Line]


def _cells(key: str, line: _MakeLine) -> tuple[Line, ...]:
    knowledge = load_knowledge()
    rows = []
    for finding, name in plain_words().cells.items():
        row = knowledge.evidence(key, finding)
        if row is not None:
            text = _("%(cells)s: low in %(share)s.") % {
                "cells": name,
                "share": said_share(row.frequency),
            }
            rows.append((row.frequency, line(text, row.grade, row.source)))
    return tuple(made for _share, made in sorted(rows, key=lambda pair: -pair[0]))


def asked_tests(key: str) -> list[tuple[int, str]]:
    """Give (tier, id) of the tests the knowledge asks for, earliest first."""
    found = [
        (test.tier, test.id)
        for test in load_knowledge().tests
        if key in test.conditions or "*" in test.conditions
    ]
    return sorted(found, key=lambda pair: pair[0])


def stages(key: str) -> tuple[Stage, ...]:
    """Give the tests that find a condition, in the order they are done.

    A test without plain words is left out here; the gates ask for its words.
    """
    words, tests = plain_words(), plain_tests()
    found = []
    for tier, name in words.tiers.items():
        here = tuple(
            tests[test]
            for of, test in asked_tests(key)
            if of == tier and test in tests and not tests[test].plans
        )
        if here:
            found.append(Stage(str(name), here))
    return tuple(found)
