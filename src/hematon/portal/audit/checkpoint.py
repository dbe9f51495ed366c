"""Signed lines outside the database that say how far the audit reached, and when.

The chain alone cannot tell that its last rows are gone. A line names the last row and its chain
and is signed with a key made from the key ring's audit key; copied to another machine, it also
holds against someone who has that key. HEMATON_AUDIT_CHECKPOINTS names the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from hematon.errors import HematonError
from hematon.portal.vault.disk import flush
from hematon.portal.vault.keys import keyring


@dataclass(frozen=True)
class Checkpoint:
    """What one line says: at this time the audit ended in this row with this chain."""

    at: datetime
    sequence: int
    chain: str

    @property
    def signature(self) -> str:
        """Sign it."""
        key = hmac.digest(keyring().audit, b"hematon audit checkpoint 1", hashlib.sha256)
        said = f"{self.at.isoformat()} {self.sequence} {self.chain}"
        return hmac.digest(key, said.encode(), hashlib.sha256).hex()


class CheckpointError(HematonError):
    """A line of the file is not one that this portal wrote."""


def file() -> Path:
    """Give where the lines stand."""
    return Path(settings.AUDIT_CHECKPOINTS) / "checkpoints.jsonl"


def write(*, sequence: int, chain: str, at: datetime) -> Checkpoint:
    """Add a line; it is on the disk when this returns.

    Args:
        sequence: the last row that `verify` found good.
        chain: that row's.
        at: now.
    """
    made = Checkpoint(at.astimezone(UTC), sequence, chain)
    line = {
        "at": made.at.isoformat(),
        "sequence": sequence,
        "chain": chain,
        "signature": made.signature,
    }
    place = file()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(place, flags, 0o600), "a", encoding="utf-8") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        out.write(json.dumps(line) + "\n")
        out.flush()
        os.fsync(out.fileno())
    flush(place.parent)
    return made


def checkpoints(place: Path | None = None) -> Iterator[Checkpoint]:
    """Give every line, the oldest first; none when there is no file.

    Args:
        place: of another portal; this one's unless given.

    Raises:
        CheckpointError: a line was changed, or was written with another key ring.
    """
    place = place or file()
    try:
        lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            made = Checkpoint(
                datetime.fromisoformat(said["at"]), int(said["sequence"]), str(said["chain"])
            )
            genuine = hmac.compare_digest(made.signature, str(said["signature"]))
        except (ValueError, KeyError, TypeError):
            genuine = False
        if not genuine:
            raise CheckpointError(f"line {number} of {place} was not signed by this portal")
        yield made
