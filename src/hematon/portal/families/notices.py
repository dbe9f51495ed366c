"""Telling people that something about access changed; what, they read after signing in."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any

from hematon.portal.families.models import Guardianship, LinkChange


def tell(link: Guardianship, change: LinkChange, at: datetime) -> None:
    """Owe the person a mail without a name, in the caller's transaction."""
    notify = _module("hematon.portal.notify.actions")
    if notify is not None:
        notify.enqueue(
            key=f"access:{change.pk}:{link.pk}",
            kind=notify.Kind("access_changed"),
            user=link.user,
            language=link.language,
            at=at,
        )


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None
