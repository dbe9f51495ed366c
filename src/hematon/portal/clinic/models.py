"""An uploaded record, sealed, for the hour in which its report is read and downloaded."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.conf import settings
from django.db import models

from hematon.portal.vault.fields import SealedBytes

KEPT_FOR: Final = timedelta(hours=1)


class Upload(models.Model):
    """What one person uploaded in one session. Its address is a random id and says nothing.

    The content is encrypted with a key that is not in the database, so that neither the file of
    the database nor a backup of it holds a child's values.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=64, db_index=True)
    kept_at = models.DateTimeField(db_index=True)
    setting = models.CharField(max_length=40)
    content = SealedBytes()

    def __str__(self) -> str:
        """Name the upload by its id alone."""
        return str(self.pk)

    def open(self, now: datetime) -> bytes | None:
        """Give the content; None once its hour is over.

        Raises:
            SealBrokenError: it is not what was kept.
        """
        return self.content if now < self.kept_at + KEPT_FOR else None


class Feedback(models.Model):
    """What a clinician thought of one report: codes alone, and no word about the child.

    The input hash and the versions say which report it was; the record itself is not kept.
    """

    class Outcome(models.TextChoices):
        """As CDS Hooks names them."""

        ACCEPTED = "accepted", "I agree with it"
        OVERRIDDEN = "overridden", "I disagree with it"

    class Reason(models.TextChoices):
        """Why not."""

        EVIDENCE_WRONG = "evidence_wrong", "The evidence shown is wrong or out of date"
        EVIDENCE_MISSING = "evidence_missing", "Evidence that matters is missing"
        RANK = "rank", "It stands too high or too low"
        ALREADY_KNOWN = "already_known", "It is known or ruled out already"
        NOT_FOR_THIS_CHILD = "not_for_this_child", "It does not fit this child for another reason"

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    input_hash = models.CharField(max_length=64)
    engine = models.CharField(max_length=40)
    knowledge = models.CharField(max_length=64)
    setting = models.CharField(max_length=40)
    condition = models.CharField(max_length=60, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)

    class Meta:
        """Latest first; a disagreement says why."""

        ordering = ("-id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(outcome="accepted", reason="")
                | (models.Q(outcome="overridden") & ~models.Q(reason="")),
                name="disagreement_has_a_reason",
            )
        ]

    def __str__(self) -> str:
        """Name the outcome."""
        return f"{self.at:%Y-%m-%d} {self.outcome}"


def mark_of(session_key: str) -> str:
    """Give what stands for a session in a row: enough to compare, useless to sign in with."""
    return hashlib.sha256(session_key.encode()).hexdigest()
