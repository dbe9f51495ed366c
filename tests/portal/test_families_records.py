"""The hospital's number of a child: who sets it, and that it is one child's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from family_cast import AT, family, linked, staff
from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.families.actions import NotInThisState, NotPermitted
from hematon.portal.families.models import Child
from hematon.portal.families.record_number import TakenByAnother, set_record_number
from visit_people import at_once

Signed = Callable[..., Client]
NUMBER = "SAMPLE-0417"


def child(name: str) -> Child:
    """A child of a linked family."""
    return linked(family(name), staff(name=name), at=AT).child


@pytest.mark.django_db
def test_intake_keeps_and_takes_away_a_number(signed_in: Signed) -> None:
    """It is read back on the page, sealed in the row, and in no line of the audit."""
    one = child("a")
    desk, page = signed_in(Role.INTAKE), f"/staff/children/{one.pk}/"
    answer = desk.post(page, {"number": f" {NUMBER} ", "seen": ""}, follow=True)
    said = answer.content.decode()
    assert answer.redirect_chain == [(page, 302)]
    assert "The number was kept." in said
    assert f'value="{NUMBER}"' in said
    one.refresh_from_db()
    assert one.mrn == NUMBER
    event = Event.objects.get(action="child.numbered")
    assert (event.subject, event.detail) == (f"families.child:{one.pk}", {"known": True})
    desk.post(page, {"number": "", "seen": one.record_index})
    one.refresh_from_db()
    assert (one.mrn, one.record_index) == (None, "")
    told = Event.objects.filter(action="child.numbered").order_by("sequence")
    assert [event.detail for event in told] == [{"known": True}, {"known": False}]


@pytest.mark.django_db
def test_a_number_is_one_childs_and_two_people_do_not_overwrite_each_other(
    signed_in: Signed,
) -> None:
    """However it is spelled; the page names the other child and changes nothing."""
    one, two, nurse = child("a"), child("b"), staff()
    set_record_number(child=one, number=NUMBER, seen="", by=nurse)
    with pytest.raises(TakenByAnother) as refused:
        set_record_number(child=two, number="sample 0417", seen="", by=nurse)
    assert refused.value.other == one
    desk, page = signed_in(Role.INTAKE), f"/staff/children/{two.pk}/"
    answer = desk.post(page, {"number": NUMBER.lower(), "seen": ""})
    said = answer.content.decode()
    assert answer.status_code == 409
    assert "Another child here has this number" in said
    assert f'href="/staff/children/{one.pk}/"' in said
    with pytest.raises(NotInThisState):
        set_record_number(child=one, number="other", seen="", by=nurse)
    late = desk.post(f"/staff/children/{one.pk}/", {"number": "other", "seen": ""})
    assert late.status_code == 409
    assert "Somebody else set the number meanwhile" in late.content.decode()
    assert {c.mrn for c in Child.objects.all()} == {NUMBER, None}


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["<script>", "a;b", "x" * 41, "4711\r\nBcc: a"])
def test_what_is_no_number_is_refused_in_words(signed_in: Signed, wrong: str) -> None:
    """T-26: nothing is kept of it."""
    one = child("a")
    answer = signed_in(Role.INTAKE).post(f"/staff/children/{one.pk}/", {"number": wrong})
    assert answer.status_code == 200
    assert "nhsuk-error-message" in answer.content.decode()
    one.refresh_from_db()
    assert one.mrn is None


@pytest.mark.django_db
def test_nobody_but_intake_sets_it(signed_in: Signed) -> None:
    """T-08: by the page and by the act."""
    one = child("a")
    for role in set(Role) - {Role.INTAKE}:
        answer = signed_in(role).post(f"/staff/children/{one.pk}/", {"number": NUMBER})
        assert answer.status_code in (403, 404)
        with pytest.raises(NotPermitted):
            set_record_number(child=one, number=NUMBER, seen="", by=staff(role))
    one.refresh_from_db()
    assert one.mrn is None


@pytest.mark.django_db(transaction=True)
def test_one_number_for_ten_children_at_once_is_one_childs() -> None:
    """The database decides."""
    nurse, all_ten = staff(), [child(f"c{n}") for n in range(10)]
    found = at_once(
        10, lambda n: set_record_number(child=all_ten[n], number=NUMBER, seen="", by=nurse)
    )
    assert sum(isinstance(one, Child) for one in found) == 1
    assert sum(isinstance(one, TakenByAnother) for one in found) == 9
    assert Child.objects.exclude(record_index="").count() == 1
