"""T-02, T-03, T-06, T-07, T-08, T-53: every kind of person x object x act, asked and judged."""

from __future__ import annotations

import pytest
from django.db.models import QuerySet

from hematon.portal.accounts.models import Role, User
from hematon.portal.care import access
from hematon.portal.care.models import Case
from hematon.portal.care.status import Status
from portal_objects import STAFF_ONLY, TO_FAMILIES, ask_all, build

pytestmark = pytest.mark.django_db


def test_every_person_object_and_act() -> None:
    """T-02, T-07, T-08: at least 2,500 cells, 0 wrong, and among them what must be allowed."""
    figures = ask_all(build())
    assert figures.wrong == []
    assert sum(figures.asked.values()) >= 2_500
    assert figures.allowed >= 200
    assert set(figures.asked) == {"object", "file", "page", "field"}


def test_the_table_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test above would prove nothing: two faults, each found at its cells."""
    world = build()
    # Every clinician reads every case, and a text for staff is one that families read.
    everything = Case.objects.exclude(status=Status.DRAFT)
    real = access.cases_for

    def wide(user: User, *args: object) -> QuerySet[Case]:
        return everything if user.holds(Role.CLINICIAN) else real(user, *args)

    monkeypatch.setattr(access, "cases_for", wide)
    monkeypatch.setitem(STAFF_ONLY, "note", TO_FAMILIES)
    figures = ask_all(
        world,
        levels={"object", "field"},
        people=(
            "sender",
            "another family",
            "clinician of neither",
            "clinician whose emergency is over",
        ),
    )
    assert "clinician of neither / question / see: allowed" in figures.wrong
    assert "clinician whose emergency is over / call / write a note: allowed" in figures.wrong
    place = f"/en/requests/{world.cases['question'].pk}/"
    assert f"sender / {place} / note: allowed" in figures.wrong
    assert not [line for line in figures.wrong if line.startswith("another family")]
