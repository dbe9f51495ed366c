"""How long staff stay signed in: 15 minutes idle, 8 hours in all, by the server's own stamps.

The browser's cookie says nothing about time: both stamps are kept on the server, and a session
without them is over.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

STAFF_ONLY = ("/staff/", "/sign-in/")
"""Where it matters who is signed in. Pages for families never touch the session for this."""
_SIGNED_IN, _SEEN = "staff_signed_in_at", "staff_seen_at"


def _now() -> float:
    return timezone.now().timestamp()


@receiver(user_logged_in)
def begin(request: HttpRequest, user: AbstractBaseUser, **kwargs: object) -> None:
    """Stamp the session at sign-in."""
    request.session[_SIGNED_IN] = request.session[_SEEN] = _now()


def is_over(session: SessionBase) -> bool:
    """Say whether a signed-in session has been idle, or has lasted, too long."""
    now = _now()
    try:
        idle, lasted = now - session[_SEEN], now - session[_SIGNED_IN]
    except KeyError:
        return True
    return bool(idle > settings.STAFF_IDLE_SECONDS or lasted > settings.SESSION_COOKIE_AGE)


def touch(session: SessionBase) -> None:
    """Note that the person did something now."""
    session[_SEEN] = _now()


def seconds_left(session: SessionBase) -> int:
    """Give how long the session lasts if nothing is done."""
    left = settings.SESSION_COOKIE_AGE - (_now() - session[_SIGNED_IN])
    return max(0, int(min(settings.STAFF_IDLE_SECONDS, left)))


def context(request: HttpRequest) -> dict[str, int]:
    """Give pages of signed-in staff how long their session lasts, so that they can warn."""
    if not request.path_info.startswith(STAFF_ONLY) or _SIGNED_IN not in request.session:
        return {}
    return {"staff_session_seconds": seconds_left(request.session)}
