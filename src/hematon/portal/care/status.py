"""Where a case stands, and which steps there are. The codes are those of FHIR's Task.

draft ──> received ──> accepted ──> in-progress ──> completed
             │             │  └──> on-hold ──┘          (reopened: in-progress)
             └─────────────┴──> rejected | cancelled
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What is asked for."""

    QUESTION = "question", _("Question about a child's condition")
    SECOND_OPINION = "second-opinion", _("Second opinion")
    START = "start", _("Get started as a patient")
    LEARN_MORE = "learn-more", _("Learn more about the team")
    REFERRAL = "referral", _("Referral by a clinician")
    CALL = "call", _("Ask to be called")


class Status(models.TextChoices):
    """Where it stands, in words that a family reads too."""

    DRAFT = "draft", _("Not sent yet")
    RECEIVED = "received", _("We have it")
    ACCEPTED = "accepted", _("We are working on it")
    IN_PROGRESS = "in-progress", _("A specialist is working on it")
    ON_HOLD = "on-hold", _("Waiting")
    COMPLETED = "completed", _("Finished")
    REJECTED = "rejected", _("We could not take this request")
    CANCELLED = "cancelled", _("You took it back")


class HoldReason(models.TextChoices):
    """What a case waits for."""

    FAMILY = "family", _("We wait for an answer from you")
    RECORDS = "records", _("We wait for records")
    RESULT = "result", _("We wait for a test result")
    TEAM = "team", _("We wait for someone on our team")


class RejectReason(models.TextChoices):
    """Why a case is not taken. Each comes with a reply in words."""

    NOT_OURS = "not-ours", "Another service is right for this child"
    PLACE = "place", "The family lives where we may not help"
    DUPLICATE = "duplicate", "The same request was sent before"
    NOW = "now", "Could not wait: sent to emergency care"
    NO_ANSWER = "no-answer", "No answer from the sender"


class Stage(models.TextChoices):
    """How far the work is, beside the status; FHIR's businessStatus."""

    NONE = "", ""
    SCHEDULED = "scheduled", _("A visit is booked")
    BEING_WRITTEN = "being-written", _("The report is being written")
    REPORT_RETURNED = "report-returned", _("The report was sent")
    REPORT_READ = "report-read", _("The report was read")


TRANSITIONS: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.RECEIVED}),
    Status.RECEIVED: frozenset({Status.ACCEPTED, Status.REJECTED, Status.CANCELLED}),
    Status.ACCEPTED: frozenset(
        {
            Status.IN_PROGRESS,
            Status.ON_HOLD,
            Status.COMPLETED,
            Status.REJECTED,
            Status.CANCELLED,
        }
    ),
    Status.IN_PROGRESS: frozenset(
        {Status.ON_HOLD, Status.COMPLETED, Status.REJECTED, Status.CANCELLED}
    ),
    Status.ON_HOLD: frozenset({Status.IN_PROGRESS, Status.REJECTED, Status.CANCELLED}),
    Status.COMPLETED: frozenset({Status.IN_PROGRESS}),
    Status.REJECTED: frozenset(),
    Status.CANCELLED: frozenset(),
}
OPEN = frozenset({Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS, Status.ON_HOLD})
"""Something is still owed."""
CLOSED = frozenset({Status.COMPLETED, Status.REJECTED, Status.CANCELLED})
