"""T-11, T-35, T-53: the privacy officer's pages, the export, and records opened in an emergency."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from pytest_django import Settings

from hematon.portal.accounts.models import Kind as AccountKind
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit import fhir, guards
from hematon.portal.audit.events import EVENTS, Kind
from hematon.portal.audit.models import Event
from hematon.portal.audit.record import record
from hematon.portal.privacy import access, actions
from hematon.portal.privacy.models import BreakGlass, Finding

AUDIT = "/staff/audit/"
REASON = "canary-51d0 bleeding in the emergency room"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
Signed = Callable[..., Client]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_checkpoints(settings: Settings, tmp_path: Any) -> None:
    settings.AUDIT_CHECKPOINTS = tmp_path / "checkpoints"


@pytest.fixture
def officer(signed_in: Signed) -> Client:
    """The privacy officer's browser."""
    return signed_in(Role.PRIVACY)


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> User:
    """A record that can be opened; stands for a case, whose app is above this one."""
    monkeypatch.setitem(access.BREAKABLE, "account", "accounts.User")
    return User.objects.create_without_password("canary-51d0@tests.invalid", AccountKind.FAMILY)


@pytest.fixture
def opened() -> BreakGlass:
    """A record that a clinician has opened."""
    user = User.objects.create_user("opener@tests.invalid", "x", name="Sample physician A")
    StaffRole.objects.create(user=user, role=Role.CLINICIAN)
    return actions.break_glass(user=user, subject=user, reason=REASON, at=timezone.now())


