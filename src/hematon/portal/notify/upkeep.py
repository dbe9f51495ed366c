"""What the outbox lets go and shows to administrators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hematon.portal.notify.models import Notice
from hematon.portal.ui.upkeep import Line, State, health

WAITS: timedelta = timedelta(minutes=15)
"""A mail that should have gone by then has not."""


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
    yield Line(
        "Could not be sent",
        str(failed),
        State.ATTENTION if failed else State.GOOD,
        "See the list of mail that could not be sent." if failed else "",
    )
