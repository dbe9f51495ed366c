"""The outbox: one row for each mail that is owed.

A row holds no name and no text, and an address only where the account has it no more: sealed, and
until the mail has gone.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from hematon.portal.vault.fields import SealedText


class Kind(models.TextChoices):
    """What a mail says; `texts.py` has the words."""

    MESSAGE_WAITING = "message_waiting", "A message is waiting"
    REQUEST_RECEIVED = "request_received", "A request was received"
    REPORT_READY = "report_ready", "A report is ready"
    DRAFT_ENDS = "draft_ends", "A draft will be deleted"
    VISIT_BOOKED = "visit_booked", "A visit is booked"
    VISIT_CHANGED = "visit_changed", "A visit has moved"
    VISIT_CANCELLED = "visit_cancelled", "A visit is cancelled"
    VISIT_IN_TWO_DAYS = "visit_in_two_days", "Reminder, two days before a visit"
    VISIT_IN_TWO_HOURS = "visit_in_two_hours", "Reminder, two hours before a visit"
    ACCESS_CHANGED = "access_changed", "Somebody's access changed"
    NEW_SIGN_IN = "new_sign_in", "A new sign-in"
    SIGN_IN_CHANGED = "sign_in_changed", "How somebody signs in changed"
    ADDRESS_CHANGED = "address_changed", "An account has another address"
    ACCOUNT_DELETED = "account_deleted", "An account was deleted"
    REVIEW_INVITATION = "review_invitation", "An invitation to review"
    STAFF_TASK = "staff_task", "A task for staff"


class Reason(models.TextChoices):
    """Why the latest try did not succeed."""

    SERVER_SILENT = "server_silent", "The mail server does not answer"
    SERVER_REFUSES = "server_refuses", "The mail server refuses the mail"
    ADDRESS_REFUSED = "address_refused", "The mail server refuses the address"
    ADDRESS_UNUSABLE = "address_unusable", "The address is none"
    ADDRESS_UNREADABLE = "address_unreadable", "The address cannot be opened"
    NO_ADDRESS = "no_address", "The account has no address"
    ACCOUNT_CLOSED = "account_closed", "The account is closed"
    TOO_LATE = "too_late", "It would have come too late"
    WORKER_ENDED = "worker_ended", "The worker ended in the middle of each try"


class Notice(models.Model):
    """One mail to one person.

    `leased_until` keeps others off: a worker that is sending it now, or the pause after a try that
    failed. A row is waiting, sent or failed; a failed one leaves the staff's list when it is sent
    again or settled. `address` is where it goes if not to the account's own; it goes with the mail.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=30, choices=Kind)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=5)
    made_at = models.DateTimeField()
    not_before = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    settled_at = models.DateTimeField(null=True)
    address = SealedText(null=True)

    class Meta:
        """Found by when it is due."""

        indexes: ClassVar = [
            models.Index(
                fields=("not_before",),
                name="notices_waiting",
                condition=Q(sent_at=None, failed_at=None),
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="notice_sent_or_failed_not_both",
                condition=Q(sent_at=None) | Q(failed_at=None),
            ),
            models.CheckConstraint(
                name="notice_failed_for_a_reason",
                condition=Q(failed_at=None) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="notice_settled_after_failing",
                condition=Q(settled_at=None) | Q(failed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="notice_over_has_no_address",
                condition=Q(address__isnull=True) | Q(sent_at=None, settled_at=None),
            ),
        ]

    def __str__(self) -> str:
        """Name the kind and the row."""
        return f"{self.kind} {self.pk}"
