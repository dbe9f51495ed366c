"""/staff/people/: administrators make, change and close accounts of staff, confirmed first."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth import authenticate
from django.test import Client

from hematon.portal.accounts.models import Kind, Role, StaffRole, User
from hematon.portal.audit.models import Event
from portal_accounts import Clock

pytestmark = pytest.mark.django_db
Signed = Callable[..., Client]
Confirm = Callable[[Client], None]


@pytest.fixture
def administrator(signed_in: Signed, confirm_now: Confirm) -> Client:
    """An administrator who has just shown the second factor."""
    client = signed_in(Role.ADMINISTRATOR)
    confirm_now(client)
    return client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Freeze the clock."""
    return Clock(monkeypatch)


@pytest.fixture
def nurse() -> User:
    """A colleague with a second factor."""
    user = User.objects.create_user("nurse@tests.invalid", "a long enough password", name="Nurse A")
    StaffRole.objects.create(user=user, role=Role.INTAKE)
    TOTP.activate(user, generate_totp_secret())
    return user


def test_people_are_listed_and_families_are_not(administrator: Client, nurse: User) -> None:
    """The list is of staff; an account of a family is not there."""
    family = User.objects.create_without_password("one@tests.invalid", Kind.FAMILY)
    page = administrator.get("/staff/people/").content.decode()
    assert "nurse@tests.invalid" in page
    assert "one@tests.invalid" not in page
    for tail in ("", "roles/", "disable/", "end-sessions/", "forget-second-factor/"):
        place = f"/staff/people/{family.pk}/{tail}"
        assert (administrator.post(place) if tail else administrator.get(place)).status_code == 404


def test_a_password_is_shown_once_and_works(administrator: Client) -> None:
    """The answer to the form has it; no page after it, no session and no audit row has."""
    given = {"name": "Nurse A", "email": "Nurse@tests.invalid", "roles": ["intake"]}
    page = administrator.post("/staff/people/add/", given).content.decode()
    found = re.search(r'id="password">([^<]+)<', page)
    assert found is not None
    password = found[1]
    user = User.objects.get(email="nurse@tests.invalid")
    assert authenticate(None, email=user.email, password=password) == user
    assert [role.role for role in user.roles.all()] == ["intake"]
    assert password not in administrator.get(f"/staff/people/{user.pk}/").content.decode()
    assert password not in repr(dict(administrator.session.items()))
    event = Event.objects.get(action="staff.created")
    assert password not in repr(event.detail)
    again = administrator.post("/staff/people/add/", given).content.decode()
    assert "There is an account with this address already" in again


def test_roles_hold_from_the_next_page_on(administrator: Client, nurse: User) -> None:
    """T-06: taken and given while the person is signed in."""
    theirs = Client()
    theirs.force_login(nurse)
    assert theirs.get("/staff/inbox/").status_code == 200
    administrator.post(f"/staff/people/{nurse.pk}/roles/", {"roles": ["administrator"]})
    assert theirs.get("/staff/people/").status_code == 200
    administrator.post(f"/staff/people/{nurse.pk}/roles/", {})
    assert theirs.get("/staff/people/").status_code == 403
    assert Event.objects.filter(action="staff.roles_set").count() == 2
    administrator.post(f"/staff/people/{nurse.pk}/roles/", {"roles": ["king"]})
    assert not nurse.roles.exists()


def test_closing_ends_sessions_and_opening_lets_in_again(
    administrator: Client, nurse: User
) -> None:
    """T-19: at the next request; the audit knows who did it."""
    theirs = Client()
    theirs.force_login(nurse)
    assert theirs.get("/staff/").status_code == 200
    administrator.post(f"/staff/people/{nurse.pk}/disable/")
    assert theirs.get("/staff/").status_code == 302
    assert Event.objects.get(action="staff.disabled").detail["sessions"] == 1
    administrator.post(f"/staff/people/{nurse.pk}/enable/")
    assert theirs.get("/staff/").status_code == 302, "an ended session stays ended"
    theirs.force_login(nurse)
    assert theirs.get("/staff/").status_code == 200


def test_a_lost_second_factor_is_forgotten_with_its_sessions(
    administrator: Client, nurse: User
) -> None:
    """T-12: the next sign-in sets up a new one."""
    theirs = Client()
    theirs.force_login(nurse)
    administrator.post(f"/staff/people/{nurse.pk}/forget-second-factor/")
    assert not Authenticator.objects.filter(user=nurse).exists()
    assert theirs.get("/staff/")["Location"].startswith("/sign-in/login/")
    theirs.force_login(User.objects.get(pk=nurse.pk))
    assert theirs.get("/staff/")["Location"] == "/sign-in/2fa/"


def test_sessions_of_a_person_are_ended(administrator: Client, nurse: User) -> None:
    """T-19: without closing the account."""
    theirs = Client()
    theirs.force_login(nurse)
    assert "Open now: 1." in administrator.get(f"/staff/people/{nurse.pk}/").content.decode()
    administrator.post(f"/staff/people/{nurse.pk}/end-sessions/")
    assert theirs.get("/staff/").status_code == 302


@pytest.mark.parametrize("act", ["disable", "forget-second-factor", "roles"])
def test_nobody_shuts_themselves_out(act: str, administrator: Client) -> None:
    """The last administrator stays one."""
    me = User.objects.get()
    said = administrator.post(f"/staff/people/{me.pk}/{act}/", follow=True).content.decode()
    assert "You cannot" in said
    assert administrator.get("/staff/people/").status_code == 200


@pytest.mark.parametrize(
    "act", ["disable", "enable", "forget-second-factor", "roles", "end-sessions"]
)
def test_every_act_asks_for_the_second_factor_first(
    act: str, signed_in: Signed, nurse: User
) -> None:
    """T-20: an administrator's open session alone changes nobody's account."""
    client = signed_in(Role.ADMINISTRATOR)
    answer = client.post(f"/staff/people/{nurse.pk}/{act}/")
    assert answer["Location"].startswith("/sign-in/2fa/reauthenticate/?next=")
    assert client.get(f"/staff/people/{nurse.pk}/").status_code == 302
    assert User.objects.get(pk=nurse.pk).holds(Role.INTAKE)
    assert Authenticator.objects.filter(user=nurse).exists()


def test_a_button_pressed_too_late_leads_back_to_its_page(
    administrator: Client, nurse: User, clock: Clock
) -> None:
    """T-20: nothing is done; after showing who it is, the page with the button comes, not a 405."""
    page = f"/staff/people/{nurse.pk}/"
    assert administrator.get(page).status_code == 200
    clock.move(minutes=6)
    for came_from, back in (
        (f"http://testserver{page}", page),
        ("https://evil.invalid/staff/people/", f"{page}disable/"),
        ("", f"{page}disable/"),
    ):
        answer = administrator.post(f"{page}disable/", headers={"referer": came_from})
        assert answer["Location"].startswith("/sign-in/2fa/reauthenticate/")
        assert parse_qs(urlsplit(answer["Location"]).query) == {"next": [back]}
    nurse.refresh_from_db()
    assert nurse.is_active
    assert "Nothing was changed yet" in administrator.get("/staff/people/").content.decode()
