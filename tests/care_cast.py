"""Cases and people for the tests of what the care team does. Nobody here exists."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, StaffRole, User
from hematon.portal.care import sending, working
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind, Status

MONDAY = datetime(2026, 11, 30, 17, tzinfo=UTC)
"""10 am at the programme."""
CANARY = "canary-Lucia-7f2"


def staff(*roles: Role) -> User:
    """Give a new member of staff."""
    user = User.objects.create_user(f"{uuid.uuid4().hex}@tests.invalid", "a long enough password")
    StaffRole.objects.bulk_create(StaffRole(user=user, role=role) for role in roles)
    return user


def outside(kind: UserKind = UserKind.FAMILY) -> User:
    """Give a new family or referring clinician."""
    return User.objects.create_without_password(f"{uuid.uuid4().hex}@tests.invalid", kind)


def draft(sender: User | None = None, kind: Kind = Kind.QUESTION) -> Case:
    """Give a draft with one answer."""
    case = sending.begin(kind=kind, sender=sender or outside(), language="en", at=MONDAY)
    return sending.save_answer(case=case, question="worry", answer={"text": CANARY}, at=MONDAY)


def sent(sender: User | None = None, kind: Kind = Kind.QUESTION, at: datetime = MONDAY) -> Case:
    """Give a case that the team has."""
    case = draft(sender, kind)
    return sending.send(case=case, seen=case.revision, at=at)


def stepped(case: Case, status: Status, by: User, **other: Any) -> Case:
    """Take a case a step on, from its present revision."""
    case.refresh_from_db()
    return working.step(
        case=case, status=status, by=by, seen=case.revision, **{"at": MONDAY, **other}
    )
