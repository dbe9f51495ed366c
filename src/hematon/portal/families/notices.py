"""Telling people that something about access changed; what, they read after signing in."""

from __future__ import annotations

from datetime import datetime

from hematon.portal.families.models import Guardianship, LinkChange
from hematon.portal.notify.actions import enqueue
from hematon.portal.notify.models import Kind


def tell(link: Guardianship, change: LinkChange, at: datetime) -> None:
    """Owe the person a mail without a name, in the caller's transaction."""
    enqueue(
        key=f"access:{change.pk}:{link.pk}",
        kind=Kind.ACCESS_CHANGED,
        user=link.user,
        language=link.language,
        at=at,
    )
