"""Holding, booking, moving and cancelling: one winner for each time, whoever tries at once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError, OperationalError, transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.models import Event
from hematon.portal.visits import actions, holding, opening_actions
from hematon.portal.visits.actions import Agreement
from hematon.portal.visits.finding import Refused, Wanted, find
from hematon.portal.visits.holding import HOLD, HOLD_MOST
from hematon.portal.visits.models import (
    LIVE,
    TRANSITIONS,
    Appointment,
    Slot,
    SlotState,
    Status,
    Taken,
    VideoConsent,
)
from visit_people import Families, Outbox, at_once, booking, expert, family, rule, slots, stand_in

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
FIT = Wanted("video", "CO", False, NOW)
TRIES = 100

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> tuple[Families, Outbox]:
    """Families and notices."""
    return stand_in(monkeypatch)


@pytest.fixture
def families(world: tuple[Families, Outbox]) -> Families:
    """Families."""
    return world[0]


@pytest.fixture
def outbox(world: tuple[Families, Outbox]) -> Outbox:
    """Notices."""
    return world[1]


@pytest.fixture
def free(db: None) -> list[Slot]:
    """Times of one clinician, from three days ahead."""
    return slots(rule(expert(), NOW), NOW)


def at(later: timedelta) -> Wanted:
    """Look for the same at another moment."""
    return Wanted("video", "CO", False, NOW + later)


def refused(code: str) -> Any:
    """Expect a refusal."""
    return pytest.raises(Refused, match=code)


# --- one after the other -------------------------------------------------------------------------


def test_a_time_goes_from_free_to_held_to_booked(families: Families, free: list[Slot]) -> None:
    """Each step is in the audit, without a word that the family typed."""
    user = family()
    child = families.add(user)
    held = holding.hold(slot_id=free[0].pk, wanted=FIT, by=user)
    assert (held.state, held.held_by_id, held.held_until) == (SlotState.HELD, user.pk, NOW + HOLD)
    visit = actions.confirm(slot_id=held.pk, guardian=user, booking=booking(child), at=NOW)
    held.refresh_from_db()
    assert (held.state, held.held_by, visit.status) == (SlotState.BOOKED, None, Status.BOOKED)
    assert [step.status for step in visit.steps.all()] == [Status.BOOKED]
    events = list(Event.objects.order_by("id").values_list("action", "detail"))
    assert [action for action, _ in events if not action.startswith("rule")] == [
        "slot.held",
        "visit.booked",
    ]
    assert not any(word in str(events) for word in ("Wvk", "Jqx", "Qzx"))


def test_a_hold_keeps_others_off_until_it_lapses(families: Families, free: list[Slot]) -> None:
    """To the second: after 10 minutes anyone may have it, and its first holder may not."""
    one, two = family(), family()
    child = families.add(one)
    other = families.add(two)
    holding.hold(slot_id=free[0].pk, wanted=FIT, by=one)
    with refused("taken"):
        holding.hold(slot_id=free[0].pk, wanted=at(HOLD - timedelta(seconds=1)), by=two)
    holding.hold(slot_id=free[0].pk, wanted=at(HOLD), by=two)
    with refused("taken"):
        actions.confirm(slot_id=free[0].pk, guardian=one, booking=booking(child), at=NOW + HOLD)
    actions.confirm(slot_id=free[0].pk, guardian=two, booking=booking(other), at=NOW + HOLD)


def test_a_lapsed_hold_that_nobody_took_is_booked_all_the_same(
    families: Families, free: list[Slot]
) -> None:
    """Slow readers lose their time only to someone else."""
    user = family()
    child = families.add(user)
    holding.hold(slot_id=free[0].pk, wanted=FIT, by=user)
    later = NOW + timedelta(hours=1)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=later)
    assert visit.status == Status.BOOKED


def test_a_hold_is_extended_more_than_ten_times(free: list[Slot]) -> None:
    """WCAG 2.2.1 asks for 10 times; two hours hold 12 of them, and then it ends."""
    user = family()
    holding.hold(slot_id=free[0].pk, wanted=FIT, by=user)
    now, times = NOW, 0
    while now - NOW < HOLD_MOST - timedelta(minutes=9):
        now += timedelta(minutes=9)
        held = holding.extend(slot_id=free[0].pk, by=user, at=now)
        assert held.held_until == now + HOLD
        times += 1
    assert times >= 10
    with refused("hold"):
        holding.extend(slot_id=free[0].pk, by=user, at=NOW + HOLD_MOST)
    with refused("hold"):
        holding.extend(slot_id=free[0].pk, by=family(), at=now)


def test_what_was_closed_meanwhile_is_not_free_again(families: Families, free: list[Slot]) -> None:
    """A visit cancelled in a closure, or under a rule taken back, leaves a closed time."""
    user = family()
    child = families.add(user)
    staff = User.objects.create_user("scheduler@tests.invalid")
    first, second = (
        actions.confirm(slot_id=slot.pk, guardian=user, booking=booking(child), at=NOW)
        for slot in (free[0], free[6])
    )
    day = free[0].starts_at.astimezone(free[0].zone).date()
    opening_actions.close_days(clinician=None, first=day, last=day, by=staff, at=NOW)
    actions.cancel(appointment=first, by=user, at=NOW)
    opening_actions.withdraw_rule(rule=free[6].rule, by=staff, at=NOW)
    actions.cancel(appointment=second, by=user, at=NOW)
    for slot in (free[0], free[6]):
        slot.refresh_from_db()
        assert slot.state == SlotState.CLOSED
        with refused("taken"):
            holding.hold(slot_id=slot.pk, wanted=FIT, by=user)


def test_a_person_holds_one_time_at_a_time(free: list[Slot]) -> None:
    """A second hold frees the first, so nobody can hold a whole day."""
    one, two = family(), family()
    holding.hold(slot_id=free[0].pk, wanted=FIT, by=one)
    holding.hold(slot_id=free[1].pk, wanted=FIT, by=one)
    holding.hold(slot_id=free[0].pk, wanted=FIT, by=two)
    holding.release(by=one, at=NOW)
    assert Slot.objects.filter(state=SlotState.HELD).count() == 1
    assert {row.slot_id for row in Taken.objects.all()} == {free[0].pk}


def test_no_clinician_is_booked_twice_across_rules(families: Families) -> None:
    """Video at 9:00 for 30 minutes, clinic at 9:15 for 45: only one of them, by either order."""
    own = expert()
    video = slots(rule(own, NOW), NOW)[0]
    clinic = slots(
        rule(own, NOW, kind="in-person", opens=time(9, 15), closes=time(10), minutes=45), NOW
    )[0]
    assert clinic.starts_at - video.starts_at == timedelta(minutes=15)
    one, two = family(), family()
    child = families.add(one)
    in_person = Wanted("in-person", "CO", False, NOW)
    holding.hold(slot_id=video.pk, wanted=FIT, by=one)
    with refused("taken"):
        holding.hold(slot_id=clinic.pk, wanted=in_person, by=two)
    assert clinic not in find(in_person, first=clinic.starts_at, last=clinic.ends_at)
    actions.confirm(slot_id=video.pk, guardian=one, booking=booking(child), at=NOW)
    with refused("taken"):
        holding.hold(slot_id=clinic.pk, wanted=in_person, by=two)
    visit = Appointment.objects.get()
    actions.cancel(appointment=visit, by=one, at=NOW)
    holding.hold(slot_id=clinic.pk, wanted=in_person, by=two)


def test_no_child_is_booked_twice(families: Families) -> None:
    """Two clinicians at one time, one child: by the same guardian or by two."""
    first, second = (slots(rule(expert(f"sample-{n}"), NOW), NOW)[0] for n in "ab")
    one, two = family(), family()
    child = families.add(one)
    actions.confirm(slot_id=first.pk, guardian=one, booking=booking(child), at=NOW)
    for user in (one, two):
        with refused("child_busy"):
            actions.confirm(slot_id=second.pk, guardian=user, booking=booking(child), at=NOW)
    second.refresh_from_db()
    assert second.state == SlotState.FREE
    sibling = families.add(one)
    actions.confirm(slot_id=second.pk, guardian=one, booking=booking(sibling), at=NOW)


def test_the_database_itself_refuses_a_second_visit(families: Families, free: list[Slot]) -> None:
    """T-54: the constraints hold without our code."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    visit.pk, visit._state.adding = None, True
    import uuid

    visit.pk = uuid.uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        visit.save(force_insert=True)
    row = Taken.objects.filter(whom__startswith="clinician").first()
    assert row is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        Taken.objects.create(slot=free[1], whom=row.whom, tick=row.tick)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "UT"}, "place"),
        ({"state": "elsewhere"}, "place"),
        ({"kind": "in-person"}, "kind"),
        ({"interpreter": True}, "interpreter"),
    ],
)
def test_what_does_not_fit_is_refused_at_booking_too(
    families: Families, change: dict[str, Any], code: str
) -> None:
    """A form that was changed by hand, or a license that was lost, gets no further than the list.

    The hold was for something that fitted.
    """
    user = family()
    child = families.add(user)
    slot = slots(rule(expert(), NOW, interpreter_hours=2000), NOW)[0]
    holding.hold(slot_id=slot.pk, wanted=FIT, by=user)
    with refused(code):
        actions.confirm(slot_id=slot.pk, guardian=user, booking=booking(child, **change), at=NOW)
    assert not Appointment.objects.exists()


