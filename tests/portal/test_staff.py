"""Staff sign-in: second factor, limits, sessions that end, roles that bite at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from click.testing import CliRunner
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import NoReverseMatch, reverse

from hematon.portal.accounts import actions
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.commands import ROLES, portal

PASSWORD = "a long enough password"
LOGIN = "/sign-in/login/"
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def person() -> User:
    """A clinician without a second factor."""
    user = User.objects.create_user("one@tests.invalid", PASSWORD)
    StaffRole.objects.create(user=user, role=Role.CLINICIAN)
    return user


def enter(client: Client, password: str = PASSWORD, **headers: str) -> int:
    """Send the sign-in form and give the status."""
    answer = client.post(
        LOGIN, {"login": "one@tests.invalid", "password": password}, headers=headers
    )
    return answer.status_code


def code_of(secret: str) -> str:
    """Give what an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1])))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime.now(UTC)  # noqa: TID251 sessions are judged against the real one
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)

    def move(self, **by: float) -> None:
        """Go on by some minutes, say."""
        self.now += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Freeze the clock that sessions are judged by."""
    return Clock(monkeypatch)


def test_without_second_factor_only_its_set_up_opens(signed_in: Signed) -> None:
    """T-12: the role alone opens nothing under /staff/."""
    client = signed_in(*Role, second_factor=False)
    for address in ("/staff/", "/staff/assess/", "/staff/nothing-here/"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, "/sign-in/2fa/")
    page = client.get("/sign-in/2fa/").content.decode()
    assert "Set up a second factor first" in page
    assert "/sign-in/2fa/totp/activate/" in page


def test_password_then_code_opens_and_a_code_works_once(client: Client, person: User) -> None:
    """T-12: both factors are asked for; the code of one sign-in is worth nothing in the next."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    assert enter(client) == 302
    assert client.get("/staff/").status_code == 302, "the password alone opens nothing"
    code = code_of(secret)
    assert client.post("/sign-in/2fa/authenticate/", {"code": code}).status_code == 302
    assert client.get("/staff/").status_code == 200
    other = Client()
    enter(other)
    again = other.post("/sign-in/2fa/authenticate/", {"code": code})
    assert again.status_code == 200
    assert "Incorrect code" in again.content.decode()
    assert other.get("/staff/").status_code == 302


def test_passkeys_are_offered(client: Client) -> None:
    """T-12: the sign-in page offers a passkey and never an account of one's own."""
    page = client.get(LOGIN).content.decode()
    assert "Sign in with a passkey" in page
    assert page.count("/sign-in/password/reset/") == 1
    assert "sign up" not in page.lower()


MALFORMED = (
    "1" * 5000,
    "[" * 100_000,
    "null",
    "4",
    '"text"',
    '{"id": 4, "rawId": 4, "type": 4, "response": 4}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", '
    '"attestationObject": "AA", "authenticatorData": "AA", "signature": "AA"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
    '"attestationObject": "oA", "authenticatorData": "oA", "signature": null, "userHandle": "w"}}',
)


