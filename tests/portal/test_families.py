"""Who may see a child: birthdays to the second, several guardians, disputes, revocation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_cast import AT, BORN, asked_for, family, linked, set_ages, staff
from hematon.portal.accounts.models import Role, User
from hematon.portal.families import access, actions, ages
from hematon.portal.families.access import Scope
from hematon.portal.families.models import Child, Granted, Guardianship, Relationship
from hematon.portal.programme.models import Kind
from hematon.portal.programme.rules import default
from hematon.portal.programme.shapes import Access, AgeRules, Thing

SECOND = timedelta(seconds=1)
RULES = cast(AgeRules, default(Kind.AGES))
DENVER = ZoneInfo("America/Denver")
pytestmark = pytest.mark.django_db


def around(user: User, child: Child, moment: datetime) -> list[Scope]:
    """The scope a second before, at, and a second after."""
    return [access.scope(user, child, moment + step * SECOND) for step in (-1, 0, 1)]


def midnight(year: int, month: int, day: int, zone: str = "America/Denver") -> datetime:
    """The first moment of a day on a wall, in UTC."""
    return datetime(year, month, day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.fixture
def nurse(db: None) -> User:
    """Staff of intake."""
    return staff()


# --- birthdays -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "years", "expected"),
    [
        (date(2012, 5, 20), 14, [Scope.FULL, Scope.LIMITED, Scope.LIMITED]),
        (date(2008, 5, 20), 18, [Scope.LIMITED, Scope.NONE, Scope.NONE]),
    ],
)
def test_access_changes_at_the_birthday(
    nurse: User, born: date, years: int, expected: list[Scope]
) -> None:
    """T-09: at the first second of the birthday on the programme's wall, not one before."""
    parent = family()
    at = midnight(born.year + years, 5, 20)
    link = linked(parent, nurse, born=born, at=at - timedelta(days=30))
    assert around(parent, link.child, at) == expected


def test_the_day_is_the_programmes_and_not_utcs(nurse: User) -> None:
    """T-09: at midnight UTC it is still the evening before in Denver; nothing changes then."""
    parent, born = family(), date(2012, 5, 20)
    link = linked(parent, nurse, born=born, at=datetime(2026, 5, 1, tzinfo=UTC))
    assert around(parent, link.child, datetime(2026, 5, 20, tzinfo=UTC)) == [Scope.FULL] * 3
    assert around(parent, link.child, datetime(2026, 5, 20, 6, tzinfo=UTC))[1] is Scope.LIMITED


@pytest.mark.parametrize(
    "zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/Santiago"]
)
def test_the_birthday_comes_when_the_programmes_wall_says(zone: str) -> None:
    """T-09: a day earlier or later elsewhere; a quarter of an hour; a midnight that is skipped."""
    # Chile skips the hour from midnight on September 6, 2026.
    born, wall = date(2012, 9, 6), ZoneInfo(zone)
    at = ages.midnight(date(2026, 9, 6), wall).astimezone(UTC)
    seen = [ages.band_at(born, at + step * SECOND, RULES, wall).access for step in (-1, 0, 1)]
    assert seen == [Access.FULL, Access.LIMITED, Access.LIMITED]


@pytest.mark.parametrize(
    ("rule", "day"), [("march_1", (2026, 3, 1)), ("february_28", (2026, 2, 28))]
)
def test_born_on_february_29(nurse: User, rule: str, day: tuple[int, int, int]) -> None:
    """T-09: 14 years later there is no such day; the rules say which one it is."""
    set_ages(leap_birthday=rule)
    parent = family()
    link = linked(parent, nurse, born=date(2012, 2, 29), at=datetime(2026, 1, 1, tzinfo=UTC))
    expected = [Scope.FULL, Scope.LIMITED, Scope.LIMITED]
    assert around(parent, link.child, midnight(*day)) == expected


def test_born_on_february_29_and_a_leap_year_comes() -> None:
    """T-09: then it is the day itself, whatever the rules say."""
    for rule in ("march_1", "february_28"):
        rules = RULES.model_copy(update={"leap_birthday": rule})
        assert ages.birthday(date(2008, 2, 29), 16, rules) == date(2024, 2, 29)


