"""Pictures of a printout, for a day and for one browser: a typing aid, nothing more."""

from __future__ import annotations

import secrets

from django.db import models

from hematon.portal.vault.fields import SealedBytes


def random_id() -> str:
    """Give an id that nobody guesses."""
    return secrets.token_urlsafe(24)


class CountsPicture(models.Model):
    """One page of a printout, made anew from pixels; the file that was sent is never kept."""

    id = models.CharField(primary_key=True, max_length=40, default=random_id, editable=False)
    session_key = models.CharField(max_length=40, db_index=True)
    page = models.PositiveSmallIntegerField()
    picture = SealedBytes()
    kept_at = models.DateTimeField()
    purge_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        """Name the page."""
        return f"page {self.page}"
