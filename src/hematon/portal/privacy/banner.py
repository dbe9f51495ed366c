"""What a person has open in an emergency, for the top of every staff page."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone

from hematon.portal.accounts.models import User
from hematon.portal.privacy.access import open_now
from hematon.portal.privacy.models import BreakGlass

_log = logging.getLogger(__name__)


def context(request: HttpRequest) -> dict[str, list[BreakGlass]]:
    """Give the openings that run now; nothing on pages for families."""
    if not request.path_info.startswith("/staff/"):
        return {}
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    try:
        return {"broken_glass": list(open_now(user, timezone.now()))}
    except DatabaseError:
        # The page that says so has a top as well.
        _log.exception("emergency openings could not be looked up")
        return {}