def prove(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the person have signed in again just now."""
    monkeypatch.setattr(
        "allauth.account.internal.flows.reauthentication.did_recently_reauthenticate",
        lambda request: True,
    )


def rows_of(answer: Any) -> list[int]:
    """Give the numbers of the rows on a page."""
    return [int(n) for n in re.findall(r">row (\d+)", answer.content.decode())]


def test_administrators_do_not_read_the_audit(signed_in: Signed) -> None:
    """T-53: every other role together opens none of these pages."""
    client = signed_in(*(role for role in Role if role is not Role.PRIVACY))
    for page in ("", "export/", "openings/00000000-0000-4000-8000-000000000000/"):
        assert client.get(AUDIT + page).status_code == 403
    assert client.post(AUDIT + "verify/").status_code == 403


def test_looking_is_recorded_once_a_page(officer: Client) -> None:
    """One row for each look, with what was searched for in codes."""
    officer.get(AUDIT)
    officer.get(AUDIT + "?action=photo.set&outcome=success")
    first, second = Event.objects.filter(action="audit.searched").order_by("sequence")
    assert first.actor is not None
    assert first.detail == {"asked": "", "before": None}
    assert second.detail["asked"] == "action=photo.set&outcome=success"


def test_rows_are_found_by_each_question(officer: Client) -> None:
    """By person, action, subject, patient, outcome and day; what does not match is not shown."""
    one = User.objects.create_user("one@tests.invalid", "x")
    record(one, "photo.set", one)
    record(None, "photo.removed", None, patient=one, outcome="failed")
    record(None, "claim.added")
    today = timezone.now().date()
    row = f"accounts.user:{one.pk}"
    for query, expected in {
        f"person={one.pk}": [1],
        "action=photo.set": [1],
        f"subject={row}": [2, 1],
        "outcome=failed": [2],
        f"since={today}&action=claim.added": [3],
        f"until={today - timedelta(days=1)}": [],
        f"since={today + timedelta(days=1)}": [],
        f"person={one.pk}&action=claim.added": [],
    }.items():
        assert rows_of(officer.get(f"{AUDIT}?{query}")) == expected, query


def test_an_address_is_searched_for_and_goes_no_further(officer: Client, child: User) -> None:
    """A family's address is turned into a number before it can reach an address bar or a row."""
    record(child, "case.sent")
    answer = officer.post(AUDIT, {"person": " Canary-51D0@tests.invalid"})
    assert answer.status_code == 302
    assert answer["Location"] == f"{AUDIT}?person={child.pk}#rows"
    assert rows_of(officer.get(answer["Location"])) == [1]
    assert "canary" not in str(list(Event.objects.values()))
    unknown = officer.post(AUDIT, {"person": "canary-nobody@tests.invalid", "subject": "A Name"})
    page = unknown.content.decode()
    assert "No account has this number or address." in page
    assert "Names are not kept here." in page
    assert "<title>Error:" in page


def test_pages_follow_each_other_without_gap(officer: Client) -> None:
    """The latest first; the link leads to the row after the last one shown."""
    for _ in range(120):
        record(None, "photo.set")
    seen: list[int] = []
    address = AUDIT + "?action=photo.set"
    for _ in range(3):
        answer = officer.get(address)
        seen += rows_of(answer)
        found = re.search(r'href="([^"]+)#rows" rel="next"', answer.content.decode())
        if found is None:
            break
        address = found[1].replace("&amp;", "&")
    assert seen == list(range(120, 0, -1))


def test_the_list_takes_a_fixed_number_of_queries(
    officer: Client, django_assert_max_num_queries: Any
) -> None:
    """However many rows and people are on it."""
    for number in range(50):
        user = User.objects.create_user(f"p{number}@tests.invalid", "x")
        record(user, "photo.set", user)
    with django_assert_max_num_queries(24):
        assert len(rows_of(officer.get(AUDIT))) == 50


def test_the_chain_is_checked_from_the_page(officer: Client) -> None:
    """The page says what was found, when, and names the first bad row."""
    record(None, "photo.set")
    record(None, "photo.set")
    assert "has not been checked yet" in officer.get(AUDIT).content.decode()
    assert officer.post(AUDIT + "verify/").status_code == 302
    page = " ".join(officer.get(AUDIT).content.decode().split())
    assert "Whole</strong> up to row 3" in page
    assert "No checkpoint yet" in page
    guards.run(connection, guards.LIFT)
    Event.objects.filter(sequence=2).update(action="photo.removed")
    guards.run(connection, guards.SET)
    officer.post(AUDIT + "verify/")
    page = officer.get(AUDIT).content.decode()
    assert "Broken</strong> at row 2" in page
    assert Event.objects.filter(action="audit.verified", outcome="failed").count() == 1


# --- export --------------------------------------------------------------------------------------


def test_every_kind_of_event_is_a_valid_audit_event(child: User) -> None:
    """FHIR R4B's AuditEvent is R4's; each action, with and without what a row may lack."""
    staff = User.objects.create_user("one@tests.invalid", "x", name="Sample physician A")
    for action in EVENTS:
        record(staff, action, staff, patient=child, purpose="BTG", shown=3)
        record(None, action, outcome="refused")
    # On a page, so that there is a client.
    for event in Event.objects.select_related("actor"):
        for client in ("", "ab" * 16):
            event.client, event.route = client, "case" if client else ""
            written = fhir.audit_event(event, host="portal.invalid")
            read = AuditEvent.model_validate(written)
            assert read.recorded == event.at.replace(
                microsecond=event.at.microsecond // 1000 * 1000
            )
            assert "canary" not in json.dumps(written)


def test_rows_have_the_shape_of_balp(child: User) -> None:
    """The patterns' fixed codes, for reading, searching and adding; no profile where one lacks."""
    staff = User.objects.create_user("one@tests.invalid", "x")
    shapes = {
        "case.viewed": ("PatientRead", "R", "read", "110152", "110153", "IRCP"),
        "case.listed": ("PatientQuery", "E", "search-type", "110153", "110152", "IRCP"),
        "case.sent": ("PatientCreate", "C", "create", "110153", "110152", "AUT"),
        "case.stepped": ("PatientUpdate", "U", "update", "110153", "110152", "AUT"),
        "photo.removed": ("PatientDelete", "D", "delete", "110150", "custodian", "AUT"),
    }
    for action, (profile, letter, rest, client, server, user) in shapes.items():
        record(staff, action, staff, patient=child, purpose="BTG")
        event = Event.objects.get(action=action)
        event.client = "ab" * 16
        written = fhir.audit_event(event, host="portal.invalid")
        address = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
        assert written["meta"]["profile"] == [address + profile]
        assert (written["action"], written["outcome"]) == (letter, "0")
        assert written["type"]["code"] == "rest"
        assert written["subtype"][0]["code"] == rest
        codes = [agent["type"]["coding"][0]["code"] for agent in written["agent"]]
        assert codes == [client, server, user]
        assert all("network" in agent for agent in written["agent"][:2])
        person = written["agent"][2]
        assert "network" not in person
        assert person["requestor"] is True
        assert person["purposeOfUse"][0]["coding"][0]["code"] == "BTG"
        patient, thing = written["entity"]
        assert (patient["type"]["code"], patient["role"]["code"]) == ("1", "1")
        assert thing["role"]["code"] == ("24" if rest == "search-type" else "4")
        assert ("query" in thing) is (rest == "search-type")
        for lacking in ({"client": ""}, {"outcome": "failed"}):
            for name, value in lacking.items():
                setattr(event, name, value)
            assert "meta" not in fhir.audit_event(event, host="portal.invalid")
    assert {EVENTS[action].kind for action in shapes} == set(list(Kind)[2:7])


@pytest.mark.parametrize("kind", ["ndjson", "bundle"])
def test_export(officer: Client, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """T-20: asked who it is again; what comes validates, holds what was searched, is recorded."""
    for _ in range(3):
        record(None, "photo.set")
    record(None, "claim.added")
    address = AUDIT + "export/?action=photo.set"
    assert officer.get(address)["Location"].startswith("/sign-in/reauthenticate/")
    assert officer.post(address, {"kind": kind})["Location"] == address
    assert not Event.objects.filter(action="audit.exported").exists()
    prove(officer, monkeypatch)
    assert "3 rows" in officer.get(address).content.decode()
    answer: Any = officer.post(address, {"kind": kind})
    content = b"".join(answer.streaming_content).decode()
    if kind == "ndjson":
        found = [AuditEvent.model_validate_json(line) for line in content.splitlines()]
    else:
        found = [entry.resource for entry in Bundle.model_validate_json(content).entry]
    assert [event.id for event in found] == ["1", "2", "3"]
    said = Event.objects.get(action="audit.exported")
    assert said.detail == {"kind": kind, "rows": 3, "asked": "action=photo.set"}
    assert said.actor is not None
    assert re.fullmatch(
        r'attachment; filename="audit-\d{4}-\d\d-\d\d\.(ndjson|json)"',
        answer["Content-Disposition"],
    )


def test_an_empty_export_is_a_bundle_too(officer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """FHIR has no empty list."""
    prove(officer, monkeypatch)
    answer: Any = officer.post(AUDIT + "export/?action=claim.added", {"kind": "bundle"})
    bundle = Bundle.model_validate_json(b"".join(answer.streaming_content))
    assert bundle.entry is None


# --- break-glass ---------------------------------------------------------------------------------


def test_glass_is_broken_with_a_reason_and_ends(
    signed_in: Signed, child: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-11: re-authentication, a reason, 60 minutes, a banner, a task, a row; then it is over."""
    client = signed_in(Role.CLINICIAN)
    clinician = User.objects.get(email="clinician@tests.invalid")
    monkeypatch.setattr(access, "subject_of", lambda word, pk: child)
    address = f"/staff/break-glass/case/{uuid.uuid4()}/"
    assert client.get(address)["Location"].startswith("/sign-in/reauthenticate/")
    # What was typed is not kept in the session while the person proves who it is.
    assert client.post(address, {"reason": REASON})["Location"] == address
    assert REASON not in str(dict(client.session.items()))
    assert not BreakGlass.objects.exists()
    prove(client, monkeypatch)
    for reason in ("", "   ", "short"):
        answer = client.post(address, {"reason": reason})
        assert answer.status_code == 200
        assert "<title>Error:" in answer.content.decode()
    assert not BreakGlass.objects.exists()

    assert client.post(f"{address}?next=/staff/x/", {"reason": REASON})["Location"] == "/staff/x/"
    opening = BreakGlass.objects.get()
    assert opening.reason == REASON
    assert opening.expires_at - opening.at == timedelta(minutes=60)
    assert access.is_broken(clinician, child, opening.at)
    assert access.is_broken(clinician, child, opening.expires_at - timedelta(seconds=1))
    assert not access.is_broken(clinician, child, opening.expires_at)
    assert not access.is_broken(clinician, child, opening.at - timedelta(seconds=1))
    assert not access.is_broken(clinician, clinician, opening.at)
    assert not access.is_broken(child, child, opening.at)
    said = Event.objects.get(action="glass.broken")
    assert (said.purpose, said.actor, said.subject) == (
        "BTG",
        clinician,
        f"accounts.user:{child.pk}",
    )
    assert "canary" not in str(list(Event.objects.values()))
    page = client.get("/staff/").content.decode()
    assert "Emergency access</strong>" in page
    assert "canary" not in page
    assert "Emergency access" not in client.get("/en/").content.decode()

    # Again while it is open: nothing new. After it: nothing without a reason, then a second row.
    client.post(address, {"reason": REASON})
    assert BreakGlass.objects.count() == 1
    BreakGlass.objects.update(at=NOON - timedelta(hours=2), expires_at=NOON - timedelta(hours=1))
    assert "Emergency access</strong>" not in client.get("/staff/").content.decode()
    assert not access.is_broken(clinician, child, timezone.now())
    assert client.post(address, {"reason": ""}).status_code == 200
    client.post(address, {"reason": "A second emergency of the same child."})
    assert BreakGlass.objects.count() == 2
    assert Event.objects.filter(action="glass.broken").count() == 2


def test_a_role_taken_away_closes_the_glass(opened: BreakGlass) -> None:
    """At once, whatever time is left."""
    assert access.is_broken(opened.user, opened.user, opened.at)
    opened.user.roles.all().delete()
    assert not access.is_broken(opened.user, opened.user, opened.at)
    with pytest.raises(actions.RefusedError, match="role"):
        actions.break_glass(user=opened.user, subject=opened, reason=REASON, at=NOON)


def test_only_care_staff_break_glass(signed_in: Signed) -> None:
    """And what is not there, or is no record of a child, is not found."""
    client = signed_in(Role.ADMINISTRATOR, Role.PRIVACY, Role.SCHEDULER)
    assert client.get(f"/staff/break-glass/case/{uuid.uuid4()}/").status_code == 403
    client = signed_in(Role.INTAKE)
    for word in ("case", "child", "account", "event"):
        assert client.get(f"/staff/break-glass/{word}/{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize("to", ["https://evil.invalid/", "//evil.invalid", "/en/", "/staff/\\x"])
def test_the_way_back_stays_on_staff_pages(
    signed_in: Signed, child: User, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    """A link that was made elsewhere leads nowhere else."""
    client = signed_in(Role.INTAKE)
    prove(client, monkeypatch)
    monkeypatch.setattr(access, "subject_of", lambda word, pk: child)
    address = f"/staff/break-glass/case/{uuid.uuid4()}/?next={to}"
    went = client.post(address, {"reason": REASON})["Location"]
    assert went.startswith("/staff/")


def test_an_opening_is_a_task_until_it_is_reviewed(officer: Client, opened: BreakGlass) -> None:
    """The officer sees it, reads the reason, says what was found; once, and that is recorded."""
    address = f"{AUDIT}openings/{opened.pk}/"
    page = officer.get(AUDIT).content.decode()
    assert address in page
    assert "(1)" in page
    assert "canary" not in page
    assert REASON in officer.get(address).content.decode()
    assert Event.objects.filter(action="glass.viewed").count() == 1
    assert officer.post(address, {}).status_code == 200
    assert officer.post(address, {"finding": "in_order", "note": "canary"}).status_code == 302
    opened.refresh_from_db()
    assert (opened.finding, opened.note) == (Finding.IN_ORDER, "canary")
    assert "None is waiting" in officer.get(AUDIT).content.decode()
    again = officer.post(address, {"finding": "follow_up"})
    assert again.status_code == 409
    opened.refresh_from_db()
    assert opened.finding == Finding.IN_ORDER
    said = Event.objects.get(action="glass.reviewed")
    assert said.detail == {"finding": "in_order"}
    assert "canary" not in str(list(Event.objects.values()))


def test_nobody_reviews_their_own_opening(signed_in: Signed) -> None:
    """Not by the page, the action or the database."""
    client = signed_in(Role.CLINICIAN, Role.PRIVACY)
    both = User.objects.get(email="clinician-privacy@tests.invalid")
    own = actions.break_glass(user=both, subject=both, reason=REASON, at=timezone.now())
    answer = client.post(f"{AUDIT}openings/{own.pk}/", {"finding": "in_order"})
    assert answer.status_code == 409
    with pytest.raises(actions.RefusedError, match="own"):
        actions.review(opening=own, finding=Finding.IN_ORDER, note="", by=both, at=NOON)
    own.refresh_from_db()
    assert own.reviewed_at is None


def test_a_broken_seal_is_on_record(officer: Client, opened: BreakGlass) -> None:
    """T-32: the page answers 500, gives out nothing, and the row names the place alone.

    What the view itself began to record is undone.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM privacy_breakglass")
        changed = bytearray(bytes(cursor.fetchone()[0]))
        changed[-1] ^= 1
        cursor.execute("UPDATE privacy_breakglass SET reason = %s", [bytes(changed)])
    officer.raise_request_exception = True
    answer = officer.get(f"{AUDIT}openings/{opened.pk}/")
    assert answer.status_code == 500
    assert "canary" not in answer.content.decode()
    said = Event.objects.get(action="vault.refused")
    assert said.detail == {"place": f"privacy.breakglass.reason:{opened.pk}"}
    assert (said.outcome, said.route) == ("failed", "audit_opening")
    assert said.actor is not None
    assert not Event.objects.filter(action="glass.viewed").exists()
