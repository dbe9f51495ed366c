"""Editions of a programme's rules: made, signed, never changed."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models

from hematon.portal.vault.fields import SealedText

NOTE_MOST = 500


class Kind(models.TextChoices):
    """What the rules are about. The name of the shipped default is the value."""

    THRESHOLDS = "thresholds", "Reading order"
    PROMISES = "promises", "Promises and clocks"
    AGES = "ages", "Age rules"
    RATINGS = "ratings", "Ratings"
    RETENTION = "retention", "How long things are kept"
    VENDORS = "vendors", "Video companies"


class AppendOnlyError(TypeError):
    """Code tried to change or delete an edition."""


class Editions(models.QuerySet["Edition"]):
    """Rows that are added and read."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("editions are not changed; make a new one")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("editions are not deleted; make a new one")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("editions are not changed; make a new one")

    def sign(self, *, by: models.Model, at: Any) -> bool:
        """Put a name and a time where there is none; the one change a row ever sees.

        Returns:
            Whether it did: False when the edition was signed before.
        """
        unsigned = self.filter(signed_at__isnull=True)
        return models.QuerySet.update(unsigned, signed_by=by, signed_at=at) == 1


class Edition(models.Model):
    """One edition of one kind of rule."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    number = models.PositiveIntegerField()
    value = models.JSONField()
    note = SealedText()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(null=True)

    objects = Editions.as_manager()

    class Meta:
        """Numbered from 1 in each kind; a signature is a name and a time, both or neither."""

        ordering = ("kind", "-number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("kind", "number"), name="one_edition_per_number"),
            models.CheckConstraint(
                condition=models.Q(number__gte=1), name="editions_count_from_one"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in Kind]),
                name="edition_kind_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(signed_by__isnull=True, signed_at__isnull=True)
                | models.Q(
                    signed_by__isnull=False,
                    signed_at__isnull=False,
                    signed_at__gte=models.F("made_at"),
                ),
                name="a_signature_has_a_name_and_a_time",
            ),
        ]

    def __str__(self) -> str:
        """Name the edition."""
        return f"{self.get_kind_display()}, edition {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a row; a row that is there stays as it is."""
        if not self._state.adding:
            raise AppendOnlyError("editions are not changed; make a new one")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("editions are not deleted; make a new one")
