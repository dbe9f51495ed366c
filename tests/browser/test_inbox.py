"""J4: a nurse works through the inbox in a real browser, by keyboard, with and without script."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client

from family_cast import linked
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind, Status
from inbox_pages import call, family, nurse, request

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(visitor: Any, client: Client) -> None:
    """Give a visitor's browser the session of a test client."""
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    visitor.page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": visitor.site}]
    )


def faults(page: Any, width: int) -> list[str]:
    """Give what axe finds, and a page wider than the screen."""
    found = [
        f"{page.url} {violation['id']}: {node['html'][:140]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if 'class="hm-demo"' not in node["html"]
    ]
    if page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0:
        wide = page.evaluate(
            """() => [...document.querySelectorAll("main *")]
                .filter((e) => e.getBoundingClientRect().right > window.innerWidth)
                .slice(0, 3).map((e) => e.outerHTML.slice(0, 90))"""
        )
        found.append(f"{page.url} is wider than {width}: {wide}")
    picture = os.environ.get("HEMATON_PICTURES")
    if picture:
        name = re.sub(r"[^a-z]+", "-", page.url.split("/staff/")[-1])[:20]
        number = len(list(Path(picture).glob("*.png")))
        page.screenshot(path=f"{picture}/{number:02}-{name}-{width}.png", full_page=True)
    return found


@pytest.mark.parametrize("width", [320, 1280])
def test_every_state_of_the_inbox_is_for_everyone(visit: Visit, width: int) -> None:
    """WCAG 2.2 AA: list, filter, errors, requests; axe finds nothing and no page is wide."""
    client, user = nurse()
    visitor = visit(width)
    page = visitor.page
    signed_in(visitor, client)
    parent = family()
    link = linked(parent, user, born=date(2019, 5, 14))
    opinion, _question, _call = request(Kind.SECOND_OPINION, parent), request(counts={}), call()
    wrong = []
    for path in ("", "?view=due&flag=interpreter", "?view=closed"):
        visitor.open(f"/staff/inbox/{path}")
        wrong += faults(page, width)
    page.fill("[name=find-reference]", "HM-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/find/")
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "error-summary"
    wrong += faults(page, width)
    for case in (opinion, _question, _call):
        visitor.open(f"/staff/cases/{case.pk}/?reply=missing_records")
        wrong += faults(page, width)
    visitor.open(f"/staff/children/{link.child.pk}/")
    wrong += faults(page, width)
    page.fill("[name=number]", "<4711>")
    page.keyboard.press("Enter")
    page.wait_for_function("document.title.startsWith('Error: ')")
    wrong += faults(page, width)
    assert wrong == [], "\n".join(wrong)


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    for _press in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def press(page: Any, selector: str) -> None:
    """Go to a button or a link by the keyboard and press it."""
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, False])
def test_a_nurse_works_by_keyboard_alone(visit: Visit, *, script: bool) -> None:
    """J4: open the first, match, move, note, ask for records in Spanish; the clock stands."""
    client, user = nurse()
    visitor = visit(script=script)
    page = visitor.page
    signed_in(visitor, client)
    opinion = request(Kind.SECOND_OPINION)
    request(counts={})
    here = f"/staff/cases/{opinion.pk}/"
    visitor.open("/staff/inbox/")
    press(page, ".hm-rows__reference")
    assert page.url.endswith(here), "the first in the list is the one in band A"
    press(page, "[name=match-act][value=new]")
    assert page.locator("#child").get_by_text("Matched").count() == 1
    tab_to(page, "#why summary")
    page.keyboard.press("Enter")
    tab_to(page, "[name=band-band]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name=band-reason]")
    page.keyboard.type("Seen by phone.")
    press(page, "#why button")
    assert page.locator("#why").get_by_text("Seen by phone.").count() == 1
    tab_to(page, "[name=note-text]")
    page.keyboard.type("Called the clinic.")
    if script:
        with page.expect_response("**/typed/note/") as kept:
            pass
        assert kept.value.status == 204
        visitor.open(here)
        assert page.input_value("[name=note-text]") == "Called the clinic."
    press(page, "#notes button")
    assert page.locator("#notes li").get_by_text("Called the clinic.").count() == 1
    press(page, ".hm-templates a[href*=missing_records]")
    assert "Informe de la médula ósea" in page.input_value("[name=reply-text]")
    press(page, "#write button")
    case = Case.objects.get(pk=opinion.pk)
    assert (case.status, case.hold_reason, case.opened_by) == (Status.ON_HOLD, "records", user)
    assert page.locator("#messages li").count() > 0
    assert page.locator("#notes li").get_by_text("Gracias").count() == 0
