"""A view's only way to a case, and who may do what with it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import OPEN, Kind, Status

_FOR_CLINICIANS = (Kind.SECOND_OPINION, Kind.REFERRAL)


def calls_for(user: User, *, is_open: bool) -> QuerySet[Case]:
    """Give who asked to be called: the open by when the call is owed, the closed latest first."""
    calls = cases_for(user).filter(kind=Kind.CALL)
    if is_open:
        return calls.filter(status__in=OPEN).order_by("due_at", "sent_at", "pk")
    return calls.exclude(status__in=OPEN).order_by("-sent_at", "pk")


def by_reference(user: User, reference: str) -> Case | None:
    """Find the case that a family on the phone names."""
    return cases_for(user).filter(reference=reference).first()


def sent_with(key: str) -> Case | None:
    """Give what was sent with a form's key; whoever holds the key sent it."""
    # PostgreSQL takes no NUL in a text, and no key of ours has one.
    if not key or "\0" in key:
        return None
    return Case.objects.filter(key=key, sender=None).first()


def own(pk: str | None) -> Case | None:
    """Give the case that this browser's session sent.

    Args:
        pk: from the session, never from an address.
    """
    return Case.objects.filter(pk=pk, sender=None).first() if pk else None


def cases_for(user: User) -> QuerySet[Case]:
    """Give every sent case that this person may open, in the suggested reading order.

    Intake sees all. A clinician sees what is theirs to own or review, and what waits for a
    reviewer. A family and a referring clinician see what they sent.
    """
    sent = Case.objects.exclude(status=Status.DRAFT).order_by("rank", "read_due_at", "pk")
    if user.kind != UserKind.STAFF:
        return sent.filter(sender=user)
    if user.holds(Role.INTAKE):
        return sent
    if user.holds(Role.CLINICIAN):
        waiting = Q(reviewer=None, kind__in=_FOR_CLINICIANS)
        return sent.filter(Q(owner=user) | Q(reviewer=user) | waiting)
    return sent.none()


def get_case(user: User, pk: uuid.UUID) -> Case | None:
    """Give one sent case; None for "not yours" and "not there" alike."""
    return cases_for(user).filter(pk=pk).first()


def own_drafts(user: User) -> QuerySet[Case]:
    """Give what this person began and did not send; nobody else sees a draft."""
    return Case.objects.filter(sender=user, status=Status.DRAFT).order_by("-saved_at", "pk")


def get_draft(user: User, pk: uuid.UUID, at: datetime) -> Case | None:
    """Give one draft; None for "not yours", "not there" and "its time is over" alike."""
    return own_drafts(user).filter(pk=pk, ends_at__gt=at).first()


def may_work(user: User, case: Case) -> bool:
    """Say whether a person is of the team that works on a case."""
    return user.kind == UserKind.STAFF and cases_for(user).filter(pk=case.pk).exists()


def may_own(user: User) -> bool:
    """Say whether a case can be given to this person."""
    return user.is_active and user.holds(Role.INTAKE, Role.CLINICIAN)


def may_review(user: User) -> bool:
    """Say whether this person writes opinions."""
    return user.is_active and user.holds(Role.CLINICIAN)


def may_write(user: User, case: Case) -> bool:
    """Say whether a person outside the team may write to it about a case."""
    return user.kind != UserKind.STAFF and cases_for(user).filter(pk=case.pk).exists()


def messages_for(user: User, case: Case) -> QuerySet[Message]:
    """Give the messages of a case that this person may read."""
    if get_case(user, case.pk) is None:
        return Message.objects.none()
    found = case.messages.all()
    # What is for the young person alone is in no parent's list and in no count.
    return found if user.kind == UserKind.STAFF else found.filter(confidential_to_minor=False)
