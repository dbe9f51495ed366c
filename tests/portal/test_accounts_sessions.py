"""Sessions of families, clinicians outside and staff: they end, are listed, and can be ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.account.signals import password_changed
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from hematon.portal.accounts import actions, sessions
from hematon.portal.accounts.access import open_page
from hematon.portal.accounts.models import BrowserSession, Kind, Role, StaffRole, User
from hematon.portal.accounts.session_store import SessionStore
from hematon.portal.notify.models import Notice
from hematon.portal.urls import *  # noqa: F403 the portal with one page more
from hematon.portal.urls import urlpatterns as of_the_portal
from portal_accounts import Clock, sign_in

pytestmark = pytest.mark.django_db
Signed = Callable[..., Client]
HOME = "/en/account/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@open_page
def who_is_there(request: HttpRequest) -> HttpResponse:
    """Say whether an open page that asks takes anyone for signed in."""
    return HttpResponse("someone" if request.user.is_authenticated else "nobody")


urlpatterns = [*of_the_portal, path("who/", who_is_there, name="who")]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Freeze the clock."""
    return Clock(monkeypatch)


def test_a_family_idle_for_thirty_minutes_is_signed_out(clock: Clock, signed_in_as: Signed) -> None:
    """T-18: 30 minutes keep it, a second more ends it on the server, for a copied cookie too."""
    client = signed_in_as()
    for _ in range(4):
        clock.move(minutes=30)
        assert client.get(HOME).status_code == 200
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    clock.move(minutes=30, seconds=1)
    answer = client.get("/es/account/address/")
    assert answer["Location"] == "/es/account/sign-in/?next=/es/account/address/"
    assert "Cerramos su sesión" in client.get(answer["Location"]).content.decode()
    replay = Client()
    replay.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert replay.get(HOME).status_code == 302


def test_a_family_is_signed_out_after_a_day_however_active(
    clock: Clock, signed_in_as: Signed
) -> None:
    """T-18: 24 hours in all."""
    client = signed_in_as()
    for _ in range(24 * 3):
        assert client.get(HOME).status_code == 200
        clock.move(minutes=20)
    assert client.get(HOME).status_code == 200
    clock.move(seconds=1)
    assert client.get(HOME).status_code == 302


def test_a_clinician_outside_has_eight_hours(clock: Clock, signed_in_as: Signed) -> None:
    """A working day, half an hour idle."""
    client = signed_in_as(Kind.REFERRER)
    for _ in range(8 * 3):
        assert client.get(HOME).status_code == 200
        clock.move(minutes=20)
    clock.move(seconds=1)
    assert client.get(HOME).status_code == 302


def test_open_pages_do_not_take_the_next_person_for_the_family(
    clock: Clock, signed_in_as: Signed, settings: object
) -> None:
    """T-18: the end holds on any page that asks who is there, not on closed ones alone."""
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]
    client = signed_in_as()
    assert client.get("/who/").content == b"someone"
    clock.move(minutes=31)
    assert client.get("/who/").content == b"nobody"


def test_pages_warn_and_can_be_kept_open(clock: Clock, signed_in_as: Signed) -> None:
    """T-18, WCAG 2.2.1: the page knows its end; asking for more works more than ten times."""
    client = signed_in_as()
    for _ in range(12):
        page = client.get(HOME).content.decode()
        assert 'data-seconds="1800"' in page
        assert "After 30 minutes without a new page" in page
        clock.move(minutes=29)
        kept = client.post("/en/account/session/")
        assert "You are still signed in" in kept.content.decode()
    clock.move(minutes=29)
    assert client.get(HOME).status_code == 200


def test_sign_out_kills_the_session_and_a_copy_of_its_cookie() -> None:
    """T-18: replay of the old cookie leads to sign-in."""
    client = sign_in()
    old = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.get("/en/account/sign-out/").status_code == 405
    assert client.get(HOME).status_code == 200
    assert client.post("/en/account/sign-out/", follow=True).status_code == 200
    replay = Client()
    replay.cookies[settings.SESSION_COOKIE_NAME] = old
    assert replay.get(HOME)["Location"] == "/en/account/sign-in/?next=/en/account/"
    assert BrowserSession.objects.get().ended_at is not None


