"""Every family page: axe, no sideways scroll, one main heading, nothing from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from family_routes import family_paths

Visit = Callable[..., Any]

pytestmark = pytest.mark.django_db(transaction=True)
WIDTHS = (320, 768, 1280)
IN_BUILDS = {(320, "es"), (1280, "en")}
LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("width", "language"),
    [
        pytest.param(width, language, marks=[] if (width, language) in IN_BUILDS else LONG)
        for width in WIDTHS
        for language in ("en", "es")
    ],
)
def test_axe_finds_nothing(visit: Visit, language: str, width: int) -> None:
    """No violation of any impact, and the page is no wider than the screen."""
    visitor = visit(width, language)
    axe = Axe()
    wrong = []
    for path in family_paths(language):
        page = visitor.open(path)
        result = axe.run(page)
        wrong += [
            f"{path} {violation['id']}: {node['html'][:120]}"
            for violation in result.response["violations"]
            for node in violation["nodes"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            wrong.append(f"{path} is {wide} px wider than {width}")
        if page.locator("h1").count() != 1:
            wrong.append(f"{path} has {page.locator('h1').count()} main headings")
        if page.locator("html").get_attribute("lang") != language:
            wrong.append(f"{path} is not in {language}")
    assert wrong == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_four_hundred_per_cent(visit: Visit, language: str) -> None:
    """A window of 1280 px at 400 % is 320 px by 256: nothing is cut off sideways."""
    visitor = visit(320, language)
    visitor.page.set_viewport_size({"width": 320, "height": 256})
    for path in family_paths(language):
        page = visitor.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_language_toggle_keeps_the_page(visit: Visit) -> None:
    """From each page the other language leads to the same page."""
    visitor = visit()
    for english, spanish in zip(family_paths("en"), family_paths("es"), strict=True):
        page = visitor.open(english)
        assert page.locator("a.hm-header__language").get_attribute("href") == spanish


def test_by_keyboard_the_way_in_is_the_skip_link(visit: Visit) -> None:
    """The first stop skips to the content, and focus is always visible."""
    page = visit().open("/en/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
