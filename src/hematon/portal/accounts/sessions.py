"""How long people stay signed in, by the server's own stamps, and in which browsers.

Staff: 15 minutes idle, 8 hours in all. Families: 30 minutes and 24 hours. The browser's cookie says
nothing about time: a session without its stamps, or whose row was ended elsewhere, is over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone

from hematon.portal.accounts import notices
from hematon.portal.accounts.models import BrowserSession, Kind, User

STAFF_ONLY = ("/staff/", "/sign-in/")
"""Pages of staff. Nobody else who is signed in may open what is closed there."""
KEPT: Final = timedelta(days=90)
"""How long ended rows stay, by which a sign-in from a new browser is told from a usual one."""
_SEEN_EVERY: Final = timedelta(minutes=1)
_SIGNED_IN, _SEEN, _ROW, _CONFIRMED = "signed_in_at", "seen_at", "browser_session", "confirmed_at"
_LISTED: Final = "listed_at"
"""When the session's row was last told that it was seen."""
_BROWSERS: Final = (
    ("edge", r"\bEdgA?/|\bEdgiOS/"),
    ("opera", r"\bOPR/"),
    ("samsung", r"SamsungBrowser/"),
    ("firefox", r"Firefox/|FxiOS/"),
    ("chrome", r"Chrome/|CriOS/|Chromium/"),
    ("safari", r"Safari/"),
)
"""In this order: most name others too."""


@dataclass(frozen=True)
class Limits:
    """How long a session lasts, in seconds."""

    idle: int
    whole: int


def limits(user: AbstractBaseUser) -> Limits:
    """Give the limits of the person's kind."""
    kind = user.kind if isinstance(user, User) else Kind.STAFF
    if kind == Kind.FAMILY:
        return Limits(settings.FAMILY_IDLE_SECONDS, settings.FAMILY_SESSION_SECONDS)
    if kind == Kind.REFERRER:
        return Limits(settings.FAMILY_IDLE_SECONDS, settings.STAFF_SESSION_SECONDS)
    return Limits(settings.STAFF_IDLE_SECONDS, settings.STAFF_SESSION_SECONDS)


def _now() -> float:
    return timezone.now().timestamp()


@receiver(user_logged_in)
def begin(request: HttpRequest, user: User, **kwargs: object) -> None:
    """Stamp the session at sign-in and note the browser; one that is new is told by mail."""
    at = timezone.now()
    agent = request.META.get("HTTP_USER_AGENT", "")
    with transaction.atomic():
        user.browser_sessions.filter(seen_at__lt=at - KEPT).delete()
        usual = set(user.browser_sessions.values_list("browser", flat=True))
        row = BrowserSession.objects.create(
            user=user,
            browser=browser_of(agent),
            is_phone=bool(re.search(r"Mobi|Android|iPhone|iPad", agent)),
            began_at=at,
            seen_at=at,
        )
        if usual and row.browser not in usual:
            notices.new_browser(row)
    request.session[_SIGNED_IN] = request.session[_SEEN] = at.timestamp()
    request.session[_LISTED] = at.timestamp()
    request.session[_ROW] = str(row.pk)
    request.session.pop(_CONFIRMED, None)


@receiver(user_logged_out)
def end_own(request: HttpRequest, user: User | None, **kwargs: object) -> None:
    """Note that the browser's session ended."""
    row = request.session.get(_ROW)
    if user is not None and row:
        end(user=user, only=UUID(row))


@receiver(authenticator_used)
def confirmed_by_factor(
    request: HttpRequest, authenticator: Authenticator, reauthenticated: bool, **kwargs: object
) -> None:
    """Note that a second factor was shown again. A recovery code is no sign of presence."""
    if reauthenticated and authenticator.type != Authenticator.Type.RECOVERY_CODES:
        confirm(request)


def confirm(request: HttpRequest) -> None:
    """Note that the person has just shown who they are."""
    request.session[_CONFIRMED] = _now()


def was_confirmed(request: HttpRequest) -> bool:
    """Say whether the person has shown who they are in the last minutes."""
    at = request.session.get(_CONFIRMED, 0.0)
    return bool(_now() - at < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def browser_of(agent: str) -> str:
    """Give the make of a browser from what it says of itself."""
    return next((name for name, mark in _BROWSERS if re.search(mark, agent)), "other")


def is_over(request: HttpRequest, user: User) -> bool:
    """Say whether a session has been idle, or has lasted, too long, or was ended elsewhere."""
    now, of = _now(), limits(user)
    try:
        idle, lasted = now - request.session[_SEEN], now - request.session[_SIGNED_IN]
        row = request.session[_ROW]
    except KeyError:
        return True
    if idle > of.idle or lasted > of.whole:
        return True
    return not user.browser_sessions.filter(pk=row, ended_at=None).exists()


def touch(request: HttpRequest, user: User) -> None:
    """Note that the person did something now; the list of sessions knows it by the minute."""
    at = timezone.now()
    request.session[_SEEN] = at.timestamp()
    # Not asked of the database: even an UPDATE of nothing makes SQLite's writers queue, and this
    # is done for every page.
    if at.timestamp() - request.session.get(_LISTED, 0.0) >= _SEEN_EVERY.total_seconds():
        user.browser_sessions.filter(pk=request.session[_ROW]).update(seen_at=at)
        request.session[_LISTED] = at.timestamp()


def current(user: User) -> list[BrowserSession]:
    """Give the person's sessions that have not ended by themselves."""
    at, of = timezone.now(), limits(user)
    return list(
        user.browser_sessions.filter(
            ended_at=None,
            # A minute of grace: the row is written once a minute.
            seen_at__gt=at - timedelta(seconds=of.idle + 60),
            began_at__gt=at - timedelta(seconds=of.whole),
        )
    )


def own_row(request: HttpRequest) -> str:
    """Give the id of this browser's session; empty when nobody is signed in."""
    return str(request.session.get(_ROW, ""))


def end(*, user: User, only: UUID | None = None, but: str = "") -> int:
    """End sessions of a person; each is over at its next request.

    Args:
        user: whose.
        only: this one alone.
        but: this one stays.
    """
    rows = user.browser_sessions.filter(ended_at=None)
    if only is not None:
        rows = rows.filter(pk=only)
    if but:
        rows = rows.exclude(pk=but)
    return rows.update(ended_at=timezone.now())


def seconds_left(request: HttpRequest, user: User) -> int:
    """Give how long the session lasts if nothing is done."""
    of = limits(user)
    left = of.whole - (_now() - request.session[_SIGNED_IN])
    return max(0, int(min(of.idle, left)))


def is_closed(request: HttpRequest) -> bool:
    """Say whether the page asked for is only for people who are signed in."""
    try:
        return bool(getattr(resolve(request.path_info).func, "login_required", True))
    except Resolver404:
        return False


def context(request: HttpRequest) -> dict[str, Any]:
    """Give closed pages how long the session lasts, so that they can warn.

    Pages that anyone may open never ask who is there.
    """
    if not (request.path_info.startswith(STAFF_ONLY) or is_closed(request)):
        return {}
    user = getattr(request, "user", None)
    if not isinstance(user, User) or _SIGNED_IN not in request.session:
        return {}
    left = seconds_left(request, user)
    if user.kind == Kind.STAFF:
        on_staff_page = request.path_info.startswith(STAFF_ONLY)
        return {"staff_session_seconds": left} if on_staff_page else {}
    return {"account_session_seconds": left, "account_idle_minutes": limits(user).idle // 60}
