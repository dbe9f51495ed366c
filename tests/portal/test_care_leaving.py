"""T-40: closed requests and ended links go at the end of their time, and a legal hold stops it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from care_cast import CANARY, MONDAY, outside, sent, staff, stepped
from family_cast import asked_for, family, linked
from hematon.portal.accounts.models import Role
from hematon.portal.audit.models import Event
from hematon.portal.care import ending, leaving, sending
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind, Status
from hematon.portal.families import actions as family_actions
from hematon.portal.families.models import Child, Guardianship, LinkChange, Relationship
from hematon.portal.programme.shapes import years_before
from hematon.portal.ui import retention
from hematon.portal.ui.site import site

pytestmark = pytest.mark.django_db


def midnight(day: date) -> datetime:
    """The first moment of a day at the programme."""
    return datetime(day.year, day.month, day.day, tzinfo=site().zone)


def closed(born: str = "", **more: Any) -> Case:
    """A request that was answered and closed on the Monday."""
    if born:
        case = sending.begin(kind=Kind.QUESTION, sender=outside(), language="en", at=MONDAY)
        for key, answer in {"worry": {"text": CANARY}, "birth-date": {"date": born}}.items():
            case = sending.save_answer(case=case, question=key, answer=answer, at=MONDAY)
        case = sending.send(case=case, seen=case.revision, at=MONDAY)
    else:
        case = sent(**more)
    Case.objects.filter(pk=case.pk).update(status=Status.COMPLETED, closed_at=MONDAY)
    return Case.objects.get(pk=case.pk)


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of legal holds, in an empty place."""
    monkeypatch.setattr("django.conf.settings.DIRECTORY", tmp_path)
    return retention.hold_file()


@pytest.mark.parametrize(
    ("born", "goes"),
    [
        ("2018-05-20", date(2046, 5, 20)),
        ("2020-02-29", date(2048, 2, 29)),
        ("2005-02-28", date(2036, 11, 30)),
        ("", date(2054, 11, 30)),
    ],
)
def test_a_closed_request_stays_to_28_or_ten_years_more(born: str, goes: date, holds: Path) -> None:
    """The later of the two, to the midnight; with no birth date as if born on the day it came."""
    case = closed(born)
    at = midnight(goes)
    assert not list(ending.over(at - timedelta(seconds=1)))
    assert ending.purge(at - timedelta(seconds=1)) == 0
    holds.write_text(f"care.case:{case.pk} court order 12\n")
    assert ending.purge(at) == 0
    holds.unlink()
    assert ending.purge(at) == 1
    assert not Case.objects.exists()
    event = Event.objects.get(action="case.purged")
    assert (event.subject, event.detail) == (f"care.case:{case.pk}", {"kind": "question"})


