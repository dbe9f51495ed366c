"""Families, children and staff for the tests of who may see a child. Nobody here exists."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hematon.portal.accounts.models import Kind, Role, StaffRole, User
from hematon.portal.families import actions, asking
from hematon.portal.families.models import (
    Child,
    Granted,
    Guardianship,
    Proof,
    Relationship,
)
from hematon.portal.programme import actions as programme_actions
from hematon.portal.programme import rules
from hematon.portal.programme.models import Kind as RuleKind

AT = datetime(2026, 11, 23, 18, tzinfo=UTC)
BORN = date(2018, 5, 20)


def family(name: str = "one") -> User:
    """An account of a family."""
    return User.objects.create_without_password(f"{name}@families.invalid", Kind.FAMILY)


def staff(*roles: Role, name: str = "staff") -> User:
    """Staff with these roles; intake if none is named."""
    given = roles or (Role.INTAKE,)
    user = User.objects.create_user(f"{name}-{'-'.join(given)}@tests.invalid")
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in given)
    return user


def asked_for(
    by: User,
    *,
    relationship: Relationship = Relationship.PARENT,
    child: str = "Sample Child",
    born: date = BORN,
    at: datetime = AT,
) -> Guardianship:
    """A request that waits."""
    asked = asking.Asked("Sample Adult", relationship, child, born, "CO")
    return asking.request(asked=asked, by=by, language="en", at=at)


def linked(
    user: User,
    nurse: User,
    *,
    child: Child | None = None,
    relationship: Relationship = Relationship.PARENT,
    born: date = BORN,
    granted: Granted = Granted.FULL,
    at: datetime = AT,
    expires_at: datetime | None = None,
) -> Guardianship:
    """A link that staff confirmed."""
    link = asked_for(user, relationship=relationship, born=born, at=at)
    actions.confirm(
        link=link,
        proof_kind=Proof.RECORD,
        granted=granted,
        by=nurse,
        at=at,
        child=child,
        expires_at=expires_at,
    )
    link.refresh_from_db()
    return link


def set_ages(**change: Any) -> None:
    """Put age rules into force that differ from the shipped ones as said."""
    by = staff(Role.ADMINISTRATOR, name="rules")
    shipped = rules.default(RuleKind.AGES).model_dump(mode="json", exclude_defaults=True)
    value = {**shipped, **change}
    made = programme_actions.make(kind=RuleKind.AGES, value=value, note="", by=by, at=AT)
    programme_actions.sign(edition=made, by=by, at=AT)
