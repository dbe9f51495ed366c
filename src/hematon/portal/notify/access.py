"""What may be asked of the outbox: what failed, what waits, what is due."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet

from hematon.portal.notify.models import Notice


def failed() -> QuerySet[Notice]:
    """Give what staff must look at, the latest first."""
    return Notice.objects.filter(failed_at__isnull=False, settled_at=None).order_by(
        "-failed_at", "pk"
    )


def get_failed(pk: uuid.UUID) -> Notice | None:
    """Give one of them; None when it is not on the list (any more)."""
    return failed().filter(pk=pk).first()


def waiting(*, at: datetime) -> QuerySet[Notice]:
    """Give what should have gone by now and has not, the oldest first.

    The health page counts it and says how old the first is: a growing age is a worker that does
    not run or a mail server that does not answer.
    """
    return Notice.objects.filter(sent_at=None, failed_at=None, not_before__lte=at).order_by(
        "not_before", "pk"
    )


def due(*, at: datetime) -> QuerySet[Notice]:
    """Give what a worker may take now: it waits, and nobody holds it."""
    return waiting(at=at).filter(Q(leased_until=None) | Q(leased_until__lte=at))