def test_a_license_lost_between_hold_and_booking_counts(
    families: Families, free: list[Slot]
) -> None:
    """It is looked up again when the time is booked."""
    user = family()
    child = families.add(user)
    holding.hold(slot_id=free[0].pk, wanted=FIT, by=user)
    free[0].clinician.licenses.update(expires=date(2026, 11, 24))
    with refused("place"):
        actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)


def test_too_soon_is_refused(free: list[Slot]) -> None:
    """An hour before it begins nobody books any more."""
    with refused("too_late"):
        holding.hold(
            slot_id=free[0].pk,
            wanted=Wanted("video", "CO", False, free[0].starts_at - timedelta(minutes=59)),
            by=family(),
        )


# --- what follows a visit ------------------------------------------------------------------------


def test_reminders_stand_in_the_outbox_at_48_and_2_hours(
    families: Families, outbox: Outbox, free: list[Slot]
) -> None:
    """Stable keys, no name, no clinical word; nothing for what is over already."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    assert outbox.reminders == {
        f"visit:{visit.pk}:0:visit_in_two_days": free[0].starts_at - timedelta(hours=48),
        f"visit:{visit.pk}:0:visit_in_two_hours": free[0].starts_at - timedelta(hours=2),
    }
    assert {row["user"] for row in outbox.rows.values()} == {user}
    assert {row["language"] for row in outbox.rows.values()} == {"en"}
    actions.cancel(appointment=visit, by=user, at=NOW)
    assert outbox.reminders == {}
    assert [row["kind"] for row in outbox.rows.values()] == ["visit_booked", "visit_cancelled"]
    soon = find(FIT, first=NOW, last=NOW + timedelta(hours=30))[-1]
    late = actions.confirm(slot_id=soon.pk, guardian=user, booking=booking(child), at=NOW)
    assert list(outbox.reminders) == [f"visit:{late.pk}:0:visit_in_two_hours"]


def test_a_moved_visit_keeps_its_room_and_moves_its_reminders(
    families: Families, outbox: Outbox, free: list[Slot]
) -> None:
    """The old time is free again, the sequence rises, and no reminder of the old time is left."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    moved = actions.move(
        appointment=visit, slot_id=free[7].pk, booking=booking(child), by=user, at=NOW
    )
    assert (moved.pk, moved.room, moved.sequence) == (visit.pk, visit.room, 1)
    states = [Slot.objects.get(pk=free[n].pk).state for n in (0, 7)]
    assert states == [SlotState.FREE, SlotState.BOOKED]
    assert outbox.reminders == {
        f"visit:{visit.pk}:1:visit_in_two_days": free[7].starts_at - timedelta(hours=48),
        f"visit:{visit.pk}:1:visit_in_two_hours": free[7].starts_at - timedelta(hours=2),
    }
    other = family()
    theirs = families.add(other)
    actions.confirm(slot_id=free[0].pk, guardian=other, booking=booking(theirs), at=NOW)


