"""A view's only way to a request to be called."""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet

from hematon.portal.accounts.models import Role, User
from hematon.portal.care.models import OPEN, CallbackRequest


def requests_for(user: User, *, is_open: bool) -> QuerySet[CallbackRequest]:
    """Give what this person may see: the open by when the call is owed, the closed latest first."""
    if not user.holds(Role.INTAKE):
        return CallbackRequest.objects.none()
    rows = CallbackRequest.objects.filter(Q(status__in=OPEN) if is_open else ~Q(status__in=OPEN))
    return rows.order_by("due_at", "sent_at", "pk") if is_open else rows.order_by("-sent_at", "pk")


def get_request(user: User, pk: uuid.UUID) -> CallbackRequest | None:
    """Give one request; None for "not yours" and "not there" alike."""
    if not user.holds(Role.INTAKE):
        return None
    return CallbackRequest.objects.filter(pk=pk).first()


def by_reference(user: User, reference: str) -> CallbackRequest | None:
    """Find the request that a family on the phone names."""
    if not user.holds(Role.INTAKE):
        return None
    return CallbackRequest.objects.filter(reference=reference).first()


def sent_with(key: str) -> CallbackRequest | None:
    """Give what was sent with a form's key; whoever holds the key sent it."""
    # PostgreSQL takes no NUL in a text, and no key of ours has one.
    if not key or "\0" in key:
        return None
    return CallbackRequest.objects.filter(key=key).first()


def own(pk: str | None) -> CallbackRequest | None:
    """Give the request that this browser's session sent.

    Args:
        pk: from the session, never from an address.
    """
    return CallbackRequest.objects.filter(pk=pk).first() if pk else None
