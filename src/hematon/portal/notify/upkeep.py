"""What the outbox lets go and shows to administrators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import get_connection

from hematon.portal.notify.models import Notice, Reason
from hematon.portal.ui.upkeep import Line, State, health

WAITS: timedelta = timedelta(minutes=15)
"""A mail that should have gone by then has not."""
PATIENCE: Final = 3
"""Seconds for the mail server to say that it is there."""


def _answers() -> str:
    if not settings.MAIL_IS_ON:
        return "not set up"
    connection = get_connection(timeout=PATIENCE)
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        return f"does not answer: {type(error).__name__}"
    finally:
        connection.close()
    return "answers"


@health("Mail")
def lines(now: datetime) -> Iterator[Line]:
    """Say how many mails are owed, how many late, and how many could not be sent."""
    owed = Notice.objects.filter(sent_at=None, failed_at=None)
    late = owed.filter(not_before__lt=now - WAITS).count()
    failed = Notice.objects.filter(failed_at__isnull=False, settled_at=None).count()
    yield Line(
        "Owed",
        f"{owed.count()}, {late} late",
        State.ATTENTION if late else State.GOOD,
        "Look at the worker and the mail server." if late else "",
    )
    silent = owed.filter(reason__in=(Reason.SERVER_SILENT, Reason.SERVER_REFUSES)).count()
    answers = _answers()
    wrong = bool(silent) or answers != "answers"
    fix = "Look at the mail server. Mail waits; families cannot get sign-in codes."
    if not settings.MAIL_IS_ON:
        fix = "Set HEMATON_EMAIL_URL. Mail waits; families cannot get sign-in codes."
    yield Line(
        "Mail server",
        answers + (f", {silent} mails wait for it" if silent else ""),
        State.ATTENTION if wrong else State.GOOD,
        fix if wrong else "",
    )
    yield Line(
        "Could not be sent",
        str(failed),
        State.ATTENTION if failed else State.GOOD,
        "See the list of mail that could not be sent." if failed else "",
    )
