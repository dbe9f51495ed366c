"""Whom a case owes a mail, in the transaction of what it tells of.

A mail says only that there is something; what, is read after signing in.
"""

from __future__ import annotations

from datetime import datetime

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.care import access
from hematon.portal.care.models import Case, Message
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind as Notice


def team_of(case: Case) -> list[User]:
    """Give who of the team acts next: the owner, or all of intake while there is none."""
    if case.owner is not None and access.may_own(case.owner):
        return [case.owner]
    return intake()


def intake() -> list[User]:
    """Give everyone who takes requests in."""
    found = User.objects.filter(kind=UserKind.STAFF, is_active=True, roles__role=Role.INTAKE)
    return list(found.distinct().order_by("pk"))


def tell_sender(case: Case, *, at: datetime) -> None:
    """Owe the sender a mail that we have it; who was not asked to sign in gets none."""
    if case.sender is not None:
        enqueue(
            key=f"received:{case.pk}",
            kind=Notice.REQUEST_RECEIVED,
            user=case.sender,
            language=case.language,
            at=at,
        )


def tell_team(case: Case, *, key: str, at: datetime) -> None:
    """Owe the team a mail; the same key again owes nothing more."""
    _tell_staff(team_of(case), key, at)


def tell_intake(*, key: str, at: datetime) -> None:
    """Owe all of intake a mail; the same key again owes nothing more."""
    _tell_staff(intake(), key, at)


def tell_readers(case: Case, message: Message, at: datetime) -> None:
    """Owe everyone outside the team who may read a message a mail; nobody else learns of it."""
    for user in access.readers(case, at, confidential_to_minor=message.confidential_to_minor):
        enqueue(
            key=f"message:{message.pk}:{user.pk}",
            kind=Notice.MESSAGE_WAITING,
            user=user,
            language=message.language,
            at=at,
        )


def _tell_staff(people: list[User], key: str, at: datetime) -> None:
    for user in people:
        enqueue(key=f"{key}:{user.pk}", kind=Notice.STAFF_TASK, user=user, language="en", at=at)
