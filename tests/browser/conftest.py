"""A real browser in front of a real server; tests are skipped, and say so, where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from audit_flush import audit_is_emptied_between_tests  # noqa: F401 it is a fixture

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
# The browser's driver keeps an event loop in the test's thread; nothing here is asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip without a browser."""
    if not CHROMIUM:
        for item in items:
            if "browser" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="needs Chromium: apt-get install chromium"))


@dataclass
class Seen:
    """What went wrong while a page was open.

    Attributes:
        outside: addresses asked for on other hosts.
        refused: what the content security policy refused.
        errors: errors of scripts, and answers of 500 and above.
    """

    outside: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass
class Visitor:
    """A family at a browser."""

    page: Page
    site: str
    seen: Seen

    def open(self, path: str) -> Page:
        """Open a path of the site."""
        self.page.goto(self.site + path)
        return self.page


Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the browser once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, live_server: object) -> Iterator[Visit]:
    """Give visitors with a width, a language and, if wanted, no script.

    At the end nothing may have left the site, been refused by the policy or failed.
    """
    site = str(live_server)
    contexts: list[BrowserContext] = []
    everything: list[Seen] = []

    def make(width: int = 1280, language: str = "en", *, script: bool = True) -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            locale={"en": "en-US", "es": "es-US"}[language],
            java_script_enabled=script,
            has_touch=width < 700,
        )
        context.set_default_timeout(30_000)
        seen = Seen()
        page = context.new_page()
        host = urlsplit(site).netloc

        def asked(address: str) -> None:
            parts = urlsplit(address)
            if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != host:
                seen.outside.append(address)

        def said(text: str) -> None:
            if "Content Security Policy" in text:
                seen.refused.append(text)

        page.on("request", lambda request: asked(request.url))
        page.on("console", lambda message: said(message.text))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on(
            "response",
            lambda r: seen.errors.append(f"{r.status} {r.url}") if r.status >= 500 else None,
        )
        contexts.append(context)
        everything.append(seen)
        return Visitor(page, site, seen)

    yield make
    for context in contexts:
        context.close()
    for seen in everything:
        assert seen == Seen()
