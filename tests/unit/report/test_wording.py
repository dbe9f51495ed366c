"""Each part is said truthfully, and nothing unknown sounds like good news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hematon.engine.assessment import AlwaysShown, Input, Lineage, NextTest, Outcome, Urgency
from hematon.report import wording
from unit.report import sample


def test_who() -> None:
    """What is not stated is said to be not stated."""
    assert dict(wording.who(sample.full()))["Age"] == "7 years 2 months"
    said = dict(wording.who(sample.sparse()))
    assert said["Age"] == said["Sex"] == said["As of"] == "not stated"
    assert said["Setting"] == "general pediatrics"


def test_a_level_that_may_be_too_low_says_so() -> None:
    """The open rules are counted and what they lack is named, the first eight at least."""
    urgency = sample.full().urgency
    assert wording.could_be_higher(urgency) == (
        "Could be higher: 2 rules above this level could not be judged. "
        "Not stated: Active significant bleeding, Head injury and Fever."
    )
    one = replace(urgency.undetermined[0], missing=tuple(f"item {k}" for k in range(12)))
    said = wording.could_be_higher(Urgency("U24", (), (one,)))
    assert said.startswith("Could be higher: 1 rule above")
    assert said.endswith("item 7 and 4 more.")
    assert wording.could_be_higher(Urgency("E", (), ())) == ""


def test_no_rule_met_is_not_reassuring_while_rules_are_open() -> None:
    """`none` reads as settled only when every rule could be judged."""
    assert wording.time_to_act(sample.sparse().urgency)[0] == "Not settled"
    assert wording.time_to_act(Urgency("none", (), ()))[0] == "No time limit met"
    assert wording.time_to_act(sample.emergency().urgency)[0] == "Emergency: go now"


def lineage(**changes: object) -> Lineage:
    """Give the red lineage of the full sample with changes."""
    return replace(sample.full().lineages.red, **changes)


def test_lineage_status_names_the_depth() -> None:
    """Low without a number does not sound mild, and unmeasured does not sound normal."""
    assert wording.lineage_status(lineage()) == "low: moderate"
    assert wording.lineage_status(lineage(depth="")) == "low, how far is not known"
    assert wording.lineage_status(lineage(status="normal")) == "not low"
    assert wording.lineage_status(lineage(status="not_assessable")) == "cannot be judged"
    assert wording.lineage_value(lineage(value=None)) == "not measured"


def test_lineage_facts_show_dashes_for_the_unknown() -> None:
    """Every fact has a place, known or not."""
    facts = dict(wording.lineage_facts(lineage()))
    assert facts["Slope"] == "−0.15 g/dL per 30 d"
    assert facts["Lowest"] == "8.9 g/dL in 3 draws"
    assert facts["Low since age"] == "6 y 2 mo"
    unknown = dict(wording.lineage_facts(sample.sparse().lineages.red))
    assert {unknown[k] for k in ("Low below", "z", "Lowest", "Slope", "Mechanism")} == {"–"}
    assert wording.slope(lineage(slope_per_30_days=0.5)) == "+0.5 g/dL per 30 d"
    assert wording.lowest(lineage(draws=1)) == "8.9 g/dL in 1 draw"


def test_severity_says_what_it_waits_for() -> None:
    """A criterion that needs a marrow says so, even when nothing else is named."""
    open_ = sample.full().severity[3]
    assert wording.still_needed(open_) == (
        "Marrow cellularity and Residual hematopoietic cells; needs a marrow"
    )
    assert wording.still_needed(replace(open_, missing=())) == "not stated which; needs a marrow"
    assert wording.still_needed(replace(open_, needs_marrow=False)).endswith("hematopoietic cells")
    assert wording.still_needed(sample.full().severity[0]) == "–"


@pytest.mark.parametrize(
    ("grade", "counted", "expected"),
    [
        ("counted", "25/28", "● counted 25/28"),
        ("expert", "", "○ expert estimate"),
        ("other", "", "other"),
    ],
)
def test_a_grade_is_a_mark_and_a_word(grade: str, counted: str, expected: str) -> None:
    """The mark never stands alone."""
    assert wording.grade(grade, counted) == expected


def test_a_reference_names_its_sources() -> None:
    """Grade and source stand together."""
    assert wording.reference("expert", ("A", "B")) == "○ expert estimate: A, B"
    assert wording.reference("derived", ()) == "◌ derived"


def test_outcomes_are_said_without_probabilities() -> None:
    """A result reorders the list; how likely it is belongs to the model's numbers."""
    names = {"tbd": "Telomere biology disorder"}
    positive = Outcome("positive", "", 0.1, (("tbd", 0.8), ("Other name", 0.1)))
    assert wording.outcome(positive, names) == (
        "Positive: Telomere biology disorder and Other name would lead"
    )
    negative = Outcome("negative", "", 0.9, ())
    assert wording.outcome(negative, names) == "Negative: the order would not change"


