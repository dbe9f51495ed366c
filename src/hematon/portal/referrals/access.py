"""A view's only way to a referral: its sender's, or the one this browser began as a guest."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest

from hematon.portal.accounts.models import Kind as UserKind
from hematon.portal.accounts.models import User
from hematon.portal.care import access
from hematon.portal.care.models import Case
from hematon.portal.care.status import Kind, Status
from hematon.portal.referrals.models import Record

GUEST: Final = "referral_draft"
"""Key in the session of the draft that was begun here without signing in."""
GUEST_KEPT: Final = timedelta(hours=2)
"""How long a draft that belongs to no account is kept after its last answer."""


def referrer(request: HttpRequest) -> User | None:
    """Give the signed-in referring clinician; None for anyone else."""
    user = request.user
    return user if isinstance(user, User) and user.kind == UserKind.REFERRER else None


def is_someone_else(request: HttpRequest) -> bool:
    """Say whether a family or a member of staff is signed in, who refers nobody."""
    return isinstance(request.user, User) and referrer(request) is None


def draft_of(request: HttpRequest, pk: uuid.UUID, at: datetime) -> Case | None:
    """Give a draft: of this account, or of this browser while nobody has claimed it.

    None for "not yours", "not there" and "its time is over" alike.
    """
    user = referrer(request)
    if user is not None:
        own = access.get_draft(user, pk, at)
        if own is not None:
            return own if own.kind == Kind.REFERRAL else None
    if is_someone_else(request) or request.session.get(GUEST) != str(pk):
        return None
    return Case.objects.filter(
        pk=pk, sender=None, kind=Kind.REFERRAL, status=Status.DRAFT, ends_at__gt=at
    ).first()


def referrals_of(user: User) -> QuerySet[Case]:
    """Give what this clinician sent, latest first."""
    return access.cases_for(user).filter(kind=Kind.REFERRAL).order_by("-sent_at", "pk")


def drafts_of(user: User, at: datetime) -> QuerySet[Case]:
    """Give what this clinician began and can go on with."""
    return access.own_drafts(user).filter(kind=Kind.REFERRAL, ends_at__gt=at)


def sent_of(user: User, pk: uuid.UUID) -> Case | None:
    """Give one referral that this clinician sent."""
    return referrals_of(user).filter(pk=pk).first()


def record_of(case: Case) -> Record | None:
    """Give what was pasted or uploaded to be read, of a draft that the caller has authorized."""
    return Record.objects.filter(case=case).first()
