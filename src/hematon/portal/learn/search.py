"""Finding pages by words: all words must begin a word there; accents and case do not count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags

from hematon.portal.learn.at_a_glance import condition_entry
from hematon.portal.learn.pages import LANGUAGES, fold, pages, terms
from hematon.portal.learn.reading import reading

TITLE, LEAD, HEADING, BODY = 20, 8, 5, 1
MOST = 30
NAMED = 100
"""For a page or word that is called just what was typed."""
OFTEN = 3
"""How often a word counts in one field, so that a long text does not outweigh a title."""
WORDS_MOST = 100
WHOLE_UNTIL = 2
"""Words of up to so many letters must match whole: `FA` is a condition, `fa` begins too much."""
_WORD = re.compile(r"\w+")
_TERM_FOOT = re.compile(r'<span class="hm-term__meaning".*?</span>', re.S)
_MARKS = re.compile(r'<span class="hm-cite">.*?</span>', re.S)


@dataclass(frozen=True)
class Found:
    """One hit."""

    title: str
    text: str
    address: str
    is_word: bool = False


@dataclass(frozen=True)
class _Entry:
    found: Found
    names: frozenset[str]
    fields: tuple[tuple[int, str], ...]


def find(words: str, language: str) -> list[Found]:
    """Give the pages and words that hold every word asked for, best first.

    Args:
        words: as typed; nothing when empty.
        language: of the pages.
    """
    wanted = _WORD.findall(fold(words))
    if not wanted:
        return []
    sought = [f" {word}" + (" " if len(word) <= WHOLE_UNTIL else "") for word in wanted]
    typed = " ".join(wanted)
    hits = []
    for entry in _entries(language):
        weights = [
            sum(weight * min(field.count(word), OFTEN) for weight, field in entry.fields)
            for word in sought
        ]
        if all(weights):
            hits.append((sum(weights) + NAMED * (typed in entry.names), entry.found))
    hits.sort(key=lambda hit: (-hit[0], hit[1].title))
    return [found for _, found in hits[:MOST]]


def warm() -> None:
    """Render every page and word of both languages, so that nobody waits for it later.

    Raises:
        ImproperlyConfigured: a file of the pages is wrong; better now than when a page is opened.
    """
    for language in LANGUAGES:
        _entries(language)


def suggest(words: str, language: str) -> list[str]:
    """Give up to 3 words of ours that are spelled nearly like what was typed."""
    known = _names(language)
    near = get_close_matches(" ".join(_WORD.findall(fold(words))), known, n=3, cutoff=0.75)
    return [known[name] for name in near]


@lru_cache(maxsize=2)
def _names(language: str) -> dict[str, str]:
    titles = [page.facts.title for (of, _), page in pages().items() if of == language]
    words = [form for term in terms().values() for form in term.forms(language)]
    return {fold(name): name for name in (*titles, *words)}


def _spaced(*texts: str) -> str:
    """Put one space before and after every word, so that a word's beginning can be counted."""
    return f" {' '.join(_WORD.findall(fold(' '.join(texts))))} "


def _names_of(*names: str) -> frozenset[str]:
    return frozenset(_spaced(name).strip() for name in names)


def _prose(html: str) -> str:
    """Give the text that stands on the page, without what is folded away in it."""
    return strip_tags(_MARKS.sub("", _TERM_FOOT.sub("", html)))


@lru_cache(maxsize=2)
def _entries(language: str) -> list[_Entry]:
    with translation.override(language):
        return [*_pages(language), *_words(language)]


def _pages(language: str) -> list[_Entry]:
    entries = []
    for (of, slug), page in pages().items():
        body = reading(slug, of) if of == language else None
        if body is None:
            continue
        facts = page.facts
        headings = [text for _, text in body.body.headings]
        names = condition_entry(facts.condition).synonyms if facts.condition else []
        entries.append(
            _Entry(
                Found(facts.title, facts.lead, reverse("page", kwargs={"slug": slug})),
                _names_of(facts.title, *names),
                (
                    (TITLE, _spaced(facts.title)),
                    (LEAD, _spaced(facts.lead, *names)),
                    (HEADING, _spaced(*headings)),
                    (BODY, _spaced(_prose(body.body.html))),
                ),
            )
        )
    return entries


def _words(language: str) -> list[_Entry]:
    entries = []
    for key, term in terms().items():
        forms = term.forms(language)
        plain, meaning = getattr(term.plain, language), getattr(term.meaning, language)
        entries.append(
            _Entry(
                Found(forms[0], meaning, f"{reverse('glossary')}#{key}", is_word=True),
                _names_of(*forms),
                (
                    (TITLE, _spaced(*forms)),
                    (HEADING, _spaced(plain)),
                    (BODY, _spaced(meaning)),
                ),
            )
        )
    return entries
