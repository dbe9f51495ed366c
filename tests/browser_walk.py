"""A family on its way through pages at a real browser, each page judged."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

from portal_accounts import code_in_mail


class Walk:
    """A family on its way: opens, presses, and judges each page."""

    def __init__(self, visitor: Any, language: str, width: int, *, script: bool) -> None:
        self.visitor, self.page, self.language = visitor, visitor.page, language
        self.width, self.script = width, script
        self.wrong: list[str] = []
        self.judged = 0
        self.address = "family@tests.invalid"

    def judge(self, name: str) -> None:
        """Run axe and look for what is cut off, and for one main heading in the language."""
        page = self.page
        self.judged += 1
        if self.script:
            for found in Axe().run(page).response["violations"]:
                self.wrong += [f"{page.url} {found['id']}: {n['html']}" for n in found["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth") > self.width:
            self.wrong.append(f"{page.url} scrolls sideways")
        if page.locator("h1").count() != 1:
            self.wrong.append(f"{page.url} has no single main heading")
        if page.locator("html").get_attribute("lang") != self.language:
            self.wrong.append(f"{page.url} is not in {self.language}")
        if folder := os.environ.get("HEMATON_PICTURES"):
            file = f"{folder}/{self.language}-{self.width}-{name}.png"
            page.screenshot(path=file, full_page=True)

    def open(self, path: str) -> None:
        """Open a page of the language."""
        self.visitor.open(f"/{self.language}/{path}")

    def press(self, place: str) -> None:
        """Press what is there and wait for the page it leads to."""
        with self.page.expect_navigation():
            self.page.locator(place).first.click()

    def sign_in(self) -> None:
        """Sign in by the code of the mail, on the page that asks for it."""
        self.judge("sign-in")
        self.page.fill("[name=address]", self.address)
        self.press("main form button[type=submit]")
        self.judge("code")
        self.page.fill("[name=code]", code_in_mail())
        self.press("main form button[type=submit]")

    def is_idle(self) -> None:
        """Let more than half an hour pass for the server."""
        name = settings.SESSION_COOKIE_NAME
        (cookie,) = [c for c in self.page.context.cookies() if c["name"] == name]
        engine = import_module(settings.SESSION_ENGINE)
        kept = engine.SessionStore(cookie["value"])
        kept["seen_at"] = kept["seen_at"] - settings.FAMILY_IDLE_SECONDS - 1
        kept.save()
