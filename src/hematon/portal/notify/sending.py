"""The worker's side of the outbox: lease a row, send one mail, stamp the row.

The lease is committed before anything is sent and the stamp after the mail server's yes, so a
notice is never lost. A worker that dies between the two leaves a lease that lapses; the notice then
goes once more, with the same Message-ID (docs/decisions/0028). No two workers lease the same row:
the lease is an UPDATE that names the state it expects.
"""

from __future__ import annotations

import smtplib
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F

from hematon.portal.notify import access
from hematon.portal.notify.models import Kind, Notice, Reason
from hematon.portal.notify.texts import compose
from hematon.portal.vault.sealing import SealBrokenError

MOST_TRIES = 8
LEASE = timedelta(minutes=10)
"""Longer than any mail takes: a server that answers each step at the last moment needs some three
minutes (EMAIL_TIMEOUT times about nine steps)."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60))
"""After the first to the seventh failed try; 22 hours in all."""
LATEST = {
    Kind.VISIT_IN_TWO_HOURS: timedelta(minutes=90),
    Kind.VISIT_IN_TWO_DAYS: timedelta(hours=36),
}
"""How late a reminder may still go; after that it would say what is no longer so."""
_SERVER_TROUBLE = (
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPSenderRefused,
)
"""What the next notice would meet as well."""


@dataclass(frozen=True)
class Sent:
    """What one pass did."""

    sent: int = 0
    put_back: int = 0
    failed: int = 0


class _NotSentError(Exception):
    """One try came to nothing."""

    def __init__(self, reason: Reason, *, final: bool = False, all_meet_it: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.final, self.all_meet_it = reason, final, all_meet_it


def send_due(at: datetime, limit: int = 100, *, seconds: float = 45) -> Sent:
    """Send what is due, the oldest first, until there is no more, or enough was done.

    Where mail is not set up nothing is taken, and everything waits.

    Args:
        at: now; time that passes while sending is added to it.
        limit: most mails of this pass.
        seconds: begin no mail after that many.

    Returns:
        How many were sent, put back for a later try, and given up.
    """
    if not settings.MAIL_IS_ON:
        return Sent()
    began = time.monotonic()
    sent = put_back = failed = 0
    pks = list(access.due(at=at).values_list("pk", flat=True)[:limit])
    connection = get_connection()
    try:
        for pk in pks:
            passed = time.monotonic() - began
            if passed > seconds:
                break
            notice = _lease(pk, at + timedelta(seconds=passed))
            if notice is None:
                continue
            try:
                _send(notice, connection, at + timedelta(seconds=passed))
            except _NotSentError as error:
                over = _put_back(notice, error, _now(at, began))
                failed, put_back = failed + over, put_back + (not over)
                # What is left of a broken conversation must not be spoken into.
                connection.close()
                if error.all_meet_it:
                    break
            else:
                _stamp(notice, _now(at, began))
                sent += 1
    finally:
        connection.close()
    return Sent(sent, put_back, failed)


def _now(at: datetime, began: float) -> datetime:
    return at + timedelta(seconds=time.monotonic() - began)


def _lease(pk: uuid.UUID, now: datetime) -> Notice | None:
    """Take one row; None when another worker was first."""
    # Durable: an outer transaction would send before the lease is kept, and Django refuses it.
    with transaction.atomic(durable=True):
        taken = (
            access.due(at=now)
            .order_by()
            .filter(pk=pk)
            .update(leased_until=now + LEASE, attempts=F("attempts") + 1)
        )
    return Notice.objects.select_related("user").filter(pk=pk).first() if taken else None


def _send(notice: Notice, connection: BaseEmailBackend, now: datetime) -> None:
    """Send one mail.

    Raises:
        _NotSentError: it was not, with the reason.
    """
    kind = Kind(notice.kind)
    if kind in LATEST and now > notice.not_before + LATEST[kind]:
        raise _NotSentError(Reason.TOO_LATE, final=True)
    if notice.attempts > MOST_TRIES:
        # Nothing but a worker that ended leaves a row with all its tries and no verdict.
        raise _NotSentError(Reason.WORKER_ENDED, final=True)
    try:
        address = notice.address
        if address is None and not notice.user.is_active:
            raise _NotSentError(Reason.ACCOUNT_CLOSED, final=True)
        address = address or notice.user.mail_address
    except SealBrokenError as error:
        raise _NotSentError(Reason.ADDRESS_UNREADABLE) from error
    if not address:
        raise _NotSentError(Reason.NO_ADDRESS, final=True)
    try:
        mail = compose(notice, address)
    except ValidationError as error:
        raise _NotSentError(Reason.ADDRESS_UNUSABLE, final=True) from error
    try:
        connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        final = all(500 <= code < 600 for code in codes)
        raise _NotSentError(Reason.ADDRESS_REFUSED, final=final) from error
    except UnicodeError as error:
        # A domain that cannot be written in ASCII.
        raise _NotSentError(Reason.ADDRESS_UNUSABLE, final=True) from error
    except _SERVER_TROUBLE as error:
        raise _NotSentError(Reason.SERVER_SILENT, all_meet_it=True) from error
    except smtplib.SMTPException as error:
        raise _NotSentError(Reason.SERVER_REFUSES) from error
    except OSError as error:
        raise _NotSentError(Reason.SERVER_SILENT, all_meet_it=True) from error


def _stamp(notice: Notice, now: datetime) -> None:
    # Whoever holds the lease by now: the mail has gone.
    Notice.objects.filter(pk=notice.pk, sent_at=None).update(
        sent_at=now, leased_until=None, failed_at=None, settled_at=None, reason="", address=None
    )


def _put_back(notice: Notice, error: _NotSentError, now: datetime) -> bool:
    """Keep a notice for a later try, or give it up.

    Returns:
        Whether it was given up.
    """
    over = error.final or notice.attempts >= MOST_TRIES
    # Only while the lease is ours: another worker may have taken a row that took us too long.
    ours = Notice.objects.filter(pk=notice.pk, sent_at=None, leased_until=notice.leased_until)
    if over:
        ours.update(failed_at=now, reason=error.reason, leased_until=None)
    else:
        ours.update(leased_until=now + PAUSES[notice.attempts - 1], reason=error.reason)
    return over
