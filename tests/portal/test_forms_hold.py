"""Every form of the portal: forged, replayed, redirected and fuzzed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from io import StringIO
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.apps import apps
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from hematon.portal.accounts.models import Role, User
from portal_forms import CANARY, MARK, Found, fill, forms_of
from portal_routes import names, route_of, routes

POSTS = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 400
WRITTEN_BY_READING = {"accounts.StoredSession", "audit.Event", "accounts.BrowserSession"}
ENDS_THE_SESSION = (
    "/logout/",
    "/totp/deactivate/",
    "/sign-out/",
    "/account/delete/",
    "/end-sessions/",
)
WITHOUT_TOKEN = {"csp_report"}
"""Browsers send these by themselves; what is sent is not kept."""
ELSEWHERE = (
    "https://evil.invalid/",
    "http://evil.invalid",
    "//evil.invalid/",
    "///evil.invalid/",
    "////evil.invalid/",
    "/\\evil.invalid/",
    "\\\\evil.invalid/",
    "/\t/evil.invalid/",
    "/\n/evil.invalid/",
    "https:evil.invalid",
    "https:/evil.invalid",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://testserver@evil.invalid/",
    "http://testserver.evil.invalid/",
    "//testserver\\@evil.invalid/",
    " https://evil.invalid/",
    "\x00https://evil.invalid/",
    "ftp://evil.invalid/",
)
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", [n for n in names() if n not in WITHOUT_TOKEN])
def test_forged_forms_are_refused(name: str, signed_in: Signed, signed_in_as: Signed) -> None:
    """T-24: without the token every POST is refused, for families and for staff with every role."""
    for client in (Client(), signed_in(*Role), signed_in_as(confirmed=True)):
        client.handler.enforce_csrf_checks = True
        for address in route_of(name).addresses:
            assert client.post(address, {"x": "y"}).status_code == 403, address


def everything() -> str:
    """Give a digest of every row of every table, but for what reading may write."""
    digest = hashlib.sha256()
    for model in apps.get_models():
        if model._meta.label not in WRITTEN_BY_READING:
            digest.update(repr(list(model._base_manager.order_by("pk").values_list())).encode())
    return digest.hexdigest()


def test_reading_changes_nothing(signed_in: Signed, signed_in_as: Signed) -> None:
    """T-24: every address opened by GET and HEAD, by families and staff, leaves the database."""
    clients = (signed_in(*Role), Client(), signed_in_as(confirmed=True))
    before = everything()
    for route in routes():
        for address in route.addresses:
            for client in clients:
                client.get(f"{address}?q={CANARY}&next=/en/&delete=1&page=2")
                client.head(address)
        assert everything() == before, route.name


@pytest.mark.parametrize("place", ELSEWHERE)
def test_no_redirect_leads_elsewhere(place: str) -> None:
    """T-28: `next` of sign-in, sign-out and the language leads to our own pages or is dropped."""
    cache.clear()
    User.objects.create_user("one@tests.invalid", "a long enough password")
    enter = {"login": "one@tests.invalid", "password": "a long enough password", "next": place}
    client = Client()
    answers = [
        client.post("/language", {"language": "es", "next": place}),
        client.post("/language", {"language": "es"}, headers={"Referer": place.strip("\x00\n")}),
        client.get("/sign-in/login/", {"next": place}),
        client.post("/sign-in/login/", enter),
        client.get("/sign-in/login/", {"next": place}),
        client.post("/sign-in/reauthenticate/", {**enter}),
        client.post("/sign-in/logout/", {"next": place}),
        client.get("/sign-in/logout/", {"next": place}),
    ]
    assert [a.status_code for a in answers].count(302) >= 5
    for answer in answers:
        where = answer.headers.get("Location", "/")
        assert re.match(r"/(?![/\\])", where), where
        assert urlsplit(where).netloc == ""


class Walker:
    """Opens pages, sends their forms, follows where they lead, and keeps every form it meets."""

    def __init__(self, client: Client, draw: np.random.Generator) -> None:
        self.client, self.draw = client, draw
        self.forms: dict[tuple[object, ...], Found] = {}

    def see(self, answer: HttpResponse, page: str) -> None:
        """Look at an answer: no fault, nothing of a stranger as markup, forms to post."""
        assert answer.status_code < 500, page
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            return
        text = answer.content.decode()
        assert MARK not in text, f"markup of a stranger in {page}"
        assert f"<script>{CANARY}" not in text, f"script of a stranger in {page}"
        title = re.search("<title>(.*?)</title>", text, re.DOTALL)
        assert title is None or CANARY not in title[1], f"what was typed in the title of {page}"
        for form in forms_of(page, text):
            if not urlsplit(form.action).path.endswith(ENDS_THE_SESSION):
                self.forms.setdefault(form.shape, form)

    def open(self, address: str) -> None:
        """Open a page."""
        self.see(self.client.get(address), address)

    def send(self) -> str:
        """Send one of the forms, follow where it leads, and give its address."""
        shapes = list(self.forms)
        form = self.forms[shapes[self.draw.integers(len(shapes))]]
        send = self.client.post if form.method == "post" else self.client.get
        answer = send(form.action, fill(form, self.draw))
        for _ in range(3):
            where = answer.headers.get("Location", "")
            assert CANARY not in where, f"what was typed in an address after {form.action}"
            self.see(answer, form.action)
            if not where:
                break
            answer = self.client.get(where)
        return urlsplit(form.action).path


@pytest.mark.parametrize("who", ["family", "account", "staff"])
def test_fuzzed_forms(
    who: str, signed_in: Signed, signed_in_as: Signed, confirm_now: Signed, log: StringIO
) -> None:
    """Random and hostile fields into every form: no fault, no markup, nothing of it in the log."""
    cache.clear()
    draw = np.random.default_rng(20261123)
    clients = {"staff": lambda: signed_in(*Role), "account": signed_in_as, "family": Client}
    walker = Walker(clients[who](), draw)
    if who != "family":
        confirm_now(walker.client)
    walker.client.raise_request_exception = True
    for route in routes():
        for address in route.addresses:
            if (who == "staff") == address.startswith("/staff/"):
                walker.open(address)
    assert walker.forms
    sent = set()
    for i in range(POSTS // 2):
        if i % 50 == 0:
            cache.clear()
        sent.add(walker.send())
    assert len(sent) >= min(len(walker.forms), 2)
    assert CANARY not in log.getvalue()
