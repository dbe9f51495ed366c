"""Visits with the real families, the real outbox, and the real end of their time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from care_cast import sent
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.audit.models import Event
from hematon.portal.care.models import Case
from hematon.portal.families.models import Child, Guardianship
from hematon.portal.notify.models import Notice
from hematon.portal.operations import children
from hematon.portal.ui import retention
from hematon.portal.ui.upkeep import PURGES
from hematon.portal.visits import access, actions, whose
from hematon.portal.visits.actions import Agreement
from hematon.portal.visits.models import Appointment, JoinAnswer, VideoConsent, VisitStep
from visit_people import booking, expert, family, rule, slots

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)


def child(user: User, born: date, relationship: str = "parent", **link: Any) -> Child:
    """Link a person to a child as staff would have."""
    nurse = User.objects.create_user(f"nurse-{User.objects.count()}@tests.invalid")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    made = Child.objects.create(name="Sample child Qzx", birth_date=born, made_at=NOW)
    Guardianship.objects.create(
        **{
            "user": user,
            "child": made,
            "asked_by": user,
            "adult_name": "Sample parent Wvk",
            "relationship": relationship,
            "status": "active",
            "confirmed_by": nurse,
            "proof_kind": "record",
            "language": "en",
            "requested_at": NOW - timedelta(days=30),
            "due_at": NOW - timedelta(days=29),
            "starts_at": NOW - timedelta(days=29),
            **link,
        }
    )
    return made


def test_an_active_link_alone_opens_a_childs_visits() -> None:
    """T-08: requested, ended, locked, expired and not yet begun give nothing."""
    user = family()
    own = child(user, date(2020, 2, 29))
    assert [found.pk for found in whose.children_to_act_for(user, NOW)] == [own.pk]
    for wrong in (
        {"status": "requested", "confirmed_by": None},
        {"status": "ended", "ended_at": NOW},
        {"locked_at": NOW},
        {"expires_at": NOW},
        {"starts_at": NOW + timedelta(seconds=1)},
    ):
        other = family()
        made = child(other, date(2020, 2, 29), **wrong)
        assert whose.children_of(other, NOW) == []
        assert not whose.may_act(other, made.pk, NOW)
    assert whose.child_names([own.pk]) == {own.pk: "Sample child Qzx"}


def test_ages_decide_by_the_programmes_rules() -> None:
    """T-09: a parent to the 18th birthday; a patient of 17 sees, and acts from 18 on."""
    parent, patient = family(), family()
    grown = datetime(2026, 12, 1, 7, tzinfo=UTC)
    second = timedelta(seconds=1)
    theirs = child(parent, date(2008, 12, 1))
    own = child(patient, date(2008, 12, 1), "patient")
    assert whose.may_act(parent, theirs.pk, grown - second)
    assert not whose.may_act(parent, theirs.pk, grown)
    assert whose.children_of(patient, grown - second)
    assert not whose.may_act(patient, own.pk, grown - second)
    assert whose.may_act(patient, own.pk, grown)


def test_booking_owes_mails_and_cancelling_takes_back_the_reminders() -> None:
    """The outbox's own rows, kinds and keys; a revoked link hides the visit at once."""
    user = family()
    own = child(user, date(2020, 2, 29))
    free = slots(rule(expert(), NOW), NOW)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(own), at=NOW)
    notices = Notice.objects

    def owed() -> dict[str, datetime]:
        return {row.kind: row.not_before for row in notices.filter(sent_at=None)}

    start = free[0].starts_at
    assert owed() == {
        "visit_booked": NOW,
        "visit_in_two_days": start - timedelta(hours=48),
        "visit_in_two_hours": start - timedelta(hours=2),
    }
    actions.move(appointment=visit, slot_id=free[9].pk, booking=booking(own), by=user, at=NOW)
    assert owed()["visit_in_two_hours"] == free[9].starts_at - timedelta(hours=2)
    assert notices.filter(kind="visit_in_two_days").count() == 1
    actions.cancel(appointment=visit, by=user, at=NOW)
    assert set(owed()) == {"visit_booked", "visit_changed", "visit_cancelled"}
    assert access.get_visit(user, visit.pk, NOW) is not None
    Guardianship.objects.update(locked_at=NOW)
    assert access.get_visit(user, visit.pk, NOW) is None


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of legal holds, in an empty place."""
    monkeypatch.setattr("django.conf.settings.DIRECTORY", tmp_path)
    return retention.hold_file()


def test_a_visit_stays_as_long_as_the_record_and_the_child_as_long_as_any_of_it(
    holds: Path,
) -> None:
    """T-40: to the midnight, held or not; then visit, agreement, link and child are all gone."""
    user = family()
    own = child(user, date(2018, 5, 20))
    free = slots(rule(expert(), NOW), NOW)
    visit = actions.confirm(
        slot_id=free[0].pk,
        guardian=user,
        booking=booking(own),
        agreement=Agreement("Sample parent Wvk", "parent", "1", "en"),
        needs_agreement=True,
        at=NOW,
    )
    actions.answer_at_join(
        appointment=visit, state="CO", with_whom="Wvk", fits=True, by=user, at=NOW
    )
    case = sent(user)
    Case.objects.filter(pk=case.pk).update(child=own)
    goes = datetime(2046, 5, 20, 6, tzinfo=UTC)

    def over(at: datetime) -> dict[str, int]:
        names = ("visits, over", "agreements to visits by video")
        would = {name: PURGES[name].purge(now=at, dry=True) for name in names}
        assert would["visits, over"] == PURGES["visits, over"].purge(now=at, dry=False)
        return would

    assert over(goes - timedelta(seconds=1))["visits, over"] == 0
    holds.write_text(f"care.case:{case.pk} court order 12\n")
    assert over(goes)["visits, over"] == 0
    holds.unlink()
    assert over(goes) == {"visits, over": 1, "agreements to visits by video": 0}
    assert not any(model.objects.exists() for model in (Appointment, JoinAnswer, VisitStep))
    assert children.purge() == 0, "a link and a request name it"
    assert PURGES["agreements to visits by video"].purge(now=goes, dry=True) == 1
    Guardianship.objects.all().delete()
    Case.objects.all().delete()
    assert children.purge() == 0, "an agreement names it"
    assert PURGES["agreements to visits by video"].purge(now=goes, dry=False) == 1
    assert not VideoConsent.objects.exists()
    wait = PURGES["children whom nothing here needs"].purge
    assert wait(now=goes, dry=True) == wait(now=goes, dry=False) == 1
    assert not Child.objects.exists()
    told = Event.objects.filter(action__endswith="purged").order_by("sequence")
    assert [event.action for event in told] == [
        "visit.purged",
        "visit.agreement_purged",
        "child.purged",
    ]
    assert all(event.detail == {} for event in told)


def test_a_visit_of_a_child_who_is_grown_stays_ten_years() -> None:
    """T-40: the later of the two."""
    user = family()
    own = child(user, date(2000, 5, 20))
    free = slots(rule(expert(), NOW), NOW)
    actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(own), at=NOW)
    visits = PURGES["visits, over"].purge
    end = free[0].ends_at
    assert visits(now=end.replace(year=2036) - timedelta(days=1), dry=True) == 0
    assert visits(now=end.replace(year=2036) + timedelta(days=1), dry=True) == 1
