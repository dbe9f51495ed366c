"""The record as it was pasted or uploaded, until the referral is sent."""

from __future__ import annotations

import uuid

from django.db import models

from hematon.portal.care.models import Case
from hematon.portal.vault.fields import SealedBytes


class Record(models.Model):
    """What a clinician gave to be read, so that it can be shown, corrected and read again.

    The team gets it as a file of the case; this row goes when the referral is sent, and with its
    draft.

    Attributes:
        content: as pasted or uploaded.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="record")
    content = SealedBytes()
    kept_at = models.DateTimeField()

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)
