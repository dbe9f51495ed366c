"""Visits with the real families and the real outbox, once both are part of the portal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.visits import access, actions, whose
from visit_people import booking, expert, family, rule, slots

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        find_spec("hematon.portal.families.access") is None
        or find_spec("hematon.portal.notify.actions") is None,
        reason="families and notices are not part of this portal yet",
    ),
]
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)


def child(user: User, born: date, relationship: str = "parent", **link: Any) -> Any:
    """Link a person to a child as staff would have."""
    models = import_module("hematon.portal.families.models")
    nurse = User.objects.create_user(f"nurse-{User.objects.count()}@tests.invalid")
    StaffRole.objects.create(user=nurse, role=Role.INTAKE)
    made = models.Child.objects.create(name="Sample child Qzx", birth_date=born, made_at=NOW)
    models.Guardianship.objects.create(
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
    notices = import_module("hematon.portal.notify.models").Notice.objects

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
    import_module("hematon.portal.families.models").Guardianship.objects.update(locked_at=NOW)
    assert access.get_visit(user, visit.pk, NOW) is None
