"""The staff's list of mail that could not be sent: T-29 nothing of a family stands there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.test import Client

from hematon.portal.accounts.models import Kind as AccountKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.models import Event
from hematon.portal.notify import access, actions, sending
from hematon.portal.notify.models import Kind, Notice, Reason
from hematon.portal.notify.texts import message_id

AT = datetime(2026, 3, 14, 9, tzinfo=UTC)
ADDRESS = "parent@tests.invalid"
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(db: None) -> User:
    """A family with a sealed address."""
    return User.objects.create_without_password(ADDRESS, AccountKind.FAMILY)


def failed_one(user: User, reason: Reason, key: str = "message:1") -> Notice:
    """Give a notice that was given up."""
    actions.enqueue(key=key, kind=Kind.MESSAGE_WAITING, user=user, language="en", at=AT)
    Notice.objects.filter(key=key).update(failed_at=AT, reason=reason, attempts=8)
    return Notice.objects.get(key=key)


def test_staff_see_what_failed_and_send_it_again(signed_in: Signed, family: User) -> None:
    """T-29: kind, age, tries and reason stand there, and no address; again means eight tries."""
    client = signed_in(Role.ADMINISTRATOR)
    assert "Every mail has gone" in client.get("/staff/notices/").content.decode()
    row = failed_one(family, Reason.SERVER_REFUSES)
    page = client.get("/staff/notices/").content.decode()
    for part in ("A message is waiting", f"Family account {family.pk}", "ago", "</span>8</td>"):
        assert part in page
    assert "The mail server refuses the mail" in page
    assert ADDRESS not in page
    answer = client.post("/staff/notices/", {"notice": row.pk, "act": "again"}, follow=True)
    assert "sent again" in answer.content.decode()
    row.refresh_from_db()
    assert (row.failed_at, row.reason, row.attempts, row.leased_until) == (None, "", 0, None)
    event = Event.objects.get(action="notice.sent_again")
    assert event.detail == {"kind": "message_waiting"}
    assert sending.send_due(AT).sent == 1
    assert mail.outbox[0].extra_headers["Message-ID"] == message_id(row)


def test_staff_take_off_the_list_what_they_dealt_with(signed_in: Signed, family: User) -> None:
    """It does not go afterwards, and stays in the outbox as failed."""
    client, row = signed_in(Role.ADMINISTRATOR), failed_one(family, Reason.ADDRESS_REFUSED)
    client.post("/staff/notices/", {"notice": row.pk, "act": "settle"})
    assert not access.failed().exists()
    assert Event.objects.filter(action="notice.settled").count() == 1
    assert sending.send_due(AT) == sending.Sent()
    again = client.post("/staff/notices/", {"notice": row.pk, "act": "again"}, follow=True)
    assert "no longer on the list" in again.content.decode()
    assert Event.objects.filter(action__startswith="notice.").count() == 1


@pytest.mark.parametrize("reason", [Reason.TOO_LATE, Reason.ACCOUNT_CLOSED])
def test_what_must_not_go_is_not_offered_again(
    signed_in: Signed, family: User, reason: Reason
) -> None:
    """Nor does a forged form send it."""
    client, row = signed_in(Role.ADMINISTRATOR), failed_one(family, reason)
    page = client.get("/staff/notices/").content.decode()
    assert "Send again" not in page
    assert "Dealt with" in page
    client.post("/staff/notices/", {"notice": row.pk, "act": "again"})
    assert access.failed().get() == row


@pytest.mark.parametrize(
    "sent",
    [{}, {"notice": "x", "act": "again"}, {"notice": str(uuid.uuid4()), "act": "again"}],
)
def test_a_form_that_names_nothing_does_nothing(
    signed_in: Signed, family: User, sent: dict[str, str]
) -> None:
    """And is answered with the list."""
    client, row = signed_in(Role.ADMINISTRATOR), failed_one(family, Reason.SERVER_SILENT)
    answer = client.post("/staff/notices/", sent, follow=True)
    assert answer.status_code == 200
    assert access.failed().get() == row


def test_every_reason_has_its_advice(signed_in: Signed, family: User) -> None:
    """No reason leaves staff without a next step."""
    for reason in Reason:
        failed_one(family, reason, key=f"message:{reason}")
    page = signed_in(Role.ADMINISTRATOR).get("/staff/notices/").content.decode()
    assert page.count("<strong>") >= len(Reason)
    assert all(str(reason.label).replace("'", "&#x27;") in page for reason in Reason)
