"""Booking and joining at a real browser: axe, keyboard, no script, both languages, two widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.visits import actions
from hematon.portal.visits.consent import consent
from hematon.portal.visits.models import Appointment, Slot
from visit_people import Child, Families, booking, expert, family, rule, slots, stand_in

VIDEO = {
    "back_end": "jitsi",
    "address": "https://meet.tests.invalid",
    "app_id": "hematon",
    "secret": b"0123456789abcdef" * 4,
    "agreed_on": date(2026, 1, 1),
}
Visit = Callable[..., Any]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def video_is_on() -> Iterator[None]:
    """A video host with an agreement."""
    with override_settings(VIDEO=VIDEO):
        yield


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> Families:
    """Families."""
    return stand_in(monkeypatch)[0]


@pytest.fixture
def user(families: Families) -> User:
    """A family's account, with a child."""
    return family()


@pytest.fixture
def child(families: Families, user: User) -> Child:
    """Its child."""
    return families.add(user, "Sample child A")


@pytest.fixture
def free(db: None) -> list[Slot]:
    """Times of one clinician."""
    now = timezone.now().replace(second=0, microsecond=0)
    return slots(rule(expert("sample-physician-a"), now), now)


def sign_in(visitor: Any, user: User) -> None:
    """Give the browser a session."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    visitor.page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": visitor.site}]
    )


def faults(page: Any, width: int) -> list[str]:
    """Give what axe finds, a page wider than the screen, and headings that are not one."""
    found = [
        f"{page.url} {violation['id']}: {node['html'][:120]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0:
        found.append(f"{page.url} is wider than {width}")
    if page.locator("h1").count() != 1:
        found.append(f"{page.url} has {page.locator('h1').count()} main headings")
    return found


def press(page: Any, selector: str = "main form[novalidate] button[type=submit]") -> None:
    """Press a button and wait for what it leads to."""
    with page.expect_navigation():
        page.locator(selector).first.click()


@pytest.mark.parametrize(
    ("width", "language", "script"),
    [(1280, "en", True), (320, "es", True), (320, "en", False)],
)
def test_a_family_books_and_cancels(
    visit: Visit,
    user: User,
    child: Child,
    free: list[Slot],
    width: int,
    language: str,
    script: bool,
) -> None:
    """S23 in a browser: every page of the way, its errors included, and without a script too."""
    visitor = visit(width, language, script=script)
    sign_in(visitor, user)
    wrong: list[str] = []

    def look(page: Any) -> None:
        if script:
            wrong.extend(faults(page, width))

    page = visitor.open(f"/{language}/visits/")
    look(page)
    page = visitor.open(f"/{language}/visits/book/")
    look(page)
    press(page, "main form:has(button):not([action]) button")
    look(page)
    press(page)
    assert page.locator("#error-summary").is_visible()
    look(page)
    page.select_option("[name=where]", "CO")
    press(page)
    look(page)
    page.check("[value=video]")
    press(page)
    look(page)
    page.check(f"[name=language][value={language}]")
    page.check("[name=interpreter][value=no]")
    press(page)
    look(page)
    page.locator(".hm-days__link").nth(4).click()
    look(page)
    page.locator("[name=slot]").nth(1).check()
    press(page)
    assert page.url.endswith("/book/confirm/")
    look(page)
    press(page)
    assert page.locator("#error-summary").is_visible()
    look(page)
    page.fill("[name=with_whom]", "Sample parent A")
    page.fill("[name=phone]", "303 555 0100")
    page.check("[name=agree]")
    page.check("[name=relationship][value=parent]")
    page.fill("[name=name]", "Sample parent A")
    press(page)
    booked = Appointment.objects.get()
    assert page.url.endswith(f"/visits/{booked.pk}/")
    look(page)
    for path in ("change/", "cancel/", "join/"):
        look(visitor.open(f"/{language}/visits/{booked.pk}/{path}"))
    page = visitor.open(f"/{language}/visits/{booked.pk}/cancel/")
    press(page, "main form button")
    booked.refresh_from_db()
    assert booked.status == "cancelled"
    look(visitor.open(f"/{language}/visits/"))
    assert wrong == []


def test_the_timer_counts_warns_and_gives_more_time(
    visit: Visit, user: User, child: Child, free: list[Slot]
) -> None:
    """WCAG 2.2.1: said aloud at two minutes, extended in place by keyboard, over in words."""
    visitor = visit()
    sign_in(visitor, user)
    page = visitor.page
    page.clock.install()
    visitor.open("/en/visits/book/")
    press(page, "main form:has(button):not([action]) button")
    page.select_option("[name=where]", "CO")
    press(page)
    page.check("[value=video]")
    press(page)
    page.check("[name=language][value=en]")
    page.check("[name=interpreter][value=no]")
    press(page)
    page.locator(".hm-days__link").nth(4).click()
    page.locator("[name=slot]").first.check()
    press(page)
    left, said = page.locator("[data-left]"), page.locator("[data-warning]")
    assert left.inner_text() == "About 10 minutes are left."
    page.clock.fast_forward("05:00")
    assert left.inner_text() == "About 5 minutes are left."
    assert said.inner_text().strip() == ""
    page.clock.fast_forward("03:30")
    assert said.inner_text() == "Less than 2 minutes are left. You can ask for more time."
    page.locator("[data-extend] button").focus()
    with page.expect_response("**/extend/") as answered:
        page.keyboard.press("Enter")
    assert answered.value.status == 204
    page.wait_for_function(
        "document.querySelector('[data-warning]').textContent == 'You have 10 more minutes.'"
    )
    assert left.inner_text() == "About 10 minutes are left."
    assert page.evaluate("document.activeElement.textContent") == "I need 10 more minutes"
    page.clock.fast_forward("11:00")
    assert said.inner_text().startswith("The 10 minutes are over.")
    assert faults(page, 1280) == []


def test_joining_leads_to_the_video_host_and_nowhere_else(
    visit: Visit, user: User, child: Child, free: list[Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S24: place and people asked, then one click; the policy stands in the way of nothing."""
    made = actions.confirm(
        slot_id=free[0].pk, guardian=user, booking=booking(child), at=timezone.now()
    )
    start = timezone.now() + timedelta(minutes=5)
    # The time comes to the visit, so that the session's own clock goes on as it is.
    Slot.objects.filter(pk=free[0].pk).update(
        starts_at=start, ends_at=start + timedelta(minutes=30)
    )
    visitor = visit(320)
    sign_in(visitor, user)
    asked: list[str] = []
    visitor.page.route(
        "https://meet.tests.invalid/**",
        lambda route: (asked.append(route.request.url), route.fulfill(body="a room"))[1],
    )
    page = visitor.open(f"/en/visits/{made.pk}/")
    assert faults(page, 320) == []
    page.get_by_role("link", name="Go to the video visit").click()
    assert faults(page, 320) == []
    page.select_option("[name=where]", "UT")
    page.fill("[name=with_whom]", "Sample parent A")
    page.check("[name=agree]")
    page.check("[name=relationship][value=parent]")
    page.fill("[name=name]", "Sample parent A")
    press(page)
    assert page.locator("h1").inner_text() == "Please call us"
    assert page.get_by_role("link", name="Join the video visit").count() == 0
    assert faults(page, 320) == []
    page.get_by_role("link", name="Correct where your child is").click()
    page.select_option("[name=where]", "CO")
    page.fill("[name=with_whom]", "Sample parent A")
    press(page)
    assert faults(page, 320) == []
    page.get_by_role("link", name="Join the video visit").click()
    page.wait_for_url("https://meet.tests.invalid/**")
    assert len(asked) == 1
    assert asked[0].startswith(f"https://meet.tests.invalid/{made.room}?jwt=")
    # That one way out is what this test is for; the fixture allows none.
    assert set(visitor.seen.outside) == set(asked)
    visitor.seen.outside.clear()
    assert consent().version == "2026-11"


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.long)])
def test_staff_pages(visit: Visit, user: User, child: Child, free: list[Slot], width: int) -> None:
    """S35: schedule, opening times, closures, a time, a visit, a move; faults in words."""
    made = actions.confirm(
        slot_id=free[0].pk,
        guardian=user,
        booking=booking(child, interpreter=True, phone="303 555 0100"),
        at=timezone.now(),
    )
    scheduler = User.objects.create_user("one@tests.invalid", name="Sample scheduler A")
    StaffRole.objects.create(user=scheduler, role=Role.SCHEDULER)
    TOTP.activate(scheduler, generate_totp_secret())
    visitor = visit(width)
    sign_in(visitor, scheduler)
    day = free[0].starts_at.astimezone(free[0].zone).date()
    wrong: list[str] = []
    for path in (
        f"schedule/?day={day}",
        f"schedule/?day={day}&view=day&move={made.pk}",
        "schedule/?day=tomorrow",
        f"schedule/times/{free[1].pk}/",
        f"schedule/times/{free[1].pk}/?move={made.pk}",
        f"schedule/visits/{made.pk}/",
        "opening-times/",
        "closures/",
    ):
        page = visitor.open(f"/staff/{path}")
        wrong += faults(page, width)
    for path in ("opening-times/", "closures/"):
        page = visitor.open(f"/staff/{path}")
        press(page, "main form[novalidate] button")
        assert page.locator("#error-summary").is_visible()
        wrong += faults(page, width)
    page = visitor.open(f"/staff/schedule/times/{free[1].pk}/")
    page.fill("[name=address]", user.address.text)
    press(page)
    wrong += faults(page, width)
    assert wrong == []
