"""What the learn app shows to administrators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hematon.portal.learn.review import queue
from hematon.portal.ui.upkeep import Line, State, health


@health("Pages")
def lines(now: datetime) -> Iterator[Line]:
    """Say how many pages are past their review, and how many come due."""
    rows = queue(now.date()).rows
    past = sum(row.days_left < 0 for row in rows)
    soon = sum(0 <= row.days_left <= 30 for row in rows)
    state = State.ATTENTION if past else State.GOOD
    fix = "See the list of pages." if past else ""
    yield Line(
        "Past their review", f"{past} of {len(rows)}, {soon} more within 30 days", state, fix
    )
