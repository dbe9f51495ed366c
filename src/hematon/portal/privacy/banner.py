"""Emergencies on staff pages: what is open now, and the way in where a record is refused."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

from django.db import DatabaseError
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from hematon.portal.accounts.models import User
from hematon.portal.privacy.access import MAY_BREAK, open_now
from hematon.portal.privacy.models import BreakGlass

_log = logging.getLogger(__name__)


_RECORD = re.compile(r"(/staff/cases/([0-9a-f-]{36})/)")
"""Where the pages of a record are, by its address."""


def context(request: HttpRequest) -> dict[str, list[BreakGlass] | Callable[[], str]]:
    """Give the openings that run now, and the way to another; nothing on pages for families."""
    if not request.path_info.startswith("/staff/"):
        return {}
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    try:
        return {
            "broken_glass": list(open_now(user, timezone.now())),
            "emergency_access": lambda: _way_in(request, user),
        }
    except DatabaseError:
        # The page that says so has a top as well.
        _log.exception("emergency openings could not be looked up")
        return {}


def _way_in(request: HttpRequest, user: User) -> str:
    """Give where a record that is not this person's is opened in an emergency; empty: nowhere.

    It is given whether or not there is such a record: a page that says "not there" tells no more.
    """
    found = _RECORD.match(request.path_info)
    if found is None or not user.holds(*MAY_BREAK):
        return ""
    back, pk = found.groups()
    try:
        where = reverse("break_glass", kwargs={"word": "case", "pk": uuid.UUID(pk)})
    except ValueError:
        return ""
    return f"{where}?{urlencode({'next': back})}"