@pytest.mark.parametrize("credential", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_passkeys_are_refused(person: User, credential: str) -> None:
    """What no browser sends signs nobody in, adds nothing, and is not a fault of ours."""
    client = Client()
    client.get("/sign-in/2fa/webauthn/login/", headers={"X-Requested-With": "XMLHttpRequest"})
    client.post("/sign-in/2fa/webauthn/login/", {"credential": credential})
    assert client.get("/staff/")["Location"].startswith(LOGIN)
    enter(client)
    client.post("/sign-in/reauthenticate/?next=/sign-in/2fa/", {"password": PASSWORD})
    client.get("/sign-in/2fa/webauthn/add/")
    page = client.post("/sign-in/2fa/webauthn/add/", {"name": "a", "credential": credential})
    assert page.status_code == 200
    assert not Authenticator.objects.exists()
    TOTP.activate(person, generate_totp_secret())
    other = Client()
    enter(other)
    other.get("/sign-in/2fa/authenticate/")
    other.post("/sign-in/2fa/authenticate/", {"credential": credential})
    assert other.get("/staff/").status_code == 302


@pytest.mark.parametrize("name", ["account_signup", "account_email", "account_confirm_email"])
def test_accounts_are_made_for_people_not_by_them(client: Client, name: str) -> None:
    """Signing up and managing addresses have no address at all."""
    with pytest.raises(NoReverseMatch):
        reverse(name)
    assert client.get("/sign-in/signup/").status_code == 404
    assert client.post("/sign-in/signup/", {"email": "new@tests.invalid"}).status_code == 404
    assert client.get("/sign-in/email/").status_code == 404


def test_sixth_failure_is_refused_whatever_the_forwarded_address(
    client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-14: 429 at the sixth, a forged X-Forwarded-For does not help, five minutes do."""
    for attempt in range(5):
        assert enter(client, "wrong", **{"X-Forwarded-For": f"203.0.113.{attempt}"}) == 200
    assert enter(client, "wrong", **{"X-Forwarded-For": "203.0.113.99"}) == 429
    assert enter(Client()) == 429, "the right password must not be told from a wrong one"
    now = ratelimit.time.time()
    monkeypatch.setattr(ratelimit.time, "time", lambda: now + 301)
    assert enter(Client()) == 302, "nobody is locked out for good"


def test_sign_in_and_reset_do_not_say_who_has_an_account(client: Client, person: User) -> None:
    """The pages for a known and an unknown address are the same but for the address."""

    def told(address: str, path: str, **fields: str) -> str:
        page = client.post(path, fields, follow=True).content.decode()
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
        return page.replace(address, "")

    known, unknown = person.email, "nobody@tests.invalid"
    assert told(known, LOGIN, login=known, password="wrong") == told(
        unknown, LOGIN, login=unknown, password="wrong"
    )
    reset = "/sign-in/password/reset/"
    assert told(known, reset, email=known) == told(unknown, reset, email=unknown)
    assert [m.to for m in mail.outbox] == [[known]], "strangers get no mail"


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("short-1!", False),
        ("elevenchars", False),
        ("password1234", False),
        ("one@tests.invalid", False),
        ("hematon-2026!", False),
        ("Bone.Marrow.Failure.1", False),
        ("Demonstration-Hospital", False),
        ("four plain words here", True),
        ("x7 kettle", False),
        ("kettle under the window", True),
        ("ñandú río árbol 12", True),
        ("a" * 60 + " b" * 34, True),
    ],
)
def test_passwords(person: User, password: str, is_good: bool) -> None:
    """T-16: 12 characters or more, nothing common, no rules of composition, long ones welcome."""
    try:
        validate_password(password, person)
    except ValidationError:
        assert not is_good
    else:
        assert is_good


def test_session_gets_a_new_id_at_sign_in_and_dies_at_sign_out(person: User) -> None:
    """T-18: an id planted before sign-in is worthless after it, a kept one after sign-out."""
    TOTP.activate(person, secret := generate_totp_secret())
    client = Client()
    enter(client)
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/sign-in/2fa/authenticate/", {"code": code_of(secret)})
    after = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert before != after
    assert client.get("/staff/").status_code == 200
    client.post("/sign-in/logout/")
    replay = Client()
    replay.cookies[settings.SESSION_COOKIE_NAME] = after
    assert replay.get("/staff/")["Location"].startswith(LOGIN)


def test_sign_out_needs_a_post(signed_in: Signed) -> None:
    """A picture on another site cannot sign anyone out."""
    client = signed_in(Role.CLINICIAN)
    client.get("/sign-in/logout/")
    assert client.get("/staff/").status_code == 200


def test_idle_for_fifteen_minutes_ends_the_session(clock: Clock, signed_in: Signed) -> None:
    """T-18: any activity keeps it, 15 minutes and a second of none end it on the server."""
    client = signed_in(Role.CLINICIAN)
    for _ in range(4):
        clock.move(minutes=14)
        assert client.get("/staff/").status_code == 200
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    clock.move(minutes=15, seconds=1)
    answer = client.get("/staff/assess/")
    assert answer["Location"] == f"{LOGIN}?next=/staff/assess/"
    assert "signed out to protect" in client.get(answer["Location"]).content.decode()
    replay = Client()
    replay.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert replay.get("/staff/").status_code == 302


def test_eight_hours_end_the_session_however_active(clock: Clock, signed_in: Signed) -> None:
    """T-18: activity does not stretch a working day."""
    client = signed_in(Role.CLINICIAN)
    for _ in range(8 * 6):
        clock.move(minutes=9, seconds=59)
        assert client.get("/staff/").status_code == 200
    clock.move(minutes=9)
    assert client.get("/staff/").status_code == 302


def test_pages_of_staff_warn_and_can_be_kept_open(clock: Clock, signed_in: Signed) -> None:
    """T-18: the page knows when its session ends, and asking for more works time and again."""
    client = signed_in(Role.CLINICIAN)
    for _ in range(12):
        assert 'data-seconds="900"' in client.get("/staff/").content.decode()
        clock.move(minutes=14)
        assert client.post("/staff/session/").status_code == 204
    clock.move(hours=5, minutes=10)
    assert client.post("/staff/session/").status_code == 302
    assert "session-warning" not in Client().get("/sign-in/login/").content.decode()


def test_last_minutes_of_eight_hours_are_told_as_such(clock: Clock, signed_in: Signed) -> None:
    """Near the end of the day the page counts to the end of the day."""
    client = signed_in(Role.CLINICIAN)
    for _ in range(36):
        clock.move(minutes=13)
        client.get("/staff/")
    clock.move(minutes=2)
    assert 'data-seconds="600"' in client.get("/staff/").content.decode()


def test_pages_of_families_know_nothing_of_sessions(signed_in: Signed) -> None:
    """Staff reading a page for families see what families see."""
    assert "session-warning" not in signed_in(Role.CLINICIAN).get("/en/").content.decode()


def test_session_without_stamps_is_over(signed_in: Signed) -> None:
    """A session made in a way we did not foresee is not trusted."""
    client = signed_in(Role.CLINICIAN)
    session = client.session
    del session["signed_in_at"]
    session.save()
    assert client.get("/staff/").status_code == 302


def test_role_taken_away_bites_on_the_next_page(signed_in: Signed) -> None:
    """Roles are looked up at every request."""
    client = signed_in(Role.CLINICIAN)
    assert client.get("/staff/").status_code == 200
    StaffRole.objects.all().delete()
    assert client.get("/staff/").status_code == 403


def test_inactive_account_is_out_at_once(signed_in: Signed) -> None:
    """Switching an account off ends its sessions."""
    client = signed_in(Role.CLINICIAN)
    User.objects.update(is_active=False)
    assert client.get("/staff/")["Location"].startswith(LOGIN)


def test_second_factor_can_be_set_up_after_a_password_change(client: Client, person: User) -> None:
    """The change leaves allauth an unverified address; it must not lock the person out."""
    enter(client)
    change = {"oldpassword": PASSWORD, "password1": "kettle under the window"}
    changed = client.post("/sign-in/password/change/", {**change, "password2": change["password1"]})
    assert changed.status_code == 302
    address = "/sign-in/2fa/totp/activate/"
    client.post(f"/sign-in/reauthenticate/?next={address}", {"password": change["password1"]})
    assert "data:image/svg+xml" in client.get(address).content.decode()


def test_mail_of_reset_leads_to_a_new_password_and_still_asks_the_second_factor(
    client: Client, person: User
) -> None:
    """Whoever reads the mail still lacks the second factor."""
    TOTP.activate(person, generate_totp_secret())
    client.post("/sign-in/password/reset/", {"email": person.email})
    (letter,) = mail.outbox
    found = re.search(r"http://testserver(/\S+)", str(letter.body))
    assert found is not None
    form = client.get(found[1], follow=True)
    new = "kettle under the window"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert enter(client, new) == 302
    assert client.get("/staff/").status_code == 302


def test_pages_of_sign_in_show_the_programmes_own_phones(client: Client) -> None:
    """Allauth puts its own `site` into the context; the layout must not print that one."""
    for address in (LOGIN, "/sign-in/password/reset/"):
        page = client.get(address).content.decode()
        assert 'href="tel:911"' in page
        assert "555-0100" in page


def test_staff_pages_are_english_whatever_the_browser_asks(signed_in: Signed) -> None:
    """A page half in Spanish would be read out wrong."""
    spanish = {"Accept-Language": "es-MX,es"}
    for address in (LOGIN, "/staff/nothing-here/", "/sign-in/password/reset/"):
        assert (
            '<html lang="en">' in Client(headers=spanish).get(address, follow=True).content.decode()
        )
    client = signed_in(Role.CLINICIAN)
    assert '<html lang="en">' in client.get("/staff/", headers=spanish).content.decode()


def run(*words: str) -> tuple[int, str]:
    """Run `hematon portal` and give its exit code and output."""
    result = CliRunner().invoke(
        portal, ["--dir", str(settings.DIRECTORY), "--demo", *words], catch_exceptions=False
    )
    return result.exit_code, result.output


def test_command_makes_an_account_that_signs_in(client: Client) -> None:
    """`create-staff` prints a password that works, once, and audits the account."""
    code, said = run("create-staff", "One@Tests.invalid", "--role", "clinician")
    assert code == 0
    password = re.search(r"password +(\S+)", said)
    assert password is not None
    assert enter(client, password[1]) == 302
    assert User.objects.get().holds(Role.CLINICIAN)
    assert not User.objects.get().holds(Role.INTAKE)
    event = Event.objects.get(action="staff.created")
    assert (event.actor, event.detail) == (None, {"roles": "clinician"})
    assert run("create-staff", "one@tests.invalid")[0] == 1
    assert run("create-staff", "no address")[0] == 1
    assert User.objects.count() == 1


def test_commands_change_roles_and_forget_a_lost_factor(person: User) -> None:
    """Both name the account; an unknown one is an error, not silence."""
    TOTP.activate(person, generate_totp_secret())
    assert run("set-roles", person.email, "--role", "intake") == (
        0,
        f"roles of {person.email}: intake\n",
    )
    assert [r.role for r in person.roles.all()] == ["intake"]
    assert run("forget-second-factor", person.email)[0] == 0
    assert actions.forget_second_factor(user=person, by=None) == 0
    assert run("set-roles", "nobody@tests.invalid")[0] == 1
    assert Event.objects.filter(action="staff.second_factor_forgotten").count() == 2


def test_commands_know_every_role() -> None:
    """The list at the command line cannot import the models, and must not fall behind them."""
    assert set(ROLES) == set(Role.values)
