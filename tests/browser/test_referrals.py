"""J3: a pediatrician refers a child, as a guest on a phone and signed in at a desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail

from hematon.portal.care.models import Case
from hematon.portal.care.status import Status
from portal_accounts import code_in_mail
from referral_pages import ADDRESS, bundle, observation

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)
HOME = "/clinicians/referrals/"
BAD = (
    "date,HGB (g/dL),MCV (fL),ANC (K/uL),PLT (K/uL)\n"
    "2026-10-02,9.8,101,0.9,48\n"
    "2026-11-03,9.1,102,0.4,many\n"
    "2026-11-13,8.9,102,0.3\n"
)
GOOD = BAD.replace("many", "31").replace("102,0.3\n", "102,0.3,19\n")


class Walk:
    """A clinician at the pages of a referral, each judged when it is left."""

    def __init__(self, page: Any, width: int) -> None:
        self.page, self.width = page, width

    def holds(self) -> None:
        """The page has one main heading, is no wider than the screen, and axe finds nothing."""
        page = self.page
        assert page.locator("h1").count() == 1, page.url
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= self.width, f"{page.url} is {wide} px wide"
        found = Axe().run(page).response["violations"]
        assert found == [], (page.url, [(v["id"], v["nodes"][0]["html"][:200]) for v in found])

    def press(self, button: str = "Save and continue") -> None:
        """Press a button of the page and wait for the one it leads to."""
        self.holds()
        with self.page.expect_navigation():
            self.page.locator("main").get_by_role("button", name=button, exact=True).click()

    def fill(self, **boxes: str) -> None:
        """Type into boxes by their names."""
        for name, text in boxes.items():
            self.page.fill(f"[name={name}]", text)

    def until_the_record(self) -> None:
        """Answer the pages before the blood counts."""
        page = self.page
        page.select_option("[name=where]", "CO")
        self.press()
        self.fill(name="Sample physician A", institution="Sample clinic", phone="303 555 0100")
        page.select_option("[name=profession]", "pediatrician")
        if page.locator("[name=address]").count():
            self.fill(address=ADDRESS)
        self.press()
        self.fill(child_name="Sample child A", month="5", day="14", year="2019")
        page.check("[name=sex][value=female]")
        self.press()
        page.check("[name=knows][value=yes]")
        page.check("[name=interpreter][value=no]")
        self.press()
        page.check("[name=urgency][value=week]")
        self.press()
        self.fill(reason="Tired and pale since September.")
        self.press()
        page.check("[name=treatments][value=none]")
        self.press()
        page.check("[name=way][value=data]")
        self.press()

    def after_the_record(self) -> None:
        """Confirm the rows, search a finding, and answer the rest."""
        page = self.page
        page.check("[name=agree]")
        self.press()
        self.fill(find="absent radius")
        self.press("Search")
        page.locator(".hm-found input").first.check()
        self.press()
        self.press()
        self.press()
        page.check("[name=agree]")
        self.press()
        assert page.url.endswith("/check/")
        assert "Absent radius" in page.inner_text("main")

    def sees_the_preview(self) -> None:
        """The preview says to call first, names what it is, and leads back."""
        page, here = self.page, self.page.url
        with page.expect_navigation():
            page.get_by_role("link", name="Preview the assessment").click()
        self.holds()
        text = page.inner_text("body")
        assert text.index("Call us now") < text.index("Assessment of suspected")
        assert "Computed, not a clinical judgement" in text
        page.goto(here)


def test_a_guest_refers_on_a_phone_without_script(visit: Visit) -> None:
    """J3: bad lines by number, corrected; preview; a code; one reference; the receipt."""
    visitor = visit(320, script=False)
    page = visitor.page
    page.goto(f"{visitor.site}/clinicians/")
    walk = Walk(page, 320)
    # axe needs script, which this visitor's pages do not run; the other journey has it.
    walk.holds = lambda: None  # type: ignore[method-assign]
    page.get_by_role("link", name="Refer a child").click()
    walk.press("Begin as a guest")
    walk.until_the_record()
    walk.fill(text=BAD)
    walk.press()
    issues = page.inner_text(".hm-issues")
    assert "row 4" in issues
    assert "row 3" in issues
    assert "many" in page.input_value("[name=text]")
    walk.fill(text=GOOD)
    walk.press()
    walk.after_the_record()
    walk.press("Confirm your address and send")
    assert mail.outbox[-1].to == [ADDRESS]
    walk.fill(code=code_in_mail())
    walk.press("Send the referral")
    case = Case.objects.get(status=Status.RECEIVED)
    assert case.reference
    assert case.reference in page.inner_text("main")
    page.go_back()
    page.goto(f"{visitor.site}{HOME}{case.pk}/check/")
    assert "Already sent" in page.inner_text("h1")
    assert Case.objects.count() == 1


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.long)])
def test_a_signed_in_clinician_refers_and_follows(visit: Visit, width: int) -> None:
    """J3: a broken Bundle by its place, then a good one; every page holds for axe and width."""
    visitor = visit(width)
    page = visitor.page
    page.goto(f"{visitor.site}/clinicians/sign-in/?next={HOME}begin/")
    page.fill("[name=address]", ADDRESS)
    page.get_by_role("button", name="Send me a code").click()
    page.fill("[name=code]", code_in_mail())
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()
    assert page.url.endswith(f"{HOME}begin/")
    walk = Walk(page, width)
    walk.press("Begin a new referral")
    walk.until_the_record()
    whole = bundle(
        observation("718-7", 8.9, "g/dL"),
        observation("777-3", 19, "10*3/uL"),
        observation("751-8", 0.3, "10*3/uL"),
    )
    walk.fill(text=whole[: len(whole) // 2])
    walk.press()
    assert page.title().startswith("Error: ")
    assert re.search(r"line \d+, column \d+", page.inner_text(".hm-issues"))
    assert page.evaluate("document.activeElement.id") == "error-summary"
    walk.fill(text=whole)
    walk.press()
    walk.after_the_record()
    walk.sees_the_preview()
    walk.press("Send the referral")
    walk.holds()
    case = Case.objects.get(status=Status.RECEIVED)
    page.get_by_role("link", name="Follow the referral").click()
    page.fill("[name=text]", "More counts follow.")
    walk.press("Send your message")
    walk.holds()
    assert "More counts follow." in page.inner_text("main")
    page.goto(f"{visitor.site}{HOME}")
    walk.holds()
    assert case.reference
    assert case.reference in page.inner_text("main")
