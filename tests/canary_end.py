"""What is left when everything has ended and sixty years have passed: what is said to stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from hematon.portal.care.models import Case
from hematon.portal.care.status import OPEN, Status
from hematon.portal.families.models import Guardianship
from hematon.portal.families.models import Status as LinkStatus
from hematon.portal.operations import purging
from hematon.portal.vault.fields import sealed_fields

YEARS: Final = timedelta(days=60 * 366)
STAYS: Final = {
    "accounts.address.text": "an account is there until its owner deletes it",
    "accounts.factorsecret.content": "a way to sign in, as long as the account",
    "directory.words.text": "a review of an expert; its writer may take it back",
    "inbox.savedfilter.name": "staff's own, until they delete it",
    "privacy.breakglass.reason": "why somebody opened what was closed to them: as the audit",
    "privacy.breakglass.note": "what the privacy officer found of it: as the audit",
    "programme.edition.note": "the programme's own, with the rules that it speaks of",
}
"""Sealed columns that no purge empties, and why."""


def end(at: datetime) -> None:
    """Close every request and end every link, whatever its state."""
    Case.objects.filter(status__in=OPEN).update(
        status=Status.COMPLETED, hold_reason="", due_at=None, closed_at=at
    )
    Guardianship.objects.filter(ended_at=None).update(status=LinkStatus.ENDED, ended_at=at)


def left() -> Iterator[tuple[str, int]]:
    """Give the sealed columns that hold anything, with how many rows."""
    for column in sealed_fields():
        kept = column.model._base_manager.values_list("pk", column.name)
        # Sealed values cannot be asked for, only opened.
        rows = sum(value is not None for _, value in kept.iterator())
        if rows:
            yield f"{column.model._meta.label_lower}.{column.name}", rows


def wrong() -> tuple[int, list[str]]:
    """End everything, purge sixty years later, and look.

    Returns:
        How many sealed columns held something before and hold nothing now; what holds something
        and should not.
    """
    now = timezone.now()
    before = dict(left())
    end(now)
    purging.purge(now=now + YEARS)
    after = dict(left())
    found = [
        f"end of time: {rows} rows of {name} are left"
        for name, rows in after.items()
        if name not in STAYS
    ]
    found += [
        f"end of time: {name} is said to stay and held nothing"
        for name in STAYS.keys() - before.keys()
    ]
    return len(before.keys() - after.keys()), found
