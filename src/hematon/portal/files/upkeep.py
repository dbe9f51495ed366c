"""What the files app lets go and shows to administrators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hematon.portal.files import actions
from hematon.portal.files.models import State as FileState
from hematon.portal.files.models import StoredFile
from hematon.portal.programme import rules
from hematon.portal.programme.shapes import Retention
from hematon.portal.ui.upkeep import Line, State, health, purges

WAITS: timedelta = timedelta(hours=1)
"""For the scanner, before somebody should look at it."""


@purges("files that were refused or taken back")
def purge_removed(*, now: datetime, dry: bool) -> int:
    """Delete contents of files that were removed longer ago than they are kept."""
    days = rules.current(Retention).rejected_file_days
    if not dry:
        return actions.purge(at=now, days=days)
    over = StoredFile.objects.filter(
        state=FileState.REMOVED, removed_at__lte=now - timedelta(days=days)
    )
    return over.exclude(stored_as="").count()


@health("Files")
def lines(now: datetime) -> Iterator[Line]:
    """Say how many files wait for the scanner."""
    held = StoredFile.objects.filter(state=FileState.HELD)
    late = held.filter(taken_at__lt=now - WAITS).count()
    yield Line(
        "Waiting for the virus scanner",
        f"{held.count()}, {late} for more than an hour",
        State.ATTENTION if late else State.GOOD,
        "Look at clamd: nobody can open these files yet." if late else "",
    )
