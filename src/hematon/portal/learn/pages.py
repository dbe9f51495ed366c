"""The pages that explain, as files: `content/<language>/<slug>.md`, read once.

Each begins with its facts as YAML between two lines of `---`:

    title: Fanconi anemia
    lead: One or two sentences: the main message.
    group: syndromes            one of GROUPS
    order: 10                   place in its group
    condition: fanconi_anemia   entry of the knowledge the page is about, if it is one
    written: 2026-11-23         when the text was last checked against its sources
    reviewed: null              when a clinician signed it off, and by what role
    reviewer: null
    next_review: 2027-05-23
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from hematon.portal.ui.site import InBoth

CONTENT = Path(__file__).parent / "content"
LANGUAGES = ("en", "es")
GROUPS: dict[str, InBoth] = {
    "basics": InBoth(en="The basics", es="Lo básico"),
    "syndromes": InBoth(
        en="Inherited bone marrow failure syndromes",
        es="Síndromes hereditarios de insuficiencia de la médula ósea",
    ),
    "site": InBoth(en="About this site", es="Sobre este sitio"),
}


def fold(text: str) -> str:
    """Take case and accents away, so that `medula` finds `médula`."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageFacts(_Strict):
    """What stands above a page's prose."""

    title: str
    lead: str
    group: Literal["basics", "syndromes", "site"]
    order: int
    condition: str | None = None
    written: date
    reviewed: date | None
    reviewer: str | None
    next_review: date

    @model_validator(mode="after")
    def _dates(self) -> PageFacts:
        if (self.reviewed is None) != (self.reviewer is None):
            raise ValueError("reviewed and reviewer are given together or not at all")
        if self.next_review <= (self.reviewed or self.written):
            raise ValueError("next_review must come after the last review")
        return self


@dataclass(frozen=True)
class Page:
    """One page in one language.

    Attributes:
        slug: its address, the same in both languages.
        language: "en" or "es".
        facts: what stands above the prose.
        text: the prose.
        line: of the file, where the prose begins.
    """

    slug: str
    language: str
    facts: PageFacts
    text: str
    line: int = 1


class Forms(_Strict):
    """Other ways a word is written, such as its plural, in each language."""

    en: tuple[str, ...] = ()
    es: tuple[str, ...] = ()


class Spoken(_Strict):
    """How a word is said; Spanish is read as it is written, so few words need it there."""

    en: str
    es: str = ""

    def __str__(self) -> str:
        """Give it in the active language; empty when it needs none."""
        return self.es if (translation.get_language() or "en").startswith("es") else self.en

    def __bool__(self) -> bool:
        """Say whether the active language needs it."""
        return bool(str(self))


class Term(_Strict):
    """A medical word and its plain meaning, in both languages.

    Attributes:
        word: how it is written first.
        also: other forms that mean the same.
        say: how it is spoken.
        plain: what stands before it on its first use.
        meaning: one to three short sentences.
        common: an everyday word; a page need not explain it, and it gets no leave in the grade.
    """

    word: InBoth
    also: Forms = Forms()
    say: Spoken | None = None
    plain: InBoth
    meaning: InBoth
    common: bool = False

    def forms(self, language: str) -> tuple[str, ...]:
        """Give every way the word is written in a language."""
        return (self.word.es, *self.also.es) if language == "es" else (self.word.en, *self.also.en)


class Card(_Strict):
    """A care card: how urgent, and when."""

    level: Literal["emergency", "urgent", "non-urgent"]
    heading: InBoth
    when: list[InBoth]
    then: InBoth | None = None
    signed_by: str | None
    signed_on: date | None

    @model_validator(mode="after")
    def _signed(self) -> Card:
        if (self.signed_by is None) != (self.signed_on is None):
            raise ValueError("signed_by and signed_on are given together or not at all")
        return self


class ExtraSource(_Strict):
    """A source of the prose that the clinical knowledge does not cite."""

    citation: str
    address: str = ""


@lru_cache(maxsize=1)
def pages() -> dict[tuple[str, str], Page]:
    """Give every page by language and slug.

    Raises:
        ImproperlyConfigured: a file is wrong; the message names it.
    """
    found = {}
    for language in LANGUAGES:
        for file in sorted((CONTENT / language).glob("*.md")):
            found[language, file.stem] = _read(file, language)
    return found


def _read(file: Path, language: str) -> Page:
    head, _, text = file.read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")
    try:
        facts = PageFacts.model_validate(yaml.safe_load(head))
    except (yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error
    return Page(file.stem, language, facts, text, head.count("\n") + 4)


@lru_cache(maxsize=1)
def terms() -> dict[str, Term]:
    """Give the glossary by id."""
    raw = yaml.safe_load((CONTENT / "glossary.yaml").read_text(encoding="utf-8"))
    return {key: Term.model_validate(entry) for key, entry in raw.items()}


@lru_cache(maxsize=2)
def by_letter(language: str) -> list[tuple[str, list[tuple[str, Term]]]]:
    """Give the glossary by first letter, without accents, each letter in its order."""
    letters: dict[str, list[tuple[str, Term]]] = {}
    for key, term in sorted(terms().items(), key=lambda item: fold(item[1].forms(language)[0])):
        letter = fold(term.forms(language)[0])[0].upper()
        letters.setdefault(letter, []).append((key, term))
    return list(letters.items())


@lru_cache(maxsize=1)
def cards() -> dict[str, Card]:
    """Give the care cards by id."""
    raw = yaml.safe_load((CONTENT / "care_cards.yaml").read_text(encoding="utf-8"))
    return {key: Card.model_validate(entry) for key, entry in raw.items()}


@lru_cache(maxsize=1)
def extra_sources() -> dict[str, ExtraSource]:
    """Give the sources that the prose alone cites, by id."""
    raw = yaml.safe_load((CONTENT / "sources.yaml").read_text(encoding="utf-8")) or {}
    return {key: ExtraSource.model_validate(entry) for key, entry in raw.items()}


def in_group(group: str, language: str) -> list[Page]:
    """Give the pages of a group in their order."""
    found = [p for p in pages().values() if p.language == language and p.facts.group == group]
    return sorted(found, key=lambda page: (page.facts.order, page.facts.title))
