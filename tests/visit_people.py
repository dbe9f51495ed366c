"""A clinician with times, a family with a child: what the tests of visits begin with."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from hematon.portal.accounts.models import Kind, User
from hematon.portal.directory.models import Expert, LicensedState
from hematon.portal.visits.actions import Booking
from hematon.portal.visits.models import Rule, Slot, VisitKind
from hematon.portal.visits.opening import Opening
from hematon.portal.visits.opening_actions import add_rule

ZONE = "America/Denver"


class Scope(StrEnum):
    """As in families.access."""

    NONE = "none"
    LIMITED = "limited"
    FULL = "full"


@dataclass(frozen=True)
class Child:
    """As far as visits see one."""

    pk: uuid.UUID
    name: str


@dataclass
class Families:
    """Links between families and children; changed by a test as staff would.

    Stands where families.access stands, by the names that the two apps agreed on.
    """

    links: dict[tuple[int, uuid.UUID], Scope] = field(default_factory=dict)
    children: dict[uuid.UUID, Child] = field(default_factory=dict)

    def add(self, user: User, name: str = "Sample child Qzx", scope: Scope = Scope.FULL) -> Child:
        """Link a person to a new child."""
        child = Child(uuid.uuid4(), name)
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


def stand_in(monkeypatch: pytest.MonkeyPatch) -> tuple[Families, Outbox]:
    """Put families and notices where visits look for them."""
    families, outbox = Families(), Outbox()
    access = ModuleType("hematon.portal.families.access")

    def children_of(user: User, at: datetime) -> list[Child]:
        return [families.children[key] for (who, key) in families.links if who == user.pk]

    def scope(user: User, child: Child, at: datetime) -> Scope:
        return families.links.get((user.pk, child.pk), Scope.NONE)

    access.__dict__.update(Scope=Scope, children_of=children_of, scope=scope)
    models = ModuleType("hematon.portal.families.models")

    class Rows:
        @staticmethod
        def filter(pk__in: list[uuid.UUID]) -> list[Child]:
            return [families.children[key] for key in pk__in if key in families.children]

    models.__dict__["Child"] = type("Child", (), {"objects": Rows})
    notify = ModuleType("hematon.portal.notify.actions")

    def enqueue(*, key: str, **row: Any) -> None:
        outbox.rows.setdefault(key, row)

    def withdraw(*, keys: list[str], at: datetime) -> None:
        for key in keys:
            outbox.rows.pop(key, None)

    notify.__dict__.update(Kind=str, enqueue=enqueue, withdraw=withdraw)
    for module in (access, models, notify):
        monkeypatch.setitem(sys.modules, module.__name__, module)
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


def slots(of: Rule, at: datetime, *, after: timedelta = timedelta(hours=62)) -> list[Slot]:
    """Give the times of a rule from some hours ahead."""
    return list(of.slots.filter(starts_at__gt=at + after).order_by("starts_at"))


def booking(child: Child, **other: Any) -> Booking:
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