def test_outcomes_that_do_the_same_share_a_sentence() -> None:
    """Likeliest first; findings by name; more than three of them are counted."""
    same, other = (("tbd", 0.8),), (("dba", 0.6),)
    results = [Outcome("positive", f"Finding {k}", 0.1 - k / 100, same) for k in range(5)]
    said = wording.outcomes([*results, Outcome("negative", "", 0.6, other)], {"tbd": "TBD"})
    assert said[0] == "Negative: dba would lead"
    assert said[1].startswith("Finding 0, Finding 1")
    assert said[1].endswith("TBD would lead")
    assert "Finding 4" not in said[1]
    assert len(said) == 2


def test_practicalities_of_a_test() -> None:
    """When, what for and how long, without empty parts."""
    smear: NextTest = sample.full().next_tests[0]
    assert wording.practicalities(smear) == ("no. 4 · same day")
    puncture = replace(
        smear, worth=0.0, invasiveness="lumbar_puncture", tier_when="if ill", turnaround="2 d"
    )
    assert wording.practicalities(puncture) == "if ill · lumbar puncture · result in 2 days"


def test_limits_and_notes_of_an_input() -> None:
    """Limits, median and notes are left out where they are not known."""
    item: Input = sample.full().inputs[0]
    assert wording.our_limits(item) == "11.5–15.5 g/dL, median 13.5"
    assert wording.our_limits(replace(item, median=None)) == "11.5–15.5 g/dL"
    assert wording.our_limits(replace(item, lower=None, upper=None)) == "–"
    assert wording.lab_limits(replace(item, lab_low=None, lab_high=None)) == "–"
    assert wording.input_notes(item) == "–"
    assert wording.input_notes(replace(item, basis="b", support="s", used=True)) == (
        "b; s; in the judged draw"
    )


def test_lists_are_joined_as_a_sentence() -> None:
    """None, one, several, and more than are wanted."""
    assert wording.listed(()) == ""
    assert wording.listed(("a",)) == "a"
    assert wording.listed(("a", "b", "c")) == "a, b and c"
    assert wording.listed(("a", "b", "c"), most=1) == "a and 2 more"


def test_why_shown_names_every_rule() -> None:
    """Each rule that put a condition on the safety floor is named."""
    shown = AlwaysShown("hlh", "HLH", ("Two lineages", "Fever"), "")
    assert wording.why_shown(shown) == "Two lineages; Fever"


def test_the_age_of_the_judged_count_is_said() -> None:
    """An old count is not read as today's."""
    full = sample.full()
    assert wording.drawn(full, full.lineages.red) == "at 7 y 2 mo"
    undated = tuple(replace(i, age_days=None) for i in full.inputs)
    assert wording.drawn(replace(full, inputs=undated), full.lineages.red) == ""


def test_treatment_explains_a_level_that_seems_too_mild() -> None:
    """A count held up, or taken from before a treatment, is named beside the time to act."""
    assert wording.treated(sample.full()) == ""
    assert wording.treated(sample.emergency()) == (
        "Platelets: platelets carried by a transfusion; judge after 5 days. "
        "Time to act is judged on the counts as they are under treatment."
    )
