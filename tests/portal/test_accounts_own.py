"""S26: one's own address, passkeys, sessions and the end of the account; confirmed first."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from hematon.portal.accounts import deletion, own_account
from hematon.portal.accounts.adapter import Passkeys
from hematon.portal.accounts.models import Address, BrowserSession, Kind, MailedCode, User
from hematon.portal.audit.models import Event
from hematon.portal.notify.models import Notice
from hematon.portal.notify.sending import send_due
from portal_accounts import Clock, another, code_in_mail, sign_in

pytestmark = pytest.mark.django_db
HOME, CONFIRM = "/en/account/", "/en/account/confirm/"
BEHIND = (
    "/en/account/passkeys/add/",
    "/en/account/passkeys/1/remove/",
    "/en/account/address/",
    "/en/account/address/code/",
    "/en/account/delete/",
)
Signed = Callable[..., Client]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Freeze the clock."""
    return Clock(monkeypatch)


@pytest.mark.parametrize("place", BEHIND)
def test_changes_ask_again_who_is_there(place: str, signed_in_as: Signed) -> None:
    """T-20: a session alone changes neither address nor passkeys, by GET or by POST."""
    client = signed_in_as()
    for answer in (client.get(place), client.post(place, {"address": "two@tests.invalid"})):
        assert answer["Location"].startswith(f"{CONFIRM}?next=")
    assert not mail.outbox


def test_a_family_confirms_by_a_fresh_code(clock: Clock, signed_in_as: Signed) -> None:
    """T-20: the code goes to the own address, leads back, and counts for five minutes."""
    client = signed_in_as()
    where = client.get("/en/account/address/")["Location"]
    assert client.get(where).status_code == 200
    answer = client.post(CONFIRM, {"next": "/en/account/address/"})
    assert answer["Location"] == "/en/account/confirm/code/"
    assert mail.outbox[-1].to == ["family@tests.invalid"]
    wrong = client.post(answer["Location"], {"code": another(code_in_mail())})
    assert "not right" in wrong.content.decode()
    right = client.post(answer["Location"], {"code": code_in_mail()})
    assert right["Location"] == "/en/account/address/"
    assert client.get("/en/account/address/").status_code == 200
    clock.move(minutes=5)
    assert client.get("/en/account/address/").status_code == 302


def test_signing_in_counts_as_confirmed(clock: Clock) -> None:
    """Who has just typed a code need not type another."""
    client = sign_in()
    assert client.get("/en/account/address/").status_code == 200
    clock.move(minutes=5)
    assert client.get("/en/account/address/").status_code == 302


def test_a_code_for_one_thing_does_nothing_else(signed_in_as: Signed) -> None:
    """A code to sign in confirms nothing, and the reverse."""
    client = signed_in_as()
    client.post(CONFIRM, {})
    code = code_in_mail()
    client.post("/en/account/sign-in/", {"address": "family@tests.invalid"})
    assert "not right" in client.post("/en/account/sign-in/code/", {"code": code}).content.decode()


def test_the_address_changes_by_a_code_to_the_new_one(signed_in_as: Signed) -> None:
    """The new address receives the code, the old one the notice; then only the new signs in."""
    client = signed_in_as(confirmed=True)
    answer = client.post("/en/account/address/", {"address": "New@tests.invalid"})
    assert mail.outbox[-1].to == ["new@tests.invalid"]
    assert Address.objects.get().text == "family@tests.invalid"
    client.post(answer["Location"], {"code": code_in_mail()})
    assert send_due(timezone.now()).sent == 1
    assert mail.outbox[-1].to == ["family@tests.invalid"]
    assert "another email address" in str(mail.outbox[-1].body)
    assert "new@" not in str(mail.outbox[-1].body)
    user = User.objects.get()
    assert User.objects.with_address("new@tests.invalid") == user
    assert User.objects.with_address("family@tests.invalid") is None
    assert "new@tests.invalid" in client.get(HOME).content.decode()
    assert Event.objects.first().action == "account.address_changed"  # type: ignore[union-attr]


@pytest.mark.parametrize("taken", ["two@tests.invalid", "staff@tests.invalid"])
def test_an_address_in_use_gets_no_code_and_the_page_does_not_say_so(
    taken: str, signed_in_as: Signed
) -> None:
    """T-15: changing the address is no way to find out who has an account."""
    User.objects.create_without_password("two@tests.invalid", Kind.FAMILY)
    User.objects.create_user("staff@tests.invalid", "a long enough password")
    client = signed_in_as(confirmed=True)
    answer = client.post("/en/account/address/", {"address": taken})
    assert answer["Location"] == "/en/account/address/code/"
    assert MailedCode.objects.get().code_hash == ""
    assert client.post(answer["Location"], {"code": "123456"}).status_code == 200
    assert "cannot be used here" in str(mail.outbox[-1].body)


