"""Texts that a message to a family begins with; a person changes and sends them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation
from pydantic import BaseModel, ConfigDict, ValidationError

from hematon.portal.care.ask_forms import RECORDS
from hematon.portal.care.models import Case
from hematon.portal.care.status import HoldReason, Kind
from hematon.portal.ui.site import site

_FILE = Path(__file__).parent / "replies.yaml"
_HERE: Final = frozenset({"have"})
"""What a family said of a record that counts as being there, until somebody looks."""


class Reply(BaseModel):
    """One text.

    Attributes:
        name: what staff choose it by.
        kinds: requests it fits; empty for all.
        holds: what the request waits for once it is sent; none if it goes on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kinds: tuple[Kind, ...] = ()
    holds: HoldReason | None = None
    en: str
    es: str

    def fits(self, kind: str) -> bool:
        """Say whether it is offered for a kind of request."""
        return not self.kinds or kind in self.kinds


@lru_cache(maxsize=1)
def replies() -> Mapping[str, Reply]:
    """Give every text by its code.

    Raises:
        ImproperlyConfigured: the file is wrong; the message names the place.
    """
    try:
        said = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
        return {code: Reply.model_validate(text) for code, text in said.items()}
    except (yaml.YAMLError, ValidationError) as error:
        raise ImproperlyConfigured(f"{_FILE}: {error}") from error


def offered(case: Case) -> Mapping[str, Reply]:
    """Give the texts that fit a case."""
    return {code: reply for code, reply in replies().items() if reply.fits(case.kind)}


def text_of(reply: Reply, case: Case) -> str:
    """Give a text in the language of a case, with what it names filled in."""
    language = case.language if case.language in ("en", "es") else "en"
    with translation.override(language):
        day = site().phones.day
        filled = {
            "records": _missing(case.answers, language),
            "phone": day.number,
            "hours": str(day.hours),
            "emergency": site().phones.emergency,
        }
    text: str = getattr(reply, language)
    # Not str.format: what a family typed never is in these texts, and a stray brace is no fault.
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    return text.strip()


def _missing(answers: Mapping[str, Any], language: str) -> str:
    said = answers.get("records")
    said = said if isinstance(said, Mapping) else {}
    open_ = [label for code, label in RECORDS if said and said.get(code) not in _HERE]
    names = [f"- {label}" for label in open_]
    nothing = {"en": "- [Name each record here.]", "es": "- [Escriba aquí cada documento.]"}
    return "\n".join(names) or nothing[language]
