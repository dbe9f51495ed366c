"""What an answer would do is what entering it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hematon.engine import assess, assess_many
from hematon.engine.assessment import Assessment
from hematon.engine.case import Case, Finding, Measurement, ReportedVariant, Treatment
from hematon.engine.what_if import open_answers
from hematon.knowledge import Knowledge
from strategies import KNOWLEDGE

AGE = 1500
CHILD = Case(
    "x",
    "female",
    AGE,
    measurements=(
        Measurement("hemoglobin", 8.1, AGE - 40),
        Measurement("hemoglobin", 10.4, AGE),
        Measurement("platelets", 40.0, AGE),
        Measurement("mcv", 103.0, AGE),
    ),
    findings=(Finding("HP:0004322", True), Finding("HP:0007400", False)),
    treatments=(Treatment("red_cell_transfusion", AGE - 9),),
    variants=(ReportedVariant("ELANE", "uncertain", "heterozygous"),),
)
NOTHING = np.zeros((0, len(KNOWLEDGE.findings)), dtype=np.int8)


def told(case: Case, *said: Finding) -> Case:
    """The record with more findings."""
    return replace(case, findings=(*case.findings, *said))


def log_posterior(case: Case, knowledge: Knowledge) -> Any:
    """The ranking of a record, by condition."""
    return assess_many([case], knowledge).differential.log_posterior[0]


def test_an_answer_is_what_entering_the_finding_does(knowledge: Knowledge) -> None:
    """For every open finding, both answers, through the record: damping and implied ones too."""
    other = replace(CHILD, id="y", sex="male", variants=())
    result = assess_many([other, CHILD], knowledge)
    answers = open_answers(result, 1, NOTHING)
    assert len(answers.findings) > 150
    said = [
        told(CHILD, Finding(f.id, observed)) for f in answers.findings for observed in (True, False)
    ]
    entered = assess_many(said, knowledge).differential.log_posterior
    np.testing.assert_allclose(
        answers.log_posterior.reshape(entered.shape), entered, rtol=0, atol=1e-9
    )


def test_what_is_known_is_not_asked(knowledge: Knowledge) -> None:
    """Neither a stated finding nor one that a number tells; nor a sign, which the model ignores."""
    open_ = {f.id for f in open_answers(assess_many([CHILD], knowledge), 0, NOTHING).findings}
    assert not open_ & {"HP:0004322", "HP:0007400", "LAB_ANEMIA", "SGN_UNWELL"}
    assert {"LAB_NEUTROPENIA", "LAB_HBF_HIGH", "TST_DEB_POS", "FH_CONSANG"} <= open_


@pytest.mark.parametrize(
    ("sex", "age", "asked"),
    [
        ("female", 4000, {"HP:0000132"}),
        ("female", 1500, set()),
        ("male", 4000, {"HP:0000028"}),
        (None, 4000, {"HP:0000132", "HP:0000028"}),
    ],
)
def test_a_question_fits_the_child(
    knowledge: Knowledge, sex: Any, age: int, asked: set[str]
) -> None:
    """No boy is asked about heavy periods, no girl about undescended testes."""
    case = Case("x", sex, age, measurements=(Measurement("platelets", 40.0, age),))
    open_ = {f.id for f in open_answers(assess_many([case], knowledge), 0, NOTHING).findings}
    assert open_ & {"HP:0000132", "HP:0000028"} == asked


def condition(result: Assessment, name: str) -> Any:
    """One row of the differential."""
    return next(c for c in result.differential if c.condition == name)


def test_changes_are_steps_of_the_log_odds(knowledge: Knowledge) -> None:
    """A change is the difference the answer makes, its expected size weighted by its chance."""
    before = condition(assess(CHILD, knowledge), "fanconi_anemia")
    change = before.would_change[0]
    assert [c.expected for c in before.would_change] == sorted(
        (c.expected for c in before.would_change), reverse=True
    )
    for observed, step in ((True, change.if_present), (False, change.if_absent)):
        after = condition(
            assess(told(CHILD, Finding(change.finding, observed)), knowledge), "fanconi_anemia"
        )
        moved = after.log_odds_against_rest - before.log_odds_against_rest
        assert step == pytest.approx(moved, abs=1e-9)
    assert change.expected == pytest.approx(
        change.chance * abs(change.if_present) + (1 - change.chance) * abs(change.if_absent)
    )


def test_questions_are_for_the_history_and_the_examination(knowledge: Knowledge) -> None:
    """No test among them; the first tells most; each answer says what would lead."""
    result = assess(CHILD, knowledge)
    assert result.questions
    assert {q.kind for q in result.questions} <= {"phenotype", "exposure", "history", "pattern"}
    sizes = [q.information_gain + q.never_miss_gain for q in result.questions]
    assert sizes == sorted(sizes, reverse=True)
    first = result.questions[0]
    for outcome in first.outcomes:
        after = log_posterior(
            told(CHILD, Finding(first.finding, outcome.result == "present")), knowledge
        )
        assert dict(outcome.leading)[knowledge.conditions[int(after.argmax())].id] == pytest.approx(
            float(np.exp(after.max())), abs=1e-9
        )


def test_outcomes_of_a_test_are_what_entering_them_does(knowledge: Knowledge) -> None:
    """The second outcome of a test says that its finding is present and the first is absent."""
    result = assess(CHILD, knowledge)
    test = next(t for t in result.next_tests if len(t.outcomes) > 2)
    names = next(t.outcomes for t in knowledge.tests if t.id == test.test)
    assert sum(o.probability for o in test.outcomes) == pytest.approx(1.0)
    assert [o.result for o in test.outcomes] == ["positive"] * len(names) + ["negative"]
    for k, outcome in enumerate(test.outcomes):
        said = [Finding(name, False) for name in names[:k]]
        said += [Finding(name, True) for name in names[k : k + 1]]
        after = np.exp(log_posterior(told(CHILD, *said), knowledge))
        by_id = {c.id: after[c.index] for c in knowledge.conditions}
        for name, share in outcome.leading:
            assert share == pytest.approx(by_id[name], abs=1e-9)


def test_nothing_to_test_says_nothing(knowledge: Knowledge) -> None:
    """Where every test is done, none is suggested."""
    every = {f for t in knowledge.tests for f in t.outcomes}
    done = told(CHILD, *(Finding(f, False) for f in sorted(every)))
    assert {t.test for t in assess(done, knowledge).next_tests if t.outcomes} == set()


def test_a_reported_variant_answers_the_gene_test(knowledge: Knowledge) -> None:
    """A causal variant in SBDS is what the SBDS test and the panels would show; others are open."""

    def done(classification: Any, gene: str = "SBDS") -> set[str]:
        variant = ReportedVariant(gene, classification, "compound")
        result = assess_many([replace(CHILD, variants=(variant,))], knowledge)
        return {t.id for t in knowledge.tests if result.tests.done[0, t.index]}

    assert {"sbds_gene", "ibmfs_panel"} <= done("pathogenic")
    assert "dba_genes" not in done("pathogenic")
    assert not {"sbds_gene", "ibmfs_panel"} & done("uncertain")
