"""What is wrong around the portal, told from the exception that it met.

A fault of the surroundings ends by itself or by somebody's hand; the request that met it may simply
be sent again. A fault of ours does not end, and is 500.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError


@dataclass(frozen=True)
class _How:
    status: int
    retry_after: int | None
    told: str


class Fault(Enum):
    """What is wrong.

    Attributes:
        AWAY: the database does not answer.
        BUSY: others hold what is needed for longer than we wait.
        READ_ONLY: the database or the disk takes no writes.
        FULL: the disk is full.
        NOT_READY: the database lacks tables: its migrations wait.
        OURS: anything else.
    """

    AWAY = _How(503, 60, "the database does not answer")
    BUSY = _How(503, 10, "the database is held by others for too long")
    READ_ONLY = _How(503, 120, "it takes no writes: it is read-only")
    FULL = _How(507, 300, "the disk is full")
    NOT_READY = _How(503, 120, "tables are missing: run python -m django migrate")
    OURS = _How(500, None, "a fault of the portal's own")

    @property
    def status(self) -> int:
        """Give the status of the answer."""
        return self.value.status

    @property
    def retry_after(self) -> int | None:
        """Give after how many seconds a program may ask again."""
        return self.value.retry_after

    @property
    def told(self) -> str:
        """Give what the log, the health page and the check say."""
        return self.value.told


_ERRNO: Final = {
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
    errno.EROFS: Fault.READ_ONLY,
}
_SQLITE: Final = (
    ("SQLITE_FULL", Fault.FULL),
    ("SQLITE_READONLY", Fault.READ_ONLY),
    ("SQLITE_BUSY", Fault.BUSY),
    ("SQLITE_LOCKED", Fault.BUSY),
    ("SQLITE_CANTOPEN", Fault.AWAY),
    ("SQLITE_IOERR", Fault.AWAY),
    ("SQLITE_NOTADB", Fault.AWAY),
    ("SQLITE_CORRUPT", Fault.AWAY),
)
"""By the beginning of SQLite's name of the error."""
_SQLSTATE: Final = (
    ("25006", Fault.READ_ONLY),
    ("53100", Fault.FULL),
    ("53", Fault.AWAY),
    ("55P03", Fault.BUSY),
    ("57014", Fault.BUSY),
    ("40", Fault.BUSY),
    ("57P", Fault.AWAY),
    ("58", Fault.AWAY),
    ("08", Fault.AWAY),
    ("42P01", Fault.NOT_READY),
    ("42703", Fault.NOT_READY),
)
"""By the beginning of PostgreSQL's code; the longer come first."""


def fault_of(error: BaseException | None) -> Fault:
    """Tell what is wrong from an exception and those that caused it."""
    for one in _chain(error):
        found = _of_driver(one) or (
            _ERRNO.get(one.errno or 0) if isinstance(one, OSError) else None
        )
        if found is not None:
            return found
    for one in _chain(error):
        # Without a code: a connection that was not made, or was cut.
        if isinstance(one, OperationalError | InterfaceError):
            return Fault.AWAY
    return Fault.OURS


def _of_driver(error: BaseException) -> Fault | None:
    sqlite = getattr(error, "sqlite_errorname", None)
    if sqlite is not None:
        if sqlite == "SQLITE_ERROR" and str(error).startswith(("no such table", "no such column")):
            return Fault.NOT_READY
        return next((fault for begin, fault in _SQLITE if sqlite.startswith(begin)), None)
    code = getattr(error, "sqlstate", None)
    if code is not None:
        return next((fault for begin, fault in _SQLSTATE if code.startswith(begin)), Fault.OURS)
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an exception and what caused it, each once.

    Only where the database or the disk speaks does a cause count: an exception that was being
    handled when another fault of ours happened says nothing of that fault.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if not isinstance(error, DatabaseError | InterfaceError | OSError) and not error.__cause__:
            return
        error = error.__cause__ or error.__context__
