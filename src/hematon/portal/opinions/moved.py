"""What moved between two assessments: places, shares, and the likelihood ratios that moved them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hematon.knowledge.compiled import SOMETHING_ELSE
from hematon.portal.opinions.items import time_to_act
from hematon.report import evidence
from hematon.report.quantities import percent, prose

Json = Mapping[str, Any]

SHOWN: Final = 8
"""Conditions by rank, in either assessment, that are compared one by one."""
_UNEXPLAINED: Final = "ranked too low in one of the two to hold its evidence"
_UNKNOWN: Final = "causes that the knowledge does not hold"


@dataclass(frozen=True)
class Piece:
    """One piece of evidence whose weight for a condition is another now."""

    text: str
    before: str
    after: str


@dataclass(frozen=True)
class Row:
    """One condition in both assessments.

    Attributes:
        pieces: evidence whose weight changed.
        silent: why there is none.
    """

    name: str
    rank_before: int
    rank_after: int
    share_before: str
    share_after: str
    pieces: tuple[Piece, ...]

    silent: str

    @property
    def way(self) -> str:
        """Say which way it went."""
        if self.rank_before == self.rank_after:
            return "same place"
        return "up" if self.rank_after < self.rank_before else "down"


@dataclass(frozen=True)
class Moved:
    """The difference of two assessments.

    Attributes:
        rows: the leading conditions of either, by their place now.
        further: how many conditions below these changed their place.
        urgency: time to act before and now.
        floor_new: conditions that must not be missed and are new on that list.
        floor_gone: those that are no longer on it.
        tests_new: suggested tests that were not suggested.
        tests_gone: those that no longer are.
    """

    rows: tuple[Row, ...]
    further: int
    urgency: tuple[str, str]
    floor_new: tuple[str, ...]
    floor_gone: tuple[str, ...]
    tests_new: tuple[str, ...]
    tests_gone: tuple[str, ...]


def moved(before: Json, after: Json) -> Moved:
    """Compare two assessments as JSON holds them; nothing is computed anew.

    Args:
        before: what was there.
        after: what a changed input made of it.
    """
    was = {one["condition"]: one for one in before["differential"]}
    is_ = {one["condition"]: one for one in after["differential"]}
    both = [key for key in is_ if key in was]
    shown = [key for key in both if min(was[key]["rank"], is_[key]["rank"]) <= SHOWN]
    rest = [key for key in both if key not in shown]
    held = (_held(before), _held(after))
    floor = [_names(one["always_show"], "condition") for one in (before, after)]
    tests = [_names(one["next_tests"], "test") for one in (before, after)]
    return Moved(
        rows=tuple(_row(was[key], is_[key], held) for key in shown),
        further=sum(was[key]["rank"] != is_[key]["rank"] for key in rest),
        urgency=(time_to_act(before), time_to_act(after)),
        floor_new=_without(floor[1], floor[0]),
        floor_gone=_without(floor[0], floor[1]),
        tests_new=_without(tests[1], tests[0]),
        tests_gone=_without(tests[0], tests[1]),
    )


def _names(listed: list[Json], key: str) -> dict[str, str]:
    return {one[key]: prose(one["name"]) for one in listed}


def _without(some: Mapping[str, str], others: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for key, name in some.items() if key not in others)


def _held(said: Json) -> frozenset[str]:
    """Give all evidence that an assessment counts for or against anything."""
    return frozenset(
        piece["evidence"] for one in said["differential"] for piece in one["contributions"]
    )


def _row(was: Json, is_: Json, held: tuple[frozenset[str], frozenset[str]]) -> Row:
    explained = was["contributions"] and is_["contributions"]
    unknown = is_["condition"] == SOMETHING_ELSE
    return Row(
        name=prose(is_["name"]),
        rank_before=was["rank"],
        rank_after=is_["rank"],
        share_before=percent(was["posterior"]),
        share_after=percent(is_["posterior"]),
        pieces=tuple(_pieces(was, is_, held)),
        silent=_UNKNOWN if unknown else "none" if explained else _UNEXPLAINED,
    )


def _pieces(was: Json, is_: Json, held: tuple[frozenset[str], frozenset[str]]) -> Iterator[Piece]:
    old, new = (
        {one["evidence"]: one for one in side["contributions"] if one["observed"] is not None}
        for side in (was, is_)
    )
    for key in dict.fromkeys((*new, *old)):
        # An assessment holds the evidence of its leading conditions alone. Where a condition is
        # not among them, only what that assessment counts for none is known not to be counted.
        if (not old and key in held[0]) or (not new and key in held[1]):
            continue
        before, after = (_weight(side.get(key)) for side in (old, new))
        if before != after:
            text = prose((new.get(key) or old[key])["text"])
            yield Piece(text[:1].upper() + text[1:], before, after)


def _weight(contribution: Json | None) -> str:
    if contribution is None:
        return "not counted"
    log_ratio = contribution["log_likelihood_ratio"]
    # Two digits are shown; below a thousandth it is the noise of what it was damped with.
    return evidence.step(0.0 if math.isclose(log_ratio, 0.0, abs_tol=1e-3) else log_ratio)
