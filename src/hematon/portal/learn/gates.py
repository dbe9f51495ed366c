"""What a page must keep to before it is published; `python -m hematon.portal.learn.gates`.

Each rule gives problems in words, with the page and the line. Source: NHS digital service manual
(reading age, how to write numbers) and the CDC Clear Communication Index.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date
from pathlib import Path

from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from hematon.portal.learn import messages, score_sheet
from hematon.portal.learn.at_a_glance import asked_tests, plain_tests, plain_words
from hematon.portal.learn.pages import LANGUAGES, Page, cards, extra_sources, pages, terms
from hematon.portal.learn.problems import Make, Problem, maker
from hematon.portal.learn.readability import (
    GRADE_MOST,
    INFLESZ_LEAST,
    Measured,
    grade,
    inflesz,
    measure,
)
from hematon.portal.learn.wording import (
    CARE,
    CITATION,
    LINK,
    PANEL,
    SHARE_WITHIN,
    WORDS_AIM,
    WORDS_MOST,
    banned_in,
    measured,
    plain_text,
    words_said,
)
from hematon.portal.ui.site import InBoth

SENTENCES_MOST = 3
LEVELS_OF_CARE = ("emergency", "urgent")
"""Cards that every page about a condition shows."""
_DIGIT = re.compile(r"\d")
_NO_FIGURE = re.compile(
    r"\b911\b|COVID-19|\b(?:tipo|type) \d\b|\bB12\b|\b[A-Z]{2,}[A-Z0-9]*\d\w*\b|^\d+\.\s"
    # 1 to 4 of a thing is no measurement: 3 kinds of cells, 1 copy of a gene.
    r"|(?<![\d.,/°-])\b[1-4]\b(?!\s*(?:[\d.,/%°-]\d|[-–%°/]|(?:in|out|of|to|or|en|de cada|a|o|y|and"
    r"|years?|months?|weeks?|days?|hours?|minutes?|años?|mes(?:es)?|semanas?|días?|horas?|minutos?"
    r"|m?g|mL|cm|mm)\b))",
    re.M,
)
"""Digits that are no figure: a phone number, a vitamin, a gene."""


def problems(today: date) -> list[Problem]:
    """Check every page, pair of pages, word and card.

    Args:
        today: pages whose next review was before it are problems.
    """
    found = [problem for page in pages().values() for problem in of_page(page, today)]
    for slug in sorted({slug for _, slug in pages()}):
        found += of_pair(slug)
    return [*found, *of_terms(), *of_cards(), *of_plain_words(), *score_sheet.problems()]


def of_page(page: Page, today: date) -> Iterator[Problem]:
    """Check one page."""
    name = f"{page.language}/{page.slug}"

    problem = maker(name)
    if page.facts.next_review < today:
        yield problem(1, "past its next review: have it reviewed, then set the dates")
    counts = measured(page)
    yield from _reading(counts, page.language, problem)
    yield from _lead(page, problem)
    yield from _lines(page, problem)
    yield from _headings(page, problem)
    yield from _terms_first(page, problem)
    yield from _condition(page, problem)
    marks = PANEL.findall(page.text)
    if marks != ["open", "close"] * (len(marks) // 2):
        yield problem(1, "each {{numbers:open}} needs a {{numbers:close}} after it, and no other")
    shown = {cards()[key].level for key in CARE.findall(page.text) if key in cards()}
    if page.facts.group != "site":
        for level in LEVELS_OF_CARE:
            if level not in shown:
                yield problem(1, f"no care card of the level {level}: add {{{{care:...}}}}")


def _reading(counts: Measured, language: str, make: Make) -> Iterator[Problem]:
    if language == "en" and grade(counts) > GRADE_MOST:
        yield make(1, f"reading grade {grade(counts):.1f}, at most {GRADE_MOST:g}")
    if language == "es" and inflesz(counts) < INFLESZ_LEAST:
        yield make(1, f"INFLESZ {inflesz(counts):.0f}, at least {INFLESZ_LEAST:g}")
    within = sum(size <= WORDS_AIM for size in counts.sentences) / max(len(counts.sentences), 1)
    if within < SHARE_WITHIN:
        yield make(1, f"only {within:.0%} of sentences have at most {WORDS_AIM} words")


def _lead(page: Page, make: Make) -> Iterator[Problem]:
    """The title and the lead can carry no citation, so they hold no figure."""
    for part, text in (("title", page.facts.title), ("lead", page.facts.lead)):
        yield from (
            make(1, f"the {part} says '{phrase}'") for phrase in banned_in(text, page.language)
        )
        if _DIGIT.search(_NO_FIGURE.sub("", text)):
            yield make(1, f"a figure in the {part}: move it to the text, with its source")
    if any(size > WORDS_MOST for size in measure(page.facts.lead, page.language).sentences):
        yield make(1, f"the lead has a sentence of more than {WORDS_MOST} words")


def _lines(page: Page, make: Make) -> Iterator[Problem]:
    known = pages()
    rows = page.text.splitlines()
    for place, line in enumerate(rows):
        number = page.line + place
        plain = plain_text(line)
        sizes = measure(plain, page.language).sentences
        if any(size > WORDS_MOST for size in sizes):
            yield make(number, f"a sentence of more than {WORDS_MOST} words")
        if len(sizes) > SENTENCES_MOST and not line.lstrip().startswith(("|", "-", "*")):
            yield make(number, f"a paragraph of more than {SENTENCES_MOST} sentences")
        for phrase in banned_in(plain, page.language):
            yield make(number, f"says '{phrase}'")
        if _DIGIT.search(_NO_FIGURE.sub("", plain)) and not CITATION.search(_block(rows, place)):
            yield make(number, "a figure without a source: add [@source]")
        if re.search(r"\d\s?%", plain):
            yield make(number, "a percentage: say '1 in 7'")
        for cited in re.findall(r"\[@([^\]]*)\]", line):
            for key in re.split(r";\s*@?", cited):
                if key not in extra_sources() and not _knows(key):
                    yield make(number, f"the source {key} is not known: add it to sources.yaml")
        for _, kind, target in LINK.findall(line):
            if not _reachable(kind, target, page.language, known):
                yield make(number, f"there is no {kind} {target}")
        for key in CARE.findall(line):
            if key not in cards():
                yield make(number, f"there is no care card {key}")
        if "<" in line and re.search(r"</?[a-zA-Z]", line):
            yield make(number, "HTML is shown as text: use the markup of markup.py")


def _block(rows: list[str], place: int) -> str:
    """Give the row, or the whole table when it stands in one: a table is cited once."""
    if not rows[place].startswith("|"):
        return rows[place]
    first = last = place
    while first > 0 and rows[first - 1].startswith("|"):
        first -= 1
    while last + 1 < len(rows) and rows[last + 1].startswith("|"):
        last += 1
    return "\n".join(rows[first : last + 1])


def _reachable(kind: str, target: str, language: str, known: dict[tuple[str, str], Page]) -> bool:
    if kind == "term":
        return target in terms()
    if kind == "page":
        return (language, target.split("#")[0]) in known
    if kind == "figure":
        try:
            get_template(f"learn/figures/{target}.html")
        except TemplateDoesNotExist:
            return False
        return True
    return kind == "https"


def _knows(key: str) -> bool:
    from hematon.knowledge import load_knowledge

    return key in load_knowledge().sources


def _condition(page: Page, make: Make) -> Iterator[Problem]:
    """A page about an entry of the knowledge names one that is there, whose tests have words."""
    from hematon.knowledge import load_knowledge

    key = page.facts.condition
    if key is None:
        return
    if key not in load_knowledge().condition_ids:
        yield make(1, f"there is no condition {key} in the knowledge")
        return
    for _, test in asked_tests(key):
        if test not in plain_tests():
            yield make(1, f"the test {test} has no plain name: add it to tests.yaml")


def _headings(page: Page, make: Make) -> Iterator[Problem]:
    """Levels go down by one, and two headings never share an address."""
    before, seen = 1, set()
    for place, line in enumerate(page.text.splitlines()):
        marks = re.match(r"#+(?= )", line)
        if not marks:
            continue
        level, words = len(marks[0]), line.lstrip("# ").casefold()
        if level == 1:
            yield make(page.line + place, "the title is the only heading of level 1: use ##")
        elif level > before + 1:
            yield make(page.line + place, f"a heading of level {level} under level {before}")
        if level == 2 and words in seen:
            yield make(page.line + place, f"a second heading '{words}'")
        seen.add(words)
        before = level


def _terms_first(page: Page, make: Make) -> Iterator[Problem]:
    """A medical word is explained where it first stands.

    By a link to the word, by a page about it, or by its plain words: `low platelets
    (thrombocytopenia)`. Words that the glossary calls common need it nowhere.
    """
    explained: set[str] = set()
    for place, line in enumerate(page.text.splitlines()):
        if line.startswith("#"):
            continue
        explained |= {target for _, kind, target in LINK.findall(line) if kind == "term"}
        linked = " ".join(words for words, kind, _ in LINK.findall(line) if kind == "page")
        explained |= {said.key for said in words_said(linked, page.language)}
        plain = plain_text(line)
        for said in words_said(plain, page.language):
            term = terms()[said.key]
            words = term.plain.es if page.language == "es" else term.plain.en
            if plain[: said.start].casefold().endswith(f"{words.casefold()} ("):
                explained.add(said.key)
            if said.key not in explained and not term.common:
                explained.add(said.key)
                yield make(
                    page.line + place,
                    f"'{said.text}' stands before it is explained: [{said.text}](term:{said.key})",
                )


def of_pair(slug: str) -> Iterator[Problem]:
    """Check that both languages of a page say the same things with the same sources."""
    pair = [pages().get((language, slug)) for language in LANGUAGES]
    english, spanish = pair
    if english is None or spanish is None:
        missing = LANGUAGES[pair.index(None)]
        yield Problem(f"{missing}/{slug}", 1, "the page lacks this language")
        return
    for field in ("group", "order", "condition", "written", "reviewed", "next_review"):
        if getattr(english.facts, field) != getattr(spanish.facts, field):
            yield Problem(f"es/{slug}", 1, f"{field} differs from the English page's")
    for name, of in _SAME_IN_BOTH.items():
        if of(english.text) != of(spanish.text):
            yield Problem(f"es/{slug}", 1, f"the {name} differ from the English page's")


_SAME_IN_BOTH: dict[str, Callable[[str], list[str]]] = {
    "care cards": CARE.findall,
    "panels": PANEL.findall,
    "pictures": lambda text: [name for _, kind, name in LINK.findall(text) if kind == "figure"],
    "headings": lambda text: re.findall(r"^#+(?= )", text, re.M),
    "sources": lambda text: sorted(set(re.findall(r"\w+", " ".join(CITATION.findall(text))))),
}
"""What a page shows that does not hang on its language."""


def of_terms() -> Iterator[Problem]:
    """Check the glossary's texts."""
    for key, term in terms().items():
        for language in LANGUAGES:
            for part in ("plain", "meaning"):
                yield from of_text(
                    f"glossary/{key}", getattr(getattr(term, part), language), language
                )


