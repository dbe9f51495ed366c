"""When upkeep last ran and how it went: small files beside the data.

Not rows: a restored database would bring back old claims about backups, and a claim that a drill
passed must not depend on the database that the drill is about.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from hematon.errors import HematonError


class BusyError(HematonError):
    """A backup or a purge is running already."""


@dataclass(frozen=True)
class Note:
    """What a run left.

    Attributes:
        at: when it ended.
        ok: whether it went well.
        figures: what it counted and how long it took.
    """

    at: datetime
    ok: bool
    figures: dict[str, Any]


def _file(kind: str) -> Path:
    return Path(settings.DIRECTORY) / "upkeep" / f"{kind}.json"


def write_note(kind: str, *, ok: bool, **figures: int | float | str | None) -> None:
    """Remember a run.

    Args:
        kind: of upkeep: backup, drill, purge, ...
        ok: whether it went well.
        figures: numbers and names of files; nothing of a family.
    """
    file = _file(kind)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    said = {"at": timezone.now().astimezone(UTC).isoformat(), "ok": ok, "figures": figures}
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(said, out)
    beside.replace(file)


def last(kind: str) -> Note | None:
    """Give what the last run of a kind left; None where it never ran or the file is damaged."""
    try:
        said = json.loads(_file(kind).read_bytes())
        return Note(datetime.fromisoformat(said["at"]), bool(said["ok"]), dict(said["figures"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def alone() -> Iterator[None]:
    """Hold off other backups and purges; the lock goes with the process, however it ends.

    Raises:
        BusyError: another one runs.
    """
    folder = Path(settings.DIRECTORY) / "upkeep"
    folder.mkdir(mode=0o700, exist_ok=True)
    held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError("a backup or a purge is running already; wait for its end") from error
        yield
    finally:
        os.close(held)
