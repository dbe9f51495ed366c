"""Pages behind steps, one question each: axe on every one; and every page by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from family_routes import family_paths

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)
MOST_STEPS = 14


def press(page: Any) -> None:
    """Go on."""
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()


def answer(page: Any) -> None:
    """Answer whatever is asked, plainly."""
    for box in page.locator("main input[type=text]:visible, main textarea:visible").all():
        box.fill("Ana" if box.get_attribute("name") == "name" else "")
    for box in page.locator("main input[type=tel]:visible").all():
        box.fill("720 555 0100")
    for select in page.locator("main select:visible").all():
        select.select_option("CO" if select.get_attribute("name") == "where" else None)
    names = page.eval_on_selector_all(
        "main input[type=radio], main input[type=checkbox]", "all => all.map(one => one.name)"
    )
    for name in dict.fromkeys(names):
        none = page.locator(f"main input[name={name}][value=none]")
        (none if none.count() else page.locator(f"main input[name={name}]")).first.check()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("video-visits/check/where/", "check/result/"),
        ("get-care/callback/who/", "callback/sent/"),
    ],
)
def test_every_step_holds(visit: Visit, language: str, start: str, end: str) -> None:
    """Empty first, which is an error told in words, then answered, to the last page."""
    visitor = visit(320, language)
    page = visitor.open(f"/{language}/{start}")
    axe, wrong = Axe(), []

    def judge() -> None:
        for violation in axe.run(page).response["violations"]:
            wrong.extend(f"{page.url} {violation['id']}: {n['html']}" for n in violation["nodes"])
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wrong.append(f"{page.url} scrolls sideways")
        if page.locator("h1").count() != 1:
            wrong.append(f"{page.url} has no single main heading")

    for _ in range(MOST_STEPS):
        judge()
        if page.url.endswith(end):
            break
        answered_empty(page, judge, language)
        if not page.url.endswith(end):
            answer(page)
            press(page)
    assert page.url.endswith(end)
    assert wrong == []


def answered_empty(page: Any, judge: Callable[[], None], language: str) -> None:
    """Press on without an answer where one is asked for; the page that comes back is judged."""
    asks = page.locator("main input[type=radio], main input[type=checkbox], main input[type=tel]")
    if not asks.count() or page.locator("main input:checked").count():
        return
    before = page.url
    press(page)
    if page.url == before:
        assert page.title().startswith("Error: ")
        assert page.evaluate("document.activeElement.id") == "error-summary"
        judge()


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_by_keyboard(visit: Visit, language: str) -> None:
    """Each stop of the Tab key can be seen, is on the screen and shows that it has the focus."""
    visitor = visit(1280, language)
    wrong = []
    for path in family_paths(language):
        page = visitor.open(path)
        stops = 0
        for _ in range(160):
            page.keyboard.press("Tab")
            seen = page.evaluate(FOCUSED)
            if seen is None:
                break
            stops += 1
            if not (seen["visible"] and seen["marked"]):
                wrong.append(f"{path}: {seen}")
        if stops < 8:
            wrong.append(f"{path}: only {stops} stops")
    assert wrong == []


FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  const label = one.labels && one.labels[0] ? getComputedStyle(one.labels[0], "::before") : null;
  const painted = (s) => s && (s.outlineStyle !== "none" || s.boxShadow !== "none");
  return {
    name: one.outerHTML.slice(0, 90),
    visible: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    marked: painted(style) || painted(label),
  };
}"""
