"""What this app asks of accounts, families and notices, in one place.

A family without a link to the child gets nothing here, and so does every family while those apps
have nothing to say: what cannot be asked is a no.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hematon.portal.accounts.models import Kind, User

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def family_of(request: HttpRequest) -> User:
    """Give the signed-in family.

    Raises:
        PermissionDenied: someone else is signed in, or nobody.
    """
    user = request.user
    if not isinstance(user, User) or user.kind != Kind.FAMILY:
        raise PermissionDenied
    return user


def family_page(
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Let in a signed-in family; others who are signed in get 403, the rest sign in first."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        family_of(request)
        return view(request, *args, **kwargs)

    return guarded


class Child(Protocol):
    """A child of `families`."""

    pk: uuid.UUID
    name: str


def children_of(user: User, at: datetime) -> list[Child]:
    """Give the children for whom this person may act now."""
    families = _module("hematon.portal.families.access")
    if families is None:
        return []
    children: Sequence[Child] = families.children_of(user, at)
    return [child for child in children if _scope(families, user, child, at)]


def child_for(user: User, child_id: uuid.UUID, at: datetime) -> Child | None:
    """Give a child if this person may act for it now."""
    return next((child for child in children_of(user, at) if child.pk == child_id), None)


def _scope(families: Any, user: User, child: Child, at: datetime) -> bool:
    return bool(families.scope(user, child, at) != families.Scope.NONE)


def child_names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give the names of children, for pages of staff."""
    models = _module("hematon.portal.families.models")
    if models is None:
        return {}
    return {child.pk: child.name for child in models.Child.objects.filter(pk__in=ids)}


def remind(*, key: str, user: User, language: str, at: datetime, not_before: datetime) -> None:
    """Put a reminder of a visit into the outbox."""
    notify = _module("hematon.portal.notify.actions")
    if notify is not None:
        notify.enqueue(
            key=key,
            kind=notify.Kind("visit_reminder"),
            user=user,
            language=language,
            at=at,
            not_before=not_before,
        )


def unremind(*, keys: Sequence[str], at: datetime) -> None:
    """Take reminders that were not sent out of the outbox."""
    notify = _module("hematon.portal.notify.actions")
    withdraw: Callable[..., object] | None = getattr(notify, "withdraw", None)
    if withdraw is not None:
        withdraw(keys=keys, at=at)


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None