def test_own_sessions_are_listed_and_ended(clock: Clock) -> None:
    """T-19: one is ended, then all others; each at its next request, this one never."""
    here = sign_in(client=Client(headers={"user-agent": FIREFOX}))
    phone = sign_in(client=Client(headers={"user-agent": IPHONE}))
    third = sign_in()
    page = here.get(HOME).content.decode()
    for words in ("Firefox on a computer", "Safari on a phone or tablet", "This browser, now"):
        assert words in page
    rows = BrowserSession.objects.order_by("began_at")
    row = BrowserSession.objects.get(is_phone=True)
    assert here.post(f"/en/account/sessions/{row.pk}/end/").status_code == 302
    assert phone.get(HOME).status_code == 302
    assert third.get(HOME).status_code == 200
    here.post("/en/account/sessions/others/end/")
    assert third.get(HOME).status_code == 302
    assert here.get(HOME).status_code == 200
    assert rows.filter(ended_at=None).count() == 1


def test_sessions_of_others_are_not_there() -> None:
    """T-02: the id of another family's session ends nothing and tells nothing."""
    other = sign_in("two@tests.invalid")
    row = BrowserSession.objects.get()
    mine = sign_in()
    assert mine.post(f"/en/account/sessions/{row.pk}/end/").status_code == 404
    assert other.get(HOME).status_code == 200


def test_the_list_keeps_no_network_address() -> None:
    """The make of the browser and times; the address it came from is nowhere."""
    sign_in(client=Client(REMOTE_ADDR="198.51.100.77", headers={"user-agent": FIREFOX}))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_browsersession")
        row = repr(cursor.fetchall())
    assert "198.51" not in row
    assert "Mozilla" not in row


def test_staff_list_and_end_their_sessions_too(clock: Clock) -> None:
    """T-19: for staff under /staff/."""
    user = User.objects.create_user("one@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=user, role=Role.CLINICIAN)
    TOTP.activate(user, generate_totp_secret())
    here, there = Client(headers={"user-agent": FIREFOX}), Client()
    for client in (here, there):
        client.force_login(user)
        assert client.get("/staff/").status_code == 200
    # Made without a request of the browser, the rows know no browser.
    assert "A browser on a computer" in here.get("/staff/sessions/").content.decode()
    here.post("/staff/sessions/others/end/")
    assert there.get("/staff/").status_code == 302
    assert here.get("/staff/").status_code == 200
    row = user.browser_sessions.get(ended_at=None)
    here.post(f"/staff/sessions/{row.pk}/end/")
    assert here.get("/staff/").status_code == 302


def test_closing_an_account_ends_every_session_at_the_next_request(signed_in_as: Signed) -> None:
    """T-19: families and staff alike."""
    client = signed_in_as()
    User.objects.update(is_active=False)
    assert client.get(HOME).status_code == 302


def test_kinds_stay_apart(signed_in_as: Signed, signed_in: Signed) -> None:
    """A family on a staff page gets 403 and never the second factor's set-up; and the reverse."""
    for kind in (Kind.FAMILY, Kind.REFERRER):
        client = signed_in_as(kind)
        for place in ("/staff/", "/staff/people/", "/sign-in/2fa/", "/sign-in/password/change/"):
            assert client.get(place).status_code == 403, place
        assert client.get("/staff/nothing-here/").status_code == 404
    assert signed_in(*Role).get(HOME).status_code == 403
    assert signed_in(second_factor=False).get(HOME).status_code == 403


def test_no_role_makes_a_family_staff(signed_in_as: Signed) -> None:
    """Rows of roles on an account that is no staff's open nothing."""
    client = signed_in_as()
    user = User.objects.get()
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in Role)
    TOTP.activate(user, generate_totp_secret())
    assert client.get("/staff/").status_code == 403


