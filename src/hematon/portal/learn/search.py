"""Finding pages by words: all words must occur, titles count most, accents and case do not."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from django.urls import reverse
from django.utils.html import strip_tags

from hematon.portal.learn.pages import pages, terms
from hematon.portal.learn.reading import reading

TITLE, LEAD, HEADING, BODY = 20, 8, 5, 1
MOST = 30
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Found:
    """One hit."""

    title: str
    text: str
    address: str


@dataclass(frozen=True)
class _Entry:
    found: Found
    fields: tuple[tuple[int, str], ...]


def plain(text: str) -> str:
    """Fold case and accents, so that `medula` finds `médula`."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c))


def find(words: str, language: str) -> list[Found]:
    """Give the pages and words that hold every word asked for, best first.

    Args:
        words: as typed; nothing when empty.
        language: of the pages.
    """
    wanted = _WORD.findall(plain(words))
    if not wanted:
        return []
    hits = []
    for entry in _entries(language):
        weights = [
            sum(weight * field.count(word) for weight, field in entry.fields) for word in wanted
        ]
        if all(weights):
            hits.append((sum(min(weight, 60) for weight in weights), entry.found))
    hits.sort(key=lambda hit: (-hit[0], hit[1].title))
    return [found for _, found in hits[:MOST]]


@lru_cache(maxsize=2)
def _entries(language: str) -> list[_Entry]:
    entries = []
    for (of, slug), page in pages().items():
        body = reading(slug, of) if of == language else None
        if body is None:
            continue
        facts = page.facts
        headings = " ".join(text for _, text in body.body.headings)
        entries.append(
            _Entry(
                Found(facts.title, facts.lead, reverse("page", kwargs={"slug": slug})),
                (
                    (TITLE, plain(facts.title)),
                    (LEAD, plain(facts.lead)),
                    (HEADING, plain(headings)),
                    (BODY, plain(strip_tags(body.body.html))),
                ),
            )
        )
    for key, term in terms().items():
        word = getattr(term.word, language)
        meaning = getattr(term.meaning, language)
        entries.append(
            _Entry(
                Found(word, meaning, f"{reverse('glossary')}#{key}"),
                ((TITLE, plain(f"{word} {getattr(term.plain, language)}")), (BODY, plain(meaning))),
            )
        )
    return entries
