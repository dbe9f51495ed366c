"""What in a comment may tell who a child is: names, dates, phones, addresses, record numbers.

Only a warning to the family who writes: it points at too much rather than too little, and two
people read every comment before it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext_lazy as _


class Kind(Enum):
    """What a piece of a comment looks like."""

    NAME = "name"
    DATE = "date"
    PHONE = "phone"
    EMAIL = "email"
    RECORD = "record"

    @property
    def label(self) -> str:
        """Name it for the family."""
        return str(_LABELS[self])


_LABELS = {
    Kind.NAME: _("a name"),
    Kind.DATE: _("a date"),
    Kind.PHONE: _("a phone number"),
    Kind.EMAIL: _("an email address"),
    Kind.RECORD: _("a record number"),
}

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_MESES = "enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
_DATES = (
    r"\b\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}\b",
    r"\b\d{1,2}/\d{1,2}\b",
    rf"\b(?:{_MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTHS})\b",
    rf"\b\d{{1,2}}(?:º|°)?\s+de\s+(?:{_MESES})\b",
)
_PATTERNS = (
    (Kind.EMAIL, re.compile(r"[\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+")),
    (Kind.DATE, re.compile("|".join(_DATES), re.IGNORECASE)),
    (
        Kind.PHONE,
        re.compile(r"(?<!\d)(?:\+?\d[\s.\-]?)?(?:\(?\d{3}\)?[\s.\-]?)?\d{3}[\s.\-]\d{4}\b"),
    ),
    (
        Kind.RECORD,
        re.compile(
            r"\b(?:mrn|record|expediente)\s*(?:number|n[oº°]\.?|#|:)?\s*\w*\d\w*", re.IGNORECASE
        ),
    ),
    (Kind.RECORD, re.compile(r"\b(?=\w*\d{4})\w{6,}\b")),
)
_CHILD = (
    r"(?:my|our|mi|nuestr[oa])\s+(?:[a-záéíóúñ]+\s+){0,2}?"
    r"(?:son|daughter|child|kid|baby|boy|girl|grand(?:son|daughter)|nephew|niece|brother|sister"
    r"|hij[oa]|niñ[oa]|beb[eé]|niet[oa]|sobrin[oa]|herman[oa]|pequeñ[oa])"
)
_NAMED = r"(?:named|called|name\s+is|se\s+llama|llamad[oa]|nombre\s+es)"
_NAME = r"[A-ZÁÉÍÓÚÑÜ][a-záéíóúñüA-ZÁÉÍÓÚÑÜ'’\-]+(?:\s+[A-ZÁÉÍÓÚÑÜ][a-záéíóúñü'’\-]+)*"
_AFTER = re.compile(rf"(?i:\b(?:{_CHILD}|{_NAMED}))\W{{1,3}}(?P<name>{_NAME})")
_BEFORE = re.compile(
    rf"(?P<name>{_NAME}),?\s+(?i:(?:is\s+|es\s+)?(?:my|our|mi|nuestr[oa])\s+"
    r"(?:son|daughter|child|kid|baby|hij[oa]|niñ[oa]|beb[eé]))\b"
)
_POSSESSIVE = re.compile(rf"\b(?P<name>{_NAME})['’]s\s+(?i:mom|mother|dad|father|parent|grandma)\b")
_SPANISH_PARENT = re.compile(rf"(?i:\b(?:mam[aá]|madre|pap[aá]|padre)\s+de\s+)(?P<name>{_NAME})")
_STARTS = frozenset(
    {"the", "this", "that", "they", "she", "he", "we", "it", "and", "but", "so", "is", "was"}
    | {"el", "la", "los", "las", "ella", "y", "pero", "es", "fue"}
)
"""Words that begin a sentence and are no name."""


@dataclass(frozen=True)
class Piece:
    """A part of a comment that may identify a child."""

    kind: Kind
    start: int
    end: int
    text: str


def pieces(comment: str, known_names: Iterable[str] = ()) -> list[Piece]:
    """Find what may tell who a child is, in the order it stands.

    Args:
        comment: as the family wrote it.
        known_names: words that may stand: the expert's own name.
    """
    known = _STARTS | {word.casefold() for name in known_names for word in name.split()}
    found: list[Piece] = []

    def add(kind: Kind, start: int, end: int) -> None:
        if not any(start < piece.end and piece.start < end for piece in found):
            found.append(Piece(kind, start, end, comment[start:end]))

    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(comment):
            add(kind, match.start(), match.end())
    names = set()
    for pattern in (_AFTER, _BEFORE, _POSSESSIVE, _SPANISH_PARENT):
        for match in pattern.finditer(comment):
            if match["name"].split()[0].casefold() not in known:
                names.add(match["name"])
    # A name once found is a name wherever it stands.
    for name in names:
        for match in re.finditer(rf"\b{re.escape(name)}\b", comment):
            add(Kind.NAME, match.start(), match.end())
    return sorted(found, key=lambda piece: piece.start)
