"""Which columns hold the sealed key of a file, so that a rotation of keys finds them.

A file's content is sealed with a key of its own, and that key with the ring's (`seal_large`). The
app that keeps such a column says here where it is and how its place is written; an encrypted field
needs no line, `fields.sealed_fields` finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from hematon.portal.vault.fields import SealedField

COLUMN = "sealed_key"
"""What such a column is called everywhere; one that is not registered fails a test."""


@dataclass(frozen=True)
class SealedKey:
    """A column of sealed keys.

    Attributes:
        model: whose.
        field: name of the column's field.
        needs: further fields of the row that the place is written from.
        place: gives the place that the key was sealed for, from the row's key and `needs`.
    """

    model: type[models.Model]
    field: str
    needs: tuple[str, ...]
    place: Callable[..., str]


_registered: dict[str, SealedKey] = {}


def sealed_key(
    model: type[models.Model],
    *,
    place: Callable[..., str],
    needs: tuple[str, ...] = (),
    field: str = COLUMN,
) -> None:
    """Register a column; call it in the app's `ready`.

    Args:
        model: whose.
        place: as in `SealedKey`; called with the row's key, then the values of `needs`.
        needs: as in `SealedKey`.
        field: as in `SealedKey`.
    """
    _registered[f"{model._meta.label_lower}.{field}"] = SealedKey(model, field, needs, place)


def sealed_keys() -> tuple[SealedKey, ...]:
    """Give every registered column."""
    return tuple(_registered.values())


def unregistered() -> list[str]:
    """Name every column of that name that no app registered: a rotation would lose its files."""
    found: list[str] = []
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            name = f"{model._meta.label_lower}.{field.name}"
            plain: Any = isinstance(field, models.BinaryField) and not isinstance(
                field, SealedField
            )
            if field.name == COLUMN and plain and name not in _registered:
                found.append(name)
    return found
