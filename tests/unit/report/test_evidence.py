"""Evidence is weighed in words, and no rival is talked down."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from hematon.engine.assessment import NOT_STATED
from hematon.knowledge import Knowledge
from hematon.report import evidence
from hematon.report.quantities import number
from unit.report import sample


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (50.0, "strong"),
        (10.0, "strong"),
        (9.9, "moderate"),
        (5.0, "moderate"),
        (2.0, "some"),
        (1.9, "slight"),
        (1.05, "none"),
        (0.95, "none"),
        (0.6, "slight"),
        (0.5, "some"),
        (0.2, "moderate"),
        (0.1, "strong"),
    ],
)
def test_strength_is_the_same_for_and_against(ratio: float, word: str) -> None:
    """The words are cuts on the logarithm, so a ratio and its inverse weigh alike."""
    assert evidence.strength(math.log(ratio)) == word


def test_a_step_says_its_side() -> None:
    """Which way a step goes is in words; one that makes no difference has no side."""
    assert evidence.step(math.log(5.4)) == "LR 5.4 for, moderate"
    assert evidence.step(math.log(0.04)) == "LR 0.04 against, strong"
    assert evidence.step(math.log(0.97)) == "LR 0.97, no difference"


def test_what_would_change_a_condition_is_said_for_both_answers() -> None:
    """What to learn, how it is learned, and what each answer would do."""
    (change, *_) = sample.full().differential[0].would_change
    assert evidence.change(change) == (
        "Chromosome breakage positive (test): present LR 33 for, strong; "
        "absent LR 0.03 against, strong"
    )


def test_how_often_a_finding_is_seen() -> None:
    """With and without the condition; nothing is said of what is not known."""
    known = sample.contribution("x", "x", 2.0, 0.38, 0.02)
    assert evidence.seen(known) == "38 % with it, 2 % without"
    silent = replace(known, basis=NOT_STATED)
    assert evidence.seen(silent) == ("38 % with it (not stated, as in all children), 2 % without")
    assert evidence.seen(replace(known, background=None)) == "38 % with it"
    assert evidence.seen(replace(known, frequency=None)) == ""


def test_a_stated_term_says_who_counted_it() -> None:
    """Beside its frequencies stand its publications, and where there are none, that."""
    term = replace(
        sample.contribution("annotations:HP:0001250", "x", 2.0, 0.38, 0.02), basis="PMID:1, OMIM:2"
    )
    assert evidence.seen(term) == "38 % with it, 2 % without; PMID:1, OMIM:2"
    unknown = replace(term, frequency=None, basis="not annotated")
    assert evidence.seen(unknown) == "not annotated"


def test_weights_are_said_as_they_are(knowledge: Knowledge) -> None:
    """The weights come from the knowledge; each is below one, as the explanation says."""
    said = evidence.weights(knowledge)
    for name, words in evidence.WEIGHTS.items():
        assert f"{words} {number(knowledge.parameters[name], 2)}" in said
        assert knowledge.parameters[name] < 1
    fitted = {name for name in knowledge.parameters if name.startswith("weight_")}
    assert fitted <= set(evidence.WEIGHTS)
    assert f"{knowledge.fit['cases']:,} published patients" in said


def test_evidence_starts_with_a_capital() -> None:
    """Evidence stands as a phrase of its own; an empty text stays empty."""
    assert evidence.evidence_text(sample.contribution("x", "no fever", 2.0)) == "No fever"
    assert evidence.evidence_text(sample.contribution("x", "", 2.0)) == ""


def test_bands_are_said_in_the_four_words() -> None:
    """The band the engine gives is the word the reader sees."""
    candidate = sample.candidate(3, "x", "X", 1e-4, "argues_against", ())
    assert evidence.band(candidate) == "argues against"
    assert evidence.band(replace(candidate, band="could_fit")) == "could fit"


def test_strongest_on_each_side() -> None:
    """The strongest piece for and against, with its ratio."""
    first, second = sample.full().differential[1], sample.full().differential[8]
    assert evidence.strongest(first) == (
        "Hemoglobin, neutrophils and platelets low together (LR 5.1)",
        "Abnormal thumb morphology (LR 0.18)",
    )
    assert evidence.strongest(second) == ("none stated", "none stated")


def test_expert_estimates_are_counted() -> None:
    """The reader is told how much of what is shown is estimate."""
    assert evidence.expert_share(sample.full()) == (
        "10 of the 22 pieces of evidence for the conditions above rest on an expert estimate."
    )
    assert evidence.expert_share(replace(sample.full(), differential=())) == (
        "No evidence could be weighed."
    )


def test_place_in_the_ranking() -> None:
    """A condition of the safety floor says where the ranking has it, if anywhere."""
    assert evidence.place(sample.full(), "tbd") == "ranked 3, could fit"
    assert evidence.place(sample.full(), "hiv") == ""


def test_the_explanation_names_the_setting_and_the_cuts(knowledge: Knowledge) -> None:
    """How the ranking works is said with the numbers it uses."""
    assert "“hematology clinic”" in evidence.how_ranking_works(sample.full())
    assert "fits well from 25 %" in evidence.band_rule(knowledge)


def test_an_exclusion_is_said_only_when_recorded() -> None:
    """Nothing is excluded by the ranking."""
    excluded = sample.full().differential[6]
    assert evidence.excluded(excluded) == "Excluded in the record: Vitamin B12 and folate not low"
    assert evidence.excluded(sample.full().differential[0]) == ""


def test_sample_is_coherent() -> None:
    """The hand-built sample adds up, so that tests on it mean something."""
    for candidate in sample.full().differential:
        total = sum(math.log(c.likelihood_ratio) for c in candidate.contributions)
        assert candidate.log_odds_against_something_else == pytest.approx(total)
