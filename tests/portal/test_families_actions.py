"""T-08: what may be done to a link, by whom, and that nothing but a confirmation gives anything."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from family_cast import AT, asked_for, family, linked, staff
from hematon.portal.accounts.models import Kind, Role, User
from hematon.portal.audit.models import Event
from hematon.portal.families import access, actions, asking, due, notices
from hematon.portal.families.access import Scope
from hematon.portal.families.models import (
    Child,
    Granted,
    Guardianship,
    LinkChange,
    Proof,
    Relationship,
    Status,
    Step,
)
from hematon.portal.ui.site import site

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse(db: None) -> User:
    """Staff of intake."""
    return staff()


def acts(link: Guardianship, by: User, at: datetime = AT) -> dict[str, Callable[[], object]]:
    """Everything that can be done to a link, by one person."""
    return {
        "confirm": lambda: actions.confirm(
            link=link, proof_kind=Proof.RECORD, granted=Granted.FULL, by=by, at=at
        ),
        "refuse": lambda: actions.refuse(link=link, reason="x", by=by, at=at),
        "end": lambda: actions.end(link=link, reason="x", by=by, at=at),
        "lock": lambda: actions.lock(child=link.child, reason="x", by=by, at=at),
        "unlock": lambda: actions.unlock(link=link, reason="x", by=by, at=at),
        "override": lambda: actions.override(
            link=link, until=at + timedelta(days=9), reason="x", by=by, at=at
        ),
        "keep": lambda: actions.keep(link=link, reason="x", by=by, at=at),
        "ask_to_end": lambda: actions.ask_to_end(link=link, reason="x", by=by, at=at),
        "assent": lambda: actions.assent(link=link, agrees=True, by=by, at=at),
        "unassent": lambda: actions.assent(link=link, agrees=False, by=by, at=at),
        "for_another": lambda: asking.request_for_another(
            child=link.child,
            address="another@families.invalid",
            adult_name="Another Sample",
            relationship=Relationship.PARENT,
            by=by,
            language="es",
            at=at,
        ),
    }


ACTS = [
    "confirm",
    "refuse",
    "end",
    "lock",
    "unlock",
    "override",
    "keep",
    "ask_to_end",
    "assent",
    "unassent",
    "for_another",
]
OF_STAFF = {"confirm", "refuse", "lock", "unlock", "override", "keep"}


# --- T-08 ----------------------------------------------------------------------------------------


class AnySequence(TestCase):
    """T-08: no sequence of acts by anyone but staff of intake gives more than nothing."""

    @settings(max_examples=120, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        steps=st.lists(
            st.tuples(
                st.sampled_from(ACTS),
                st.integers(0, 5),
                st.integers(0, 3),
                st.integers(-400, 9000),
            ),
            max_size=14,
        ),
        relationships=st.lists(st.sampled_from(Relationship), min_size=3, max_size=3),
    )
    def test_no_sequence_gives_an_unverified_person_anything(
        self, steps: list[tuple[str, int, int, int]], relationships: list[Relationship]
    ) -> None:
        """Two families, a referrer, staff with every role but intake, on each other's links."""
        people = [
            family("a"),
            family("b"),
            family("c"),
            User.objects.create_without_password("doc@refers.invalid", Kind.REFERRER),
            staff(*(role for role in Role if role != Role.INTAKE), name="others"),
        ]
        people.append(people[0])
        confirmed = linked(people[2], staff(), born=date(2010, 1, 1))
        links = [
            confirmed,
            *(
                asked_for(people[i % 2], relationship=r, born=date(2004 + 8 * i, 2, 29))
                for i, r in enumerate(relationships[:2])
            ),
        ]
        for name, who, which, day in steps:
            at = AT + timedelta(days=day)
            with transaction.atomic(), suppress(actions.ActionRefused):
                acts(links[which % len(links)], people[who], at)[name]()
            known = [link.pk for link in links]
            links += Guardianship.objects.exclude(pk__in=known).select_related("child")
        for user in User.objects.exclude(pk=people[2].pk):
            for child in Child.objects.all():
                for day in (0, 400, 3000, 9000):
                    at = AT + timedelta(days=day)
                    assert access.scope(user, child, at) is Scope.NONE
            assert access.children_of(user, AT) == []
        assert Guardianship.objects.filter(status=Status.ACTIVE).count() <= 1


class AnySequenceOfStaff(TestCase):
    """What staff took away stays away, whatever else happens."""

    @settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
    @given(steps=st.lists(st.tuples(st.sampled_from(ACTS), st.booleans()), max_size=12))
    def test_scope_is_given_only_while_confirmed_and_neither_ended_nor_locked(
        self, steps: list[tuple[str, bool]]
    ) -> None:
        """The history of a link says what its scope must be; staff and the person act on it."""
        nurse, parent = staff(), family("a")
        link = asked_for(parent)
        for name, by_staff in steps:
            with suppress(actions.ActionRefused):
                acts(link, nurse if by_staff else parent)[name]()
        steps_done = set(LinkChange.objects.filter(link=link).values_list("step", flat=True))
        link.refresh_from_db()
        status, locked = Status(link.status), link.locked_at is not None
        expected = (
            Step.CONFIRMED in steps_done
            and not {Step.ENDED, Step.REFUSED} & steps_done
            and not locked
        )
        assert (status == Status.ACTIVE) == (
            Step.CONFIRMED in steps_done and Step.ENDED not in steps_done
        )
        assert (access.scope(parent, link.child, AT) is not Scope.NONE) == expected


