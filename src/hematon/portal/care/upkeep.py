"""What the care app lets go, shows to administrators, and opens in a restore drill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hematon.portal.care import drafts, ending, leaving
from hematon.portal.care.models import Case
from hematon.portal.care.status import OPEN
from hematon.portal.ui.upkeep import Line, State, health, purges


@purges("requests that were begun and not sent")
def purge_drafts(*, now: datetime, dry: bool) -> int:
    """Delete drafts whose time is over."""
    return drafts.over(now).count() if dry else drafts.purge(now)


@purges("requests, closed")
def purge_closed(*, now: datetime, dry: bool) -> int:
    """Delete closed cases that need not be kept any longer."""
    return len(list(ending.over(now))) if dry else ending.purge(now)


@purges("links between an adult and a child, ended")
def purge_links(*, now: datetime, dry: bool) -> int:
    """Delete links that ended, or gave nothing any more, longer ago than they are kept."""
    return len(leaving.ended(now)) if dry else leaving.purge_links(now)


@health("Requests")
def lines(now: datetime) -> Iterator[Line]:
    """Say how many requests are open, how many are late, and how many nobody has read."""
    waiting = Case.objects.filter(status__in=OPEN)
    late = waiting.filter(due_at__lt=now).count()
    unread = waiting.filter(first_read_at=None, read_due_at__lt=now).count()
    yield Line(
        "Open requests",
        f"{waiting.count()}, {late} past their time",
        State.ATTENTION if late else State.GOOD,
        "Answer these first; see the list of requests." if late else "",
    )
    yield Line(
        "Not read in time",
        str(unread),
        State.ATTENTION if unread else State.GOOD,
        "Read these today; see the list of requests." if unread else "",
    )
