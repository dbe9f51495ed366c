"""What every answer must tell a browser in production, whoever asked (T-21, T-22, T-23).

The judge of `tools/prove_headers.py` and of its short form in the tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from unittest import mock

from django.core.cache import cache
from django.http.response import HttpResponseBase
from django.test import Client, override_settings

from portal_cells import ANONYMOUS, people
from portal_routes import Route

PRODUCTION: Final = {
    "SESSION_COOKIE_NAME": "__Host-session",
    "CSRF_COOKIE_NAME": "__Host-csrf",
    "LANGUAGE_COOKIE_NAME": "__Host-language",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "LANGUAGE_COOKIE_SECURE": True,
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 2 * 365 * 86400,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
}
"""As settings.py sets them without HEMATON_DEMO; test_browser_rules.py holds the two together."""
SAID: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
}
POLICY: Final = ("default-src 'none'", "frame-ancestors 'none'")
"""Of every document; a page of the site has more, which test_browser_rules.py spells out."""
DEVICES: Final = ("device_test",)
METHODS: Final = ("GET", "HEAD", "POST", "PUT")
ERRORS: Final = (400, 403, 404, 405, 429, 500, 503, 507)
"""Pages of errors that a sweep must have seen."""


def judged(
    answer: HttpResponseBase, *, devices: bool = False, static: bool = False
) -> Iterator[tuple[bool, str]]:
    """Give every rule that an answer is held to: whether it keeps it, and what to say if not."""
    said = answer.headers
    for name, value in SAID.items():
        yield said.get(name) == value, f"{name} is {said.get(name)!r}"
    policy = said.get("Content-Security-Policy", "")
    for part in ("unsafe", "http:", "*"):
        yield part not in policy, f"the policy has {part}"
    allowed = said.get("Permissions-Policy", "")
    for device in ("camera", "microphone", "geolocation", "payment", "usb"):
        own = devices and f"{device}=(self)" in allowed
        yield own or f"{device}=()" in allowed, f"{device} is not closed"
    for name in ("Server", "X-Powered-By"):
        yield name not in said, f"it names {name}"
    for name, cookie in answer.cookies.items():
        right = cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax"
        bound = name.startswith("__Host-") and cookie["path"] == "/" and not cookie["domain"]
        yield right and bound, f"the cookie {name} is {cookie.OutputString()[:200]}"
    if not static:
        for part in POLICY:
            yield part in policy, f"the policy lacks {part}"
        yield "no-store" in said.get("Cache-Control", ""), "it may be stored"


def amiss(answer: HttpResponseBase) -> list[str]:
    """Give every rule that an answer breaks."""
    return [what for keeps, what in judged(answer) if not keeps]


@dataclass
class Sweep:
    """What was asked and what was wrong.

    Attributes:
        asked: answers by status.
        rules: how many times a rule was held against an answer.
        cookies: how many were set, by name.
        wrong: each broken rule with its place.
    """

    asked: Counter[int] = field(default_factory=Counter)
    rules: int = 0
    cookies: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def judge(self, place: str, answer: HttpResponseBase, **how: bool) -> None:
        """Look at one answer."""
        self.asked[answer.status_code] += 1
        self.cookies.update(answer.cookies.keys())
        for keeps, what in judged(answer, **how):
            self.rules += 1
            if not keeps:
                self.wrong.append(f"{place} {answer.status_code}: {what}")

    def routes(self, routes: list[Route]) -> None:
        """Ask each of these by every person and method; needs the database."""
        with override_settings(**PRODUCTION):
            known = people()
            for client in known.values():
                client.raise_request_exception = False
                client.handler.enforce_csrf_checks = False
            for route in routes:
                cache.clear()
                for person, client in known.items():
                    self._route(route, person, client)

    def _route(self, route: Route, person: str, client: Client) -> None:
        # Signing out ends the session of who walks; the page is asked by nobody's.
        if "logout" in route.name or "sign_out" in route.name:
            client = Client(raise_request_exception=False)
        for address in route.addresses:
            for method in METHODS:
                answer = client.generic(method, address, secure=True)
                place = f"{person} {method} {address}"
                self.judge(place, answer, devices=route.name in DEVICES)

    def errors(self) -> None:
        """Every page of an error, and plain HTTP."""
        with override_settings(**PRODUCTION):
            for place, answer in _errors(Client(raise_request_exception=False)):
                self.judge(f"{ANONYMOUS} {place}", answer)


def _errors(client: Client) -> Iterator[tuple[str, HttpResponseBase]]:
    from django.db import OperationalError

    yield "GET nothing", client.get("/en/nothing-here/", secure=True)
    yield "PUT", client.put("/en/", secure=True)
    yield "too large", client.post("/language", {"x": "y" * 1_100_000}, secure=True)
    yield "by its length", client.post("/language", {}, secure=True, CONTENT_LENGTH="64000001")
    yield "another host", client.get("/en/", secure=True, headers={"host": "elsewhere.invalid"})
    strict = Client(enforce_csrf_checks=True)
    yield "forged", strict.post("/language", {"language": "es"}, secure=True)
    for error in (RuntimeError(), OperationalError(), OSError(28, "")):
        with mock.patch("hematon.portal.learn.views.render", side_effect=error):
            yield type(error).__name__, client.get("/en/words/", secure=True)
    with mock.patch("hematon.portal.accounts.sign_in_views.codes.ask") as asked:
        from hematon.portal.accounts.codes import Asked

        asked.return_value = Asked.TOO_MANY
        fields = {"address": "one@tests.invalid"}
        yield "too many", client.post("/en/account/sign-in/", fields, secure=True)
    yield "probe", client.get("/healthz", secure=True)
