"""From judged cases to figures: which cases count in what, and nothing about how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

import hematon
from hematon.evaluation import scores
from hematon.evaluation.answers import AGES, Answers
from hematon.evaluation.baselines import BaselineShares, prior_alone
from hematon.evaluation.case_sets import CaseSets, Progress
from hematon.evaluation.figures import (
    AgeTally,
    BandShare,
    Calibration,
    CaseSetFigures,
    Figures,
    Level,
    NeverMiss,
    PopulationGroup,
    Specificity,
    Tally,
    Tested,
)
from hematon.evaluation.judge import judge
from hematon.evaluation.rankings import baseline_figures, rankings
from hematon.evaluation.truth import TruthTable
from hematon.knowledge import Knowledge

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MARROW_FAILURE: Final = ("inherited", "inherited_thrombocytopenia", "acquired_bmf", "clonal")
"""Categories of the conditions that are marrow failure or predispose to it."""

SHOWN: Final = 5
"""Conditions on the list that a reader of the report looks through."""


def measure(
    sets: CaseSets,
    knowledge: Knowledge,
    table: TruthTable,
    *,
    setting: str,
    leave_out_own: bool = True,
    baselines: Sequence[BaselineShares] = (),
    population: Sequence[PopulationGroup] = (),
    progress: Progress = lambda done, total: None,
) -> Figures:
    """Judge the cases and work out every figure.

    Args:
        sets: the cases.
        knowledge: the package's own knowledge.
        table: the groups.
        setting: whose prior.
        leave_out_own: whether each case is judged without evidence from its own publication.
        baselines: other ways to rank the same cases, in the same order.
        population: what a survey showed.
        progress: told while cases are judged.
    """
    cases = [c.case for c in sets.cases]
    judged = judge(
        cases, knowledge, setting=setting, leave_out_own=leave_out_own, progress=progress
    )
    a = Answers(sets.cases, knowledge, table, judged)
    return Figures(
        engine=hematon.__version__,
        knowledge=knowledge.version,
        fingerprint=knowledge.fingerprint,
        setting=setting,
        own_sources_left_out=leave_out_own,
        knowledge_remade=int(judged.own_source.sum()) if leave_out_own else 0,
        largest_publication=a.largest_publication,
        case_sets=tuple(_case_sets(sets, a)),
        strata=rankings(a, setting, leave_out_own),
        baselines=tuple(baseline_figures(a, b) for b in (*baselines, prior_alone(judged.prior))),
        calibration=tuple(_calibration(a)),
        bands=tuple(_bands(a)),
        never_miss=tuple(_never_miss(a)),
        specificity=tuple(_specificity(a)),
        population=tuple(population),
        tested=_tested(a),
    )


def _case_sets(sets: CaseSets, a: Answers) -> Iterator[CaseSetFigures]:
    names = {*a.case_set.tolist(), *sets.unreadable, *(name for name, _ in sets.not_scored)}
    for name in sorted(names):
        rows = a.case_set == name
        yield CaseSetFigures(
            name=name,
            scored=int(rows.sum()),
            publications=len(set(a.publication[rows].tolist())),
            circular=int((rows & a.circular).sum()),
            not_scored={d: k for (s, d), k in sorted(sets.not_scored.items()) if s == name},
            unreadable=sets.unreadable.get(name, 0),
        )


# --- shares ------------------------------------------------------------------------------------


def _calibration(a: Answers) -> Iterator[Calibration]:
    levels: tuple[Level, ...] = ("condition", "group")
    parts = [("all", np.ones(len(a.cases), dtype=bool)), ("named conditions", a.named)]
    parts += [(name, a.case_set == name) for name in sorted(set(a.case_set.tolist()))]
    for level in levels:
        right, shares = a.right(level), a.shares(level)
        judged = right.any(axis=1)
        leading = shares.argmax(axis=1)
        stated = shares[np.arange(len(shares)), leading]
        hit = right[np.arange(len(shares)), leading]
        for name, some in parts:
            rows = some & judged
            if not rows.any():
                continue
            publication, said, was = a.publication[rows], stated[rows], hit[rows]
            mass, width = scores.equal_mass(said), scores.equal_width(said)
            yield Calibration(
                name=name,
                level=level,
                cases=int(rows.sum()),
                brier=scores.estimate(scores.brier(shares[rows], right[rows]), publication),
                error=scores.calibration_error(said, was, mass, publication),
                error_equal_width=scores.calibration_error(said, was, width, publication),
                bins=scores.reliability(said, was, mass, publication),
            )


def _bands(a: Answers) -> Iterator[BandShare]:
    """Take every condition of every case by its word of fit, the counts of evidence left aside."""
    rows = a.right("condition").any(axis=1)
    shares = a.judged.shares[rows, :-1].ravel()
    right = a.right("condition")[rows, :-1].ravel()
    below = np.inf
    for band, _, least in a.knowledge.bands:
        inside = (shares >= least) & (shares < below)
        below = least
        if inside.any():
            said, was = shares[inside], right[inside]
            yield BandShare(
                band,
                len(said),
                float(said.mean()),
                float(was.mean()),
                float(((said - was) ** 2).mean()),
            )


def fits_well(shares: Floats, knowledge: Knowledge) -> tuple[Bools, Bools]:
    """Say in whom a marrow failure condition fits well, and in whom any condition does.

    Args:
        shares: (n, conditions), something else last.
        knowledge: where the band begins, and the categories.
    """
    least = next(cut for band, _, cut in knowledge.bands if band == "fits_well")
    fits = shares[:, :-1] >= least
    marrow = [c.category in MARROW_FAILURE for c in knowledge.conditions[:-1]]
    return np.asarray(fits[:, marrow].any(axis=1)), np.asarray(fits.any(axis=1))


def _specificity(a: Answers) -> Iterator[Specificity]:
    marrow, any_condition = fits_well(a.judged.shares, a.knowledge)
    first = a.judged.shares.argmax(axis=1) == len(a.conditions) - 1
    parts = [("all", ~a.named)]
    parts += [(n, ~a.named & (a.case_set == n)) for n in sorted(set(a.case_set.tolist()))]
    for name, rows in parts:
        if rows.any():
            values = (first, ~marrow, first | ~marrow, ~any_condition)
            yield Specificity(
                name,
                int(rows.sum()),
                *(scores.estimate(v[rows].astype(float), a.publication[rows]) for v in values),
            )


def _never_miss(a: Answers) -> Iterator[NeverMiss]:
    never = np.array([c.never_miss for c in a.knowledge.conditions[:-1]])
    right = a.right("condition")[:, :-1] & never
    rank = scores.ranks(a.judged.shares[:, :-1], right)
    in_five = rank <= SHOWN
    shown = in_five | (a.judged.always_shown[:, :-1] & right).any(axis=1)
    parts = [("all", "all", right.any(axis=1))]
    parts += [
        ("case set", n, right.any(axis=1) & (a.case_set == n))
        for n in sorted(set(a.case_set.tolist()))
    ]
    parts += [("condition", c, right[:, k]) for k, c in enumerate(a.conditions[:-1])]
    for by, name, rows in parts:
        if rows.any():
            yield NeverMiss(
                by,
                name,
                int(rows.sum()),
                scores.estimate(in_five[rows].astype(float), a.publication[rows]),
                scores.estimate(shown[rows].astype(float), a.publication[rows]),
            )


# --- what was tested ---------------------------------------------------------------------------


def _tested(a: Answers) -> Tested:
    right = a.right("condition")[:, :-1]
    rank = scores.ranks(a.judged.shares[:, :-1], right)
    rows = ~np.isnan(rank)

    def tally(some: Bools) -> Tally:
        return Tally(
            cases=int(some.sum()),
            publications=len(set(a.publication[some].tolist())),
            first=int((rank[some] <= 1).sum()),
            in_three=int((rank[some] <= 3).sum()),
        )

    bands: Iterable[tuple[tuple[str, int, int | None], Bools]] = zip(
        AGES, a.ages.values(), strict=False
    )
    stated = np.array([c.ancestry_stated for c in a.cases], dtype=bool)
    return Tested(
        engine=hematon.__version__,
        knowledge=a.knowledge.version,
        fingerprint=a.knowledge.fingerprint,
        conditions={
            c: tally(right[:, k]) for k, c in enumerate(a.conditions[:-1]) if right[:, k].any()
        },
        ages=tuple(
            AgeTally(name, low, below, tally(rows & part)) for (name, low, below), part in bands
        ),
        ancestry_stated=int((rows & stated).sum()),
        duffy_null=int((rows & a.judged.duffy_null).sum()),
        cases=int(rows.sum()),
    )