def test_each_act_of_staff_needs_the_role(nurse: User) -> None:
    """Not even every other role together, nor the family itself."""
    parent = family()
    link = asked_for(parent)
    for by in (parent, staff(*(role for role in Role if role != Role.INTAKE), name="others")):
        for name in OF_STAFF:
            with pytest.raises(actions.NotPermitted):
                acts(link, by)[name]()
    link.refresh_from_db()
    assert link.status == Status.REQUESTED
    assert LinkChange.objects.count() == 1


@pytest.mark.parametrize("closing", ["end", "refuse"])
def test_what_is_closed_stays_closed(nurse: User, closing: str) -> None:
    """No act opens a link again; asking once more makes a new one."""
    parent = family()
    link = asked_for(parent)
    acts(link, nurse)[closing]()
    for name in sorted(OF_STAFF - {"lock"} | {"end", "assent", "ask_to_end"}):
        with pytest.raises(actions.ActionRefused):
            acts(link, nurse)[name]()
    again = asked_for(parent)
    assert again.pk != link.pk


def test_a_request_is_confirmed_once(nurse: User) -> None:
    """The second one who presses the button is told that it moved on."""
    link = asked_for(family())
    acts(link, nurse)["confirm"]()
    with pytest.raises(actions.NotInThisState):
        acts(link, nurse)["confirm"]()


