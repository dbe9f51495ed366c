"""What makes the database itself refuse to change the audit, whoever asks.

Written in SQL, because a trigger is no part of Django's schema: a change to the table on SQLite
makes it anew and loses them, so `missing` looks for them and `hematon portal check` says so.
"""

# ruff: noqa: S608 words of our own stand in the statements

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

_WORDS: Final = "rows of the audit are never changed"

SET: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": (
        f"""CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END""",
        f"""CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
        BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END""",
        # INSERT OR REPLACE takes a row away without the trigger above.
        f"""CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event
        WHEN EXISTS (
            SELECT 1 FROM audit_event WHERE id = NEW.id OR sequence = NEW.sequence
        )
        BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END""",
    ),
    "postgresql": (
        f"""CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{_WORDS}' USING ERRCODE = 'restrict_violation'; END $$""",
        """CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()""",
        """CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()""",
    ),
}
LIFT: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": (
        "DROP TRIGGER audit_event_no_update",
        "DROP TRIGGER audit_event_no_delete",
        "DROP TRIGGER audit_event_no_replace",
    ),
    "postgresql": (
        "DROP TRIGGER audit_event_no_change ON audit_event",
        "DROP TRIGGER audit_event_no_truncate ON audit_event",
        "DROP FUNCTION audit_event_refuse()",
    ),
}
_FIND: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'",
    # O and A: it fires in a session of the portal.
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_event'::regclass"
    " AND NOT tgisinternal AND tgenabled IN ('O', 'A')",
}
NAMES: Final[dict[str, frozenset[str]]] = {
    "sqlite": frozenset(
        {"audit_event_no_update", "audit_event_no_delete", "audit_event_no_replace"}
    ),
    "postgresql": frozenset({"audit_event_no_change", "audit_event_no_truncate"}),
}


def missing(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Name every guard that should stand in this database and does not."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND[connection.vendor])
        found = {name for (name,) in cursor.fetchall()}
    yield from sorted(NAMES[connection.vendor] - found)


def run(connection: BaseDatabaseWrapper, statements: dict[str, tuple[str, ...]]) -> None:
    """Carry out `SET` or `LIFT`; only migrations do, and tests that empty the database."""
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
