"""What the clinic app lets go."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.clinic.actions import purge
from hematon.portal.clinic.models import KEPT_FOR, Upload
from hematon.portal.ui.upkeep import purges


@purges("uploaded records")
def purge_uploads(*, now: datetime, dry: bool) -> int:
    """Delete uploads whose hour is over."""
    over = Upload.objects.filter(kept_at__lt=now - KEPT_FOR)
    return over.count() if dry else purge(now=now)
