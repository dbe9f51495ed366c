"""What is said about a case: messages with the sender, notes among the team."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from hematon.portal.care.models.case import Case
from hematon.portal.vault.fields import SealedText

MESSAGE_MOST = 4000


class Message(models.Model):
    """A message between the sender and the team. It never leaves the portal.

    Attributes:
        from_staff: whether the team wrote it.
        template: name of the template it was begun with; empty when it was written freely.
        confidential_to_minor: a parent does not see it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="messages")
    key = models.CharField(max_length=64, unique=True)
    from_staff = models.BooleanField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    text = SealedText()
    language = models.CharField(max_length=5)
    template = models.CharField(max_length=40, blank=True)
    confidential_to_minor = models.BooleanField(default=False)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        """In the order written."""

        ordering = ("at", "pk")

    def __str__(self) -> str:
        """Name the message, not its text."""
        return f"{self.at:%Y-%m-%d %H:%M}"


class Note(models.Model):
    """What the team writes for itself. No family and no referring clinician ever reads it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    text = SealedText()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """In the order written."""

        ordering = ("at", "pk")

    def __str__(self) -> str:
        """Name the note, not its text."""
        return f"{self.at:%Y-%m-%d %H:%M}"