@given(
    born=st.dates(date(2000, 1, 1), date(2026, 1, 1)),
    minutes=st.integers(0, 30 * 366 * 24 * 60),
    zone=st.sampled_from(["America/Denver", "Pacific/Kiritimati", "UTC", "Europe/Madrid"]),
)
def test_access_only_shrinks_with_age(born: date, minutes: int, zone: str) -> None:
    """T-09: no later moment gives more than an earlier one, under the shipped rules."""
    order = [Access.FULL, Access.LIMITED, Access.ENDED]
    wall = ZoneInfo(zone)
    start = datetime(born.year, born.month, born.day, 12, tzinfo=UTC)
    first = ages.band_at(born, start + timedelta(minutes=minutes), RULES, wall)
    later = ages.band_at(born, start + timedelta(minutes=minutes + 1441), RULES, wall)
    assert order.index(first.access) <= order.index(later.access)


def test_limited_leaves_what_the_rules_name(nurse: User) -> None:
    """T-09: messages and results as shipped, and no files."""
    parent = family()
    link = linked(parent, nurse, born=date(2011, 1, 1))
    seen = {thing for thing in Thing if access.may_see(parent, link.child, thing, AT)}
    assert seen == set(Thing) - {Thing.FILES}


def test_other_rules_are_data(nurse: User) -> None:
    """T-09: a programme that limits at 12, with messages alone, changes no code."""
    set_ages(
        own_from=12,
        bands=[
            {"from_years": 0, "access": "full"},
            {"from_years": 12, "access": "limited", "sees": ["messages"]},
            {"from_years": 18, "access": "ended"},
        ],
    )
    parent = family()
    link = linked(parent, nurse, born=date(2014, 1, 1))
    seen = {thing for thing in Thing if access.may_see(parent, link.child, thing, AT)}
    assert seen == {Thing.MESSAGES}


# --- the patient's own access, and assent --------------------------------------------------------


def test_a_patient_has_access_of_their_own_from_the_birthday(nurse: User) -> None:
    """T-09: from 14 as shipped, in full; staff cannot confirm it a day before."""
    teen, at = family(), midnight(2026, 5, 20)
    link = asked_for(teen, relationship=Relationship.PATIENT, born=date(2012, 5, 20))
    early: dict[str, Any] = {
        "link": link,
        "proof_kind": "photo_id",
        "granted": Granted.FULL,
        "by": nurse,
    }
    with pytest.raises(actions.TooYoung):
        actions.confirm(**early, at=at - SECOND)
    actions.confirm(**early, at=at)
    assert access.scope(teen, link.child, at) is Scope.FULL
    assert access.scope(teen, link.child, at + timedelta(days=9999)) is Scope.FULL


ASSENT: dict[str, Any] = {
    "own_from": 13,
    "bands": [
        {"from_years": 0, "access": "full"},
        {"from_years": 13, "access": "limited", "sees": ["messages"], "assent": True},
        {"from_years": 18, "access": "ended"},
    ],
}


def test_where_the_rules_ask_for_it_a_teen_agrees_first(nurse: User) -> None:
    """T-09: without assent the parent sees nothing, with it a part, withdrawn nothing again."""
    set_ages(**ASSENT)
    parent, teen, born = family(), family("teen"), date(2012, 5, 20)
    link = linked(parent, nurse, born=born)
    linked(teen, nurse, child=link.child, relationship=Relationship.PATIENT, born=born)
    assert access.scope(parent, link.child, AT) is Scope.NONE
    actions.assent(link=link, agrees=True, by=teen, at=AT)
    assert access.scope(parent, link.child, AT) is Scope.LIMITED
    actions.assent(link=link, agrees=False, by=teen, at=AT)
    assert access.scope(parent, link.child, AT) is Scope.NONE


