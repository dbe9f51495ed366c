"""Browsers in which somebody has signed in before, known again by a cookie that names nobody.

Whoever knows an address can ask for codes to it until the limit is reached. A browser that has
shown a code, or a passkey, of that address has a limit of its own, which no stranger can use up.
The cookie holds a random name and, for each address, a keyed hash of both: it opens nothing, says
no address, and is worth nothing for another address or in another browser's cookie.
"""

from __future__ import annotations

import re
import secrets
from typing import Final, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from hematon.portal.vault.sealing import blind_index

KEPT_DAYS: Final = 180
MOST: Final = 4
"""Addresses that one browser is known for: a parent's, another parent's, a clinician's."""
_COOKIE = re.compile(r"([\w-]{22})((?:\.[0-9a-f]{32}){1,4})", re.ASCII)
R = TypeVar("R", bound=HttpResponseBase)


def name_for(request: HttpRequest, index: str) -> str:
    """Give the browser's name if it is known for an address; else nothing.

    Args:
        request: from the browser.
        index: keyed hash of the address.
    """
    name, marks = _read(request)
    wanted = _mark(name, index)
    return name if any(constant_time_compare(wanted, mark) for mark in marks) else ""


def remember(request: HttpRequest, response: R, index: str) -> R:
    """Let a browser in which somebody has just signed in be known for the address from now on."""
    name, marks = _read(request)
    name = name or secrets.token_urlsafe(16)
    mark = _mark(name, index)
    marks = [mark, *(m for m in marks if m != mark)][:MOST]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        ".".join([name, *marks]),
        max_age=KEPT_DAYS * 86400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    found = _COOKIE.fullmatch(request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, ""))
    return (found[1], found[2].split(".")[1:]) if found else ("", [])


def _mark(name: str, index: str) -> str:
    return blind_index(f"{name}:{index}", "accounts.known_browser")[:32]
