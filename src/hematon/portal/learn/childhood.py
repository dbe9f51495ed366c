"""How two counts change from birth to 18: the lines, areas and table of the picture.

Nothing is judged here. What is drawn are the reference intervals of the clinical knowledge, for all
children alike, with the knots between which it interpolates, its edition and its sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from hematon.knowledge import load_knowledge

YEAR = 365.25
LEFT, RIGHT, TOP, BOTTOM = 40.0, 346.0, 18.0, 206.0
"""The frame of a chart in units of its picture, 360 by 264."""
LAST = 18 * YEAR
AGES = (0, 1, 5, 12, 18)
"""Marked years. Ages are drawn by their square root: most of the change is in the first year."""
TABLE = (("birth", 0.0), ("2m", 68.0), ("1", YEAR), ("5", 5 * YEAR), ("12", 12 * YEAR))
TALLEST = {"hemoglobin": (6, 24, (8, 12, 16, 20, 24)), "anc": (0, 30, (0, 10, 20, 30))}

Knots = list[tuple[float, float, float, float]]


@dataclass(frozen=True)
class Mark:
    """A line of the frame: where it and its text stand, and what it says."""

    at: str
    text_at: str
    text: str


@dataclass(frozen=True)
class Row:
    """One age of the table; `who` is girls or boys where the sexes part."""

    age: str
    low: str
    usual: str
    high: str
    who: str = ""

    @property
    def years(self) -> int | None:
        """Give the age in whole years; nothing for birth and 2 months."""
        return int(self.age) if self.age.isdigit() else None


@dataclass(frozen=True)
class Chart:
    """One count through childhood.

    Attributes:
        area: path of what 19 in 20 healthy children have.
        girls: path of the middle line; `boys` is another where the sexes part, else empty.
        girls_at: height of the word beside the line; `boys_at` likewise.
        ages: marks below.
        heights: marks at the left.
        rows: the same as numbers.
        edition: of the reference intervals.
        sources: citations of the bands drawn.
    """

    area: str
    girls: str
    boys: str
    girls_at: str
    boys_at: str
    ages: tuple[Mark, ...]
    heights: tuple[Mark, ...]
    rows: tuple[Row, ...]
    edition: str
    sources: tuple[str, ...]


@lru_cache(maxsize=2)
def childhood(analyte: str) -> Chart:
    """Give the chart of a count.

    Args:
        analyte: hemoglobin or anc.
    """
    knowledge = load_knowledge()
    interval = knowledge.raw["intervals"][analyte]
    girls, boys = (_knots(interval["variants"][f"{sex}/any"]) for sex in ("female", "male"))
    least, most, marked = TALLEST[analyte]

    def y(value: float) -> float:
        return BOTTOM - (value - least) / (most - least) * (BOTTOM - TOP)

    ages = sorted({age for age, *_ in girls + boys})
    low = [(_x(age), y(min(_at(girls, age)[0], _at(boys, age)[0]))) for age in ages]
    high = [(_x(age), y(max(_at(girls, age)[2], _at(boys, age)[2]))) for age in ages]
    same = sum(a == b for a, b in zip(girls, boys, strict=False))
    parted = girls != boys
    drawn = {
        source
        for band in interval["bands"]
        if band["population"] != "duffy_null" and band["from"] <= LAST
        for source in band["source"]
    }
    return Chart(
        area=_path(high + low[::-1]) + "Z",
        girls=_path([(_x(knot[0]), y(knot[2])) for knot in girls]),
        boys=_path([(_x(knot[0]), y(knot[2])) for knot in boys[same - 1 :]]) if parted else "",
        girls_at=f"{y(girls[-1][2]) + 23:.1f}",
        boys_at=f"{y(boys[-1][2]) - 12:.1f}",
        ages=tuple(Mark(f"{_x(age * YEAR):.1f}", "230", str(age)) for age in AGES),
        heights=tuple(Mark(f"{y(v):.1f}", f"{y(v) + 6:.1f}", str(v)) for v in marked),
        rows=(
            *(_row(age, _at(girls, days)) for age, days in TABLE),
            _row("18", girls[-1][1:], "girls" if parted else ""),
            *([_row("18", boys[-1][1:], "boys")] if parted else []),
        ),
        edition=interval["edition"],
        sources=tuple(str(knowledge.sources[key]["citation"]) for key in sorted(drawn)),
    )


def _knots(rows: list[list[float]]) -> Knots:
    """Keep the knots up to 18 years, and end at the day itself."""
    knots = [(row[0], row[1], row[2], row[3]) for row in rows]
    kept = [knot for knot in knots if knot[0] < LAST]
    return [*kept, (LAST, *_at(knots, LAST))]


def _at(knots: Knots, age: float) -> tuple[float, float, float]:
    """Interpolate lower limit, middle and upper limit at an age in days."""
    for before, after in pairwise(knots):
        if before[0] <= age <= after[0]:
            share = (age - before[0]) / (after[0] - before[0])
            low, usual, high = (
                a + share * (b - a) for a, b in zip(before[1:], after[1:], strict=True)
            )
            return low, usual, high
    return knots[-1][1:] if age > knots[-1][0] else knots[0][1:]


def _x(age: float) -> float:
    return LEFT + math.sqrt(age / LAST) * (RIGHT - LEFT)


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _row(age: str, values: tuple[float, float, float], who: str = "") -> Row:
    low, usual, high = (f"{value:.1f}" for value in values)
    return Row(age, low, usual, high, who)
