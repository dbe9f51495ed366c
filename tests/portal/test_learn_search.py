"""Search: accents and case do not count, both languages, near spellings, nothing in the logs."""

from __future__ import annotations

import importlib
import logging

import pytest
from django.test import Client

from hematon.portal.learn.search import find, suggest


@pytest.mark.parametrize("words", ["medula", "MÉDULA", " médula ", "medul"])
def test_accents_and_case_do_not_count(words: str) -> None:
    """A word's beginning is enough."""
    assert "médula ósea" in [hit.title for hit in find(words, "es")]


def test_each_language_finds_its_own() -> None:
    """English words find English pages, Spanish words Spanish ones."""
    assert find("plaquetas", "en") == []
    hits = find("plaquetas", "es")
    assert "plaqueta" in [hit.title for hit in hits[:3]]
    assert all(hit.address.startswith("/es/") for hit in hits)
    assert all(hit.address.startswith("/en/") for hit in find("platelets", "en"))


def test_other_forms_find_the_word() -> None:
    """Abbreviations and plurals lead to their entry."""
    assert find("CBC", "en")[0].title == "complete blood count"
    assert find("GVHD", "en")[0].title == "graft-versus-host disease"


def test_every_word_must_be_there() -> None:
    """One word that is nowhere empties the answer; no word finds nothing."""
    assert find("marrow", "en")
    assert find("marrow zeppelin", "en") == []
    assert find("", "en") == []
    assert find("!? ...", "en") == []


def test_short_words_match_whole() -> None:
    """Two letters begin too much."""
    assert all(" ma" not in hit.title for hit in find("ma", "en"))


def test_the_name_itself_counts_most() -> None:
    """A page or word called just so stands before those that mention it."""
    assert find("transplant", "en")[0].title == "transplant"
    assert "transplant" in [hit.title for hit in find("stem cells", "en")]


def test_a_misspelt_word_gets_a_suggestion() -> None:
    """Near spellings are offered, nonsense is not."""
    assert "platelet" in suggest("plateletz", "en")
    assert "plaqueta" in suggest("plaqeta", "es")
    assert suggest("zzzzqqq", "en") == []


@pytest.mark.parametrize(
    ("language", "words", "said"),
    [
        ("en", "zeppelin", "Nothing found for <strong>zeppelin</strong>"),
        ("es", "zepelín", "No se encontró nada para <strong>zepelín</strong>"),
        ("en", "anemia", "found for <strong>anemia</strong>"),
        ("en", "plateletz", "Did you mean:"),
    ],
)
def test_the_page_says_what_was_found(client: Client, language: str, words: str, said: str) -> None:
    """In the reader's language, also when nothing was."""
    answer = client.get(f"/{language}/search/", {"q": words})
    assert answer.status_code == 200
    assert said in answer.content.decode()


@pytest.mark.parametrize(
    "words", ["<script>x</script>", "a" * 5000, "\0", "%", "' OR 1=1 --", "({[*+?", "￿"]
)
def test_hostile_words_are_only_words(client: Client, words: str) -> None:
    """Escaped, cut and never an error."""
    answer = client.get("/en/search/", {"q": words})
    assert answer.status_code == 200
    assert "<script>x" not in answer.content.decode()
    assert len(answer.content) < 40_000


def test_what_was_searched_for_is_not_logged(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Words typed can say what a child has; neither title nor logs hold them."""
    with caplog.at_level(logging.DEBUG):
        answer = client.get("/en/search/", {"q": "private-word-of-a-family"})
    assert "private-word" not in caplog.text
    title = answer.content.decode().partition("<title>")[2].partition("</title>")[0]
    assert "private-word" not in title
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_server_starts_with_every_page_ready() -> None:
    """Importing the application leaves nothing to render for the first family."""
    from hematon.portal.learn import search

    search._entries.cache_clear()
    importlib.reload(importlib.import_module("hematon.portal.wsgi"))
    assert search._entries.cache_info().currsize == 2
