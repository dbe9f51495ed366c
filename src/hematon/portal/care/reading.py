"""What of the team's messages a sender has read: noted when they say so, never by looking."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from hematon.portal.accounts.models import User
from hematon.portal.audit.record import record
from hematon.portal.care import access
from hematon.portal.care.models import Case, Message


def new_for(user: User, case: Case) -> int:
    """Say how many of the team's messages this person did not read yet."""
    return access.messages_for(user, case).filter(from_staff=True, read_at=None).count()


@transaction.atomic
def mark_read(*, case: Case, upto: Message, by: User, at: datetime) -> int:
    """Note that the team's messages up to one were read; what came since stays new.

    Args:
        case: the request.
        upto: the last message on the page that was read.
        by: who read it.
        at: now; aware.

    Returns:
        How many were new.
    """
    fresh = access.messages_for(by, case).filter(from_staff=True, read_at=None, at__lte=upto.at)
    count = fresh.update(read_at=at)
    if count:
        record(by, "case.messages_read", case, messages=count)
    return count


def on_page(user: User, case: Case, key: str) -> Message | None:
    """Give the message that a page named as its last; None when it is none of this case."""
    try:
        pk = uuid.UUID(key)
    except ValueError:
        return None
    return access.messages_for(user, case).filter(pk=pk).first()