def test_staff_confirm_by_the_second_factor_and_not_by_the_password(clock: Clock) -> None:
    """T-20: TOTP or passkey; the stamp holds five minutes; the page comes back by itself."""
    user = User.objects.create_user("one@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=user, role=Role.ADMINISTRATOR)
    TOTP.activate(user, secret := generate_totp_secret())
    client = Client()
    client.force_login(user)
    add = "/staff/people/add/"
    ask = client.get(add)["Location"]
    assert ask == "/sign-in/2fa/reauthenticate/?next=%2Fstaff%2Fpeople%2Fadd%2F"
    client.post(f"/sign-in/reauthenticate/?next={add}", {"password": "a long enough password"})
    assert client.get(add).status_code == 302, "the password alone is no presence"
    code = str(format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1])))
    assert client.post(ask, {"code": code})["Location"] == add
    assert client.get(add).status_code == 200
    clock.move(minutes=5)
    assert client.get(add).status_code == 302


def test_signing_in_anew_forgets_a_confirmation(signed_in: Signed, confirm_now: Signed) -> None:
    """T-20: what one person showed does not count for the next at the same browser."""
    client = signed_in(Role.ADMINISTRATOR)
    confirm_now(client)
    assert client.get("/staff/people/add/").status_code == 200
    client.force_login(User.objects.get())
    assert client.get("/staff/people/add/").status_code == 302


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (FIREFOX, "firefox"),
        (IPHONE, "safari"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "chrome"),
        ("Mozilla/5.0 AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "edge"),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28.0 Chrome/130.0 Safari", "samsung"),
        ("Mozilla/5.0 Chrome/140.0 Safari/537.36 OPR/120.0", "opera"),
        ("", "other"),
        ("x" * 10_000, "other"),
    ],
)
def test_browsers_are_told_by_their_make(agent: str, browser: str) -> None:
    """Most say they are others too."""
    assert sessions.browser_of(agent) == browser


def test_a_new_browser_is_told_by_mail(clock: Clock) -> None:
    """ASVS 6.3.5: the first sign-in is no news, the second browser is, the same one is not.

    The mail is owed in the transaction of the sign-in: neither happens without the other.
    """
    sign_in(client=Client(headers={"user-agent": FIREFOX}))
    sign_in(client=Client(headers={"user-agent": FIREFOX}))
    assert not Notice.objects.exists()
    phone = Client(headers={"user-agent": IPHONE})
    phone.get("/es/account/sign-in/")
    sign_in(client=phone)
    told = Notice.objects.get()
    assert (told.kind, told.user, told.language) == ("new_sign_in", User.objects.get(), "en")
    assert told.key == f"new-sign-in:{BrowserSession.objects.get(is_phone=True).pk}"


def test_staff_hear_of_a_new_browser_and_of_a_changed_second_factor(signed_in: Signed) -> None:
    """T-17, ASVS 6.3.7: staff as well as families, and what an administrator took away too."""
    signed_in(Role.INTAKE)
    user = User.objects.get()
    Client(headers={"user-agent": IPHONE}).force_login(user)
    request = RequestFactory().get("/", headers={"user-agent": IPHONE})
    request.session = SessionStore()
    sessions.begin(request, user)
    assert Notice.objects.get().kind == "new_sign_in"
    actions.forget_second_factor(user=user, by=None)
    password_changed.send(User, request=request, user=user)
    kinds = list(Notice.objects.order_by("made_at", "key").values_list("kind", flat=True))
    assert kinds == ["new_sign_in", "sign_in_changed", "sign_in_changed"]


def test_a_stale_session_row_is_no_fault(rf: RequestFactory, signed_in_as: Signed) -> None:
    """A session whose row was deleted is over, not an error."""
    client = signed_in_as()
    BrowserSession.objects.all().delete()
    assert client.get(HOME).status_code == 302
