"""What the inbox keeps for the people who work in it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from hematon.portal.care.models import Case
from hematon.portal.vault.fields import SealedText

NAME_MOST = 40


class SavedFilter(models.Model):
    """One person's own filter of the list.

    Attributes:
        name: as typed.
        codes: of the list's address, checked against what there is each time it is used.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = SealedText()
    codes = models.JSONField(default=dict)
    made_at = models.DateTimeField()

    class Meta:
        """In the order they were kept."""

        ordering = ("made_at", "pk")

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)


class Promised(models.TextChoices):
    """Which promise was not kept."""

    READ = "read", "To be read"
    ANSWER = "answer", "To be answered"
    REPLY = "reply", "To be replied to"


class Escalation(models.Model):
    """Intake was told that a promise was not kept. The row keeps it from being told twice."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="escalations")
    promised = models.CharField(max_length=10, choices=Promised)
    due_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        """Once for each promise; one that was moved and missed again is another."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("case", "promised", "due_at"), name="told_once")
        ]

    def __str__(self) -> str:
        """Name the promise."""
        return f"{self.promised} {self.due_at:%Y-%m-%d %H:%M}"


class Box(models.TextChoices):
    """A box that a text is typed into."""

    NOTE = "note", "Note"
    MESSAGE = "message", "Message"


class Unsaved(models.Model):
    """What somebody typed and did not keep or send yet: it outlives a session that ends.

    Only its writer reads it. It goes when the text is kept or sent, or with the case.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="unsaved")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    box = models.CharField(max_length=10, choices=Box)
    text = SealedText()
    at = models.DateTimeField()

    class Meta:
        """One for each box."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("case", "by", "box"), name="one_unsaved_per_box")
        ]

    def __str__(self) -> str:
        """Name the box, not its text."""
        return f"{self.box} {self.pk}"
