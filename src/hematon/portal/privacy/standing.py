"""How the audit stands: what the latest check found, and the latest checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hematon.portal.audit import checkpoint
from hematon.portal.audit.checkpoint import Checkpoint, CheckpointError
from hematon.portal.audit.models import Event, Outcome


@dataclass(frozen=True)
class Standing:
    """What the privacy officer is told at the top of the audit.

    Attributes:
        checked_at: when the chain was last read; None when it never was.
        is_whole: what was found then.
        rows: up to which row it was whole.
        first_bad: the row that was not, where it was a row.
        checkpoint: the latest line outside the database.
        problem: what is wrong with those lines.
    """

    checked_at: datetime | None
    is_whole: bool
    rows: int
    first_bad: int | None
    checkpoint: Checkpoint | None
    problem: str


def standing() -> Standing:
    """Look it up; the chain itself is not read here."""
    latest = Event.objects.filter(action="audit.verified").order_by("-sequence").first()
    signed: Checkpoint | None = None
    problem = ""
    try:
        for made in checkpoint.checkpoints():
            signed = made
    except CheckpointError as error:
        problem = str(error)
    return Standing(
        checked_at=latest.at if latest else None,
        is_whole=latest is not None and latest.outcome == Outcome.SUCCESS,
        rows=latest.detail["rows"] if latest else 0,
        first_bad=latest.detail["first_bad"] if latest else None,
        checkpoint=signed,
        problem=problem,
    )
