"""A family's request to be called, and what became of it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Relationship(models.TextChoices):
    """Who asks."""

    PARENT = "parent", _("Parent")
    GUARDIAN = "guardian", _("Legal guardian or foster parent")
    RELATIVE = "relative", _("Grandparent or other relative")
    PATIENT = "patient", _("I am the patient")
    PROFESSIONAL = "professional", _("Health professional who cares for the child")


class About(models.TextChoices):
    """What the call is about: one of the doors, or something else."""

    ABOUT_US = "about-us", _("Learn more about your team")
    QUESTIONS = "questions", _("Questions about a child's condition")
    SECOND_OPINION = "second-opinion", _("A second opinion")
    START = "start", _("Get started as a new patient")
    VIDEO = "video-visit", _("A video visit")
    COUNTS = "blood-counts", _("Blood counts")
    OTHER = "other", _("Something else")


class Time(models.TextChoices):
    """When to call; the form adds the hours of the office."""

    ANY = "any", _("Any time")
    MORNING = "morning", _("Morning")
    AFTERNOON = "afternoon", _("Afternoon")


class Language(models.TextChoices):
    """Which language to call in."""

    ENGLISH = "en", _("English")
    SPANISH = "es", _("Spanish")
    OTHER = "other", _("Another language")


class Status(models.TextChoices):
    """Where a request stands. Staff alone read these."""

    WAITING = "waiting", "Waiting for a call"
    NOT_REACHED = "not_reached", "Called, not reached"
    CALLED = "called", "Called"


TRANSITIONS: dict[str, frozenset[str]] = {
    Status.WAITING: frozenset({Status.CALLED, Status.NOT_REACHED}),
    # Trying again is a change of its own, so that every attempt is on record.
    Status.NOT_REACHED: frozenset({Status.CALLED, Status.NOT_REACHED}),
    Status.CALLED: frozenset(),
}
OPEN = (Status.WAITING, Status.NOT_REACHED)
NOTE_MOST = 500


class CallbackRequest(models.Model):
    """One request to be called.

    `key` was made by the server before it was sent and holds a second copy off. `id` is random,
    so that an address tells nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=64, unique=True)
    reference = models.CharField(max_length=12, unique=True)
    relationship = models.CharField(max_length=20, choices=Relationship)
    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=40)
    time = models.CharField(max_length=20, choices=Time)
    language = models.CharField(max_length=20, choices=Language)
    other_language = models.CharField(max_length=60, blank=True)
    interpreter = models.BooleanField()
    about = models.CharField(max_length=20, choices=About)
    note = models.TextField(max_length=NOTE_MOST, blank=True)
    counts = models.JSONField(null=True)
    page_language = models.CharField(max_length=5)
    status = models.CharField(max_length=20, choices=Status, default=Status.WAITING)
    sent_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        """Statuses are only the ones named."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in Status]),
                name="callback_status_is_known",
            )
        ]

    def __str__(self) -> str:
        """Name the request."""
        return self.reference

    @property
    def is_open(self) -> bool:
        """Say whether a call is still owed."""
        return self.status in OPEN

    @property
    def dials(self) -> str:
        """Give what a phone dials, without the extension."""
        return self.phone.partition(" ext ")[0]


class StatusChange(models.Model):
    """One step of a request; rows are only ever added."""

    request = models.ForeignKey(CallbackRequest, on_delete=models.PROTECT, related_name="changes")
    status = models.CharField(max_length=20, choices=Status)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        """Name the step."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.status}"