def test_nobody_else_agrees_in_the_teens_place(nurse: User) -> None:
    """T-09: neither the parent nor another patient nor staff."""
    set_ages(**ASSENT)
    parent, other = family(), family("other")
    link = linked(parent, nurse, born=date(2012, 5, 20))
    linked(other, nurse, relationship=Relationship.PATIENT, born=date(2012, 5, 20))
    for by in (parent, other, nurse, staff(*Role, name="all")):
        with pytest.raises(actions.NotPermitted):
            actions.assent(link=link, agrees=True, by=by, at=AT)


def test_what_was_agreed_before_the_birthday_does_not_count(nurse: User) -> None:
    """T-09: the patient must have been of the age that the rules ask."""
    set_ages(**{**ASSENT, "own_from": 10})
    parent, teen, born = family(), family("teen"), date(2013, 12, 1)
    link = linked(parent, nurse, born=born)
    linked(teen, nurse, child=link.child, relationship=Relationship.PATIENT, born=born)
    actions.assent(link=link, agrees=True, by=teen, at=AT)
    expected = [Scope.FULL, Scope.NONE, Scope.NONE]
    assert around(parent, link.child, midnight(2026, 12, 1)) == expected


# --- several adults, disputes, revocation --------------------------------------------------------


def test_two_guardians_and_one_revoked(nurse: User) -> None:
    """T-06, T-09: the one ends at once, the other goes on."""
    one, two = family(), family("two")
    link = linked(one, nurse)
    other = linked(two, nurse, child=link.child)
    actions.end(link=link, reason="Sample reason", by=nurse, at=AT)
    assert access.scope(one, link.child, AT) is Scope.NONE
    assert access.children_of(one, AT) == []
    assert access.scope(two, other.child, AT) is Scope.FULL
    assert access.children_of(two, AT) == [other.child]


def test_a_dispute_stops_every_adult_and_not_the_patient(nurse: User) -> None:
    """T-09: until staff let one go on."""
    one, two, teen, born = family(), family("two"), family("teen"), date(2012, 5, 20)
    link = linked(one, nurse, born=born)
    child = link.child
    other = linked(two, nurse, child=child, born=born)
    linked(teen, nurse, child=child, relationship=Relationship.PATIENT, born=born)
    assert actions.lock(child=child, reason="Sample dispute", by=nurse, at=AT) == 2
    assert [access.scope(u, child, AT) for u in (one, two, teen)] == [
        Scope.NONE,
        Scope.NONE,
        Scope.FULL,
    ]
    actions.unlock(link=other, reason="Sample order", by=nurse, at=AT)
    assert [access.scope(u, child, AT) for u in (one, two)] == [Scope.NONE, Scope.LIMITED]


def test_while_a_dispute_lasts_nobody_new_is_let_in(nurse: User) -> None:
    """T-09: a third adult is not confirmed before the dispute is settled."""
    link, third = linked(family(), nurse), asked_for(family("third"))
    actions.lock(child=link.child, reason="Sample dispute", by=nurse, at=AT)
    confirm: dict[str, Any] = {
        "link": third,
        "proof_kind": "record",
        "granted": Granted.FULL,
        "by": nurse,
        "at": AT,
        "child": link.child,
    }
    with pytest.raises(actions.Disputed):
        actions.confirm(**confirm)
    actions.end(link=link, reason="Sample order", by=nurse, at=AT)
    actions.confirm(**confirm)
    assert access.scope(third.user, link.child, AT) is Scope.FULL


def test_a_link_ends_at_its_own_end(nurse: User) -> None:
    """T-09: whatever the age rules say."""
    parent, ends = family(), AT + timedelta(days=30)
    link = linked(parent, nurse, expires_at=ends)
    assert around(parent, link.child, ends) == [Scope.FULL, Scope.NONE, Scope.NONE]


