"""The words that a family agrees to, by edition; an old edition can be read as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from hematon.portal.care.models import ConsentScope
from hematon.portal.ui.site import InBoth

_FILE: Final = Path(__file__).parent / "consents.yaml"


class Edition(BaseModel):
    """One text.

    Attributes:
        id: kept with each consent.
        scope: what it lets the team do.
        points: the words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    scope: ConsentScope
    points: tuple[InBoth, ...]

    @property
    def sha256(self) -> str:
        """Give the hash of the words in both languages."""
        return sha256(self.points)


def sha256(points: Iterable[InBoth]) -> str:
    """Give the hash of words in both languages."""
    words = json.dumps([point.model_dump() for point in points], ensure_ascii=False)
    return hashlib.sha256(words.encode()).hexdigest()


@lru_cache(maxsize=1)
def editions() -> dict[str, Edition]:
    """Give every edition there ever was, by its id."""
    rows = TypeAdapter(list[Edition]).validate_python(
        yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    )
    return {row.id: row for row in rows}


def edition(scope: ConsentScope) -> Edition:
    """Give the edition that is asked for now."""
    return [row for row in editions().values() if row.scope == scope][-1]