def of_cards() -> Iterator[Problem]:
    """Check the texts of the care cards."""
    for key, card in cards().items():
        for text in (card.heading, *card.when, *([card.then] if card.then else [])):
            for language in LANGUAGES:
                yield from of_text(f"care_cards/{key}", getattr(text, language), language)


def of_plain_words() -> Iterator[Problem]:
    """Check the words that stand for the knowledge's codes."""
    words = plain_words()
    texts: dict[str, tuple[InBoth, ...]] = {
        f"plain_knowledge/{key}": (text,)
        for group in (words.inheritance, words.cells, words.tiers)
        for key, text in group.items()
    }
    texts |= {f"tests/{key}": (test.name, test.why) for key, test in plain_tests().items()}
    for place, both in texts.items():
        for text in both:
            for language in LANGUAGES:
                yield from of_text(place, getattr(text, language), language)


def of_text(place: str, text: str, language: str) -> Iterator[Problem]:
    """Check a short text: no banned phrase, no percentage, no long sentence."""
    for phrase in banned_in(text, language):
        yield Problem(place, 1, f"says '{phrase}' ({language})")
    if re.search(r"\d\s?%", text):
        yield Problem(place, 1, f"a percentage ({language}): say '1 in 7'")
    if any(size > WORDS_MOST for size in measure(text, language).sentences):
        yield Problem(place, 1, f"a sentence of more than {WORDS_MOST} words ({language})")


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
        points = f"{score_sheet.score(page):.0f} of 100 points"
        print(f"{page.language}/{page.slug}: {counts.words} words, {said}, {points}")
    today = datetime.now(UTC).date()  # noqa: TID251 - a command reads the clock
    found = [*problems(today), *messages.problems()]
    for problem in found:
        print(problem)
    print(f"{len(found)} problems in {len(pages())} pages." if found else "Every gate holds.")
    return bool(found)


def _set_up(folder: Path) -> None:
    """Set Django up; it reads files alone, so that the folder need hold a secret and no more."""
    import django

    if "HEMATON_PORTAL_DIR" not in os.environ:
        os.environ |= {"HEMATON_PORTAL_DIR": str(folder), "HEMATON_DEMO": "1"}
        secret = folder / "secret-key"
        secret.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        secret.chmod(0o600)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hematon.portal.settings")
    django.setup()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        _set_up(Path(scratch))
        sys.exit(main())