def test_staff_let_access_go_on_for_a_patient_who_cannot_decide(nurse: User) -> None:
    """T-09: past 18, until the day staff named, never longer than the rules allow."""
    parent, born = family(), date(2008, 5, 20)
    link = linked(parent, nurse, born=born)
    assert access.scope(parent, link.child, AT) is Scope.NONE
    until = AT + timedelta(days=365)
    with pytest.raises(actions.NotInThisState):
        actions.override(link=link, until=until + SECOND, reason="x", by=nurse, at=AT)
    actions.override(link=link, until=until, reason="Sample reason", by=nurse, at=AT)
    assert around(parent, link.child, until) == [Scope.FULL, Scope.NONE, Scope.NONE]
    actions.end(link=link, reason="Sample reason", by=nurse, at=AT)
    assert access.scope(parent, link.child, AT) is Scope.NONE


def test_where_the_rules_do_not_allow_it_nobody_overrides(nurse: User) -> None:
    """T-09: the act itself refuses."""
    set_ages(override_for_incapacity=False)
    link = linked(family(), nurse, born=date(2008, 5, 20))
    with pytest.raises(actions.NotPermitted):
        actions.override(link=link, until=AT + timedelta(days=1), reason="x", by=nurse, at=AT)


def test_a_grown_patient_chooses_a_trusted_person(nurse: User) -> None:
    """T-09: from 18 on; before that such a link gives nothing."""
    trusted, born = family(), date(2008, 12, 1)
    link = linked(trusted, nurse, relationship=Relationship.TRUSTED, born=born)
    expected = [Scope.NONE, Scope.FULL, Scope.FULL]
    assert around(trusted, link.child, midnight(2026, 12, 1)) == expected


def test_staff_can_give_a_part(nurse: User) -> None:
    """T-08: a link with a smaller scope gives what limited access leaves, at any age."""
    parent = family()
    link = linked(parent, nurse, granted=Granted.LIMITED)
    assert access.scope(parent, link.child, AT) is Scope.LIMITED
    assert not access.may_see(parent, link.child, Thing.FILES, AT)
    assert access.may_see(parent, link.child, Thing.MESSAGES, AT)


def test_a_revocation_needs_no_new_sign_in(nurse: User, django_assert_num_queries: Any) -> None:
    """T-06: asked anew each time, in two queries: the link, and the rules."""
    parent = family()
    link = linked(parent, nurse)
    child = link.child
    with django_assert_num_queries(2):
        assert access.scope(parent, child, AT) is Scope.FULL
    User.objects.filter(pk=parent.pk).update(is_active=False)
    parent.refresh_from_db()
    assert access.scope(parent, child, AT) is Scope.NONE


# --- confidential things -------------------------------------------------------------------------


def test_what_a_minor_agreed_to_alone_is_the_minors_alone(nurse: User) -> None:
    """T-10: no parent sees it, in full access or in part; neither does a notice go to them."""
    set_ages(own_from=12)
    parent, teen, born = family(), family("teen"), date(2013, 5, 20)
    link = linked(parent, nurse, born=born)
    child = link.child
    linked(teen, nurse, child=child, relationship=Relationship.PATIENT, born=born)
    assert access.scope(parent, child, AT) is Scope.FULL
    for thing in Thing:
        assert not access.may_see(parent, child, thing, AT, confidential_to_minor=True)
        assert access.may_see(teen, child, thing, AT, confidential_to_minor=True)
        assert set(access.users_who_may_see(child, thing, AT)) == {parent, teen}
        seen = access.users_who_may_see(child, thing, AT, confidential_to_minor=True)
        assert seen == [teen]


def test_staff_and_referrers_are_no_family(nurse: User) -> None:
    """T-08: a link of such an account, however it came about, gives nothing."""
    link = linked(family(), nurse)
    Guardianship.objects.update(user=nurse)
    assert access.scope(nurse, link.child, AT) is Scope.NONE
    assert access.children_of(nurse, AT) == []


def test_a_stranger_sees_nothing_of_anyone(nurse: User) -> None:
    """T-08: nor an account that asked and waits."""
    link, stranger = linked(family(), nurse), family("stranger")
    asked_for(stranger)
    assert access.scope(stranger, link.child, AT) is Scope.NONE
    assert access.get_child(stranger, link.child.pk, AT) is None
    assert access.children_of(stranger, AT) == []
    assert link.child.birth_date == BORN
