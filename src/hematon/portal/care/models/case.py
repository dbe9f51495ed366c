"""One request from its first saved answer to its end."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from hematon.portal.care.status import (
    OPEN,
    HoldReason,
    Kind,
    RejectReason,
    Stage,
    Status,
)
from hematon.portal.families.models import Child
from hematon.portal.vault.fields import SealedJSON, SealedText


class Band(models.TextChoices):
    """The suggested reading order; it hides nothing and closes nothing."""

    FIRST = "a", "A: read first"
    SAME_DAY = "b", "B: read today"
    NOT_KNOWN = "u", "No data to sort by"
    ROUTINE = "c", "C: routine"


BAND_RANK: dict[str, int] = {Band.FIRST: 1, Band.SAME_DAY: 3, Band.NOT_KNOWN: 4, Band.ROUTINE: 5}
"""Order in the inbox. What cannot be sorted stands above routine; 2 is where signed rules put what
is missing into band A."""


class Case(models.Model):
    """A draft, then a request, then a piece of work; its address is a random id and tells nothing.

    Attributes:
        key: made by the server; a second sending with the same key finds this row.
        digest: keyed hash of what was sent; tells a repeat from another content under the key.
        sender: who sent it; None where no sign-in was asked.
        answers: what the sender said, by key of the question.
        match: keyed hash of the child's name and birth date, to find the same child again.
        child: whom it is about; a person of the team said so, no name or date does by itself.
        ends_at: when a draft is deleted.
        read_due_at: by when a person must have looked at it.
        due_at: by when it must be answered; None while the clock is paused.
        reply_due_at: by when the sender's last message must be answered.
        left: business seconds left on the paused clock.
        records_complete_at: when nothing more was missing; a second opinion's clock begins here.
        answered_at: when the answer was sent: reply, call reached, visit booked, report released.
        answer_read_at: when the sender read it.
        basis: which facts fired and which are missing, with the edition of the thresholds.
        revision: raised by each change; a page from before a change is refused.
        opened_by: who looks at it now; others see the name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    stage = models.CharField(max_length=20, choices=Stage, blank=True)
    reference = models.CharField(max_length=12, unique=True, null=True)
    key = models.CharField(max_length=64, unique=True, null=True)
    digest = models.CharField(max_length=64, blank=True)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="cases"
    )
    language = models.CharField(max_length=5)
    interpreter = models.BooleanField(default=False)
    answers = SealedJSON(default=dict)
    match = models.CharField(max_length=64, blank=True, db_index=True)
    child = models.ForeignKey(Child, null=True, on_delete=models.PROTECT, related_name="cases")
    confidential_to_minor = models.BooleanField(default=False)

    begun_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, db_index=True)
    sent_at = models.DateTimeField(null=True, db_index=True)
    read_due_at = models.DateTimeField(null=True)
    first_read_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, db_index=True)
    reply_due_at = models.DateTimeField(null=True)
    left = models.PositiveIntegerField(null=True)
    records_complete_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer_read_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True, db_index=True)

    band = models.CharField(max_length=2, choices=Band, blank=True)
    rank = models.PositiveSmallIntegerField(default=0)
    basis = SealedJSON(default=dict)
    hold_reason = models.CharField(max_length=20, choices=HoldReason, blank=True)
    reject_reason = models.CharField(max_length=20, choices=RejectReason, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        """What belongs together is there together."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in Status]),
                name="case_status_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status=Status.DRAFT, reference=None, sent_at=None, ends_at__isnull=False
                )
                | (
                    ~models.Q(status=Status.DRAFT)
                    & models.Q(reference__isnull=False, sent_at__isnull=False, ends_at=None)
                ),
                name="case_sent_has_its_reference",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.ON_HOLD) ^ models.Q(hold_reason=""),
                name="case_on_hold_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.REJECTED) ^ models.Q(reject_reason=""),
                name="case_rejected_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(due_at=None) | models.Q(left=None),
                name="case_clock_runs_or_stands",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("status", "rank", "read_due_at"), name="case_reading_order")
        ]

    def __str__(self) -> str:
        """Name the case."""
        return self.reference or f"draft {self.pk}"

    @property
    def is_open(self) -> bool:
        """Say whether something is still owed."""
        return self.status in OPEN


class Step(models.Model):
    """One step of a case; rows are only ever added. Families read these, never the audit."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="steps")
    status = models.CharField(max_length=20, choices=Status)
    stage = models.CharField(max_length=20, choices=Stage, blank=True)
    reason = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        """In the order of what happened."""

        ordering = ("pk",)

    def __str__(self) -> str:
        """Name the step."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.status}"


class Pause(models.Model):
    """A time in which the clock stood; both raw and paused times can be told from these."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="pauses")
    reason = models.CharField(max_length=20, choices=HoldReason)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """One at a time."""

        ordering = ("began_at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("case",), condition=models.Q(ended_at=None), name="one_open_pause"
            )
        ]

    def __str__(self) -> str:
        """Name the pause."""
        return f"{self.began_at:%Y-%m-%d %H:%M} {self.reason}"


class BandMove(models.Model):
    """Somebody thought otherwise about the reading order, and why."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="band_moves")
    before = models.CharField(max_length=2, choices=Band)
    after = models.CharField(max_length=2, choices=Band)
    reason = SealedText()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """In the order of what happened."""

        ordering = ("at", "pk")

    def __str__(self) -> str:
        """Name the move."""
        return f"{self.before} to {self.after}"


class ConsentScope(models.TextChoices):
    """What somebody agreed to."""

    RECORDS = "records", _("The team may read the records I send")
    REPORT_TO_DOCTOR = "report-to-doctor", _("The report may go to the doctor I named")


class Consent(models.Model):
    """An agreement as it was given: which text, in which language, by whom.

    Attributes:
        text: version of the text that was agreed to.
        signer: name and relationship to the child, and for a report the doctor it may go to.
        ended_at: when it was taken back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="consents")
    scope = models.CharField(max_length=20, choices=ConsentScope)
    text = models.CharField(max_length=40)
    language = models.CharField(max_length=5)
    signer = SealedJSON()
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """In the order given."""

        ordering = ("at", "pk")

    def __str__(self) -> str:
        """Name the agreement."""
        return f"{self.scope} {self.text}"
