"""A clinician at a real browser: second factor, passkey, record, report; nothing is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache

from hematon.portal.accounts.models import Role, StaffRole, User

PASSWORD = "a long enough password"
CHILD = Path(__file__).parents[2] / "examples" / "demo_child.json"
TABLE = (
    "id,age,sex,date,HGB (g/dL),PLT (K/uL)\n"
    "a,4 y,F,2026-01-01,9.1,20\nb,5 y,M,2026-01-01,not a number,30\n"
)
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
Visit = Callable[..., Any]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clinician() -> User:
    """A clinician whose account was made a moment ago."""
    cache.clear()
    user = User.objects.create_user("one@tests.invalid", PASSWORD, name="Sample physician A")
    StaffRole.objects.create(user=user, role=Role.CLINICIAN)
    return user


def submit(page: Any) -> None:
    """Press the first button of the page's own form and wait for what it leads to."""
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()


def enter(page: Any) -> None:
    """Give address and password."""
    page.fill("[name=login]", "one@tests.invalid")
    page.fill("[name=password]", PASSWORD)
    submit(page)


def set_up_app(visitor: Any) -> None:
    """Sign in for the first time and set up an authenticator app."""
    page = visitor.open("/staff/")
    enter(page)
    assert page.url.endswith("/sign-in/2fa/")
    visitor.open("/sign-in/2fa/totp/activate/")
    page.fill("[name=password]", PASSWORD)
    submit(page)
    picture = page.locator("img.hm-qr")
    assert picture.evaluate("i => i.naturalWidth > 100"), "the QR code is drawn"
    secret = page.input_value("#authenticator_secret")
    # The middle one is the present: it holds for the next step too.
    counter = list(yield_hotp_counters_from_time())[1]
    page.fill("[name=code]", str(format_hotp_value(hotp_value(secret, counter))))
    submit(page)
    assert page.locator("#recovery_codes").input_value().count("\n") == 9


def faults(page: Any, width: int) -> list[str]:
    """Give what axe finds, and a page wider than the screen.

    The strip of the demonstration belongs to the layout, which test_every_page.py judges.
    """
    found = [
        f"{page.url} {violation['id']}: {node['html'][:120]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if 'class="hm-demo"' not in node["html"]
    ]
    if page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0:
        found.append(f"{page.url} is wider than {width}")
    return found


def test_passkey_signs_in_alone_and_as_second_factor(visit: Visit) -> None:
    """T-12: a passkey is added, opens the staff page without a password, and with one."""
    visitor = visit()
    page = visitor.page
    set_up_app(visitor)
    control = page.context.new_cdp_session(page)
    control.send("WebAuthn.enable")
    control.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    visitor.open("/sign-in/2fa/webauthn/add/")
    page.fill("[name=name]", "Desk")
    page.check("[name=passwordless]")
    with page.expect_navigation():
        page.click("#mfa_webauthn_add")
    visitor.open("/sign-in/2fa/webauthn/")
    assert page.locator("main").get_by_text("Desk").count() == 1
    for second in (False, True):
        visitor.open("/sign-in/logout/")
        submit(page)
        visitor.open("/staff/")
        if second:
            enter(page)
            assert page.url.endswith("/sign-in/2fa/authenticate/")
        with page.expect_navigation(url="**/staff/"):
            page.click("#mfa_webauthn_authenticate" if second else "#passkey_login")
        assert page.locator("h1").inner_text() == "Staff"


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.long)])
def test_clinician_reads_a_report(visit: Visit, width: int) -> None:
    """J5: sign in, upload, read, take along; axe finds nothing on any page on the way."""
    visitor = visit(width)
    page = visitor.page
    wrong = []
    page.goto(visitor.site + "/sign-in/login/")
    wrong += faults(page, width)
    set_up_app(visitor)
    addresses = ("/sign-in/2fa/", "/sign-in/2fa/recovery-codes/", "/sign-in/password/change/")
    for address in (*addresses, "/sign-in/2fa/webauthn/add/", "/staff/", "/staff/assess/"):
        visitor.open(address)
        wrong += faults(page, width)
    submit(page)
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "error-summary"
    wrong += faults(page, width)
    page.fill("[name=text]", TABLE)
    submit(page)
    assert page.get_by_text("row 3, column HGB").count() == 1
    wrong += faults(page, width)
    visitor.open("/staff/assess/")
    page.set_input_files("[name=file]", CHILD)
    submit(page)
    assert page.title() == "Clinician report"
    shown = page.locator("body").evaluate("b => getComputedStyle(b).maxWidth")
    assert shown != "none", "the report's own style is allowed"
    wrong += faults(page, width)
    for words in ("HTML", "JSON", "FHIR"):
        with page.expect_download() as download:
            page.get_by_text(f"Download as {words}").click()
        assert Path(download.value.path()).stat().st_size > 10_000
    page.get_by_text("Agree?").click()
    page.wait_for_url("**/feedback/")
    wrong += faults(page, width)
    assert wrong == [], "\n".join(wrong)


def test_all_of_it_without_script(visit: Visit) -> None:
    """Signing in with an app, uploading and reading need no script."""
    visitor = visit(script=False)
    set_up_app(visitor)
    page = visitor.open("/staff/assess/")
    page.fill("[name=text]", CHILD.read_text(encoding="utf-8"))
    submit(page)
    assert page.locator("h1").inner_text() == "Assessment of suspected bone marrow failure"


def test_session_warns_and_is_kept(visit: Visit) -> None:
    """T-18: two minutes before the end a dialog asks; one button keeps the session."""
    visitor = visit()
    page = visitor.page
    set_up_app(visitor)
    page.clock.install()
    visitor.open("/staff/")
    dialog = page.locator("#session-warning")
    for _ in range(2):
        page.clock.fast_forward(12 * 60 * 1000)
        assert not dialog.is_visible()
        page.clock.fast_forward(61 * 1000)
        assert dialog.is_visible()
        with page.expect_response("**/staff/session/") as answer:
            page.keyboard.press("Enter")
        assert answer.value.status == 204
        dialog.wait_for(state="hidden")
    page.clock.fast_forward(15 * 60 * 1000)
    assert "You were signed out" in dialog.inner_text()
