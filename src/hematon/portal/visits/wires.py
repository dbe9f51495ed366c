"""What this app asks of accounts, families and notices, in one place.

A family without a link to the child gets nothing here, and so does every family while those apps
have nothing to say: what cannot be asked is a no.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from importlib import import_module
from typing import Any, Protocol

from hematon.portal.accounts.models import User
from hematon.portal.ui.site import site


class Child(Protocol):
    """A child of `families`."""

    pk: uuid.UUID
    name: str
    birth_date: date


def children_of(user: User, at: datetime) -> list[Child]:
    """Give the children whose visits this person may see now."""
    families, shapes = _families(), _module("programme.shapes")
    if families is None or shapes is None:
        return []
    children: Sequence[Child] = families.children_of(user, at)
    return [c for c in children if families.may_see(user, c, shapes.Thing.VISITS, at)]


def children_to_act_for(user: User, at: datetime) -> list[Child]:
    """Give the children for whom this person may book, change and join visits now.

    A minor sees its own visits; booking and joining them needs a guardian.
    """
    return [child for child in children_of(user, at) if not _is_minor_itself(user, child, at)]


def may_act(user: User, child_id: uuid.UUID, at: datetime) -> bool:
    """Say whether a person may book, change and join the visits of a child now."""
    return any(child.pk == child_id for child in children_to_act_for(user, at))


def _is_minor_itself(user: User, child: Child, at: datetime) -> bool:
    _, is_patient = _families().sight_of(user, child, at)
    if not is_patient:
        return False
    shapes = _module("programme.shapes")
    rules = _module("programme.rules").current(shapes.AgeRules)
    band = _module("families.ages").band_at(child.birth_date, at, rules, site().zone)
    return bool(band.access is not shapes.Access.ENDED)


def child_names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give the names of children, for pages of staff."""
    models = _module("families.models")
    if models is None:
        return {}
    return {child.pk: child.name for child in models.Child.objects.filter(pk__in=ids)}


def notify(
    *,
    key: str,
    kind: str,
    user: User,
    language: str,
    at: datetime,
    not_before: datetime | None = None,
) -> None:
    """Owe a family a mail about a visit, in the caller's transaction."""
    outbox = _module("notify.actions")
    if outbox is not None:
        outbox.enqueue(
            key=key, kind=kind, user=user, language=language, at=at, not_before=not_before
        )


def take_back(*, keys: Sequence[str]) -> None:
    """Owe mails no longer, in the caller's transaction."""
    outbox = _module("notify.actions")
    if outbox is not None:
        for key in keys:
            outbox.cancel(key=key)


def _families() -> Any:
    return _module("families.access")


def _module(name: str) -> Any:
    try:
        return import_module(f"hematon.portal.{name}")
    except ModuleNotFoundError:
        return None
