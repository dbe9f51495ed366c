"""What a roster may say about an expert, from two files, and how families read it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, ValidationError

from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import RatingRules
from hematon.portal.ui.site import InBoth

FOLDER = Path(__file__).parent


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoleEntry(_Strict):
    """One kind of work in the programme, and what it is for a family."""

    name: InBoth
    does: InBoth


class _Words(_Strict):
    en: list[str]
    es: list[str]


class Vocabulary(_Strict):
    """Every code that an expert's entry may hold."""

    roles: dict[str, RoleEntry]
    specialties: dict[str, InBoth]
    conditions: dict[str, InBoth]
    languages: dict[str, InBoth]
    pronouns: dict[str, InBoth]
    states: dict[str, InBoth]
    fixed_reply: InBoth
    concern_words: _Words

    @property
    def words_of_concern(self) -> tuple[str, ...]:
        """Words of both languages: a family may write in either, whatever the page's."""
        return (*self.concern_words.en, *self.concern_words.es)


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Give the codes and their names.

    Raises:
        ImproperlyConfigured: the file is wrong.
    """
    file = FOLDER / "vocabulary.yaml"
    try:
        found = Vocabulary.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error
    return found


@lru_cache(maxsize=1)
def credentials() -> dict[str, InBoth]:
    """Give what the letters after a name mean.

    Raises:
        ImproperlyConfigured: the file is wrong.
    """
    file = FOLDER / "credentials.yaml"
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {letters: InBoth.model_validate(entry) for letters, entry in raw.items()}
    except (yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{file}: {error}") from error


def named(entries: Mapping[str, InBoth], codes: list[str]) -> list[str]:
    """Give the names of codes in the page's language; a code no longer known is left out."""
    return [str(entries[code]) for code in codes if code in entries]


def is_surveyed(role: str) -> bool:
    """Say whether families are asked to rate people in this role."""
    return role not in current(RatingRules).excluded_roles


def unknown_roles(rules: RatingRules) -> str:
    """Say which roles of the rating rules are none; empty when all are known."""
    unknown = sorted(set(rules.excluded_roles) - set(vocabulary().roles))
    return f"excluded_roles: {', '.join(unknown)} is not a role of the directory" if unknown else ""