def test_a_visit_moves_to_a_time_that_overlaps_its_own(families: Families) -> None:
    """The child's old time does not stand in the way of the new one."""
    one, two = expert("sample-a"), expert("sample-b")
    old = slots(rule(one, NOW), NOW)[0]
    new = slots(rule(two, NOW, opens=time(9, 15), closes=time(10)), NOW)[0]
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=old.pk, guardian=user, booking=booking(child), at=NOW)
    actions.move(appointment=visit, slot_id=new.pk, booking=booking(child), by=user, at=NOW)
    assert {row.whom.partition(":")[0] for row in Taken.objects.filter(slot=new)} == {
        "clinician",
        "child",
    }
    assert not Taken.objects.filter(slot=old).exists()


def test_a_move_that_is_refused_changes_nothing(families: Families, free: list[Slot]) -> None:
    """Someone else has the new time: the old one stays, whole."""
    one, two = family(), family()
    child, other = families.add(one), families.add(two)
    visit = actions.confirm(slot_id=free[0].pk, guardian=one, booking=booking(child), at=NOW)
    actions.confirm(slot_id=free[1].pk, guardian=two, booking=booking(other), at=NOW)
    before = Taken.objects.filter(slot=free[0]).count()
    with refused("taken"):
        actions.move(appointment=visit, slot_id=free[1].pk, booking=booking(child), by=one, at=NOW)
    visit.refresh_from_db()
    assert (visit.slot_id, visit.sequence) == (free[0].pk, 0)
    assert Taken.objects.filter(slot=free[0]).count() == before


