"""Stated terms over the public annotations: mixture, order, doubt and words."""

from __future__ import annotations

import dataclasses

import numpy as np

from hematon.engine.case import Case, Finding
from hematon.engine.columns import columns_of
from hematon.engine.describe_terms import TermWords, mixture_words, term_words
from hematon.engine.phenotypes import log_ratios, steps
from hematon.knowledge import Knowledge

TAR = {"HP:0004977": True, "HP:0001873": True, "HP:0001250": False}


def ratios(knowledge: Knowledge, *children: dict[str, bool]) -> np.ndarray:
    """Log ratios of the stated terms of some children."""
    cases = [
        Case(f"x{i}", findings=tuple(Finding(code, seen) for code, seen in child.items()))
        for i, child in enumerate(children)
    ]
    return log_ratios(columns_of(cases, knowledge).described, len(cases), knowledge)


def index(knowledge: Knowledge, condition: str) -> int:
    """Row of a condition."""
    return next(c.index for c in knowledge.conditions if c.id == condition)


def test_a_child_without_terms_is_told_nothing(knowledge: Knowledge) -> None:
    """Neither is one whose only term is no phenotype; something else has ratio one throughout."""
    told = ratios(knowledge, {}, {"HP:0000006": True}, TAR)
    assert not told[:2].any()
    assert not told[:, -1].any()
    assert not ratios(knowledge, {}).any()
    assert not ratios(knowledge, {"HP:0000006": True}).any()


def test_typical_terms_lead_to_their_condition(knowledge: Knowledge) -> None:
    """Absent radii with low platelets fit the syndrome named for them best."""
    assert ratios(knowledge, TAR)[0].argmax() == index(knowledge, "tar")


def test_neighbours_in_the_batch_change_nothing(knowledge: Knowledge) -> None:
    """A child is told the same alone and among others, to the bit."""
    alone = ratios(knowledge, TAR)[0]
    among = ratios(knowledge, {"HP:0001263": True}, TAR, {}, TAR)
    np.testing.assert_array_equal(among[1], alone)
    np.testing.assert_array_equal(among[3], alone)


def test_no_term_decides_alone(knowledge: Knowledge) -> None:
    """However rare a finding, its ratio stays within its bounds in every disease."""
    top = np.log(knowledge.parameters["annotation_ratio_max"])
    told = ratios(knowledge, {"HP:0004977": True})
    assert told.max() <= top + 1e-9
    assert told.min() >= np.log(knowledge.parameters["annotation_unrelated"]) - 1e-9


def test_a_finer_term_tells_at_least_what_lies_above_it(knowledge: Knowledge) -> None:
    """A term no disease is annotated with still tells by way of its parents."""
    annotations = knowledge.annotations
    tar = index(knowledge, "tar")
    silent = next(
        at
        for at in range(len(annotations.background))
        if not annotations.frequency(at)[annotations.owner == tar].any()
        and any(
            annotations.frequency(int(p))[annotations.owner == tar].max() > 0.5
            and annotations.background[int(p)] < 0.02
            for p in annotations.parents(at)
        )
    )
    code = f"HP:{annotations.arrays['term'][silent]:07d}"
    assert ratios(knowledge, {code: True})[0, tar] > 0


def test_steps_sum_to_the_whole(knowledge: Knowledge) -> None:
    """Taken apart term by term, the log ratio is the same."""
    told, best = steps([(4977, True), (1873, True), (1250, False), (6, True)], knowledge)
    np.testing.assert_allclose(told.sum(axis=0), ratios(knowledge, TAR)[0], atol=1e-12)
    assert not told[3].any()
    owner = knowledge.annotations.owner
    np.testing.assert_array_equal(owner[best], np.arange(len(knowledge.conditions) - 1))


def test_absence_weighs_as_much_as_its_parameter_says(knowledge: Knowledge) -> None:
    """A term looked for and absent argues against a disease that has it, if it weighs at all."""
    absent = {"HP:0004977": False}
    tar = index(knowledge, "tar")
    for weight in (0.0, 0.5):
        changed = dataclasses.replace(
            knowledge, parameters={**knowledge.parameters, "annotation_absent_weight": weight}
        )
        told = ratios(changed, absent)[0, tar]
        assert bool(told < 0) is (weight > 0)


def test_words_name_the_disease_and_who_counted(knowledge: Knowledge) -> None:
    """A term that is annotated, one that is through a broader term, and one that is not at all."""
    annotations = knowledge.annotations
    (row,) = (
        i for i in range(len(annotations.owner)) if annotations.disease(i)[0] == "OMIM:274000"
    )

    def words(code: str, at: int = row) -> TermWords:
        column = annotations.column(code)
        assert column is not None
        return term_words(annotations, at, column)

    counted = words("HP:0001627")
    assert "PMID:" in counted.basis
    assert ";" not in counted.basis
    assert counted.frequency > 0
    assert counted.grade == "counted"
    finer, none = words("HP:0001891"), words("HP:0000365")
    assert finer.basis.startswith("not annotated but for the broader ")
    assert none.basis == "not annotated"
    assert {finer.frequency, none.frequency, finer.background, none.background} == {None}
    entry = int(np.flatnonzero(annotations.owner == index(knowledge, "tar"))[0])
    own = words("HP:0004977", entry)
    assert own.basis == "this knowledge's own entry"
    assert (own.grade, own.source) == ("derived", "HEMATON_MODEL")
    assert "own entry" in mixture_words(annotations, entry)
    assert "(OMIM:274000)" in mixture_words(annotations, row)


def test_words_say_among_how_many_diseases(knowledge: Knowledge) -> None:
    """A condition of one disease is that disease; one of many is the one that fits best."""
    annotations = knowledge.annotations
    sizes = np.bincount(annotations.owner) - 1
    for size, said in ((1, "read as"), (int(sizes.max()), f"over {sizes.max()} diseases")):
        owner = int(np.flatnonzero(sizes == size)[0])
        row = int(np.flatnonzero(annotations.owner == owner)[1])
        assert said in mixture_words(annotations, row)


def test_a_step_agrees_with_the_frequency_beside_it(knowledge: Knowledge) -> None:
    """In the disease a condition is read as, what is seen more often than elsewhere speaks for it.

    Whatever the order of the terms: the diseases' taking turns is in the last row alone.
    """
    terms = [(4977, True), (1873, True), (6695, True), (1631, True), (252, True)]
    told, best = steps(terms, knowledge)
    turned, same = steps(terms[::-1], knowledge)
    np.testing.assert_array_equal(best, same)
    np.testing.assert_allclose(told[:-1], turned[-2::-1])
    for k, (number, _) in enumerate(terms):
        column = knowledge.annotations.column(f"HP:{number:07d}")
        assert column is not None
        frequency = knowledge.annotations.frequency(column)[best]
        often = frequency > 2 * knowledge.annotations.background[column]
        assert often.any()
        assert (told[k, :-1][often] > 0).all()
