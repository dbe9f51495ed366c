"""T-35: what a row says, and what is recorded without any view's doing."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

import hematon.portal
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.context import answering
from hematon.portal.audit.events import EVENTS
from hematon.portal.audit.models import Event
from hematon.portal.audit.verify import verify

PASSWORD = "a long enough password"
LOGIN = "/sign-in/login/"
CANARY = "canary-77c1 Lucia Example"
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def person() -> User:
    """A clinician with a second factor."""
    user = User.objects.create_user("one@tests.invalid", PASSWORD)
    StaffRole.objects.create(user=user, role=Role.CLINICIAN)
    TOTP.activate(user, generate_totp_secret())
    return user


def only(action: str) -> Event:
    """Give the one event of this kind."""
    return Event.objects.get(action=action)


def test_a_wrong_password_is_on_record_and_what_was_typed_is_not(
    client: Client, person: User
) -> None:
    """Who was tried is named where there is such an account; nobody else, and no text."""
    client.post(LOGIN, {"login": "one@tests.invalid", "password": CANARY})
    client.post(LOGIN, {"login": "canary-77c1@tests.invalid", "password": "x"})
    known, unknown = Event.objects.filter(action="sign_in.failed").order_by("sequence")
    assert (known.subject, known.outcome) == (f"accounts.user:{person.pk}", "refused")
    assert (unknown.subject, unknown.actor) == ("", None)
    assert known.route == "account_login"
    assert "canary" not in str(list(Event.objects.values()))


def test_a_sign_in_shut_after_too_many_tries_is_on_record_once(
    client: Client, person: User
) -> None:
    """The limit is noted; the tries after it do not fill a table that is never emptied."""
    for _ in range(12):
        client.post(LOGIN, {"login": "one@tests.invalid", "password": "wrong"})
    assert Event.objects.filter(action="sign_in.limited").count() == 1
    assert Event.objects.filter(action="sign_in.failed").count() < 12


def test_a_whole_session_is_on_record(
    client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Password, wrong code, right code, sign-out: each with the person and the page."""
    client.post(LOGIN, {"login": "one@tests.invalid", "password": PASSWORD})
    assert not Event.objects.filter(action="session.started").exists()
    client.post("/sign-in/2fa/authenticate/", {"code": "000000"})
    wrong = only("sign_in.second_factor_failed")
    assert (wrong.subject, wrong.actor) == (f"accounts.user:{person.pk}", None)
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.TOTP.validate_code", lambda *_: True)
    client.post("/sign-in/2fa/authenticate/", {"code": "123456"})
    assert only("session.started").actor == person
    client.post("/sign-in/logout/")
    assert only("session.ended").actor == person
    assert verify().bad is None


def test_a_session_that_ran_out_is_told_from_a_sign_out(
    signed_in: Signed, settings: Settings
) -> None:
    """15 minutes idle: a timeout, by nobody's hand."""
    client = signed_in(Role.CLINICIAN)
    settings.STAFF_IDLE_SECONDS = -1
    client.get("/staff/")
    over = only("session.timed_out")
    assert over.subject == f"accounts.user:{over.actor_id}"
    assert over.route == "staff"
    assert not Event.objects.filter(action="session.ended").exists()


def test_a_refused_page_is_on_record(signed_in: Signed) -> None:
    """403, with the page's name; a stranger's, who names nobody, is not."""
    signed_in(Role.EDITOR).get("/staff/roster/")
    refused = only("access.refused")
    assert refused.actor is not None
    assert (refused.route, refused.outcome, refused.detail) == (
        "roster",
        "refused",
        {"method": "GET"},
    )
    assert Client(enforce_csrf_checks=True).post("/en/get-care/call/").status_code in (403, 404)
    assert Event.objects.count() == 1


def test_where_is_a_keyed_hash(client: Client, person: User) -> None:
    """The same address gives the same, another gives another, and neither stands there."""
    for address in ("192.0.2.7", "192.0.2.7", "192.0.2.8"):
        client.post(LOGIN, {"login": "x@tests.invalid", "password": "y"}, REMOTE_ADDR=address)
    first, second, third = Event.objects.order_by("sequence").values_list("client", flat=True)
    assert first == second != third
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert "192.0.2" not in str(list(Event.objects.values()))


def test_outside_a_request_there_is_no_where(person: User) -> None:
    """A command or the worker has no page, and the context of a request ends with it."""
    Client().get("/en/")
    assert answering() is None


def codes_of(source: Path) -> Iterator[tuple[str, str]]:
    """Give every action that the code records, with its file; "?" where it is not written out."""
    for file in sorted(source.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record":
                action = node.args[1] if len(node.args) > 1 else None
                either = [action.body, action.orelse] if isinstance(action, ast.IfExp) else [action]
                for one in either:
                    written = isinstance(one, ast.Constant)
                    yield file.name, str(one.value) if written else "?"  # type: ignore[union-attr]


def test_the_code_records_only_what_is_described() -> None:
    """Every call of record() names an action of events.py, written out in the call."""
    source = Path(hematon.portal.__file__).parent
    found = set(codes_of(source))
    written = {action for _, action in found if action != "?"}
    assert len(written) > 20
    assert not written - set(EVENTS), "add each of these to audit/events.py with a sentence"
    # What is chosen while running is chosen in one place, from actions that are in the list.
    assert {file for file, action in found if action == "?"} == {"middleware.py"}
    assert {"session.ended", "session.timed_out"} <= set(EVENTS)


def test_nothing_is_described_that_does_not_happen() -> None:
    """A sentence for something the portal no longer does would mislead who reads the list."""
    source = Path(hematon.portal.__file__).parent
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in source.rglob("*.py")
        if file.name != "events.py"
    )
    assert not [action for action in EVENTS if f'"{action}"' not in code]


def test_every_description_is_a_sentence() -> None:
    """The privacy officer reads them."""
    for action, told in EVENTS.items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", action)
        assert re.fullmatch(r"[A-Z].*\.", told.text), action