def test_an_interpreter_makes_a_visit_pending_until_one_is_found(
    families: Families, free: list[Slot]
) -> None:
    """The time is the family's from the start; only the word for it changes."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(
        slot_id=free[0].pk, guardian=user, booking=booking(child, interpreter=True), at=NOW
    )
    assert visit.status == Status.PENDING
    actions.mark(appointment=visit, status=Status.BOOKED, seen=Status.PENDING, by=user, at=NOW)
    visit.refresh_from_db()
    assert (visit.status, visit.sequence) == (Status.BOOKED, 1)


def test_every_step_that_is_not_in_the_table_is_refused(
    families: Families, free: list[Slot]
) -> None:
    """Statuses change along TRANSITIONS alone, and nothing is over before it began."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    with refused("not_now"):
        actions.mark(appointment=visit, status=Status.COMPLETED, seen="booked", by=user, at=NOW)
    later = free[0].ends_at
    tried = 0
    for start in Status:
        for end in Status:
            if end in TRANSITIONS[start]:
                continue
            Appointment.objects.filter(pk=visit.pk).update(status=start)
            with refused("not_now"):
                actions.mark(appointment=visit, status=end, seen=start, by=user, at=later)
            tried += 1
    assert tried == 18
    Appointment.objects.filter(pk=visit.pk).update(status=Status.BOOKED)
    with refused("not_now"):
        actions.mark(
            appointment=visit, status=Status.COMPLETED, seen=Status.PENDING, by=user, at=later
        )
    actions.mark(appointment=visit, status=Status.COMPLETED, seen="booked", by=user, at=later)


