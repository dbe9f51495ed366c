"""One row for each file that somebody sent. The row is the truth; its content is beside it.

The content stands under `settings.MEDIA_ROOT`, encrypted, under a random name that only the row
knows. A content without a row is an orphan and is swept; a row may be without content when it was
deleted, and then its state says why.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from hematon.portal.vault.fields import SealedText


class State(models.TextChoices):
    """What is known of a file.

    Attributes:
        HELD: nobody has looked for viruses yet; it waits, it is not lost.
        CLEAN: looked at, nothing found.
        INFECTED: the scanner refused it; its content is gone.
        REMOVED: taken back by who sent it, or rejected; its content goes later.
    """

    HELD = "held"
    CLEAN = "clean"
    INFECTED = "infected"
    REMOVED = "removed"


class StoredFile(models.Model):
    """A file.

    Attributes:
        holder: id of the case it belongs to; part of what its content is sealed to.
        step: which question of the case it answers; a key of ours, never typed.
        name: what the family called it, made fit to be shown.
        kind: pdf, jpeg, csv or json.
        size: bytes of the content as kept.
        sha256: hash of the content as kept, before sealing.
        sealed_key: the content's own key, sealed by `vault.sealing.seal_large`.
        stored_as: where the content stands; empty when it was deleted.
        state: see `State`.
        reason: why it is held or was refused; a code.
        flags: what acts in a PDF when it is opened elsewhere; codes of `decode.ACTING`.
        signatures: date of the signatures that it was scanned with.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    holder = models.UUIDField(db_index=True)
    step = models.CharField(max_length=40, blank=True)
    name = SealedText()
    kind = models.CharField(max_length=10)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    sealed_key = models.BinaryField(default=bytes)
    stored_as = models.CharField(max_length=64, blank=True, db_index=True)
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=40, blank=True)
    flags = models.JSONField(default=list)
    taken_at = models.DateTimeField()
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    scanned_at = models.DateTimeField(null=True)
    signatures = models.DateField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "taken_at"], name="files_state_taken")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="files_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="infected") | models.Q(stored_as=""),
                name="files_infected_have_no_content",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="clean") | models.Q(scanned_at__isnull=False),
                name="files_clean_were_scanned",
            ),
            models.CheckConstraint(
                condition=models.Q(state="removed", removed_at__isnull=False)
                | (~models.Q(state="removed") & models.Q(removed_at__isnull=True)),
                name="files_removed_have_a_time",
            ),
        ]

    def __str__(self) -> str:
        """Name the row, never the file."""
        return f"file {self.pk}"

    @property
    def place(self) -> str:
        """Name what the content is sealed to."""
        return place_of(self.pk, self.holder)


def place_of(pk: uuid.UUID, holder: uuid.UUID) -> str:
    """Name what a content is sealed to: it opens for this file of this case and nowhere else."""
    return f"files.storedfile:{pk}:{holder}"
