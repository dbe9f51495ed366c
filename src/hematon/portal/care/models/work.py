"""What the team did to a case, by revision, and which children it is not about."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from hematon.portal.care.models.case import Case
from hematon.portal.families.models import Child


class What(models.TextChoices):
    """What raised a revision. Staff alone read these."""

    STEPPED = "stepped", "Status changed"
    STAGED = "staged", "Stage of the work changed"
    RECORDS = "records", "Records complete"
    ASSIGNED = "assigned", "Owner changed"
    REVIEWER = "reviewer", "Reviewer changed"
    BAND = "band", "Reading order moved"
    CALL = "call", "Called, not reached"
    MESSAGE = "message", "Message written"
    FILES = "files", "Files came"
    MATCHED = "matched", "Matched to a child"
    UNMATCHED = "unmatched", "Match taken back"
    NOT_THIS = "not-this", "Said not to be one of the children found"
    CONFIDENTIAL = "confidential", "Who may see it changed"


class Change(models.Model):
    """One revision of a sent case. Rows are only ever added; no family reads them.

    A person whose page is stale is told from these what happened since.

    Attributes:
        code: of the status, stage or band it went to.
        to: whom it was given to.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="changes")
    revision = models.PositiveIntegerField()
    what = models.CharField(max_length=20, choices=What)
    code = models.CharField(max_length=20, blank=True)
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        """In the order of what happened; one for each revision."""

        ordering = ("revision",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("case", "revision"), name="one_change_per_revision")
        ]

    def __str__(self) -> str:
        """Name the change."""
        return f"{self.revision} {self.what}"


class NotThisChild(models.Model):
    """Somebody compared a case with a child and said that it is about another."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="not_these")
    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Said once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("case", "child"), name="said_once_not_this_child")
        ]

    def __str__(self) -> str:
        """Name the rows."""
        return f"{self.case_id} is not about {self.child_id}"
