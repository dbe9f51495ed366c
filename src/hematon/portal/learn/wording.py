"""The words of a page: its text without markup, the medical words in it, what may not be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hematon.portal.learn.pages import Page, terms
from hematon.portal.learn.readability import Measured, measure

LINK = re.compile(r"!?\[([^\]\[]*)\]\((\w+):([^)]*)\)")
CITATION = re.compile(r"\[@[^\]]*\]")
CARE = re.compile(r"\{\{care:(\w+)\}\}")
PANEL = re.compile(r"\{\{numbers:(\w+)\}\}")
WORDS_AIM, WORDS_MOST, SHARE_WITHIN = 20, 30, 0.95
"""Words of a sentence: as many as that in so many sentences of all, and never more than most."""
_STAND_IN = {"en": "it", "es": "eso"}
BANNED = {
    "en": (
        "good chance",
        "may well",
        "your child has ",
        "your child may have ",
        "your child might have ",
        "rest assured",
        "do not worry",
        "don't worry",
        "no need to worry",
        "nothing to worry",
        "unfortunately",
        "suffer from",
        "suffers from",
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
        "su hijo o hija tiene ",
        "su hijo puede tener ",
        "su hija puede tener ",
        "su hijo o hija puede tener ",
        "su hijo podría tener ",
        "su hija podría tener ",
        "su hijo o hija podría tener ",
        "no se preocupe",
        "nada de qué preocuparse",
        "desafortunadamente",
        "lamentablemente",
        "sufre de",
        "utilizar",
        "con el fin de",
        "muy raramente",
    ),
}
"""Vague promises, verdicts about this child, and words that families do not use."""


@dataclass(frozen=True)
class Said:
    """A medical word where it stands.

    Attributes:
        key: its entry in the glossary.
        text: as it is written there.
        start: where it begins.
    """

    key: str
    text: str
    start: int


def plain_text(text: str) -> str:
    """Take the markup out of prose; one block a line, each ended as a sentence."""
    lines = []
    for line in text.splitlines():
        line = PANEL.sub("", CARE.sub("", CITATION.sub("", line)))
        line = LINK.sub(lambda m: m[1], line)
        line = re.sub(r"^\s*(?:[-*#>|]+|\d+\.)\s*", "", line)
        line = re.sub(r"[*_|]", " ", line)
        if line.strip():
            lines.append(line.strip())
    return "\n".join(lines)


@lru_cache(maxsize=2)
def _finder(language: str) -> tuple[re.Pattern[str], dict[str, tuple[str, str]]]:
    forms = {
        form.casefold(): (key, form)
        for key, term in terms().items()
        for form in term.forms(language)
    }
    longest_first = sorted(forms, key=len, reverse=True)
    either = "|".join(re.escape(form) for form in longest_first) or r"(?!)"
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE), forms


def words_said(text: str, language: str) -> Iterator[Said]:
    """Find the words of the glossary: `aplastic anemia`, and not the `anemia` in it.

    Abbreviations count in capitals alone: `MDS`, and not `mds`.
    """
    pattern, forms = _finder(language)
    for match in pattern.finditer(text):
        key, form = forms[match[0].casefold()]
        if not form.isupper() or match[0] == form:
            yield Said(key, match[0], match.start())


def without_explained(text: str, language: str) -> str:
    """Put a short word for each medical word that the page must explain in place."""
    parts, end = [], 0
    for said in words_said(text, language):
        if not terms()[said.key].common:
            parts += [text[end : said.start], _STAND_IN[language]]
            end = said.start + len(said.text)
    return "".join(parts) + text[end:]


def measured(page: Page) -> Measured:
    """Count what the family reads of a page: lead and prose, without words explained in place.

    A medical word that the page must explain is not counted against it; everyday words of the
    subject (`common` in the glossary) are. Headings and tables are no sentences, and their few
    words would make a page look easier than it is.
    """
    rows = [row for row in page.text.splitlines() if not row.lstrip().startswith(("#", "|"))]
    prose = plain_text("\n".join(rows))
    text = f"{page.facts.lead}\n{prose}"
    return measure(without_explained(text, page.language), page.language)


_FAMILIAR = re.compile(
    r"(?<!\w)(?:tú|tu|tus|contigo|puedes|tienes|debes|quieres|necesitas|eres|estás|sabes|haz"
    r"|vosotros)(?!\w)"
)
"""Spanish that says tú: families are addressed as usted."""


def banned_in(text: str, language: str) -> Iterator[str]:
    """Give every phrase of the text that no page may hold."""
    lowered = " ".join(text.casefold().split()) + " "
    yield from (phrase.strip() for phrase in BANNED[language] if phrase in lowered)
    if language == "es":
        yield from (match[0] for match in _FAMILIAR.finditer(lowered))
