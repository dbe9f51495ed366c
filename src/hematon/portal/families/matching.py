"""Finding the same child again without being able to read the names that are searched.

Two spellings of one name become one key: letters' case, accents, hyphens, apostrophes and the order
of the names do not matter. Nothing sounds alike here: a key that is equal is a reason to look, and
a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

from hematon.portal.vault.sealing import blind_index

# Letters that are not a letter with an accent.
_ALIKE: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_APOSTROPHES: Final = re.compile("['\u2018\u2019\u02bc\u00b4`]")
_NAMES: Final = re.compile(r"[^\W\d_]+")


def name_key(name: str) -> str:
    """Give what two spellings of one name share; empty when there is no letter."""
    joined = _APOSTROPHES.sub("", name)
    parts = unicodedata.normalize("NFKD", joined.casefold()).translate(_ALIKE)
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return " ".join(sorted(_NAMES.findall(plain)))


def child_index(name: str, birth_date: date) -> str:
    """Give what a child of this name and birth date is found by."""
    return blind_index(f"{name_key(name)}|{birth_date.isoformat()}", "families.child")


def birth_index(birth_date: date) -> str:
    """Give what children of this birth date are found by."""
    return blind_index(birth_date.isoformat(), "families.birth_date")


def record_index(number: str) -> str:
    """Give what a medical record number is found by; empty for none."""
    plain = "".join(c for c in number.casefold() if c.isalnum())
    return blind_index(plain, "families.record_number") if plain else ""
