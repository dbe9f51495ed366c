"""A view's only way to a case, and who may do what with it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import Role, User
from hematon.portal.audit.context import used_for
from hematon.portal.audit.models import Purpose
from hematon.portal.care.models import Case, Message
from hematon.portal.care.status import OPEN, Kind, Status
from hematon.portal.privacy.access import opened_by

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


def cases_for(user: User, at: datetime | None = None) -> QuerySet[Case]:
    """Give every sent case that this person may open, in the suggested reading order.

    Intake sees all. A clinician sees what is theirs to own or review, what waits for a reviewer,
    and for an hour what they opened in an emergency. A family and a referring clinician see what
    they sent.

    Args:
        user: who.
        at: the moment; now if not given.
    """
    at = at or timezone.now()
    sent = Case.objects.exclude(status=Status.DRAFT).order_by("rank", "read_due_at", "pk")
    if user.kind != UserKind.STAFF:
        return sent.filter(sender=user)
    if user.holds(Role.INTAKE):
        return sent
    if user.holds(Role.CLINICIAN):
        waiting = Q(reviewer=None, kind__in=_FOR_CLINICIANS)
        broken = Q(pk__in=opened_by(user, Case, at))
        return sent.filter(Q(owner=user) | Q(reviewer=user) | waiting | broken)
    return sent.none()


def is_emergency(user: User, case: Case, at: datetime) -> bool:
    """Say whether nothing but an emergency opens this case to this person."""
    if user.kind != UserKind.STAFF or user.holds(Role.INTAKE):
        return False
    if user.pk in (case.owner_id, case.reviewer_id):
        return False
    if case.reviewer_id is None and case.kind in _FOR_CLINICIANS:
        return False
    return str(case.pk) in opened_by(user, Case, at)


def get_case(user: User, pk: uuid.UUID, at: datetime | None = None) -> Case | None:
    """Give one sent case; None for "not yours" and "not there" alike.

    Where an emergency alone opens it, everything that the request records from here on says so.
    """
    at = at or timezone.now()
    found = cases_for(user, at).filter(pk=pk).first()
    if found is not None and is_emergency(user, found, at):
        used_for(Purpose.EMERGENCY)
    return found


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
