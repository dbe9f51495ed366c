"""Letting go of what is past its time: every app's own rule, then the bytes themselves.

Deleting a row leaves its bytes: SQLite overwrites them (secure_delete) but its log still holds the
old pages until it is cut, and PostgreSQL keeps the row until VACUUM and the page's bytes until
they are used again. What no command here reaches: earlier backups, and PostgreSQL's log until it
is recycled. `docs/operations.md` says how long these live.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from hematon.portal.audit.record import record
from hematon.portal.operations.notes import alone, write_note
from hematon.portal.ui.upkeep import PURGES


def purge(*, now: datetime, dry: bool = False, rewrite: bool = False) -> dict[str, int]:
    """Delete everything whose time is over.

    Args:
        now: decides what is.
        dry: only count.
        rewrite: also write the database's files anew, without what was deleted before
            secure_delete was on (SQLite) or in any page (PostgreSQL); locks tables meanwhile.

    Returns:
        How many of each kind.

    Raises:
        BusyError: a backup or another purge runs.
    """
    if dry:
        return {name: one.purge(now=now, dry=True) for name, one in PURGES.items()}
    done: dict[str, int] = {}
    with alone():
        for name, one in PURGES.items():
            with transaction.atomic():
                done[name] = one.purge(now=now, dry=False)
                if done[name]:
                    # Of a kind and a number: who or what it was is what had to go.
                    record(None, "upkeep.purged", what=name, rows=done[name])
        if any(done.values()) or rewrite:
            overwrite(rewrite=rewrite)
    write_note("purge", ok=True, rows=sum(done.values()))
    return done


def overwrite(*, rewrite: bool) -> None:
    """Take what was deleted out of the database's files, as far as it lets us."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            if rewrite:
                cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif not connection.in_atomic_block:
            # Of our own tables alone: the role may own nothing else.
            for table in connection.introspection.table_names(cursor):
                name = connection.ops.quote_name(table)
                cursor.execute(f"VACUUM {'(FULL)' if rewrite else ''} {name}")
