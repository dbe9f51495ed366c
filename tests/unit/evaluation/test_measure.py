"""Figures: who is counted in what, and that they say what the arrays say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pytest

from hematon.evaluation.baselines import BaselineShares
from hematon.evaluation.case_sets import CaseSets
from hematon.evaluation.figures import Figures, Ranking
from hematon.evaluation.judge import judge
from hematon.evaluation.measure import fits_well, measure
from hematon.evaluation.truth import TruthTable
from hematon.knowledge import Knowledge
from hematon.knowledge.compiled import SOMETHING_ELSE
from hematon.knowledge.without import resting_on

SETTING = "general_pediatrics"


@pytest.fixture(scope="module")
def figures(sets: CaseSets, loaded: Knowledge, table: TruthTable) -> Figures:
    """The figures of the synthetic sets."""
    return measure(sets, loaded, table, setting=SETTING)


def _ranking(figures: Figures, by: str, name: str, level: str) -> Ranking:
    (found,) = [
        r
        for s in figures.strata
        if (s.by, s.name) == (by, name)
        for r in s.rankings
        if r.level == level
    ]
    return found


def test_named_cases_are_ranked_and_others_are_not(figures: Figures) -> None:
    """A case with a group alone counts at group level; something else counts at neither."""
    conditions = _ranking(figures, "all", "all", "condition")
    groups = _ranking(figures, "all", "all", "group")
    assert (conditions.cases, groups.cases) == (7, 8)
    assert conditions.publications == 6
    assert conditions.top_1.value <= conditions.top_3.value <= conditions.top_5.value <= 1


def test_ranks_are_those_of_the_engine(
    sets: CaseSets, loaded: Knowledge, table: TruthTable, figures: Figures
) -> None:
    """The share that came first is what sorting the posteriors gives."""
    cases = [c for c in sets.cases if not c.truth.is_something_else and c.truth.conditions]
    judged = judge([c.case for c in cases], loaded, setting=SETTING, leave_out_own=True)
    ids = [c.id for c in loaded.conditions[:-1]]
    first = [
        ids[int(np.argmax(row[:-1]))] in case.truth.conditions
        for row, case in zip(judged.shares, cases, strict=True)
    ]
    assert _ranking(figures, "all", "all", "condition").top_1.value == np.mean(first)


def test_splits_part_the_cases(figures: Figures) -> None:
    """Each split of all cases holds each of them once."""
    whole = _ranking(figures, "all", "all", "group").cases
    for by in ("case set", "evidence", "age"):
        parts = [
            r.cases for s in figures.strata if s.by == by for r in s.rankings if r.level == "group"
        ]
        assert sum(parts) == whole, by
    circular = _ranking(figures, "all", "circular cases only", "group").cases
    assert circular == 1
    assert _ranking(figures, "all", "without circular cases", "group").cases == whole - circular
    rest = _ranking(figures, "all", "without the largest publication", "group")
    assert rest.cases == whole - 2
    assert figures.largest_publication == "PMID:11"


def test_evidence_hidden_of_those_who_have_both(figures: Figures) -> None:
    """The one report with counts and findings is judged again without each."""
    for name in ("counts hidden", "findings hidden"):
        assert _ranking(figures, "both, one hidden", name, "condition").cases == 1


def test_calibration_counts_every_case_once(figures: Figures, loaded: Knowledge) -> None:
    """The leading row of each case, something else among the rows."""
    sizes = {(c.name, c.level): c.cases for c in figures.calibration}
    assert sizes["all", "condition"] == 10
    assert sizes["all", "group"] == 11
    for part in figures.calibration:
        assert sum(b.predictions for b in part.bins) == part.cases
        assert 0 <= part.error.value <= 1
        assert 0 <= part.brier.value <= 2
    assert sum(b.predictions for b in figures.bands) == 10 * (len(loaded.conditions) - 1)


def test_specificity_is_of_those_with_another_disease(figures: Figures) -> None:
    """No share is above one, and either is at least the larger of the two."""
    whole = figures.specificity[0]
    assert whole.cases == 3
    assert whole.either.value >= whole.something_else_first.value
    assert whole.either.value >= whole.no_marrow_failure_fits_well.value
    assert whole.no_condition_fits_well.value <= whole.no_marrow_failure_fits_well.value


def test_never_miss_is_of_marked_conditions(figures: Figures, loaded: Knowledge) -> None:
    """Only conditions marked so, and what is always shown only adds."""
    never = {c.id for c in loaded.conditions if c.never_miss}
    rows = {(r.by, r.name): r for r in figures.never_miss}
    assert {name for by, name in rows if by == "condition"} <= never
    assert rows["all", "all"].cases == 7
    assert all(r.shown.value >= r.in_five.value for r in figures.never_miss)


def test_tested_tallies_the_conditions(figures: Figures) -> None:
    """Two Fanconi patients of one publication and one of another; ages by band."""
    fanconi = figures.tested.conditions["fanconi_anemia"]
    assert (fanconi.cases, fanconi.publications) == (3, 2)
    assert fanconi.first <= fanconi.in_three <= fanconi.cases
    assert SOMETHING_ELSE not in figures.tested.conditions
    assert "tec" not in figures.tested.conditions
    assert figures.tested.cases == 7
    assert figures.tested.ancestry_stated == 1
    assert {a.name: a.tally.cases for a in figures.tested.ages} == {
        "under 1 year": 1,
        "1 to 5 years": 1,
        "6 to 11 years": 3,
        "12 to 17 years": 0,
        "18 years and over": 1,
    }


def test_same_cases_give_the_same_bytes(
    sets: CaseSets, loaded: Knowledge, table: TruthTable, figures: Figures
) -> None:
    """Nothing depends on the clock, and JSON holds everything."""
    again = measure(sets, loaded, table, setting=SETTING)
    assert again.to_json() == figures.to_json()
    assert orjson.loads(figures.to_json())["tested"]["cases"] == 7


def test_own_publication_is_left_out_of_the_knowledge(
    sets: CaseSets, loaded: Knowledge, table: TruthTable
) -> None:
    """A case whose publication the evidence rests on is judged without it, and so marked."""
    source, pmid = next(
        (name, f"PMID:{s['pmid']}")
        for name, s in loaded.sources.items()
        if "pmid" in s and resting_on(loaded, [f"PMID:{s['pmid']}"])
    )
    own = tuple(
        replace(c, case=replace(c.case, publications=(pmid,))) if c.case.id == "fa1" else c
        for c in sets.cases
    )
    found = measure(replace(sets, cases=own), loaded, table, setting=SETTING)
    assert found.knowledge_remade == 1, source
    assert _ranking(found, "own publication kept", "all", "condition").cases == 7
    assert _ranking(found, "all", "circular cases only", "group").cases == 2
    kept = measure(replace(sets, cases=own), loaded, table, setting=SETTING, leave_out_own=False)
    assert kept.knowledge_remade == 0
    assert not any(s.by == "own publication kept" for s in kept.strata)


@pytest.mark.parametrize("kind", ["probability", "similarity"])
def test_baseline_is_scored_beside_the_engine(
    sets: CaseSets, loaded: Knowledge, table: TruthTable, kind: str
) -> None:
    """A baseline that knows the answer is always first; only the cases it was given count."""
    ids = [c.id for c in loaded.conditions]
    shares = np.full((len(sets.cases), len(ids)), np.nan)
    given = [i for i, c in enumerate(sets.cases) if c.truth.conditions - {SOMETHING_ELSE}][:3]
    for i in given:
        shares[i] = 0.0
        shares[i, ids.index(min(sets.cases[i].truth.conditions))] = 1.0
    baseline = BaselineShares("oracle", "Oracle", "Knows.", kind, shares)  # type: ignore[arg-type]
    found = measure(sets, loaded, table, setting=SETTING, baselines=[baseline])
    oracle, prior = found.baselines
    (theirs, _) = oracle.strata[0].rankings
    (ours, _) = oracle.hematon[0].rankings
    assert (theirs.cases, ours.cases) == (3, 3)
    assert theirs.top_1.value == 1.0
    assert prior.id == "prior"
    assert prior.strata[0].rankings[0].cases == 7


def test_only_findings_or_only_others(sets: CaseSets, loaded: Knowledge, table: TruthTable) -> None:
    """Splits without a case are left out: no table of nothing, and no interval."""
    others = tuple(c for c in sets.cases if c.truth.is_something_else)
    found = measure(replace(sets, cases=others), loaded, table, setting=SETTING)
    assert found.strata == ()
    assert found.largest_publication == ""
    assert found.never_miss == ()
    group_only = tuple(c for c in sets.cases if c.case.id == "ghosal")
    found = measure(replace(sets, cases=group_only), loaded, table, setting=SETTING)
    assert {c.level for c in found.calibration} == {"group"}
    assert found.specificity == ()
    assert found.bands == ()


def test_fits_well_looks_at_marrow_failure_apart(loaded: Knowledge) -> None:
    """A mimic that fits well is no marrow failure condition that does."""
    ids = [c.id for c in loaded.conditions]
    shares = np.zeros((3, len(ids)))
    shares[0, ids.index("fanconi_anemia")] = shares[1, ids.index("itp")] = 0.9
    shares[2, -1] = 0.9
    marrow, any_condition = fits_well(shares, loaded)
    assert marrow.tolist() == [True, False, False]
    assert any_condition.tolist() == [True, True, False]
