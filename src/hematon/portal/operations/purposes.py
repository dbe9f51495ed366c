"""What every column of the database is for, and what class of data it is; `purposes.yaml` says."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from django.apps import apps
from django.db import models
from pydantic import BaseModel, ConfigDict, Field

from hematon.portal.vault.fields import SealedField
from hematon.portal.vault.large import COLUMN


class Purpose(BaseModel):
    """A line of the file.

    Attributes:
        data: identifying (who a family is), clinical (what a child has), credential (lets somebody
            sign in) or operational (everything else: states, times, codes, staff's work address,
            what the site publishes).
        purpose: why it is kept, one sentence.
        open_because: why an identifying or clinical column is not sealed; only where it is not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Literal["identifying", "clinical", "credential", "operational"]
    purpose: str = Field(min_length=5)
    open_because: str = ""


@lru_cache(maxsize=1)
def purposes() -> dict[str, Purpose]:
    """Read the file: by `app.model.field`."""
    said = yaml.safe_load((Path(__file__).parent / "purposes.yaml").read_text(encoding="utf-8"))
    return {
        f"{model}.{name}": Purpose.model_validate(_line(line))
        for model, lines in said.items()
        for name, line in lines.items()
    }


def _line(line: list[str]) -> dict[str, str]:
    # A comma that should have been quoted would cut a sentence in two.
    return dict(zip(("data", "purpose", "open_because"), line, strict=len(line) > 2))


def columns() -> Iterator[tuple[str, models.Field[Any, Any]]]:
    """Give every column of every model with its name, those of libraries included."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            yield f"{model._meta.label_lower}.{field.name}", field


def problems() -> list[str]:
    """Give every column without a line, line without a column, and secret that stands open."""
    said, there = purposes(), dict(columns())
    found = [f"{name}: no line says what it is for" for name in sorted(there.keys() - said.keys())]
    found += [f"{name}: there is no such column" for name in sorted(said.keys() - there.keys())]
    for name in sorted(there.keys() & said.keys()):
        line, sealed = said[name], is_sealed(there[name])
        private = line.data in {"identifying", "clinical"}
        if private and not sealed and not line.open_because:
            found.append(f"{name}: {line.data} and not sealed; seal it or say why not")
        if line.open_because and (sealed or not private):
            found.append(f"{name}: says why it is open, and is not")
    return found


def is_sealed(field: models.Field[Any, Any]) -> bool:
    """Say whether a column holds nothing that can be read without the keys."""
    return isinstance(field, SealedField) or field.name == COLUMN


def in_the_open() -> list[str]:
    """Name every column of a backup that matters and that the keys do not protect."""
    there = dict(columns())
    return sorted(
        name
        for name, line in purposes().items()
        if line.data != "operational" and name in there and not is_sealed(there[name])
    )
