"""What is done to the outbox by everyone but the worker."""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from hematon.portal.audit.record import record
from hematon.portal.notify import access
from hematon.portal.notify.models import Kind, Notice

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,120}")


def enqueue(
    *,
    key: str,
    kind: Kind,
    user: AbstractBaseUser,
    language: str,
    at: datetime,
    not_before: datetime | None = None,
    address: str | None = None,
) -> None:
    """Owe a mail, in the caller's transaction; the same key again does nothing.

    Args:
        key: what makes this mail one and the same, such as `message:<id>`. Codes and ids alone.
        kind: what it says.
        user: who receives it; the address is looked up when it is sent, unless it is given.
        language: of the portal's.
        at: now.
        not_before: when it may go; now if not given.
        address: where it goes, for a person who has that address no more.

    Raises:
        ValueError: the key or the language is none.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("a notice's key is made of letters, digits and _ . : - alone")
    if language not in dict(settings.LANGUAGES):
        raise ValueError("a notice's language is one of the portal's")
    Notice.objects.get_or_create(
        key=key,
        defaults={
            "kind": Kind(kind),
            "user_id": user.pk,
            "language": language,
            "made_at": at,
            "not_before": not_before or at,
            "address": address,
        },
    )


def cancel(*, key: str) -> bool:
    """Owe a mail no longer, in the caller's transaction.

    The row goes, so that the same key can be owed again: a visit that moves away and back.

    Returns:
        Whether it was still owed; False when it has gone or never was.
    """
    gone, _ = Notice.objects.filter(key=key, sent_at=None).delete()
    return gone > 0


@transaction.atomic
def send_again(*, notice: Notice, by: AbstractBaseUser) -> bool:
    """Let the worker try a failed notice anew, with as many tries as the first time.

    Returns:
        Whether it was on the list of failed ones.
    """
    changed = (
        access.failed()
        .filter(pk=notice.pk)
        .update(failed_at=None, reason="", attempts=0, leased_until=None)
    )
    if changed:
        record(by, "notice.sent_again", notice, kind=notice.kind)
    return changed > 0


@transaction.atomic
def settle(*, notice: Notice, by: AbstractBaseUser, at: datetime) -> bool:
    """Take a failed notice off the list: somebody reached the person in another way.

    Returns:
        Whether it was on the list.
    """
    changed = access.failed().filter(pk=notice.pk).update(settled_at=at, address=None)
    if changed:
        record(by, "notice.settled", notice, kind=notice.kind)
    return changed > 0
