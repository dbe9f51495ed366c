"""The way into a video room, by the programme's own choice: none, a link, or Jitsi with a token.

A way in is made at the click of someone who may join, and is kept, mailed and logged nowhere.
Nothing but that person's browser ever speaks to the video host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import Vendors
from hematon.portal.visits.models import Appointment

EARLY: Final = timedelta(minutes=15)
LATE: Final = timedelta(minutes=30)


@dataclass(frozen=True)
class Video:
    """What the settings say.

    Attributes:
        back_end: `link` or `jitsi`.
        address: the link with {room}, or the host's address.
        app_id: Jitsi's; names this portal to it.
        secret: Jitsi's; signs tokens.
        agreed_on: when the vendor's agreement on health information was signed.
    """

    back_end: Literal["link", "jitsi"]
    address: str
    app_id: str = ""
    secret: bytes = b""
    agreed_on: date | None = None


def video(day: date) -> Video | None:
    """Give the back end; None while there is none, or no agreement with its vendor holds.

    Where the signed rules name vendors, one of their agreements must hold too: it can end there.
    """
    found: Video | None = _read(settings.VIDEO)
    if found is None or found.agreed_on is None or found.agreed_on > day:
        return None
    named = current(Vendors).video
    if named and not any(vendor.may_carry(day) for vendor in named):
        return None
    return found


def _read(given: dict[str, Any] | None) -> Video | None:
    return Video(**given) if given else None


def is_open(visit: Appointment, at: datetime) -> bool:
    """Say whether the room is open: from 15 minutes before to 30 minutes after."""
    return visit.slot.starts_at - EARLY <= at <= visit.slot.ends_at + LATE


def way_in(visit: Appointment, back_end: Video, *, host: bool) -> str:
    """Make the address that leads one person into the room.

    Args:
        visit: the visit; whether the person may join was looked at before.
        back_end: of `video`.
        host: whether the person is of the team.
    """
    room = quote(visit.room, safe="")
    if back_end.back_end == "link":
        return back_end.address.replace("{room}", room)
    claims = {
        "aud": "jitsi",
        "iss": back_end.app_id,
        "sub": urlsplit(back_end.address).hostname,
        "room": visit.room,
        "nbf": int((visit.slot.starts_at - EARLY).timestamp()),
        "exp": int((visit.slot.ends_at + LATE).timestamp()),
        # No name: the people in the room say who they are.
        "context": {
            "user": {"name": "Team" if host else "Family", "moderator": "true" if host else "false"}
        },
    }
    token = sign(claims, back_end.secret)
    return f"{back_end.address.rstrip('/')}/{room}?{urlencode({'jwt': token})}"


def sign(claims: dict[str, Any], secret: bytes) -> str:
    """Write a token (RFC 7519) signed with HMAC-SHA256."""
    head = _part(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    body = _part(json.dumps(claims, separators=(",", ":")).encode())
    signed = f"{head}.{body}"
    return f"{signed}.{_part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