def test_a_hold_that_came_meanwhile_stops_it(holds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was listed as over is asked again before it goes."""
    case = closed("2005-02-28")
    monkeypatch.setattr(ending, "over", lambda _now: iter([case.pk]))
    holds.write_text(f"care.case:{case.pk} court order 12\n")
    assert ending.purge(midnight(date(2080, 1, 1))) == 0
    assert Case.objects.filter(pk=case.pk).exists()


def test_a_request_that_is_open_stays_however_old_it_is(holds: Path) -> None:
    """Only what is closed has an end."""
    stepped(sent(), Status.ACCEPTED, staff(Role.INTAKE))
    assert ending.purge(midnight(date(2090, 1, 1))) == 0


def test_ended_links_go_six_years_later_with_every_step(holds: Path) -> None:
    """To the second; open ones stay; the audit keeps that it went, not whose it was."""
    nurse = staff(Role.INTAKE)
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    old, refused, active = (linked(family(name), nurse, at=at) for name in "abc")
    family_actions.end(link=old, reason="moved away", by=nurse, at=at)
    waiting = linked(family("d"), nurse, at=at)
    Guardianship.objects.filter(pk=refused.pk).update(status="refused", ended_at=at)
    over = at.replace(year=2032)
    second = timedelta(seconds=1)
    assert len(leaving.ended(over - second)) == leaving.purge_links(over - second) == 0
    assert len(leaving.ended(over)) == leaving.purge_links(over) == 2
    assert set(Guardianship.objects.all()) == {active, waiting}
    assert not LinkChange.objects.filter(link__in=[old.pk, refused.pk]).exists()
    told = Event.objects.filter(action="guardian.purged")
    assert {event.subject for event in told} == {
        f"families.guardianship:{old.pk}",
        f"families.guardianship:{refused.pk}",
    }
    assert all(event.detail == {} for event in told)


@pytest.mark.parametrize(
    ("relationship", "expires_at", "override_until", "goes"),
    [
        (Relationship.PARENT, None, None, date(2030, 8, 9)),
        (Relationship.PARENT, date(2023, 1, 1), None, date(2029, 1, 1)),
        (Relationship.PARENT, None, date(2026, 8, 1), date(2032, 8, 1)),
        (Relationship.PARENT, date(2025, 1, 1), date(2026, 8, 1), date(2031, 1, 1)),
        (Relationship.PATIENT, None, None, None),
        (Relationship.PATIENT, date(2023, 1, 1), None, date(2029, 1, 1)),
        (Relationship.TRUSTED, None, None, None),
        (Relationship.TRUSTED, date(2025, 1, 1), None, date(2031, 1, 1)),
    ],
)
def test_a_link_that_nobody_ended_goes_six_years_after_it_last_gave_anything(
    relationship: Relationship,
    expires_at: date | None,
    override_until: date | None,
    goes: date | None,
    holds: Path,
) -> None:
    """An adult's ends with the birthday, a patient's and a chosen person's with a date alone."""
    at = datetime(2022, 8, 8, 12, tzinfo=UTC)
    born = date(2006, 8, 9)
    link = linked(family(), staff(Role.INTAKE), relationship=relationship, born=born, at=at)
    Guardianship.objects.filter(pk=link.pk).update(
        expires_at=expires_at and midnight(expires_at),
        override_until=override_until and midnight(override_until),
    )
    over = midnight(goes or date(2090, 1, 1))
    assert leaving.purge_links(over - timedelta(seconds=1)) == 0
    assert leaving.purge_links(over) == (1 if goes else 0)
    assert Guardianship.objects.exists() is (goes is None)


def test_a_request_for_access_that_nobody_answered_stays(holds: Path) -> None:
    """It waits for a person, however long."""
    asked_for(family(), born=date(2006, 8, 9), at=MONDAY)
    assert leaving.purge_links(midnight(date(2090, 1, 1))) == 0


def test_a_link_that_staff_let_go_on_meanwhile_stays(
    holds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was listed as over is asked again before it goes."""
    link = linked(family(), staff(Role.INTAKE), at=MONDAY)
    monkeypatch.setattr(leaving, "ended", lambda _now: [link.pk])
    assert leaving.purge_links(MONDAY + timedelta(days=1)) == 0
    assert leaving.purge_links(MONDAY + timedelta(days=366 * 6)) == 0
    assert Guardianship.objects.filter(pk=link.pk).exists()


def test_a_link_stays_while_a_case_of_its_child_is_held(holds: Path) -> None:
    """Who could see what a court asks for is part of it."""
    nurse = staff(Role.INTAKE)
    link = linked(family(), nurse, at=MONDAY)
    family_actions.end(link=link, reason="moved away", by=nurse, at=MONDAY)
    case = closed()
    Case.objects.filter(pk=case.pk).update(child=link.child)
    holds.write_text(f"care.case:{case.pk} court order 12\n")
    later = MONDAY.replace(year=2040)
    assert leaving.purge_links(later) == 0
    holds.unlink()
    assert leaving.purge_links(later) == 1
    assert Child.objects.filter(pk=link.child_id).exists(), "a case is about it"


def test_a_29th_of_february_has_an_earlier_year() -> None:
    """The day before, so that nothing goes too soon."""
    leap = datetime(2032, 2, 29, 12, tzinfo=UTC)
    assert years_before(leap, 6) == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert years_before(leap, 4) == datetime(2028, 2, 29, 12, tzinfo=UTC)
