"""What the accounts app lets go."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.accounts import codes
from hematon.portal.accounts.models import StoredSession
from hematon.portal.ui.upkeep import purges


@purges("sessions, with the drafts in them")
def purge_sessions(*, now: datetime, dry: bool) -> int:
    """Delete sessions that are over."""
    over = StoredSession.objects.filter(ends_at__lt=now)
    return over.count() if dry else over.delete()[0]


@purges("codes that were mailed, with their addresses")
def purge_codes(*, now: datetime, dry: bool) -> int:
    """Delete codes that ran out, whether or not anybody asks for another."""
    over = codes.over(now)
    return over.count() if dry else over.delete()[0]