def test_what_has_begun_is_neither_moved_nor_cancelled(
    families: Families, free: list[Slot]
) -> None:
    """From its first second on only staff may."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    begun = free[0].starts_at
    with refused("not_now"):
        actions.cancel(appointment=visit, by=user, at=begun)
    with refused("not_now"):
        actions.move(
            appointment=visit, slot_id=free[9].pk, booking=booking(child), by=user, at=begun
        )
    actions.cancel(appointment=visit, by=user, at=begun, late=True)
    assert actions.cancel(appointment=visit, by=user, at=begun).sequence == 1


def test_video_is_not_booked_without_a_consent_that_is_needed(
    families: Families, free: list[Slot]
) -> None:
    """No agreement, no visit; with it, both are kept together."""
    user = family()
    child = families.add(user)
    given: dict[str, Any] = {
        "slot_id": free[0].pk,
        "guardian": user,
        "booking": booking(child),
        "at": NOW,
        "needs_agreement": True,
    }
    with refused("consent"):
        actions.confirm(**given)
    assert not Appointment.objects.exists()
    actions.confirm(**given, agreement=Agreement("Sample parent Wvk", "parent", "v1", "es"))
    kept = VideoConsent.objects.get()
    assert (kept.by, kept.child_id, kept.text_version, kept.language, kept.relationship) == (
        user,
        child.pk,
        "v1",
        "es",
        "parent",
    )
    assert (kept.name, kept.at) == ("Sample parent Wvk", NOW)


def test_nothing_typed_stands_in_the_database_in_the_open(
    families: Families, free: list[Slot]
) -> None:
    """T-32: the row as bytes holds no canary, nor the name of the room."""
    user = family()
    child = families.add(user)
    visit = actions.confirm(slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW)
    actions.answer_at_join(
        appointment=visit, state="CO", with_whom="Sample aunt Zpv", fits=True, by=user, at=NOW
    )
    from django.db import connection

    raw = b""
    with connection.cursor() as cursor:
        for table in ("visits_appointment", "visits_joinanswer", "audit_event"):
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                raw += b"|".join(
                    bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row
                )
    for canary in ("Wvk", "Jqx", "Zpv", visit.room):
        assert canary.encode() not in raw
    assert Appointment.objects.get().with_whom == "Sample parent Wvk"


# --- all at once ---------------------------------------------------------------------------------


def told(answers: list[object]) -> Counter[str]:
    """Count what each try ended in."""
    return Counter(a.code if isinstance(a, Refused) else type(a).__name__ for a in answers)


@pytest.mark.django_db(transaction=True)
def test_100_families_confirm_one_time_at_once(families: Families) -> None:
    """T-54: 1 winner; 99 are told that it is taken, none sees a fault."""
    slot = slots(rule(expert(), NOW), NOW)[0]
    users = [family() for _ in range(TRIES)]
    children = [families.add(user) for user in users]

    def confirm(place: int) -> object:
        return actions.confirm(
            slot_id=slot.pk, guardian=users[place], booking=booking(children[place]), at=NOW
        )

    assert told(at_once(TRIES, confirm)) == {"Appointment": 1, "taken": TRIES - 1}
    visit = Appointment.objects.get()
    assert Taken.objects.filter(slot=slot).count() == 2 * 6
    assert Event.objects.filter(action="visit.booked").count() == 1
    assert visit.guardian in users


@pytest.mark.django_db(transaction=True)
def test_100_families_hold_one_time_at_once(families: Families) -> None:
    """T-54: 1 holds it, also when its last hold has lapsed and everyone sees it free."""
    slot = slots(rule(expert(), NOW), NOW)[0]
    holding.hold(slot_id=slot.pk, wanted=FIT, by=family())
    users = [family() for _ in range(TRIES)]
    later = at(HOLD)
    answers = at_once(
        TRIES, lambda place: holding.hold(slot_id=slot.pk, wanted=later, by=users[place])
    )
    assert told(answers) == {"Slot": 1, "taken": TRIES - 1}


@pytest.mark.django_db(transaction=True)
def test_one_family_confirms_100_times_at_once(families: Families) -> None:
    """T-36: double click and retry give the one visit, every time."""
    user = family()
    child = families.add(user)
    slot = slots(rule(expert(), NOW), NOW)[0]
    holding.hold(slot_id=slot.pk, wanted=FIT, by=user)

    def confirm(place: int) -> object:
        return actions.confirm(slot_id=slot.pk, guardian=user, booking=booking(child), at=NOW)

    answers = at_once(TRIES, confirm)
    assert told(answers) == {"Appointment": TRIES}
    assert {a.pk for a in answers if isinstance(a, Appointment)} == {Appointment.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_crossing_times_and_children_never_cross(families: Families) -> None:
    """Sixty at once over overlapping rules, siblings and moves: no person is in two places."""
    one, two = expert("sample-a"), expert("sample-b")
    offered = [
        slot
        for own in (
            rule(one, NOW),
            rule(two, NOW),
            rule(one, NOW, opens=time(9, 15), closes=time(11), minutes=45),
        )
        for slot in slots(own, NOW)[:3]
    ]
    users = [family() for _ in range(12)]
    children = [families.add(user) for user in users[:4]]

    def act(place: int) -> object:
        user, child = users[place % 12], children[place % 4]
        visit: object = holding.hold(slot_id=offered[place % 9].pk, wanted=FIT, by=user)
        visit = actions.confirm(
            slot_id=offered[place % 9].pk, guardian=user, booking=booking(child), at=NOW
        )
        if place % 3 == 0 and isinstance(visit, Appointment):
            visit = actions.move(
                appointment=visit,
                slot_id=offered[(place + 4) % 9].pk,
                booking=booking(child),
                by=user,
                at=NOW,
            )
        return visit

    said = told(at_once(60, act))
    assert set(said) <= {"Appointment", "taken", "child_busy", "hold", "not_now"}, said
    live = list(Appointment.objects.filter(status__in=LIVE).select_related("slot"))
    assert live
    for a in live:
        for b in live:
            apart = a.slot.ends_at <= b.slot.starts_at or b.slot.ends_at <= a.slot.starts_at
            if a.pk != b.pk and not apart:
                assert a.child_id != b.child_id
                assert a.slot.clinician_id != b.slot.clinician_id
    booked = {a.slot_id for a in live}
    assert set(Slot.objects.filter(state=SlotState.BOOKED).values_list("pk", flat=True)) == booked


def test_staff_book_for_a_family(families: Families, free: list[Slot]) -> None:
    """The visit is the family's; the audit says who did it."""
    user = family()
    child = families.add(user)
    staff = User.objects.create_user("scheduler@tests.invalid")
    visit = actions.confirm(
        slot_id=free[0].pk, guardian=user, booking=booking(child), at=NOW, by=staff
    )
    event = Event.objects.get(action="visit.booked")
    assert (visit.guardian, event.actor, event.detail["for_family"]) == (user, staff, True)


def test_an_act_is_tried_again_and_no_more_than_that(free: list[Slot]) -> None:
    """A lock that was held too long is waited for again; a database that is gone is a fault."""
    user, tries = family(), []

    def fails(times: int) -> Any:
        def act() -> str:
            tries.append(1)
            if len(tries) <= times:
                raise OperationalError("database is locked")
            return "done"

        return act

    with patch.object(holding, "connection", SimpleNamespace(in_atomic_block=False)):
        assert holding.tried_again(fails(3))() == "done"
        tries.clear()
        with pytest.raises(OperationalError):
            holding.tried_again(fails(4))()
        assert len(tries) == 4
    tries.clear()
    # Inside a transaction of someone else the failed try would be part of it.
    with pytest.raises(OperationalError), transaction.atomic():
        holding.tried_again(fails(1))()
    assert len(tries) == 1
    assert holding.hold(slot_id=free[0].pk, wanted=FIT, by=user).held_by == user
