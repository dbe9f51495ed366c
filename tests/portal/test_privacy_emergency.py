"""T-11: a case is opened in an emergency, from the page that refuses it to the officer's review."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone

from hematon.portal.accounts.access import staff_of, staff_page
from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.audit.record import record
from hematon.portal.care import access, sending, talking
from hematon.portal.care.models import Case, Note
from hematon.portal.care.refused import NotPermitted
from hematon.portal.care.status import Kind
from hematon.portal.privacy import actions
from hematon.portal.privacy.models import BreakGlass
from hematon.portal.urls import *  # noqa: F403 the portal with one page more
from hematon.portal.urls import urlpatterns as of_the_portal
from portal_accounts import Clock

pytestmark = pytest.mark.django_db
Signed = Callable[..., Client]
REASON = "canary-91aa: bleeding, the owner cannot be reached"


@staff_page(Role.INTAKE, Role.CLINICIAN)
def a_case(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a case as any page of the team does: through `access`, and on record."""
    user = staff_of(request)
    found = access.get_case(user, pk)
    if found is None:
        raise Http404
    record(user, "case.viewed", found)
    return HttpResponse(str(found.reference))


urlpatterns = [path("staff/cases/<uuid:pk>/", a_case, name="of_this_test"), *of_the_portal]
handler403 = "hematon.portal.ui.views.forbidden"
handler404 = "hematon.portal.ui.views.not_found"


