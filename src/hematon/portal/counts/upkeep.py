"""What the counts app lets go."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.counts.actions import purge_expired
from hematon.portal.counts.models import CountsPicture
from hematon.portal.ui.upkeep import purges


@purges("pictures of printouts")
def purge_pictures(*, now: datetime, dry: bool) -> int:
    """Delete pictures whose day is over."""
    return CountsPicture.objects.filter(purge_at__lte=now).count() if dry else purge_expired(at=now)
