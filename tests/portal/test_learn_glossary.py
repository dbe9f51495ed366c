"""The words explained: complete in both languages, short, and reachable by every form."""

from __future__ import annotations

import pytest

from hematon.portal.learn.pages import LANGUAGES, terms
from hematon.portal.learn.readability import measure

PLAIN_MOST, SENTENCE_MOST, SENTENCES_MOST = 10, 20, 4
FIRST = {
    *("bone_marrow", "stem_cell", "red_blood_cell", "white_blood_cell", "neutrophil", "platelet"),
    *("anemia", "neutropenia", "thrombocytopenia", "pancytopenia", "aplastic_anemia", "leukemia"),
    *("hemoglobin", "mcv", "reticulocyte", "telomere", "chromosome_breakage_test", "biopsy"),
    *("aspirate", "inherited", "gene", "donor", "hla", "transplant", "conditioning", "mds"),
    *("transfusion", "chelation", "g_csf", "immune_suppression", "atg"),
}


def test_the_words_that_pages_need_are_there() -> None:
    """Pages link words by these ids."""
    assert set(terms()) >= FIRST


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_meaning_is_short_and_in_this_language(language: str) -> None:
    """At most 20 words a sentence; the two languages never carry the same text."""
    for key, term in terms().items():
        meaning, plain = getattr(term.meaning, language), getattr(term.plain, language)
        sizes = measure(meaning, language).sentences
        assert max(sizes) <= SENTENCE_MOST, (key, meaning)
        assert len(sizes) <= SENTENCES_MOST, key
        assert len(plain.split()) <= PLAIN_MOST, (key, plain)
        assert term.meaning.en != term.meaning.es, key
        assert term.plain.en != term.plain.es, key
        assert meaning.endswith("."), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_belongs_to_one_entry(language: str) -> None:
    """No form of a word stands under two entries, or a reader would find two meanings."""
    owner: dict[str, str] = {}
    for key, term in terms().items():
        for form in term.forms(language):
            assert owner.setdefault(form.casefold(), key) == key, form
