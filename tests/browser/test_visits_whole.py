"""Visits of a real family at a real browser: from sign-in over the change of clocks to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone

from browser_walk import Walk
from family_cast import linked, staff
from hematon.portal.accounts.models import Kind, User
from hematon.portal.notify.models import Notice
from hematon.portal.notify.sending import send_due
from hematon.portal.visits.models import Appointment
from visit_people import expert, rule

Visit = Callable[..., Any]
pytestmark = pytest.mark.django_db(transaction=True)
TUESDAY = datetime(2027, 3, 9, 17, tzinfo=UTC)
"""On Sunday, March 14, 2027, the clocks of Denver go from 2 to 3 in the morning."""
VIDEO = {
    "back_end": "jitsi",
    "address": "https://meet.tests.invalid",
    "app_id": "hematon",
    "secret": b"0123456789abcdef" * 4,
    "agreed_on": date(2026, 1, 1),
}


class Clock:
    """The server's clock, set and running on."""

    def __init__(self) -> None:
        self._real, self._ahead = timezone.now, timedelta()

    def set(self, moment: datetime) -> None:
        """Let it be this moment now."""
        self._ahead = moment - self._real()

    def now(self) -> datetime:
        """Give the time."""
        return self._real() + self._ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A server in March 2027, with a video host that signed its agreement."""
    cache.clear()
    made = Clock()
    monkeypatch.setattr(timezone, "now", made.now)
    made.set(TUESDAY)
    with override_settings(VIDEO=VIDEO):
        yield made


@pytest.fixture
def parent(clock: Clock) -> User:
    """A family whose link to a child staff have confirmed, and times to book."""
    user = User.objects.create_without_password("family@tests.invalid", Kind.FAMILY)
    linked(user, staff())
    rule(expert("sample-physician-a"), clock.now())
    return user


def calendar_of(walk: Walk) -> str:
    """Give the calendar entry of the visit on the page, its folded lines put together."""
    with walk.page.expect_download() as given:
        walk.page.locator("main a[href$='/calendar/']").first.click()
    text = Path(given.value.path()).read_bytes().decode().replace("\r\n ", "")
    assert "Sample" not in text
    assert "marrow" not in text.lower()
    return text


def booked_at(walk: Walk, day: str, words: str) -> Appointment:
    """Choose the first time of a day, hold it, say who comes, and book it."""
    page = walk.page
    walk.press(f"main a[href$='/days/{day}/']")
    walk.judge(f"times-{day}")
    assert words in page.inner_text("main")
    page.locator("[name=slot]").first.check()
    walk.press("main form[novalidate] button")
    walk.judge(f"confirm-{day}")
    assert words in page.inner_text("main")
    page.fill("[name=with_whom]", "Sample parent A")
    page.fill("[name=phone]", "303 555 0100")
    if page.locator("[name=agree]").count():
        page.check("[name=agree]")
        page.check("[name=relationship][value=parent]")
        page.fill("[name=name]", "Sample parent A")
    walk.press("main form[novalidate] button")
    walk.judge(f"visit-{day}")
    assert words in page.inner_text("main")
    return Appointment.objects.get()


@pytest.mark.parametrize(
    ("language", "width", "script"), [("en", 1280, True), ("es", 320, True), ("en", 320, False)]
)
def test_a_visit_over_the_change_of_clocks(
    visit: Visit, clock: Clock, parent: User, language: str, width: int, script: bool
) -> None:
    """S23, S24, T-29: booked, changed, joined from a licensed state alone, and cancelled."""
    walk = Walk(visit(width, language, script=script), language, width, script=script)
    page = walk.page
    walk.open("visits/book/")
    assert f"/{language}/account/sign-in/" in page.url
    walk.sign_in()
    assert page.url.endswith(f"/{language}/visits/book/")
    walk.judge("book")
    walk.press("main form:has(button):not([action]) button")

    # A state without a license: no video, no phone, and the reason with the states there are.
    page.select_option("[name=where]", "TX")
    walk.press("main form[novalidate] button")
    walk.judge("kind-texas")
    assert "Colorado" in page.inner_text("main")
    assert page.locator("[value=video], [value=phone]").count() == 0
    walk.press(".nhsuk-back-link")
    page.select_option("[name=where]", "CO")
    walk.press("main form[novalidate] button")
    page.check("[value=video]")
    walk.press("main form[novalidate] button")
    page.check(f"[name=language][value={language}]")
    page.check("[name=interpreter][value=no]")
    walk.press("main form[novalidate] button")
    walk.judge("days")

    # The day on which the clocks change: nine in the morning is an hour earlier than it was.
    booked = booked_at(walk, "2027-03-14", "9 am MDT")
    assert booked.slot.starts_at == datetime(2027, 3, 14, 15, tzinfo=UTC)
    entry = calendar_of(walk)
    assert "DTSTART;TZID=America/Denver:20270314T090000" in entry
    assert "SEQUENCE:0" in entry
    walk.press("main a[href$='/change/']")
    walk.judge("change")
    walk.press("main form button")
    walk.judge("days-change")
    booked = booked_at(walk, "2027-03-13", "9 am MST")
    assert booked.slot.starts_at == datetime(2027, 3, 13, 16, tzinfo=UTC)
    entry = calendar_of(walk)
    assert "DTSTART;TZID=America/Denver:20270313T090000" in entry
    assert "SEQUENCE:1" in entry
    walk.open(f"visits/{booked.pk}/join/")
    walk.judge("too-early")
    assert page.locator("[name=where]").count() == 0

    # Ten minutes before: who is signed out by then signs in again, and where the child is counts.
    clock.set(booked.slot.starts_at - timedelta(minutes=10))
    walk.open(f"visits/{booked.pk}/join/")
    assert "/account/sign-in/" in page.url
    walk.sign_in()
    assert page.url.endswith("/join/")
    walk.judge("join")
    room = "main a[href$='/room/']"
    for state, may in (("TX", False), ("CO", True)):
        page.select_option("[name=where]", state)
        page.fill("[name=with_whom]", "Sample parent A")
        walk.press("main form[novalidate] button")
        walk.judge(f"join-{state}")
        assert (page.locator(room).count() == 1) is may
        if not may:
            assert page.locator("main a[href^='tel:']").count()
            walk.open(f"visits/{booked.pk}/room/")
            assert page.url.startswith(walk.visitor.site)
            walk.press("main a[href$='?again=1']")
    walk.open("account/home/")
    walk.judge("home-visit")
    assert page.locator(f".hm-home__entry a[href$='/visits/{booked.pk}/']").count() == 1
    walk.press(f".hm-home__entry a[href$='/visits/{booked.pk}/']")

    walk.press("main a[href$='/cancel/']")
    walk.judge("cancel")
    walk.press("main form button")
    booked.refresh_from_db()
    assert booked.status == "cancelled"
    walk.open(f"visits/{booked.pk}/")
    walk.judge("cancelled")
    assert "METHOD:CANCEL" in calendar_of(walk)
    walk.open("visits/")
    walk.judge("my-visits")
    kinds = list(Notice.objects.order_by("made_at").values_list("kind", flat=True))
    assert [k for k in kinds if k.startswith("visit") and "_in_" not in k] == [
        "visit_booked",
        "visit_changed",
        "visit_cancelled",
    ]
    send_due(clock.now())
    everything = "\n".join(letter.subject + letter.body for letter in mail.outbox)
    for unwanted in ("Sample", str(booked.pk), "marrow", "9 am", "Denver"):
        assert unwanted not in everything
    assert not walk.wrong, "\n".join(walk.wrong)
    assert walk.judged >= 18


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("es", 320)])
def test_a_family_asks_for_access_to_a_child(
    visit: Visit, parent: User, language: str, width: int
) -> None:
    """S26, T-08: the pages of who may see a child, asked, taken back, another adult, ended."""
    walk = Walk(visit(width, language), language, width, script=True)
    page = walk.page
    walk.open("account/home/")
    walk.sign_in()
    walk.judge("home-child")
    assert "Sample Child" in page.inner_text("main")
    walk.press("section:has(#children-heading) .hm-home__links a[href$='/children/']")
    walk.judge("children")
    walk.press("main a[href$='/children/ask/']")
    walk.judge("ask")
    walk.press("main form[novalidate] button")
    assert page.title().startswith("Error: ")
    walk.judge("ask-empty")
    page.fill("[name=adult_name]", "Sample parent A")
    page.check("[name=relationship][value=parent]")
    page.fill("[name=child_name]", "Sample child B")
    page.fill("[name=birth_date]", "2020-01-02")
    walk.press("main form[novalidate] button")
    walk.judge("children-waiting")
    assert "Sample child B" in page.inner_text("main")
    walk.open("account/home/")
    walk.judge("home-waiting")
    assert "Sample child B" in page.inner_text("main")
    walk.open("children/")
    walk.press("li:has-text('Sample child B') a[href*='/end/']")
    walk.judge("take-back")
    walk.press("main form[novalidate] button")
    assert "Sample child B" not in page.inner_text("main")
    walk.press("main a[href$='/another/']")
    walk.judge("another")
    walk.press("main form[novalidate] button")
    walk.judge("another-empty")
    page.fill("[name=adult_name]", "Sample parent B")
    page.fill("[name=address]", "second@tests.invalid")
    page.check("[name=relationship][value=parent]")
    walk.press("main form[novalidate] button")
    walk.judge("children-another")
    walk.press(".hm-person:has(.nhsuk-tag--blue) a[href*='/end/']")
    walk.judge("end")
    walk.press("main form[novalidate] button")
    walk.judge("children-ended")
    assert page.locator(".hm-child").count() == 0
    walk.open("visits/book/")
    walk.judge("book-nobody")
    assert page.locator("main form:not([action]) button").count() == 0
    assert not walk.wrong, "\n".join(walk.wrong)
