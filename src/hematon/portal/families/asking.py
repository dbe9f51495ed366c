"""How people ask for a link to a child. It gives nothing until staff of intake confirm it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction

from hematon.portal.accounts.models import Kind, User
from hematon.portal.audit.record import record
from hematon.portal.families import access, ages, due
from hematon.portal.families.actions import (
    ActionRefused,
    NotInThisState,
    NotPermitted,
    changed,
)
from hematon.portal.families.models import (
    NAME_MOST,
    OPEN,
    Child,
    Guardianship,
    Relationship,
    Status,
    Step,
)
from hematon.portal.programme.rules import current
from hematon.portal.programme.shapes import AgeRules
from hematon.portal.ui.site import site

MOST_REQUESTS = 10
"""Requests of one person that may wait at a time."""


class TooMany(ActionRefused):
    """Too many requests of this person wait already."""


@dataclass(frozen=True)
class Asked:
    """What someone says of themselves and of the child.

    Attributes:
        adult_name: the person's own name.
        relationship: who the person is to the child.
        child_name: as the child is called in the hospital.
        birth_date: the child's.
        state: where the child lives.
    """

    adult_name: str
    relationship: Relationship
    child_name: str
    birth_date: date
    state: str = ""


@transaction.atomic
def request(*, asked: Asked, by: User, language: str, at: datetime) -> Guardianship:
    """Ask for access to a child. It gives nothing until staff confirm it.

    The child is a row of its own until a person has compared it with those that are there: a name
    and a birth date that fit prove nothing.

    Raises:
        NotPermitted: the account is no family's.
        TooMany: too many of this person's requests wait.
    """
    _family(by)
    child = Child.objects.create(
        name=asked.child_name.strip()[:NAME_MOST],
        birth_date=asked.birth_date,
        state=asked.state,
        made_at=at,
    )
    return _asked(
        user=by,
        child=child,
        name=asked.adult_name,
        relationship=asked.relationship,
        by=by,
        language=language,
        at=at,
    )


@transaction.atomic
def request_for_another(
    *,
    child: Child,
    address: str,
    adult_name: str,
    relationship: Relationship,
    by: User,
    language: str,
    at: datetime,
) -> Guardianship:
    """Ask for another person's access to a child one sees oneself.

    Raises:
        NotPermitted: the person does not see the child, or is not the grown-up patient where a
            trusted person is asked for.
        NotInThisState: the other has a link already, or one is being checked.
        TooMany: too many of this person's requests wait.
    """
    _family(by)
    rules, zone = current(AgeRules), site().zone
    found, is_patient = access.sight_of(by, child, at)
    if found.scope is access.Scope.NONE or relationship == Relationship.PATIENT:
        raise NotPermitted
    grown = ages.has_reached(child.birth_date, ages.ending(rules).from_years, at, rules, zone)
    if (relationship == Relationship.TRUSTED) != grown or (grown and not is_patient):
        raise NotPermitted
    other = User.objects.with_address(address)
    if other is None:
        other = User.objects.create_without_password(address, Kind.FAMILY)
    if other.kind != Kind.FAMILY or other == by:
        raise NotInThisState
    return _asked(
        user=other,
        child=child,
        name=adult_name,
        relationship=relationship,
        by=by,
        language=language,
        at=at,
    )


def _asked(
    *,
    user: User,
    child: Child,
    name: str,
    relationship: Relationship,
    by: User,
    language: str,
    at: datetime,
) -> Guardianship:
    # One after the other for one person, so that two forms at once are counted both.
    User.objects.select_for_update().get(pk=by.pk)
    if Guardianship.objects.filter(asked_by=by, status=Status.REQUESTED).count() >= MOST_REQUESTS:
        raise TooMany
    if Guardianship.objects.filter(user=user, child=child, status__in=OPEN).exists():
        raise NotInThisState
    link = Guardianship(
        user=user,
        child=child,
        asked_by=by,
        adult_name=name.strip()[:NAME_MOST],
        relationship=relationship,
        language=language,
        requested_at=at,
        due_at=due.answer_by(at),
    )
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError as error:
        # Two people asked for the same person at once.
        raise NotInThisState from error
    changed(link, Step.REQUESTED, by, at)
    record(by, "guardian.requested", link, relationship=relationship, for_another=user != by)
    return link


def _family(by: User) -> None:
    if by.kind != Kind.FAMILY or not by.is_active:
        raise NotPermitted
