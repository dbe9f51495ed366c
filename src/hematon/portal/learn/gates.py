"""What a page must keep to before it is published; `python -m hematon.portal.learn.gates`.

Each rule gives problems in words, with the page and the line. Source: NHS digital service manual
(reading age, how to write numbers) and the CDC Clear Communication Index.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date

from hematon.portal.learn.pages import (
    LANGUAGES,
    Page,
    cards,
    extra_sources,
    pages,
    terms,
)
from hematon.portal.learn.readability import Measured, grade, inflesz, measure

GRADE_AIM, GRADE_MOST = 6.0, 8.0
INFLESZ_LEAST = 60.0
WORDS_AIM, WORDS_MOST, SHARE_WITHIN = 20, 30, 0.95
SENTENCES_MOST = 3
BANNED = {
    "en": (
        "good chance",
        "may well",
        "your child has ",
        "your child may have ",
        "rest assured",
        "do not worry",
        "don't worry",
        "nothing to worry",
        "unfortunately",
        "suffer from",
        "utilize",
        "in order to",
        "a small number of",
        "very rarely",
        "looks fine",
    ),
    "es": (
        "buena probabilidad",
        "su hijo tiene ",
        "su hija tiene ",
        "su hijo puede tener ",
        "no se preocupe",
        "nada de qué preocuparse",
        "desafortunadamente",
        "sufre de",
        "utilizar",
        "con el fin de",
        "muy raramente",
    ),
}
_MARKUP = re.compile(r"!?\[([^\]\[]*)\]\((\w+):([^)]*)\)")
_CITATION = re.compile(r"\[@[^\]]*\]")
_CARE = re.compile(r"\{\{(?:care|numbers):\w+\}\}")
_DIGIT = re.compile(r"\d")
_UNCITED = re.compile(
    r"\b911\b|COVID-19|\b(?:tipo|type) \d\b|\bB12\b|\b[A-Z]{2,}[A-Z0-9]*\d\w*\b|^\d+\.\s", re.M
)
"""Digits that are no figure: a phone number, a vitamin, a gene."""


@dataclass(frozen=True)
class Problem:
    """One break of a rule."""

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        """Say where and what."""
        return f"{self.page}:{self.line}: {self.text}"


def plain_text(text: str) -> str:
    """Take the markup out of prose; one block a line, each ended as a sentence."""
    lines = []
    for line in text.splitlines():
        line = _CARE.sub("", _CITATION.sub("", line))
        line = _MARKUP.sub(lambda m: m[1], line)
        line = re.sub(r"^\s*(?:[-*#>|]+|\d+\.)\s*", "", line)
        line = re.sub(r"[*_|]", " ", line)
        if line.strip():
            lines.append(line.strip())
    return "\n".join(lines)


def measured(page: Page) -> Measured:
    """Count what the family reads of a page: lead and prose, without words the glossary explains.

    A medical word that the page explains in place is not counted against it.
    """
    text = f"{page.facts.lead}\n{plain_text(page.text)}"
    for term in terms().values():
        word = term.word.es if page.language == "es" else term.word.en
        text = re.sub(
            rf"\b{re.escape(word)}\b",
            "it" if page.language == "en" else "eso",
            text,
            flags=re.IGNORECASE,
        )
    return measure(text, page.language)


def problems(today: date) -> list[Problem]:
    """Check every page, term and card.

    Args:
        today: pages whose next review was before it are problems.
    """
    found = [problem for page in pages().values() for problem in of_page(page, today)]
    slugs = {language: {slug for of, slug in pages() if of == language} for language in LANGUAGES}
    for language in LANGUAGES:
        for slug in sorted(set().union(*slugs.values()) - slugs[language]):
            found.append(Problem(f"{language}/{slug}", 1, "the page lacks this language"))
    return found


def of_page(page: Page, today: date) -> Iterator[Problem]:
    """Check one page."""
    name = f"{page.language}/{page.slug}"

    def problem(line: int, text: str) -> Problem:
        return Problem(name, line, text)

    if page.facts.next_review < today:
        yield problem(1, "past its next review")
    counts = measured(page)
    if page.language == "en" and grade(counts) > GRADE_MOST:
        yield problem(1, f"reading grade {grade(counts):.1f}, at most {GRADE_MOST:g}")
    if page.language == "es" and inflesz(counts) < INFLESZ_LEAST:
        yield problem(1, f"INFLESZ {inflesz(counts):.0f}, at least {INFLESZ_LEAST:g}")
    within = sum(size <= WORDS_AIM for size in counts.sentences) / max(len(counts.sentences), 1)
    if within < SHARE_WITHIN:
        yield problem(1, f"only {within:.0%} of sentences have at most {WORDS_AIM} words")
    if not _panels_close(page.text):
        yield problem(1, "each {{numbers:open}} needs a {{numbers:close}} after it, and no other")
    yield from _lines(page, problem)
    yield from _terms_first(page, problem)


def _panels_close(text: str) -> bool:
    marks = re.findall(r"\{\{numbers:(\w+)\}\}", text)
    return marks == ["open", "close"] * (len(marks) // 2)


def _lines(page: Page, make: Callable[[int, str], Problem]) -> Iterator[Problem]:
    lowered = BANNED[page.language]
    known = pages()
    for number, line in enumerate(page.text.splitlines(), start=1):
        plain = plain_text(line)
        sizes = measure(plain, page.language).sentences
        if any(size > WORDS_MOST for size in sizes):
            yield make(number, f"a sentence of more than {WORDS_MOST} words")
        if len(sizes) > SENTENCES_MOST and not line.lstrip().startswith(("|", "-", "*")):
            yield make(number, f"a paragraph of more than {SENTENCES_MOST} sentences")
        for phrase in lowered:
            if phrase in plain.lower():
                yield make(number, f"says '{phrase.strip()}'")
        if _DIGIT.search(_UNCITED.sub("", plain)) and not _CITATION.search(line):
            yield make(number, "a figure without a source")
        if re.search(r"\d\s?%", plain):
            yield make(number, "a percentage: say '1 in 7'")
        for cited in re.findall(r"\[@([^\]]*)\]", line):
            for key in re.split(r";\s*@?", cited):
                if key not in extra_sources() and not _knows(key):
                    yield make(number, f"the source {key} is not known")
        for _, kind, target in _MARKUP.findall(line):
            missing = (kind == "term" and target not in terms()) or (
                kind == "page" and (page.language, target.split("#")[0]) not in known
            )
            if missing:
                yield make(number, f"there is no {kind} {target}")
        for key in re.findall(r"\{\{care:(\w+)\}\}", line):
            if key not in cards():
                yield make(number, f"there is no care card {key}")


def _knows(key: str) -> bool:
    from hematon.knowledge import load_knowledge

    return key in load_knowledge().sources


def _terms_first(page: Page, make: Callable[[int, str], Problem]) -> Iterator[Problem]:
    """A medical word is explained where it first stands."""
    explained: set[str] = set()
    for number, line in enumerate(page.text.splitlines(), start=1):
        explained |= {target for _, kind, target in _MARKUP.findall(line) if kind == "term"}
        if line.startswith("#"):
            continue
        plain = plain_text(line)
        for key, term in terms().items():
            word = term.word.es if page.language == "es" else term.word.en
            if key in explained or not re.search(rf"\b{re.escape(word)}\b", plain, re.IGNORECASE):
                continue
            explained.add(key)
            yield make(number, f"'{word}' stands before it is explained")


def main() -> int:
    """Print every problem and the reading grades."""
    from datetime import datetime

    for page in sorted(pages().values(), key=lambda p: (p.slug, p.language)):
        counts = measured(page)
        said = (
            f"grade {grade(counts):.1f}"
            if page.language == "en"
            else f"INFLESZ {inflesz(counts):.0f}"
        )
        print(f"{page.language}/{page.slug}: {counts.words} words, {said}")
    found = problems(datetime.now(UTC).date())  # noqa: TID251 - a command reads the clock
    for problem in found:
        print(problem)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
