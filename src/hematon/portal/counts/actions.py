"""Keeping and deleting pictures of printouts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from hematon.portal.accounts.session_store import row_of
from hematon.portal.audit.record import record
from hematon.portal.counts.models import CountsPicture

KEPT_FOR = timedelta(hours=24)
MAX_PICTURES = 10


@transaction.atomic
def keep_pictures(*, session_key: str, pictures: Sequence[bytes], at: datetime) -> int:
    """Keep the pictures of one upload for a day.

    Returns:
        How many were kept: a browser holds at most MAX_PICTURES.
    """
    purge_expired(at=at)
    session = row_of(session_key)
    held = CountsPicture.objects.filter(session=session).count()
    kept = CountsPicture.objects.bulk_create(
        CountsPicture(
            session=session, page=page, picture=picture, kept_at=at, purge_at=at + KEPT_FOR
        )
        for page, picture in enumerate(pictures[: max(MAX_PICTURES - held, 0)], start=1)
    )
    record(None, "counts.pictures_kept", pages=len(kept))
    return len(kept)


@transaction.atomic
def delete_pictures(*, session_key: str) -> int:
    """Delete every picture of a browser."""
    deleted, _ = CountsPicture.objects.filter(session=row_of(session_key)).delete()
    if deleted:
        record(None, "counts.pictures_deleted", pages=deleted)
    return deleted


@transaction.atomic
def purge_expired(*, at: datetime) -> int:
    """Delete every picture whose day is over."""
    deleted, _ = CountsPicture.objects.filter(purge_at__lte=at).delete()
    if deleted:
        record(None, "counts.pictures_purged", pages=deleted)
    return deleted
