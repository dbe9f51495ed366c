"""Model fields that are encrypted in the database and opened when they are read.

A value is sealed to its model, field and row, so it needs a primary key that is known before the
row is saved: a UUID with a default. Opening waits until the attribute is read; a list of rows costs
nothing for what it does not show. Such a field cannot be filtered, ordered or set by `update()`;
`sealing.blind_index` finds equal values.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from hematon.portal.vault.sealing import seal, unseal

if TYPE_CHECKING:
    _Binary = models.BinaryField[Any, Any]
else:
    _Binary = models.BinaryField


@dataclass(frozen=True)
class Sealed:
    """A value as it stands in the database."""

    content: bytes

    def __repr__(self) -> str:
        """Say that it is closed."""
        return "Sealed(...)"


class _Opening(DeferredAttribute):
    """Opens a value at its first reading and keeps it with the instance."""

    field: SealedField

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = self.field.opened(value.content, instance.pk)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedField(_Binary, ABC):
    """Base of the encrypted fields; subclasses say how a value becomes bytes."""

    descriptor_class = _Opening
    empty_strings_allowed = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    @abstractmethod
    def to_bytes(self, value: Any) -> bytes:
        """Write a value down."""

    @abstractmethod
    def to_value(self, plain: bytes) -> Any:
        """Read it back."""

    def place(self, pk: object) -> str:
        """Name the place of a row's value; part of what is authenticated."""
        return f"{self.model._meta.label_lower}.{self.name}:{pk}"

    def opened(self, content: bytes, pk: object) -> Any:
        """Open what is stored.

        Raises:
            SealBrokenError: it was changed or moved.
        """
        return self.to_value(unseal(content, self.place(pk)))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        """Keep it closed."""
        return None if value is None else Sealed(bytes(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        """Seal the value; one that was never opened goes back as it came."""
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        if model_instance.pk is None:
            raise FieldError(f"{self.model.__name__} needs its key before {self.name} is sealed")
        return Sealed(seal(self.to_bytes(value), self.place(model_instance.pk)))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Let sealed values through, and nothing else."""
        if value is not None and not isinstance(value, Sealed):
            raise FieldError(f"{self.name} is sealed: set it on a row and save the row")
        return super().get_db_prep_value(value and value.content, connection, prepared)

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow asking whether there is a value, and nothing about it."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is sealed and cannot be searched")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        """Refuse: a dump would hold it in the open."""
        raise FieldError(f"{self.name} is sealed and is not written out")


class SealedBytes(SealedField):
    """Bytes as they are."""

    def to_bytes(self, value: bytes) -> bytes:
        """Give them."""
        return value

    def to_value(self, plain: bytes) -> bytes:
        """Give them."""
        return plain


class SealedText(SealedField):
    """A text."""

    def to_bytes(self, value: str) -> bytes:
        """Write it as UTF-8."""
        return value.encode()

    def to_value(self, plain: bytes) -> str:
        """Read it."""
        return plain.decode()


class SealedDate(SealedField):
    """A calendar date."""

    def to_bytes(self, value: date) -> bytes:
        """Write it as ISO 8601."""
        return value.isoformat().encode()

    def to_value(self, plain: bytes) -> date:
        """Read it."""
        return date.fromisoformat(plain.decode())


class SealedJSON(SealedField):
    """Lists, mappings, texts, numbers and booleans."""

    def to_bytes(self, value: Any) -> bytes:
        """Write it; equal values give equal bytes."""
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    def to_value(self, plain: bytes) -> Any:
        """Read it."""
        return json.loads(plain)


def sealed_fields() -> Iterator[SealedField]:
    """Give every encrypted field of the portal, for the rotation of keys."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedField):
                yield field
