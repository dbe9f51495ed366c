"""J8: a parent who speaks Spanish, on a phone, without script, on a line that breaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Route

from hematon.portal.care.models import Case

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)


def press(page: Any, button: str = "main form button[type=submit]") -> None:
    """Press a button and wait for the page it leads to."""
    with page.expect_navigation():
        page.locator(button).first.click()


def fits(page: Any) -> None:
    """The page is Spanish, has one main heading and is no wider than the phone."""
    assert page.locator("html").get_attribute("lang") == "es", page.url
    assert page.locator("h1").count() == 1, page.url
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320, f"{page.url} is {wide} px wide"


def test_a_parent_who_speaks_spanish(visit: Visit) -> None:
    """From the telehealth check in Utah to one request, though the line broke when it was sent."""
    visitor = visit(320, "es", script=False)
    page = visitor.open("/")
    assert page.url.endswith("/es/")
    fits(page)

    with page.expect_navigation():
        page.locator("nav a[href='/es/video-visits/']").click()
    fits(page)
    page.goto(f"{visitor.site}/es/video-visits/check/where/")
    fits(page)
    page.select_option("select[name=where]", "UT")
    press(page)
    fits(page)
    assert "video" in page.inner_text("h1").lower()
    assert page.locator("main a[href^='tel:']").count() >= 1

    with page.expect_navigation():
        page.locator("a[href*='/es/get-care/']").first.click()
    page.goto(f"{visitor.site}/es/get-care/start/")
    fits(page)
    page.goto(f"{visitor.site}/es/get-care/callback/")
    fits(page)
    press(page)
    asked = []
    while "/callback/check/" not in page.url:
        fits(page)
        asked.append(page.url.rstrip("/").rsplit("/", 1)[1])
        assert len(asked) < 12
        answer(page, asked[-1])
        press(page)
    assert {"who", "name", "phone", "time", "language", "interpreter"} <= set(asked)
    fits(page)
    assert "Elena" in page.inner_text("main")

    sent_once_though_the_line_breaks(page)
    fits(page)
    assert Case.objects.count() == 1
    request = Case.objects.get()
    assert request.reference is not None
    assert request.reference in page.inner_text("main")
    assert request.interpreter
    page.go_back()
    page.goto(f"{visitor.site}/es/get-care/callback/sent/")
    assert Case.objects.count() == 1


def answer(page: Any, key: str) -> None:
    """Answer one question as the parent would."""
    if key == "name":
        page.fill("input[type=text]", "Elena")
    elif key == "phone":
        page.fill("input[type=tel]", "720 555 0100")
    elif key == "language":
        page.check("input[name=language][value=es]")
    elif key == "interpreter":
        page.check("input[name=interpreter][value=yes]")
    elif key != "note":
        page.locator("main input[type=radio]").first.check()


def sent_once_though_the_line_breaks(page: Any) -> None:
    """The server takes the request, the answer is lost, and the parent presses again."""
    lost = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch(max_redirects=0).status)
            route.abort()
        else:
            route.continue_()

    page.route("**/callback/check/", lose)
    check = page.url
    button = "main form:has(input[name=key]) button[type=submit]"
    with suppress(Error):
        page.locator(button).click()
    page.wait_for_url("chrome-error://**")
    assert lost == [302]
    assert Case.objects.count() == 1
    page.goto(check)
    if page.locator(button).count():
        press(page, button)


def test_the_question_pages_hold_for_axe_and_errors(visit: Visit) -> None:
    """An empty answer is told in words, the summary has the focus and leads to the field."""
    visitor = visit(320, "en")
    page = visitor.open("/en/get-care/callback/")
    press(page)
    press(page)
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "error-summary"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    assert Axe().run(page).response["violations"] == []
