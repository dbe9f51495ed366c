"""A family's first page after signing in: what waits for it, and nothing of anyone else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from family_requests import begun, family, sent
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.care import talking, working
from hematon.portal.care.status import HoldReason, Kind, Status
from hematon.portal.ui import family_home

pytestmark = pytest.mark.django_db
HERE = "/en/account/home/"


def main_of(client: Client, where: str = HERE) -> str:
    """Give the main part of the page."""
    return client.get(where).content.decode().partition("<main")[2].partition("</main>")[0]


def test_nothing_yet_is_said_with_what_to_do() -> None:
    """Each panel says that it is empty and where to begin, in both languages."""
    client, _user = family()
    page = main_of(client)
    assert page.index("Your requests") < page.index("Next visits") < page.index("Your children")
    for words in ("You have no open request.", "You have no visit booked.", "ask us to link"):
        assert words in page
    for place in (
        "/en/requests/",
        "/en/get-care/",
        "/en/visits/",
        "/en/visits/book/",
        "/en/account/",
    ):
        assert f'href="{place}"' in page
    assert "Sus solicitudes" in main_of(client, "/es/account/home/")


def test_what_waits_for_the_family_is_marked() -> None:
    """Drafts, whose turn it is, and new messages; closed requests leave the page."""
    client, _user = family()
    nurse = User.objects.create_user("n@tests.invalid", "a long enough password")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    draft, case = begun(client, Kind.START), sent(client)
    page = main_of(client)
    assert f"/en/requests/{draft.pk}/tasks/" in page
    assert "Incomplete" in page
    assert case.reference in page
    for status, reason in ((Status.ACCEPTED, ""), (Status.ON_HOLD, HoldReason.RECORDS.value)):
        case.refresh_from_db()
        working.step(
            case=case, status=status, by=nurse, at=timezone.now(), seen=case.revision, reason=reason
        )
    assert "Your turn" in main_of(client)
    for n, hidden in enumerate((False, False, True)):
        talking.send_message(
            case=case,
            key=f"message-{n}",
            text="canary-of-a-message",
            by=nurse,
            language="en",
            at=timezone.now(),
            confidential_to_minor=hidden,
        )
    page = main_of(client)
    assert "2 new messages" in page
    assert "canary-of-a-message" not in page
    case.refresh_from_db()
    client.post(f"/en/requests/{case.pk}/take-back/", {"seen": case.revision})
    upto = talking.access.messages_for(case.sender, case).last()
    client.post(f"/en/requests/{case.pk}/read/", {"upto": str(upto.pk)})
    assert case.reference not in main_of(client)


def test_a_family_sees_its_own_alone() -> None:
    """T-02: another family's page names nothing of this one's; no other account opens it."""
    client, _user = family()
    case = sent(client)
    other, _other = family()
    assert case.reference not in main_of(other)
    assert str(case.pk) not in main_of(other)
    referrer = User.objects.create_without_password("doctor@tests.invalid", UserKind.REFERRER)
    outside = Client()
    outside.force_login(referrer)
    assert outside.get(HERE).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        HERE,
        "/en/visits/",
        "/en/visits/book/",
        "/en/children/",
        "/en/requests/",
        "/es/visits/book/days/",
    ],
)
def test_a_family_is_sent_to_its_own_sign_in(address: str, client: Client) -> None:
    """Never to the one of staff; afterwards it is back where it wanted to be."""
    place = client.get(address)["Location"]
    assert place == f"/{address[1:3]}/account/sign-in/?next={address}"


def test_two_panels_at_one_place_are_refused() -> None:
    """A clash is seen when the program starts, not when a panel is missing."""
    with pytest.raises(ValueError, match="two panels"):
        family_home.on_home(10)(lambda user, at: family_home.Panel("x", "x"))


def test_a_draft_whose_time_is_over_is_not_shown() -> None:
    """What cannot be continued is no link."""
    client, _user = family()
    case = begun(client, Kind.QUESTION)
    case.ends_at = timezone.now() - timedelta(seconds=1)
    case.save(update_fields=["ends_at"])
    assert str(case.pk) not in main_of(client)
