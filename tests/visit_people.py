"""A clinician with times, a family with a child: what the tests of visits begin with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hematon.portal.accounts.models import Kind, User
from hematon.portal.directory.models import Expert, LicensedState
from hematon.portal.families.models import Child as FamilyChild
from hematon.portal.programme.shapes import Access, Thing
from hematon.portal.visits import actions, whose
from hematon.portal.visits.actions import Booking
from hematon.portal.visits.models import Rule, Slot, VisitKind
from hematon.portal.visits.opening import Opening
from hematon.portal.visits.opening_actions import add_rule

ZONE = "America/Denver"


class Scope(StrEnum):
    """What a link gives here: nothing, its visits, or the patient's own."""

    NONE = "none"
    GUARDIAN = "guardian"
    PATIENT = "patient"


@dataclass(frozen=True)
class Child:
    """As far as visits see one."""

    pk: uuid.UUID
    name: str
    birth_date: date = date(2020, 2, 29)


@dataclass
class Families:
    """Links between families and children; changed by a test as staff would.

    Stands where families and the programme's age rules stand, by the names of their doors.
    """

    links: dict[tuple[int, uuid.UUID], Scope] = field(default_factory=dict)
    children: dict[uuid.UUID, Child] = field(default_factory=dict)

    def add(
        self,
        user: User,
        name: str = "Sample child Qzx",
        scope: Scope = Scope.GUARDIAN,
        birth_date: date = date(2020, 2, 29),
    ) -> Child:
        """Link a person to a new child."""
        child = Child(uuid.uuid4(), name, birth_date)
        self.children[child.pk] = child
        self.links[user.pk, child.pk] = scope
        return child

    def link(self, user: User, child: Child, scope: Scope) -> None:
        """Change a link."""
        self.links[user.pk, child.pk] = scope


@dataclass
class Outbox:
    """What was put into the outbox of notices, and taken out."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def reminders(self) -> dict[str, datetime]:
        """When each reminder goes, by its key."""
        return {
            key: row["not_before"]
            for key, row in self.rows.items()
            if row["kind"].startswith("visit_in_")
        }


def stand_in(monkeypatch: pytest.MonkeyPatch) -> tuple[Families, Outbox]:
    """Put families and notices where visits look for them."""
    families, outbox = Families(), Outbox()

    def link(user: User, child: Child) -> Scope:
        return families.links.get((user.pk, child.pk), Scope.NONE)

    def children_of(user: User, at: datetime) -> list[Child]:
        return [families.children[key] for (who, key) in families.links if who == user.pk]

    def may_see(user: User, child: Child, thing: Thing, at: datetime) -> bool:
        return thing is Thing.VISITS and link(user, child) is not Scope.NONE

    def sight_of(user: User, child: Child, at: datetime) -> tuple[Scope, bool]:
        return link(user, child), link(user, child) is Scope.PATIENT

    def band_at(born: date, at: datetime, rules: object, zone: ZoneInfo) -> SimpleNamespace:
        birthday = date(born.year + 18, 3, 1) if born.month == 2 else born.replace(born.year + 18)
        grown = at.astimezone(zone).date() >= birthday
        return SimpleNamespace(access=Access.ENDED if grown else Access.LIMITED)

    class Rows:
        @staticmethod
        def filter(pk__in: list[uuid.UUID]) -> list[Child]:
            return [families.children[key] for key in pk__in if key in families.children]

    def enqueue(*, key: str, **row: Any) -> None:
        assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,120}", key)
        outbox.rows.setdefault(key, row)

    def cancel(*, key: str) -> bool:
        return outbox.rows.pop(key, None) is not None

    doors: dict[str, Any] = {
        "families": SimpleNamespace(children_of=children_of, may_see=may_see, sight_of=sight_of),
        "band_at": band_at,
        "Child": SimpleNamespace(objects=Rows),
        "rules": SimpleNamespace(current=lambda kind: None),
    }
    for name, door in doors.items():
        monkeypatch.setattr(whose, name, door)
    monkeypatch.setattr(actions, "outbox", SimpleNamespace(enqueue=enqueue, cancel=cancel))
    return families, outbox


_addresses = iter(f"family-{number}@tests.invalid" for number in range(10**6))


def family() -> User:
    """Make a family's account."""
    return User.objects.create_without_password(next(_addresses), Kind.FAMILY)


def expert(slug: str = "sample-a", **states: date) -> Expert:
    """Make a clinician with licenses; Colorado for long unless others are given."""
    made = Expert.objects.create(
        slug=slug,
        given_names="Sample physician",
        family_name=slug[-1].upper(),
        role="hematologist",
        telehealth=True,
        active_from=date(2020, 1, 1),
    )
    for state, expires in (states or {"CO": date(2099, 1, 1)}).items():
        LicensedState.objects.create(expert=made, state=state, expires=expires)
    return made


def rule(
    clinician: Expert,
    at: datetime,
    *,
    kind: str = VisitKind.VIDEO,
    opens: time = time(9),
    closes: time = time(12),
    minutes: int = 30,
    interpreter_hours: int = 48,
    first_day: date | None = None,
) -> Rule:
    """Open a clinician every day."""
    return add_rule(
        clinician=clinician,
        opening=Opening(
            range(7), opens, closes, ZONE, first_day or date(2020, 1, 6), None, 1, minutes
        ),
        kind=kind,
        interpreter_hours=interpreter_hours,
        by=None,
        at=at,
    )


def slots(of: Rule, at: datetime, *, after: timedelta = timedelta(hours=86)) -> list[Slot]:
    """Give the free times of a rule from some hours ahead."""
    return list(of.slots.filter(state="free", starts_at__gt=at + after).order_by("starts_at"))


def booking(child: Child | FamilyChild, **other: Any) -> Booking:
    """Give what a family says."""
    said: dict[str, Any] = {
        "kind": VisitKind.VIDEO,
        "state": "CO",
        "language": "en",
        "other_language": "",
        "interpreter": False,
        "page_language": "en",
        "with_whom": "Sample parent Wvk",
        "note": "Sample note Jqx",
    }
    return Booking(child_id=child.pk, **{**said, **other})


Act = Callable[[int], object]


def at_once(number: int, act: Act) -> list[object]:
    """Run an act in so many threads at one moment; give what each answered or raised."""
    import threading

    from django.db import connection

    gate = threading.Barrier(number)
    answers: list[object] = [None] * number

    def run(place: int) -> None:
        gate.wait()
        try:
            answers[place] = act(place)
        except Exception as error:
            answers[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