def test_two_who_take_one_address_at_once(signed_in_as: Signed) -> None:
    """The second of two right codes for one new address is told to try another."""
    client = signed_in_as(confirmed=True)
    answer = client.post("/en/account/address/", {"address": "new@tests.invalid"})
    User.objects.create_without_password("new@tests.invalid", Kind.FAMILY)
    said = client.post(answer["Location"], {"code": code_in_mail()}, follow=True)
    assert "cannot be used" in said.content.decode()
    assert User.objects.with_address("family@tests.invalid") is not None


def test_a_passkey_knows_nothing_of_the_family(signed_in_as: Signed) -> None:
    """The handle is random and the name neutral: a borrowed device gives nobody away."""
    client = signed_in_as(confirmed=True)
    page = client.get("/en/account/passkeys/add/").content.decode()
    user = User.objects.get()
    entity = Passkeys().get_public_key_credential_user_entity(user)
    assert entity["id"] == user.address.pk.bytes
    assert entity["name"] == entity["display_name"] == "My account"
    handle = base64.urlsafe_b64encode(entity["id"]).decode().rstrip("=")
    assert handle in page
    assert "tests.invalid" not in page


MALFORMED = (
    "",
    "null",
    "4",
    "1" * 5000,
    "[" * 100_000,
    '{"id": 4, "rawId": 4, "type": 4, "response": 4}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", '
    '"attestationObject": "AA", "authenticatorData": "AA", "signature": "AA"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
    '"attestationObject": "oA", "authenticatorData": "oA", "signature": null, "userHandle": "w"}}',
)


@pytest.mark.parametrize("credential", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_passkeys_are_refused(credential: str, signed_in_as: Signed) -> None:
    """T-30: they sign nobody in, add nothing, confirm nothing, and are no fault of ours."""
    stranger = Client()
    stranger.get("/en/account/sign-in/passkey/", headers={"accept": "application/json"})
    answer = stranger.post("/en/account/sign-in/passkey/", {"credential": credential})
    assert answer["Location"] == "/en/account/sign-in/"
    assert "passkey did not work" in stranger.get(answer["Location"]).content.decode()
    client = signed_in_as()
    refused = client.post("/en/account/confirm/passkey/", {"credential": credential})
    assert refused["Location"] == CONFIRM
    assert client.get("/en/account/address/").status_code == 302
    client = signed_in_as(confirmed=True)
    client.get("/en/account/passkeys/add/")
    page = client.post("/en/account/passkeys/add/", {"credential": credential})
    assert "could not be added" in page.content.decode()
    assert not Authenticator.objects.exists()


def test_another_familys_passkey_cannot_be_removed(signed_in_as: Signed) -> None:
    """T-02: not there, whoever asks."""
    other = User.objects.create_without_password("two@tests.invalid", Kind.FAMILY)
    theirs = Authenticator.objects.create(
        user=other, type=Authenticator.Type.WEBAUTHN, data={"name": "1", "credential": {}}
    )
    client = signed_in_as(confirmed=True)
    place = f"/en/account/passkeys/{theirs.pk}/remove/"
    assert client.get(place).status_code == client.post(place).status_code == 404
    assert Authenticator.objects.exists()


def test_deleting_the_account_leaves_nothing_that_says_who(signed_in_as: Signed) -> None:
    """Address, passkeys and sessions go; the audit keeps a number; the address can begin anew.

    The one mail that tells of it holds the address, sealed, until it has gone.
    """
    client = signed_in_as(confirmed=True)
    user = User.objects.get()
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "1"})
    assert "You cannot undo this" in client.get("/en/account/delete/").content.decode()
    assert client.post("/en/account/delete/")["Location"] == "/en/"
    assert client.get(HOME).status_code == 302
    assert not Address.objects.exists()
    assert not Authenticator.objects.exists()
    assert not BrowserSession.objects.filter(ended_at=None).exists()
    assert Notice.objects.get(kind="account_deleted").address == "family@tests.invalid"
    send_due(timezone.now())
    assert mail.outbox[-1].to == ["family@tests.invalid"]
    assert not Notice.objects.filter(address__isnull=False).exists()
    sign_in("family@tests.invalid")
    assert User.objects.filter(is_active=True).get() != user


def test_an_account_with_a_sent_request_stays(
    signed_in_as: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apps above say why it must stay; the page gives their words and no button."""
    monkeypatch.setattr(deletion, "BLOCKERS", [lambda user: "You sent us a request."])
    forgotten: list[User] = []
    monkeypatch.setattr(deletion, "FORGETTERS", [forgotten.append])
    client = signed_in_as(confirmed=True)
    for answer in (client.get("/en/account/delete/"), client.post("/en/account/delete/")):
        page = answer.content.decode()
        assert "You sent us a request." in page
        assert "cannot undo" not in page
    assert client.get(HOME).status_code == 200
    assert not forgotten
    monkeypatch.setattr(deletion, "BLOCKERS", [lambda user: None])
    assert own_account.delete_account(user=User.objects.get())
    assert len(forgotten) == 1
