"""At a glance: what the knowledge says, told in plain words, sourced or marked as an estimate."""

from __future__ import annotations

import pytest
from django.utils import translation

from hematon.knowledge import load_knowledge
from hematon.portal.learn.at_a_glance import (
    Glance,
    asked_tests,
    at_a_glance,
    condition_entry,
    plain_tests,
    plain_words,
    said_age,
    said_inheritance,
    said_sex,
    said_share,
)

TEN = (
    *("fanconi_anemia", "dba", "tbd", "sds", "camt", "tar", "scn", "cyclic_neutropenia"),
    *("pearson", "myh9"),
)


def glance(key: str, language: str = "en") -> tuple[Glance, list[str]]:
    """Give a condition's facts and the sources it asked numbers for."""
    cited: list[str] = []

    def number(source: str) -> int:
        if source not in cited:
            cited.append(source)
        return cited.index(source) + 1

    with translation.override(language):
        return at_a_glance(key, number), cited


@pytest.mark.parametrize(
    ("years", "english", "spanish"),
    [
        (0.0, "birth", "el nacimiento"),
        (0.02, "1 week", "1 semana"),
        (0.05, "3 weeks", "3 semanas"),
        (0.17, "2 months", "2 meses"),
        (0.99, "1 year", "1 año"),
        (1.0, "1 year", "1 año"),
        (1.5, "18 months", "18 meses"),
        (2.5, "2 and a half years", "2 años y medio"),
        (6.8, "7 years", "7 años"),
        (18.0, "18 years", "18 años"),
    ],
)
def test_an_age_is_said_in_the_unit_a_parent_would_use(
    years: float, english: str, spanish: str
) -> None:
    """Weeks, then months, then years and halves; never a decimal."""
    with translation.override("en"):
        assert said_age(years) == english
    with translation.override("es"):
        assert said_age(years) == spanish


@pytest.mark.parametrize(
    ("share", "english"),
    [
        (0.03, "fewer than 1 in 10 children"),
        (0.1, "1 in 10 children"),
        (0.62, "6 in 10 children"),
        (0.85, "8 or 9 in 10 children"),
        (0.94, "9 in 10 children"),
        (0.95, "nearly all children"),
        (1.0, "nearly all children"),
    ],
)
def test_a_share_is_said_as_so_many_in_10(share: float, english: str) -> None:
    """No percentage, and a half between two is not rounded away."""
    with translation.override("en"):
        assert said_share(share) == english


def test_boys_and_girls() -> None:
    """Alike near one half, otherwise so many in 10."""
    with translation.override("en"):
        assert said_sex(0.5) == "Girls and boys alike."
        assert said_sex(0.63) == "Girls and boys. About 6 in 10 are boys."
        assert said_sex(0.99) == "Nearly always boys."


@pytest.mark.parametrize("key", TEN)
def test_numbers_are_the_knowledges_own(key: str) -> None:
    """Age, genes and edition come from the entry, in both languages."""
    entry = condition_entry(key)
    for language in ("en", "es"):
        facts, _ = glance(key, language)
        with translation.override(language):
            assert said_age(entry.age.median) in facts.age.lines[0].text
            assert said_age(entry.age.p95) in facts.age.lines[1].text
        assert facts.genes == tuple(gene.symbol for gene in entry.genes)
        assert facts.edition == load_knowledge().version
        assert len(facts.cells.lines) == 3
        assert facts.inheritance


@pytest.mark.parametrize("key", TEN)
def test_each_number_has_a_source_or_says_that_it_is_an_estimate(key: str) -> None:
    """Never both, never neither; the makers themselves are no source."""
    facts, cited = glance(key)
    for line in (*facts.age.lines, *facts.sex.lines, *facts.cells.lines):
        assert line.estimate != bool(line.sources), line.text
    assert "EXPERT" not in cited
    assert set(cited) <= set(load_knowledge().sources)


def test_grades_are_kept() -> None:
    """The age of Diamond-Blackfan anemia has a named source; that of Fanconi anemia is ours."""
    assert glance("dba")[0].age.lines[0].sources
    assert not glance("dba")[0].age.estimate
    assert glance("fanconi_anemia")[0].age.estimate


def test_the_cells_most_often_low_come_first() -> None:
    """Platelets lead in Fanconi anemia, red cells in Diamond-Blackfan anemia."""
    assert glance("fanconi_anemia")[0].cells.lines[0].text.startswith("Platelets")
    assert glance("dba")[0].cells.lines[0].text.startswith("Red blood cells")
    assert glance("scn")[0].cells.lines[0].text.startswith("White blood cells")


def test_every_way_to_be_passed_on_has_its_plain_words() -> None:
    """For every condition of the knowledge, and one wording when all genes share it."""
    for condition in load_knowledge().condition_ids:
        entry = condition_entry(condition)
        for gene in entry.genes:
            assert set(gene.modes) <= set(plain_words().inheritance), condition
    with translation.override("en"):
        assert said_inheritance(condition_entry("camt"))[0].startswith("Both copies")
        assert said_inheritance(condition_entry("pearson"))[0].startswith("The change is in")
        assert said_inheritance(condition_entry("aa_idiopathic")) == [
            "It is not passed on in families."
        ]
        modes = said_inheritance(condition_entry("fanconi_anemia"))
    assert modes[0].startswith("For 20 of the 22 genes:")
    assert len(modes) == 3


@pytest.mark.parametrize("key", TEN)
def test_every_test_of_the_ten_syndromes_has_a_plain_name(key: str) -> None:
    """No id or trade word of a laboratory reaches a family."""
    missing = [test for _, test in asked_tests(key) if test not in plain_tests()]
    assert missing == []


def test_tests_stand_in_the_order_they_are_done() -> None:
    """The count first, marrow and genes later, the skin test last; donor tests are left out."""
    facts, _ = glance("fanconi_anemia")
    names = [test.name.en for stage in facts.stages for test in stage.tests]
    assert names[0] == "Complete blood count"
    assert names.index("Chromosome breakage test") < names.index("Bone marrow test")
    assert names[-1] == "Chromosome breakage test on skin"
    assert "HLA typing" not in names


def test_plain_words_name_tests_that_exist() -> None:
    """A test renamed in the knowledge does not leave its words behind."""
    assert set(plain_tests()) <= {test.id for test in load_knowledge().tests}
