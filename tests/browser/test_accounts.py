"""A family at a real browser: code, passkey, sessions, the warning before the end; no script."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.core.cache import cache

from hematon.portal.accounts.models import BrowserSession, Kind, User
from portal_accounts import code_in_mail

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PICTURES = os.environ.get("HEMATON_PICTURES", "")
Visit = Callable[..., Any]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def sound(page: Any, width: int, name: str) -> None:
    """Assert that axe finds nothing, nothing is cut off sideways, and there is one main heading."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
    found = [
        f"{page.url} {v['id']}: {node['html'][:150]}"
        for v in Axe().run(page).response["violations"]
        for node in v["nodes"]
    ]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, page.url
    assert page.locator("h1").count() == 1


def press(page: Any, words: str) -> None:
    """Press a button of the page's main part and wait for what it leads to."""
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name=words).first.click()


def sign_in(visitor: Any, language: str = "en") -> Any:
    """Sign in by a code from the mail."""
    send, go_on = {"en": ("Send me a code", "Continue"), "es": ("Enviarme un código", "Continuar")}[
        language
    ]
    page = visitor.open(f"/{language}/account/")
    assert page.url.endswith(f"/{language}/account/sign-in/?next=/{language}/account/")
    page.fill("[name=address]", "one@tests.invalid")
    press(page, send)
    page.fill("[name=code]", code_in_mail())
    press(page, go_on)
    assert page.url.endswith(f"/{language}/account/")
    return page


@pytest.mark.parametrize(("width", "language"), [(320, "es"), (1280, "en")])
def test_a_family_signs_in_and_keeps_a_passkey(visit: Visit, width: int, language: str) -> None:
    """T-12, T-18, T-20: code, passkey added, signed out, in again by the passkey, removed."""
    visitor = visit(width, language)
    page = visitor.open(f"/{language}/account/sign-in/")
    sound(page, width, "sign-in")
    page.locator("main form button[type=submit]").first.click()
    assert page.title().startswith("Error:")
    sound(page, width, "sign-in-error")
    page.fill("[name=address]", "one@tests.invalid")
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()
    sound(page, width, "code")
    page.fill("[name=code]", code_in_mail())
    with page.expect_navigation():
        page.locator("main form button[type=submit]").first.click()
    sound(page, width, "my-access")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    key = session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]
    visitor.open(f"/{language}/account/passkeys/add/")
    sound(page, width, "add-passkey")
    with page.expect_navigation():
        page.click("#passkey_button")
    assert page.url.endswith(f"/{language}/account/")
    sound(page, width, "my-access-with-passkey")
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    user = User.objects.get()
    assert len(kept) == 1
    assert kept[0]["isResidentCredential"]
    assert "one@" not in repr(kept)
    with page.expect_navigation():
        page.locator(".hm-signed-in form button").last.click()
    assert "/account/sign-in/" in page.url
    with page.expect_navigation():
        page.click("#passkey_button")
    assert page.url.endswith(f"/{language}/account/home/")
    assert User.objects.get() == user
    visitor.open(f"/{language}/account/address/")
    sound(page, width, "change-address")
    visitor.open(f"/{language}/account/delete/")
    sound(page, width, "delete")
    BrowserSession.objects.exclude(ended_at=None).delete()
    visitor.open(f"/{language}/account/confirm/?next=/{language}/account/address/")
    sound(page, width, "confirm")
    with page.expect_navigation():
        page.click("#passkey_button")
    assert page.url.endswith(f"/{language}/account/address/")
    visitor.open(f"/{language}/account/")
    with page.expect_navigation():
        page.locator("main a[href*='/remove/']").click()
    sound(page, width, "remove-passkey")
    with page.expect_navigation():
        page.locator("main form button").click()
    assert page.locator("main a[href*='/remove/']").count() == 0


def test_a_passkey_that_does_not_work_is_told(visit: Visit) -> None:
    """The page says so and the code still works; nothing is logged as a fault."""
    visitor = visit()
    page = visitor.open("/en/account/sign-in/")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {**KEY, "isUserVerified": False}})
    page.click("#passkey_button")
    page.locator("[data-passkey-error]").wait_for(state="visible")
    sign_in(visitor)


def test_everything_but_passkeys_works_without_script(visit: Visit) -> None:
    """Code, a session kept open in another tab while what was typed stays, the end of another."""
    other = visit(script=False)
    sign_in(other)
    visitor = visit(320, "en", script=False)
    page = sign_in(visitor)
    assert page.locator("#passkey_button").count() == 0
    visitor.open("/en/account/address/")
    page.fill("[name=address]", "typed@tests.invalid")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Stay signed in").first.click()
    assert opened.value.locator("h1").inner_text() == "You are still signed in"
    assert page.input_value("[name=address]") == "typed@tests.invalid"
    visitor.open("/en/account/")
    press(page, "Sign out everywhere else")
    assert "You are not signed in anywhere else" in page.locator("main").inner_text()
    other.open("/en/account/")
    assert "/account/sign-in/" in other.page.url


def test_the_warning_comes_two_minutes_before_the_end_and_can_be_put_off(visit: Visit) -> None:
    """T-18, WCAG 2.2.1: warned, kept open eleven times, what was typed is still there."""
    visitor = visit()
    sign_in(visitor)
    page = visitor.page
    page.clock.install()
    visitor.open("/en/account/address/")
    page.fill("[name=address]", "typed@tests.invalid")
    dialog = page.locator("#session-warning")
    for _ in range(11):
        page.clock.run_for(27 * 60 * 1000)
        assert not dialog.is_visible()
        page.clock.run_for(61 * 1000)
        dialog.wait_for(state="visible")
        assert "signed out in 2 minutes" in dialog.inner_text()
        with page.expect_response("**/account/session/"):
            dialog.get_by_role("button").click()
        dialog.wait_for(state="hidden")
    assert page.input_value("[name=address]") == "typed@tests.invalid"
    page.clock.run_for(31 * 60 * 1000)
    assert "You were signed out" in dialog.inner_text()
    assert dialog.get_by_role("button").count() == 0


def test_a_clinician_outside_signs_in(visit: Visit) -> None:
    """English whatever the browser speaks, with the account's own pages behind it."""
    visitor = visit(320, "es")
    page = visitor.open("/clinicians/sign-in/")
    assert page.locator("html").get_attribute("lang") == "en"
    sound(page, 320, "clinicians")
    page.fill("[name=address]", "doctor@tests.invalid")
    press(page, "Send me a code")
    page.fill("[name=code]", code_in_mail())
    press(page, "Continue")
    assert User.objects.get().kind == Kind.REFERRER
    assert len(mail.outbox) == 1
