"""Findings by name: the groups a page offers, and a search through every term of the ontology.

A finding is an HPO id or a finding id of the knowledge, as the engine takes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from hematon.portal.clinic.reading import knowledge
from hematon.portal.opinions.stated import name_of

MOST_FOUND: Final = 20
SHORTEST: Final = 3
"""Fewer letters are in too many names."""

_GROUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "now": ("Signs now", ("sign:None",)),
    "bleeding": ("Bleeding and pallor", ("phenotype:bleeding", "phenotype:anaemia")),
    "infection": (
        "Fever and infection",
        ("phenotype:constitutional", "phenotype:infection", "phenotype:mouth"),
    ),
    "lymph": (
        "Liver, spleen and lymph nodes",
        ("phenotype:reticuloendothelial", "phenotype:liver", "phenotype:lymph"),
    ),
    "growth": (
        "Birth, growth and development",
        ("phenotype:growth", "phenotype:neonatal", "phenotype:neuro", "phenotype:endocrine"),
    ),
    "skin": ("Skin, hair and nails", ("phenotype:skin",)),
    "bones": (
        "Arms, bones and joints",
        ("phenotype:radial", "phenotype:bone", "phenotype:joint"),
    ),
    "organs": (
        "Face, eyes, ears and organs",
        (
            *("phenotype:face", "phenotype:eye", "phenotype:hearing", "phenotype:heart"),
            *("phenotype:lung", "phenotype:gut", "phenotype:gu", "phenotype:renal"),
            "phenotype:vacterl",
        ),
    ),
    "course": ("Course over time", ("pattern:time",)),
    "family": ("Family and earlier history", ("history:family",)),
    "exposure": ("Exposures", ("exposure:exposure",)),
    "tests": ("Marrow and tests", ("marrow:marrow", "test:test", "test:genes")),
}
"""By key: what the group is called, and the groups of the knowledge in it. What counts alone tell
is in none: it is computed."""

ABSENT: Final = (
    *("HP:0004322", "HP:0001172", "HP:0000957", "HP:0007427", "HP:0008404", "HP:0002745"),
    *("HP:0001744", "HP:0002240", "HP:0002716", "HP:0002653", "HP:0001945", "HP:0000978"),
    *("HP:0001738", "HP:0000407", "FH_CONSANG", "FH_SIB", "FH_TBD", "FH_MDS_AML", "EXP_DRUG"),
    "EXP_VIRAL_4W",
)
"""What is worth saying when it was looked for and not there."""


@dataclass(frozen=True)
class Group:
    """Findings that a page offers together."""

    key: str
    name: str
    findings: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def groups() -> tuple[Group, ...]:
    """Give the groups in the order of the page, each finding by code and name."""
    held: dict[str, list[tuple[str, str]]] = {}
    for code, info in knowledge().findings.items():
        held.setdefault(f"{info.kind}:{info.group}", []).append((code, info.name))
    return tuple(
        Group(key, name, tuple(pair for part in parts for pair in held[part]))
        for key, (name, parts) in _GROUPS.items()
    )


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Give every name by code: the ontology's, and over them the knowledge's own."""
    return {**dict(knowledge().annotations.terms()), **_own()}


@lru_cache(maxsize=1)
def _own() -> Mapping[str, str]:
    return {code: info.name for code, info in knowledge().findings.items()}


@lru_cache(maxsize=1)
def _words() -> tuple[tuple[str, str], ...]:
    return tuple((code, plain(name)) for code, name in _names().items())


def plain(text: str) -> str:
    """Give letters and digits alone, between spaces: hyphens and accents do not matter."""
    kept = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in kept if c.isascii())))


def is_finding(code: str) -> bool:
    """Say whether there is a finding of this code."""
    return code in _names()


def named(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Give codes with their names."""
    return [(code, name_of(code)) for code in codes]


def search(typed: str) -> list[tuple[str, str]]:
    """Find findings in whose names every typed word begins a word.

    Those that the knowledge itself names come first, then the shortest names.

    Args:
        typed: a name or a part of it, or an HPO id.

    Returns:
        At most `MOST_FOUND`, each by code and name.
    """
    code = typed.strip().upper()
    if is_finding(code):
        return named([code])
    words = plain(typed).split()
    if sum(map(len, words)) < SHORTEST:
        return []
    found = [
        code
        for code, name in _words()
        if all(f" {word}" in f" {name}" for word in words) and not code.startswith("LAB_")
    ]
    found.sort(key=lambda code: (code not in _own(), len(name_of(code)), name_of(code)))
    return named(found[:MOST_FOUND])
