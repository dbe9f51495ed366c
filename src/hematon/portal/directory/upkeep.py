"""What the directory app shows to administrators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hematon.portal.directory.models import Claim, LicensedState
from hematon.portal.ui.upkeep import Line, State, health

SOON = timedelta(days=60)


@health("Licenses and awards")
def lines(now: datetime) -> Iterator[Line]:
    """Say what ends soon, or has ended and is not shown any more."""
    today = now.date()
    licenses = LicensedState.objects.filter(expert__active=True)
    claims = Claim.objects.filter(withdrawn=False)
    for name, rows, day in (
        ("Licenses", licenses, "expires"),
        ("Awards and facts", claims, "valid_to"),
    ):
        over = rows.filter(**{f"{day}__lt": today}).count()
        soon = rows.filter(**{f"{day}__gte": today, f"{day}__lte": today + SOON}).count()
        state = State.ATTENTION if over or soon else State.GOOD
        fix = "Renew them in the roster or take them out." if over or soon else ""
        yield Line(name, f"{over} ended, {soon} end within 60 days", state, fix)
