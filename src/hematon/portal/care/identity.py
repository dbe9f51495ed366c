"""Which child a case is about. A person of intake compares and says so; nothing matches by itself.

Name and birth date give children to compare with (`families.matching`); similar is not proof. A
match opens the case to the adults whom staff linked to that child, so it can be taken back, and
each step is in the audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import access, changes
from hematon.portal.care.models import Case, NotThisChild, What
from hematon.portal.care.reading_order import birth_date
from hematon.portal.care.refused import NotInThisState, NotPermitted, Unfinished
from hematon.portal.care.working import held_at
from hematon.portal.families import access as families
from hematon.portal.families.models import NAME_MOST, Child, Guardianship
from hematon.portal.families.models import Status as LinkStatus

MOST: Final = 10
"""Children to compare with; more than these share a birth date by chance."""


@dataclass(frozen=True)
class Named:
    """The child as the sender named it."""

    name: str
    born: date


@dataclass(frozen=True)
class Candidate:
    """A child to compare with.

    Attributes:
        child: the row.
        same_name: whether the name is the same, apart from its spelling.
        was_denied: whether somebody said that the case is not about this child.
        links: the adults and young people linked to it, or waiting to be.
        cases: references of other cases about it.
    """

    child: Child
    same_name: bool
    was_denied: bool
    links: list[Guardianship]
    cases: list[str]


def named(answers: Mapping[str, Any]) -> Named | None:
    """Give the child that the answers name; None where they do not name one in full."""
    said, born = answers.get("child-name"), birth_date(answers)
    name = said.get("child_name") if isinstance(said, Mapping) else None
    return Named(name, born) if isinstance(name, str) and name.strip() and born else None


def candidates(user: User, case: Case) -> list[Candidate]:
    """Give the children to compare a case with: same name and birth date first, then same date."""
    said = named(case.answers)
    if said is None or not access.may_match(user, case):
        return []
    same = list(families.find(said.name, said.born).order_by("made_at", "pk"))
    others = families.born_on(said.born).exclude(pk__in=[c.pk for c in same])
    rows = [*same, *others.order_by("made_at", "pk")][:MOST]
    denied = set(case.not_these.values_list("child_id", flat=True))
    found = [
        Candidate(
            child,
            number < len(same),
            child.pk in denied,
            [
                link
                for link in families.every_link(child)
                if link.status in (LinkStatus.ACTIVE, LinkStatus.REQUESTED)
            ],
            sorted(c.reference or "" for c in child.cases.exclude(pk=case.pk)),
        )
        for number, child in enumerate(rows)
    ]
    return sorted(found, key=lambda one: (one.was_denied, not one.same_name))


def same_child(case: Case) -> list[Case]:
    """Give other cases that name the same child: perhaps the same request sent twice."""
    if not case.match:
        return []
    found = Case.objects.filter(match=case.match, sent_at__isnull=False).exclude(pk=case.pk)
    return list(found.order_by("-sent_at", "pk")[:MOST])


def match(*, case: Case, child: Child, by: User, at: datetime, seen: int) -> Case:
    """Say that a case is about a child; its confirmed adults see the case from now on.

    Raises:
        NotPermitted: not intake.
        NotInThisState: it moved on since the page was opened, or it is matched already.
    """
    _may(by, case)
    with held_at(case, seen) as held:
        if held.child_id is not None:
            raise NotInThisState("matched already")
        held.child = child
        held.not_these.filter(child=child).delete()
        held.save()
        changes.note(held, What.MATCHED, by=by, at=at)
        record(by, "case.matched", held, patient=child, new=False)
    return held


def match_new(*, case: Case, by: User, at: datetime, seen: int) -> Case:
    """Say that a case is about a child whom the portal does not have yet.

    Raises:
        NotPermitted: not intake.
        NotInThisState: as in `match`.
        Unfinished: the sender did not name the child in full.
    """
    _may(by, case)
    said = named(case.answers)
    if said is None:
        raise Unfinished("child")
    with held_at(case, seen) as held:
        if held.child_id is not None:
            raise NotInThisState("matched already")
        held.child = Child.objects.create(
            name=" ".join(said.name.split())[:NAME_MOST], birth_date=said.born, made_at=at
        )
        held.save()
        changes.note(held, What.MATCHED, by=by, at=at, code="new")
        record(by, "case.matched", held, patient=held.child, new=True)
    return held


def not_this(*, case: Case, child: Child, by: User, at: datetime, seen: int) -> Case:
    """Say that a case is not about a child that was offered; it stays unmatched."""
    _may(by, case)
    with held_at(case, seen) as held:
        if held.child_id is not None:
            raise NotInThisState("matched already")
        NotThisChild.objects.get_or_create(case=held, child=child, defaults={"at": at, "by": by})
        held.save()
        changes.note(held, What.NOT_THIS, by=by, at=at)
        record(by, "case.match_denied", held, patient=child)
    return held


def take_back(*, case: Case, by: User, at: datetime, seen: int) -> Case:
    """Say that a match was wrong: the child's adults lose the case at once.

    Raises:
        NotPermitted: not intake.
        NotInThisState: it moved on, or there is no match.
    """
    _may(by, case)
    with held_at(case, seen) as held:
        before = held.child
        if before is None:
            raise NotInThisState("not matched")
        held.child = None
        held.save()
        changes.note(held, What.UNMATCHED, by=by, at=at)
        record(by, "case.unmatched", held, patient=before)
    return held


def keep_from_parents(*, case: Case, hidden: bool, by: User, at: datetime, seen: int) -> Case:
    """Say whether a case is the young person's alone: no parent sees it, is told or counts it."""
    _may(by, case)
    with held_at(case, seen) as held:
        held.confidential_to_minor = hidden
        held.save()
        changes.note(held, What.CONFIDENTIAL, by=by, at=at, code="hidden" if hidden else "shown")
        record(by, "case.confidentiality_set", held, patient=held.child, hidden=hidden)
    return held


def _may(by: User, case: Case) -> None:
    if not access.may_match(by, case):
        raise NotPermitted
