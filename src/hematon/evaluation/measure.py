"""From judged cases to figures: which cases count in what, and nothing about how it is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

import hematon
from hematon.evaluation import scores
from hematon.evaluation.baselines import BaselineShares, prior_alone
from hematon.evaluation.case_sets import CaseSets, EvaluationCase, Progress
from hematon.evaluation.figures import (
    AgeTally,
    BandShare,
    Baseline,
    Calibration,
    CaseSetFigures,
    Figures,
    Level,
    NeverMiss,
    PopulationGroup,
    Ranking,
    Specificity,
    Stratum,
    Tally,
    Tested,
)
from hematon.evaluation.judge import Judged, judge
from hematon.evaluation.truth import TruthTable
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MARROW_FAILURE: Final = ("inherited", "inherited_thrombocytopenia", "acquired_bmf", "clonal")
"""Categories of the conditions that are marrow failure or predispose to it."""

AGES: Final = (
    ("under 1 year", 0, 365),
    ("1 to 5 years", 365, 2191),
    ("6 to 11 years", 2191, 4383),
    ("12 to 17 years", 4383, 6575),
    ("18 years and over", 6575, None),
)
SHOWN: Final = 5
"""Conditions on the list that a reader of the report looks through."""


@dataclass(frozen=True)
class _Answers:
    """The cases with what is right, as arrays over conditions and over groups.

    The last column is something else on both axes.
    """

    cases: Sequence[EvaluationCase]
    knowledge: Knowledge
    table: TruthTable
    judged: Judged

    @cached_property
    def conditions(self) -> list[str]:
        return [c.id for c in self.knowledge.conditions]

    @cached_property
    def groups(self) -> list[str]:
        """Every group, something else last."""
        named = dict.fromkeys(self.table.group_of(c) for c in self.conditions[:-1])
        return [*named, SOMETHING_ELSE]

    @cached_property
    def members(self) -> Floats:
        """(conditions, groups) 1 where a condition belongs to a group."""
        at = [self.groups.index(self.table.group_of(c)) for c in self.conditions]
        out = np.zeros((len(self.conditions), len(self.groups)))
        out[np.arange(len(at)), at] = 1.0
        return out

    def right(self, level: Level) -> Bools:
        """(n, answers) what is right."""
        return self._right[level]

    @cached_property
    def _right(self) -> dict[Level, Bools]:
        return {
            "condition": _among([c.truth.conditions for c in self.cases], self.conditions),
            "group": _among([c.truth.groups for c in self.cases], self.groups),
        }

    def shares(self, level: Level) -> Floats:
        """(n, answers) what the engine gives."""
        return self.at_level(self.judged.shares, level)

    def at_level(self, shares: Floats, level: Level, *, best: bool = False) -> Floats:
        """Give shares of conditions, or of groups as the sum (or the best) of their members."""
        if level == "condition":
            return shares
        if not best:
            return np.asarray(shares @ self.members)
        inside = np.where(self.members[None] > 0, shares[:, :, None], -np.inf)
        return np.asarray(inside.max(axis=1))

    @cached_property
    def publication(self) -> npt.NDArray[np.int64]:
        names = [c.publication for c in self.cases]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def named(self) -> Bools:
        """(n,) cases whose truth is not something else: those a ranking can be right about."""
        return np.array([not c.truth.is_something_else for c in self.cases], dtype=bool)

    @cached_property
    def case_set(self) -> npt.NDArray[np.str_]:
        return np.array([c.case_set for c in self.cases])


def _among(right: Sequence[frozenset[str]], names: Sequence[str]) -> Bools:
    return np.array([[name in some for name in names] for some in right], dtype=bool)


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
    a = _Answers(sets.cases, knowledge, table, judged)
    return Figures(
        engine=hematon.__version__,
        knowledge=knowledge.version,
        fingerprint=knowledge.fingerprint,
        setting=setting,
        own_sources_left_out=leave_out_own,
        knowledge_remade=int(judged.own_source.sum()) if leave_out_own else 0,
        largest_publication=_largest_publication(a),
        case_sets=tuple(_case_sets(sets, a)),
        strata=tuple(
            stratum
            for stratum in (
                *_strata(a, judged.shares),
                *_own_publication(a, setting, leave_out_own),
                *_hidden(a, setting, leave_out_own),
            )
            if stratum.rankings
        ),
        baselines=tuple(_baseline(a, b) for b in (*baselines, prior_alone(judged.prior))),
        calibration=tuple(_calibration(a)),
        bands=tuple(_bands(a)),
        never_miss=tuple(_never_miss(a)),
        specificity=tuple(_specificity(a)),
        population=tuple(population),
        tested=_tested(a),
    )


def _case_sets(sets: CaseSets, a: _Answers) -> Iterator[CaseSetFigures]:
    names = {*a.case_set.tolist(), *sets.unreadable, *(name for name, _ in sets.not_scored)}
    circular = _circular(a)
    for name in sorted(names):
        rows = a.case_set == name
        yield CaseSetFigures(
            name=name,
            scored=int(rows.sum()),
            publications=len(set(a.publication[rows].tolist())),
            circular=int((rows & circular).sum()),
            not_scored={d: k for (s, d), k in sorted(sets.not_scored.items()) if s == name},
            unreadable=sets.unreadable.get(name, 0),
        )


# --- rankings ----------------------------------------------------------------------------------


def _strata(a: _Answers, shares: Floats) -> Iterator[Stratum]:
    """Split the cases every way a reader may ask for."""
    yield _stratum(a, "all", "all", a.named, shares)
    circular = _circular(a)
    yield _stratum(a, "all", "without circular cases", a.named & ~circular, shares)
    yield _stratum(a, "all", "circular cases only", a.named & circular, shares)
    yield _stratum(a, "all", "without the largest publication", a.named & ~_largest(a), shares)
    for name in sorted(set(a.case_set[a.named].tolist())):
        yield _stratum(a, "case set", name, a.named & (a.case_set == name), shares)
    evidence = _evidence(a)
    for name in ("findings only", "counts only", "both", "neither"):
        yield _stratum(a, "evidence", name, a.named & (evidence == name), shares)
    for name, rows in _ages(a):
        yield _stratum(a, "age", name, a.named & rows, shares)
    right = a.right("group")
    for k, group in enumerate(a.groups[:-1]):
        yield _stratum(a, "group", group, right[:, k], shares)


def _stratum(
    a: _Answers, by: str, name: str, rows: Bools, shares: Floats, *, best: bool = False
) -> Stratum:
    levels: tuple[Level, ...] = ("condition", "group")
    rankings = (_ranking(a, level, rows, a.at_level(shares, level, best=best)) for level in levels)
    return Stratum(by, name, tuple(r for r in rankings if r is not None))


def _ranking(a: _Answers, level: Level, rows: Bools, shares: Floats) -> Ranking | None:
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


def _largest(a: _Answers) -> Bools:
    """(n,) the cases of the publication that gives most of the named cases."""
    counts = Counter(a.publication[a.named].tolist())
    most = max(counts, key=lambda p: (counts[p], -p), default=-1)
    return np.asarray(a.publication == most)


def _largest_publication(a: _Answers) -> str:
    """Name the publication that gives most of the named cases; empty without one."""
    return next((a.cases[i].publication for i in np.flatnonzero(_largest(a)).tolist()), "")


def _circular(a: _Answers) -> Bools:
    """(n,) cases whose own publication is known to have fed what they are judged with."""
    return np.array([c.circular for c in a.cases], dtype=bool) | a.judged.own_source


def _evidence(a: _Answers) -> npt.NDArray[np.str_]:
    """(n,) what is known of each case."""
    counted = a.knowledge.raw["intervals"]
    out = []
    for case in (c.case for c in a.cases):
        counts = any(m.analyte in counted for m in case.measurements)
        findings = bool(case.findings)
        out.append(
            "both"
            if counts and findings
            else "counts only"
            if counts
            else "findings only"
            if findings
            else "neither"
        )
    return np.array(out, dtype=np.str_)


def _ages(a: _Answers) -> Iterator[tuple[str, Bools]]:
    age = a.judged.age_days
    for name, low, below in AGES:
        yield name, (age >= low) & (age < (np.inf if below is None else below))
    yield "not stated", np.isnan(age)


def _own_publication(a: _Answers, setting: str, leave_out_own: bool) -> Iterator[Stratum]:
    """Show what leaving out a case's own publication does, where that does anything."""
    rows = np.flatnonzero(a.judged.own_source & a.named).tolist()
    if not (leave_out_own and rows):
        return
    kept = judge([a.cases[i].case for i in rows], a.knowledge, setting=setting, leave_out_own=False)
    shares = a.judged.shares.copy()
    shares[rows] = kept.shares
    yield _stratum(a, "own publication kept", "all", a.named, shares)


def _hidden(a: _Answers, setting: str, leave_out_own: bool) -> Iterator[Stratum]:
    """Judge the cases that have counts and findings again with the one or the other hidden."""
    rows = np.flatnonzero((_evidence(a) == "both") & a.named).tolist()
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


def _baseline(a: _Answers, baseline: BaselineShares) -> Baseline:
    """Rank the cases a baseline was given, with it and with the engine."""
    given = a.named & ~np.isnan(baseline.shares).any(axis=1)
    evidence = _evidence(a)
    splits = [
        ("all", "all", given),
        ("all", "without circular cases", ~_circular(a)),
        ("all", "without the largest publication", ~_largest(a)),
        ("evidence", "findings only", evidence == "findings only"),
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


# --- shares ------------------------------------------------------------------------------------


def _calibration(a: _Answers) -> Iterator[Calibration]:
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


def _bands(a: _Answers) -> Iterator[BandShare]:
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


def _specificity(a: _Answers) -> Iterator[Specificity]:
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


def _never_miss(a: _Answers) -> Iterator[NeverMiss]:
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


def _tested(a: _Answers) -> Tested:
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
        AGES, (part for _, part in _ages(a)), strict=False
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
