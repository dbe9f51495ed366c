"""Reading the whole audit and naming the first row that is not as it was written."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from django.db import transaction
from django.db.models import Model

from hematon.portal.audit import checkpoint
from hematon.portal.audit.chain import COLUMNS, GENESIS, link
from hematon.portal.audit.checkpoint import Checkpoint, CheckpointError
from hematon.portal.audit.models import Event, Outcome
from hematon.portal.audit.record import record
from hematon.portal.vault.keys import keyring

_CHUNK = 5000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bad:
    """The first thing that is wrong.

    Attributes:
        sequence: the row; None when a checkpoint and no row is at fault.
        why: in words.
    """

    sequence: int | None
    why: str

    def __str__(self) -> str:
        """Name the place and what is wrong there."""
        return self.why if self.sequence is None else f"row {self.sequence}: {self.why}"


@dataclass(frozen=True)
class Verdict:
    """What reading the audit found.

    Attributes:
        rows: how many were read and are good; the number of the last of them.
        chain: of that row.
        bad: the first thing wrong, or None: the audit is whole.
        checkpoint: the latest that agrees with the rows; None when there is none yet, and then
            nothing says whether rows are missing at the end.
    """

    rows: int
    chain: str
    bad: Bad | None
    checkpoint: Checkpoint | None


def verify() -> Verdict:
    """Read every row in order, and every checkpoint. Changes nothing."""
    try:
        signed = {made.sequence: made for made in checkpoint.checkpoints()}
    except CheckpointError as error:
        return Verdict(0, GENESIS, Bad(None, str(error)), None)
    key, expected, before, agreed = keyring().audit, 1, GENESIS, signed.get(0)

    def found(bad: Bad | None) -> Verdict:
        return Verdict(expected - 1, before, bad, agreed)

    rows = Event.objects.order_by("sequence").values_list(*COLUMNS, "chain")
    for *values, chain in rows.iterator(chunk_size=_CHUNK):
        sequence = values[0]
        if sequence != expected:
            return found(Bad(expected, f"it is missing; row {sequence} comes next"))
        if not hmac.compare_digest(link(key, before, tuple(values)), chain):
            return found(Bad(sequence, "it is not what was written after the row before it"))
        at = signed.get(sequence)
        if at is not None:
            if not hmac.compare_digest(at.chain, chain):
                return found(Bad(sequence, f"it is not what the checkpoint of {at.at} signed"))
            agreed = at
        before = chain
        expected += 1
    last = max(signed.values(), key=lambda made: made.sequence, default=None)
    if last is not None and last.sequence >= expected:
        words = f"it is missing, and so is all up to row {last.sequence} of the checkpoint"
        return found(Bad(expected, f"{words} of {last.at}"))
    return found(None)


def verify_and_note(*, by: Model | None, at: datetime, sign: bool = False) -> Verdict:
    """Verify, sign a checkpoint if asked and all is well, and record what was found.

    Args:
        by: who asked; None for the worker or the command line.
        at: now.
        sign: whether to write a checkpoint. A chain that is broken is never signed.
    """
    verdict = verify()
    signed = sign and verdict.bad is None
    if signed:
        made = checkpoint.write(sequence=verdict.rows, chain=verdict.chain, at=at)
        verdict = replace(verdict, checkpoint=made)
    if verdict.bad is not None:
        _log.critical("audit broken: %s", verdict.bad)
    with transaction.atomic():
        record(
            by,
            "audit.verified",
            outcome=Outcome.FAILED if verdict.bad else Outcome.SUCCESS,
            rows=verdict.rows,
            first_bad=verdict.bad.sequence if verdict.bad else None,
            signed=signed,
        )
    return verdict


def verify_daily(*, at: datetime) -> Verdict | None:
    """Verify and sign once a day of UTC; the worker calls this as often as it likes.

    Returns:
        None when today's is done.
    """
    today = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    # Whose actor is none: a person's own look does not stand for the day's signature.
    done = Event.objects.filter(action="audit.verified", actor=None, at__gte=today)
    if done.exists():
        return None
    return verify_and_note(by=None, at=at, sign=True)
