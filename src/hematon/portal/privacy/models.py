"""Emergency openings of one record, each with a reason, an end and a review."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from hematon.portal.accounts.models import User
from hematon.portal.vault.fields import SealedText


class Finding(models.TextChoices):
    """What the privacy officer made of an opening."""

    IN_ORDER = "in_order", "In order"
    FOLLOW_UP = "follow_up", "To be followed up"


class BreakGlass(models.Model):
    """One person may open one record until an hour is over, and says why.

    `subject` names the record by kind and id, as the audit does. The row is also the privacy
    officer's task: it is open until it has a finding, which someone else must give.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=80)
    reason = SealedText()
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    finding = models.CharField(max_length=20, blank=True, choices=Finding)
    note = SealedText(null=True)

    class Meta:
        """Found by who has what open; a review is whole or absent."""

        indexes: ClassVar = [models.Index(fields=("user", "subject", "expires_at"))]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reviewed_whole",
                condition=models.Q(reviewed_at=None, reviewed_by=None, finding="")
                | models.Q(reviewed_at__isnull=False, reviewed_by__isnull=False)
                & ~models.Q(finding=""),
            ),
            models.CheckConstraint(
                name="reviewed_by_another",
                condition=models.Q(reviewed_by=None) | ~models.Q(reviewed_by=models.F("user")),
            ),
        ]

    def __str__(self) -> str:
        """Name the record."""
        return self.subject