@pytest.fixture(autouse=True)
def _one_page_more(settings: object) -> None:
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Freeze the clock."""
    return Clock(monkeypatch)


def a_sent_case() -> Case:
    """Give a question that a family sent: no clinician's unless somebody says so."""
    at = timezone.now()
    family = User.objects.create_without_password(
        f"{uuid.uuid4().hex}@tests.invalid", UserKind.FAMILY
    )
    case = sending.begin(kind=Kind.QUESTION, sender=family, language="en", at=at)
    return sending.send(case=case, seen=case.revision, at=at)


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let people have shown who they are just now; test_audit_pages.py proves that it is asked."""
    monkeypatch.setattr(
        "allauth.account.internal.flows.reauthentication.did_recently_reauthenticate",
        lambda request: True,
    )


def clinician() -> User:
    """Give the clinician of `signed_in(Role.CLINICIAN)`."""
    return User.objects.get(email="clinician@tests.invalid")


@pytest.mark.usefixtures("proved")
def test_from_the_refusal_to_the_review(clock: Clock, signed_in: Signed) -> None:
    """T-11: a way in on the page that refuses, one record, one hour, each look on record."""
    case, other = a_sent_case(), a_sent_case()
    client, officer = signed_in(Role.CLINICIAN), signed_in(Role.PRIVACY)
    address = f"/staff/cases/{case.pk}/"
    refused = client.get(address)
    assert refused.status_code == 404
    found = re.search(r'href="(/staff/break-glass/[^"]+)"', refused.content.decode())
    assert found is not None
    assert found[1] == f"/staff/break-glass/case/{case.pk}/?next=%2Fstaff%2Fcases%2F{case.pk}%2F"
    assert client.get(found[1]).status_code == 200
    opened = client.post(found[1], {"reason": REASON})
    assert opened["Location"] == address

    assert client.get(address).content.decode() == case.reference
    assert client.get(f"/staff/cases/{other.pk}/").status_code == 404
    seen = Event.objects.get(action="case.viewed")
    assert (seen.actor, seen.purpose, seen.subject) == (clinician(), "BTG", f"care.case:{case.pk}")
    # The second later it is over, in the middle of whatever was being read.
    clock.move(minutes=14)
    officer.get("/staff/")
    client.get(address)
    for _ in range(3):
        clock.move(minutes=14)
        client.get(address)
    clock.move(minutes=3, seconds=59)
    assert client.get(address).status_code == 200
    clock.move(seconds=1)
    assert client.get(address).status_code == 404

    officer = Client()
    officer.force_login(User.objects.get(email="privacy@tests.invalid"))
    opening = BreakGlass.objects.get()
    assert f"/staff/audit/openings/{opening.pk}/" in officer.get("/staff/audit/").content.decode()
    page = officer.get(f"/staff/audit/openings/{opening.pk}/").content.decode()
    looked = Event.objects.filter(action="case.viewed", purpose="BTG")
    assert looked.count() == 6
    for event in looked:
        assert f"case.viewed, row {event.sequence}, care.case:{case.pk}" in page
    assert REASON in page
    assert "canary" not in str(list(Event.objects.values()))


def test_the_page_says_no_more_of_what_is_there(signed_in: Signed) -> None:
    """A case of others and one that never was are refused by the same page."""
    client = signed_in(Role.CLINICIAN)
    case, nothing = a_sent_case().pk, uuid.uuid4()
    there, not_there = (client.get(f"/staff/cases/{pk}/") for pk in (case, nothing))
    assert there.status_code == not_there.status_code == 404
    one, two = there.content.decode(), not_there.content.decode()
    for mark in (r'nonce="[^"]+"', r'csrfmiddlewaretoken" value="[^"]+"'):
        one, two = re.sub(mark, "", one), re.sub(mark, "", two)
    assert one.replace(str(case), "") == two.replace(str(nothing), "")


@pytest.mark.parametrize("role", [r for r in Role if r not in (Role.INTAKE, Role.CLINICIAN)])
def test_nobody_else_is_shown_a_way_in(signed_in: Signed, role: Role) -> None:
    """T-53: administrators, privacy officers and the rest have no emergency that opens a case."""
    client = signed_in(role)
    page = client.get(f"/staff/cases/{a_sent_case().pk}/")
    assert page.status_code == 403
    assert "break-glass" not in page.content.decode()


def test_families_see_no_trace_of_it(signed_in_as: Signed) -> None:
    """Their own refusals lead home and nowhere else."""
    client = signed_in_as()
    for place in (f"/staff/cases/{uuid.uuid4()}/", f"/en/requests/{uuid.uuid4()}/"):
        assert "break-glass" not in client.get(place).content.decode()


def test_who_may_open_it_anyway_is_in_no_emergency(signed_in: Signed) -> None:
    """The audit says emergency where nothing else opened the case, and only there."""
    signed_in(Role.CLINICIAN)
    user, case, at = clinician(), a_sent_case(), timezone.now()
    assert access.get_case(user, case.pk) is None
    with pytest.raises(NotPermitted):
        talking.write_note(case=case, text="x", by=user, at=at)
    actions.break_glass(user=user, subject=case, reason=REASON, at=at)
    found = access.get_case(user, case.pk)
    assert found is not None
    assert access.is_emergency(user, found, timezone.now())
    talking.write_note(case=case, text="x", by=user, at=timezone.now())
    assert Note.objects.count() == 1
    Case.objects.filter(pk=case.pk).update(owner=user)
    case.refresh_from_db()
    assert not access.is_emergency(user, case, timezone.now())
    # A role taken away closes it at once, whatever time is left.
    Case.objects.filter(pk=case.pk).update(owner=None)
    StaffRole.objects.filter(user=user).update(role=Role.MODERATOR)
    assert access.get_case(user, case.pk) is None


def test_an_opened_draft_stays_the_familys(signed_in: Signed) -> None:
    """What was not sent is nobody's but the sender's, in an emergency too."""
    signed_in(Role.CLINICIAN)
    at = datetime.now(UTC)  # noqa: TID251 openings are judged against the real clock
    family = User.objects.create_without_password("d@tests.invalid", UserKind.FAMILY)
    draft = sending.begin(kind=Kind.QUESTION, sender=family, language="en", at=at)
    actions.break_glass(user=clinician(), subject=draft, reason=REASON, at=at)
    assert access.get_case(clinician(), draft.pk) is None
