"""One moment of the database, copied while others write: SQLite's online backup, or pg_dump."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from django.db import DatabaseError, connection, transaction

from hematon.errors import HematonError
from hematon.portal.environment import postgresql

SQLITE: Final = "portal.sqlite3"
POSTGRES: Final = "portal.dump"
Ask = Callable[[str], list[tuple[Any, ...]]]


class ProgramError(HematonError):
    """pg_dump or pg_restore is missing or failed; says what it said, without the password."""


def vendor() -> str:
    """Name the kind of database."""
    return connection.vendor


def copy_database(folder: Path, *, once_fixed: Callable[[], None]) -> dict[str, Any]:
    """Copy the database as of one moment.

    Args:
        folder: where the copy goes.
        once_fixed: called as soon as the moment is fixed, before the copying that may take long.

    Returns:
        What the copy holds: its file's name, the number of rows by table, and the head of the
        audit, all of the same moment.
    """
    if connection.vendor == "sqlite":
        return _copy_sqlite(folder, once_fixed)
    return _copy_postgres(folder, once_fixed)


def _copy_sqlite(folder: Path, once_fixed: Callable[[], None]) -> dict[str, Any]:
    target = folder / SQLITE
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    source = f"file:{connection.settings_dict['NAME']}?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True, timeout=30)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        # A read transaction holds its moment, and the backup reads within it.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        once_fixed()
        # In one step: a copy in several begins anew whenever somebody writes.
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        if (found := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise ProgramError(f"the copy of the database is not sound: {found}")
        return {"database": SQLITE, **_facts(lambda sql: copy.execute(sql).fetchall())}


def _copy_postgres(folder: Path, once_fixed: Callable[[], None]) -> dict[str, Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        once_fixed()

        def ask(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return list(cursor.fetchall())

        facts = _facts(ask)
        target = folder / POSTGRES
        words = ["-Fc", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _run("pg_dump", [*words, f"--file={target}"], _environment(connection.settings_dict))
        target.chmod(0o600)
    return {"database": POSTGRES, **facts}


def facts() -> dict[str, Any]:
    """Give what a copy made now would hold: rows by table, and the audit's head."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    return _facts(ask)


def _facts(ask: Ask) -> dict[str, Any]:
    tables = sorted(connection.introspection.table_names())
    named = connection.ops.quote_name
    return {
        "tables": {
            t: ask(f"SELECT count(*) FROM {named(t)}")[0][0]  # noqa: S608 - names of tables
            for t in tables
        },
        "audit": _audit_head(ask),
    }


def _audit_head(ask: Ask) -> dict[str, str | int] | None:
    rows = ask("SELECT sequence, chain FROM audit_event ORDER BY sequence DESC LIMIT 1")
    return {"number": rows[0][0], "chain": rows[0][1]} if rows else None


def restore_postgres(dump: Path, url: str) -> None:
    """Fill an empty PostgreSQL database from a dump, whole or not at all.

    Raises:
        ProgramError: it is not empty, or pg_restore failed.
    """
    environment = _environment(postgresql(url, "--database-url"))
    _refuse_full(environment)
    words = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    name = environment["PGDATABASE"]
    _run("pg_restore", [*words, f"--dbname={name}", str(dump)], environment)


def _refuse_full(environment: dict[str, str]) -> None:
    tables = _run(
        "psql",
        [
            "-XAtc",
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname = 'public'",
        ],
        environment,
    )
    if tables.strip() != "0":
        raise ProgramError(
            f"the database to restore into is not empty: it has {tables.strip()} tables"
        )


@contextmanager
def scratch_database(given: str | None) -> Iterator[str | None]:
    """Give an empty PostgreSQL database beside the portal's, dropped afterwards; None on SQLite.

    Args:
        given: one that is there already, empty and owned by its role; emptied again.
    """
    if connection.vendor == "sqlite":
        yield None
        return
    if given:
        environment = _environment(postgresql(given, "--database-url"))
        _refuse_full(environment)
        try:
            yield given
        finally:
            # It was empty, so what is in it now is the drill's: families' records, which must not
            # stay, and which the next drill would refuse.
            _run("psql", ["-Xqc", "DROP SCHEMA public CASCADE; CREATE SCHEMA public"], environment)
        return
    name = f"hematon_drill_{secrets.token_hex(4)}"
    said = connection.settings_dict
    user, password = quote(str(said["USER"])), quote(str(said["PASSWORD"]), safe="")
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    except DatabaseError as error:
        raise ProgramError(
            "the portal's role may not make a database: make an empty one and give it with "
            "--database-url"
        ) from error
    try:
        yield f"postgresql://{user}:{password}@{said['HOST']}:{said['PORT']}/{name}"
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _environment(said: Mapping[str, Any]) -> dict[str, str]:
    """Give PostgreSQL's programs what they need; a password among the words would show in `ps`."""
    names = {"NAME": "PGDATABASE", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    names |= {"HOST": "PGHOST", "PORT": "PGPORT"}
    given = {theirs: str(said[ours]) for ours, theirs in names.items() if said.get(ours)}
    return {**os.environ, **given}


def _run(program: str, words: list[str], environment: dict[str, str]) -> str:
    found = shutil.which(program)
    if found is None:
        raise ProgramError(f"{program} is not installed: apt-get install postgresql-client")
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, words of our own
        [found, *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ProgramError(f"{program} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