def test_one_patient_and_one_open_link_each(nurse: User) -> None:
    """By the act, and by the database when the act is gone around."""
    teen, other, born = family("teen"), family("other"), date(2010, 1, 1)
    link = linked(teen, nurse, relationship=Relationship.PATIENT, born=born)
    second = asked_for(other, relationship=Relationship.PATIENT, born=born)
    confirm: dict[str, Any] = {"proof_kind": Proof.RECORD, "granted": Granted.FULL, "at": AT}
    with pytest.raises(actions.NotInThisState):
        actions.confirm(link=second, by=nurse, child=link.child, **confirm)
    mine = asked_for(teen, born=born)
    with pytest.raises(actions.NotInThisState):
        actions.confirm(link=mine, by=nurse, child=link.child, **confirm)
    for change in ({"child": link.child, "status": "active"}, {"status": "active"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Guardianship.objects.filter(pk=second.pk).update(**change)


def test_only_so_many_requests_wait() -> None:
    """Ten of one person; the eleventh is refused until one is answered."""
    parent = family()
    for _ in range(asking.MOST_REQUESTS):
        asked_for(parent)
    with pytest.raises(asking.TooMany):
        asked_for(parent)
    assert Child.objects.count() == asking.MOST_REQUESTS


# --- on behalf of another ------------------------------------------------------------------------


def test_an_adult_asks_for_another_adult(nurse: User) -> None:
    """The other sees nothing, not even that it was asked, until staff confirm."""
    parent = family()
    link = linked(parent, nurse)
    acts(link, parent)["for_another"]()
    other = User.objects.with_address("another@families.invalid")
    assert other is not None
    assert access.own_links(other) == []
    waiting = Guardianship.objects.get(user=other)
    assert access.own_link(other, waiting.pk) is None
    assert access.scope(other, link.child, AT) is Scope.NONE
    acts(waiting, nurse)["confirm"]()
    assert access.scope(other, link.child, AT) is Scope.FULL
    assert [one.pk for one in access.own_links(other)] == [waiting.pk]


def test_nobody_asks_about_a_child_they_do_not_see(nurse: User) -> None:
    """A stranger, a request that waits, a link that ended, and the patient's place."""
    link, stranger = linked(family(), nurse), family("stranger")
    waiting = asked_for(stranger)
    for target in (link, waiting):
        with pytest.raises(actions.NotPermitted):
            acts(target, stranger)["for_another"]()
    parent = link.user
    ask: dict[str, Any] = {
        "child": link.child,
        "address": "x@families.invalid",
        "adult_name": "X",
        "by": parent,
        "language": "en",
        "at": AT,
    }
    for relationship in (Relationship.PATIENT, Relationship.TRUSTED):
        with pytest.raises(actions.NotPermitted):
            asking.request_for_another(relationship=relationship, **ask)
    actions.end(link=link, reason="", by=parent, at=AT)
    with pytest.raises(actions.NotPermitted):
        asking.request_for_another(relationship=Relationship.PARENT, **ask)
    assert User.objects.with_address("x@families.invalid") is None


def test_a_grown_patient_alone_asks_for_a_trusted_person(nurse: User) -> None:
    """And for nobody else."""
    patient, born = family(), date(2006, 1, 1)
    link = linked(patient, nurse, relationship=Relationship.PATIENT, born=born)
    ask: dict[str, Any] = {
        "child": link.child,
        "address": "friend@families.invalid",
        "adult_name": "Sample Friend",
        "by": patient,
        "language": "en",
        "at": AT,
    }
    with pytest.raises(actions.NotPermitted):
        asking.request_for_another(relationship=Relationship.PARENT, **ask)
    made = asking.request_for_another(relationship=Relationship.TRUSTED, **ask)
    assert made.status == Status.REQUESTED
    with pytest.raises(actions.NotInThisState):
        asking.request_for_another(relationship=Relationship.TRUSTED, **ask)


def test_an_end_of_anothers_access_is_asked_for_and_staff_decide(nurse: User) -> None:
    """Nothing ends by asking; staff keep it or end it, and it leaves their list either way."""
    one, two = family(), family("two")
    link = linked(one, nurse)
    other = linked(two, nurse, child=link.child)
    acts(other, one)["ask_to_end"]()
    assert access.scope(two, link.child, AT) is Scope.FULL
    assert list(access.queue(nurse)) == [other]
    with pytest.raises(actions.NotInThisState):
        acts(other, one)["ask_to_end"]()
    acts(other, nurse)["keep"]()
    assert not access.queue(nurse).exists()
    acts(other, one)["ask_to_end"]()
    acts(other, nurse)["end"]()
    assert access.scope(two, link.child, AT) is Scope.NONE
    with pytest.raises(actions.NotPermitted):
        acts(link, two)["ask_to_end"]()


def test_a_person_ends_their_own_access(nurse: User) -> None:
    """Without staff; another family cannot."""
    parent, other = family(), family("other")
    link = linked(parent, nurse)
    linked(other, nurse, child=link.child)
    with pytest.raises(actions.NotPermitted):
        acts(link, other)["end"]()
    acts(link, parent)["end"]()
    assert access.scope(parent, link.child, AT) is Scope.NONE


# --- audit, history, notices, clock --------------------------------------------------------------


def test_every_act_is_in_the_audit_and_none_tells_a_value(nurse: User) -> None:
    """One event each, with codes: no name, date or reason in any."""
    parent, two = family(), family("two")
    link = linked(parent, nurse)
    other = linked(two, nurse, child=link.child)
    acts(other, parent)["ask_to_end"]()
    acts(other, nurse)["keep"]()
    acts(link, nurse)["override"]()
    actions.lock(child=link.child, reason="Sample dispute", by=nurse, at=AT)
    actions.unlock(link=link, reason="Sample order", by=nurse, at=AT)
    actions.end(link=link, reason="Sample reason", by=nurse, at=AT)
    actions.refuse(link=asked_for(parent), reason="Sample refusal", by=nurse, at=AT)
    rows = Event.objects.order_by("pk")
    assert [row.action.removeprefix("guardian.") for row in rows] == [
        "requested",
        "confirmed",
        "requested",
        "confirmed",
        "end_asked",
        "kept",
        "overridden",
        "locked",
        "unlocked",
        "ended",
        "requested",
        "refused",
    ]
    said = str([(row.subject, row.detail) for row in rows])
    assert "Sample" not in said
    assert "2018" not in said


def test_the_history_is_only_added_to(nurse: User) -> None:
    """Each step with who and why; no step is changed or deleted."""
    link = linked(family(), nurse)
    actions.end(link=link, reason="Sample reason", by=nurse, at=AT + timedelta(hours=1))
    found = access.history(link.child)
    assert {change.step for change in found} == {Step.REQUESTED, Step.CONFIRMED, Step.ENDED}
    latest = found[0]
    assert (latest.step, latest.reason, latest.by) == (Step.ENDED, "Sample reason", nurse)
    with pytest.raises(TypeError):
        latest.save()
    with pytest.raises(TypeError):
        latest.delete()


def test_the_person_and_those_beside_are_told(nurse: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail without a name to each; the key is of ids alone and names nobody."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(notices, "enqueue", lambda **row: sent.append(row))
    parent, two = family(), family("two")
    link = linked(parent, nurse)
    assert [row["user"] for row in sent] == [parent]
    linked(two, nurse, child=link.child)
    assert [row["user"] for row in sent[1:]] == [two, parent]
    assert {row["kind"] for row in sent} == {"access_changed"}
    assert len({row["key"] for row in sent}) == 3
    assert all("Sample" not in str(row["key"]) for row in sent)


def test_an_answer_is_due_in_five_business_days() -> None:
    """KST: 3 to 5; weekends and the site's holidays do not count, and it ends at closing."""
    here = site()
    friday = datetime(2026, 11, 20, 20, tzinfo=UTC)
    # Monday 23, Tuesday 24, Wednesday 25, (Thursday 26 is a holiday), Friday 27, Monday 30.
    assert due.answer_by(friday) == datetime(2026, 11, 30, 17, tzinfo=here.zone)
    saturday = datetime(2026, 11, 21, 20, tzinfo=UTC)
    assert due.answer_by(saturday) == due.answer_by(friday)
