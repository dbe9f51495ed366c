"""Rankings of the cases, split every way a reader may ask for, and beside simpler ways to rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hematon.evaluation import scores
from hematon.evaluation.answers import EVIDENCE, Answers
from hematon.evaluation.baselines import BaselineShares
from hematon.evaluation.figures import Baseline, Level, Ranking, Stratum
from hematon.evaluation.judge import judge

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def rankings(a: Answers, setting: str, leave_out_own: bool) -> tuple[Stratum, ...]:
    """Give every ranking that holds a case.

    Args:
        a: the judged cases.
        setting: whose prior they were judged with.
        leave_out_own: whether they were judged without their own publications.
    """
    every = (
        *_strata(a, a.judged.shares),
        *_own_publication(a, setting, leave_out_own),
        *_hidden(a, setting, leave_out_own),
    )
    return tuple(stratum for stratum in every if stratum.rankings)


def _strata(a: Answers, shares: Floats) -> Iterator[Stratum]:
    """Split the cases every way a reader may ask for."""
    yield _stratum(a, "all", "all", a.named, shares)
    yield _stratum(a, "all", "without circular cases", a.named & ~a.circular, shares)
    yield _stratum(a, "all", "circular cases only", a.named & a.circular, shares)
    yield _stratum(a, "all", "without the largest publication", a.named & ~a.largest, shares)
    for name in sorted(set(a.case_set[a.named].tolist())):
        yield _stratum(a, "case set", name, a.named & (a.case_set == name), shares)
    for name in EVIDENCE:
        yield _stratum(a, "evidence", name, a.named & (a.evidence == name), shares)
    for name, rows in a.ages.items():
        yield _stratum(a, "age", name, a.named & rows, shares)
    right = a.right("group")
    for k, group in enumerate(a.groups[:-1]):
        yield _stratum(a, "group", group, right[:, k], shares)


def _stratum(
    a: Answers, by: str, name: str, rows: Bools, shares: Floats, *, best: bool = False
) -> Stratum:
    levels: tuple[Level, ...] = ("condition", "group")
    rankings = (_ranking(a, level, rows, a.at_level(shares, level, best=best)) for level in levels)
    return Stratum(by, name, tuple(r for r in rankings if r is not None))


def _ranking(a: Answers, level: Level, rows: Bools, shares: Floats) -> Ranking | None:
    right = a.right(level)[:, :-1]
    rank = scores.ranks(shares[:, :-1], right)
    with_else = scores.ranks(shares, np.column_stack([right, np.zeros(len(right), dtype=bool)]))
    rows = rows & ~np.isnan(rank)
    if not rows.any():
        return None
    at, publication = rank[rows], a.publication[rows]
    one, three, five = (scores.estimate((at <= k).astype(float), publication) for k in scores.TOP)
    return Ranking(
        level=level,
        cases=int(rows.sum()),
        publications=len(set(publication.tolist())),
        top_1=one,
        top_3=three,
        top_5=five,
        reciprocal_rank=scores.estimate(1 / at, publication),
        with_something_else=scores.estimate((with_else[rows] <= 1).astype(float), publication),
        largest_shift=scores.largest_shift((at <= 1).astype(float), publication),
    )


def _own_publication(a: Answers, setting: str, leave_out_own: bool) -> Iterator[Stratum]:
    """Show what leaving out a case's own publication does, where that does anything."""
    rows = np.flatnonzero(a.judged.own_source & a.named).tolist()
    if not (leave_out_own and rows):
        return
    kept = judge([a.cases[i].case for i in rows], a.knowledge, setting=setting, leave_out_own=False)
    shares = a.judged.shares.copy()
    shares[rows] = kept.shares
    yield _stratum(a, "own publication kept", "all", a.named, shares)


def _hidden(a: Answers, setting: str, leave_out_own: bool) -> Iterator[Stratum]:
    """Judge the cases that have counts and findings again with the one or the other hidden."""
    rows = np.flatnonzero((a.evidence == "both") & a.named).tolist()
    if not rows:
        return
    both = [a.cases[i].case for i in rows]
    for name, part in (
        ("counts hidden", [replace(case, measurements=()) for case in both]),
        ("findings hidden", [replace(case, findings=()) for case in both]),
    ):
        seen = judge(part, a.knowledge, setting=setting, leave_out_own=leave_out_own)
        shares = np.full_like(a.judged.shares, np.nan)
        shares[rows] = seen.shares
        yield _stratum(a, "both, one hidden", name, np.isin(np.arange(len(shares)), rows), shares)


def baseline_figures(a: Answers, baseline: BaselineShares) -> Baseline:
    """Rank the cases a baseline was given, with it and with the engine."""
    given = a.named & ~np.isnan(baseline.shares).any(axis=1)
    splits = [
        ("all", "all", given),
        ("all", "without circular cases", ~a.circular),
        ("all", "without the largest publication", ~a.largest),
        ("evidence", "findings only", a.evidence == "findings only"),
    ]
    splits += [
        ("case set", name, a.case_set == name) for name in sorted(set(a.case_set[given].tolist()))
    ]
    best = baseline.kind == "similarity"
    theirs = (
        _stratum(a, by, name, given & rows, baseline.shares, best=best) for by, name, rows in splits
    )
    ours = (_stratum(a, by, name, given & rows, a.judged.shares) for by, name, rows in splits)
    return Baseline(
        baseline.id,
        baseline.name,
        baseline.text,
        tuple(s for s in theirs if s.rankings),
        tuple(s for s in ours if s.rankings),
    )
