"""One row for each thing a person did or looked at; holds who and what, never a value."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from hematon.portal.audit.events import EVENTS


class Outcome(models.TextChoices):
    """How it went."""

    SUCCESS = "success", "Done"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"


class Purpose(models.TextChoices):
    """Why a record was used; codes of HL7's PurposeOfUse."""

    TREATMENT = "TREAT", "Treatment"
    EMERGENCY = "BTG", "Break-glass"
    OPERATIONS = "HOPERAT", "Running the service"
    REQUESTED = "PATRQT", "Asked for by the family"


class Event(models.Model):
    """Something that happened. Rows are only ever added, by `record`.

    `sequence` has no gap and `chain` signs the row together with the one before it; decision 0027
    says how. `action` is a key of `events.EVENTS`; `subject` and `patient` name things by kind and
    id; `detail` holds counts and codes, never a name, a number or a text someone typed. `client`
    is a keyed hash of the address the request came from.
    """

    sequence = models.BigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=80, blank=True, db_index=True)
    patient = models.CharField(max_length=80, blank=True, db_index=True)
    purpose = models.CharField(max_length=10, blank=True, choices=Purpose)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.SUCCESS)
    route = models.CharField(max_length=80, blank=True)
    client = models.CharField(max_length=32, blank=True)
    detail = models.JSONField(default=dict)
    chain = models.CharField(max_length=64)

    class Meta:
        """Latest first."""

        ordering = ("-id",)

    def __str__(self) -> str:
        """Name the action."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"

    @property
    def told(self) -> str:
        """Say what happened in a sentence; of an action that is no longer known, its name."""
        known = EVENTS.get(self.action)
        return known.text if known else self.action
