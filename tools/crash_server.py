"""Killing PostgreSQL itself: its first process and all that it made, as when the power goes.

Started again by `tools/with_postgres.py`, it finds on the disk what it had said yes to, or not.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

WITHIN = 30.0
"""Seconds until it must answer again."""


def kill() -> None:
    """Kill the server that this process's Django speaks to, with SIGKILL, every process of it."""
    first = int((_folder() / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    # It may make another while we look: first the one that makes them.
    os.kill(first, signal.SIGSTOP)
    for process in [*_children(first), first]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def wait() -> None:
    """Wait until the server answers again.

    Raises:
        SystemExit: it did not in time.
    """
    from django.db import OperationalError, connection, connections

    ends = time.monotonic() + WITHIN
    while True:
        connections.close_all()
        try:
            connection.ensure_connection()
        except OperationalError:
            if time.monotonic() > ends:
                raise SystemExit("PostgreSQL did not come back") from None
            time.sleep(0.05)
        else:
            connections.close_all()
            return


def _folder() -> Path:
    from django.db import connection, connections

    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    connections.close_all()
    return folder


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name stands in brackets and may hold anything; the parent is the second after it.
            if int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found
