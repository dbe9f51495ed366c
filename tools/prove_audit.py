"""Prove the audit on a portal of its own: parallel writers, every tampering, a million rows.

    python tools/prove_audit.py
    python tools/prove_audit.py --rows 3000                     # the short form, for CI
    python tools/with_postgres.py python tools/prove_audit.py

Prints its figures; exit code 1 when one is wrong. On SQLite unless HEMATON_DATABASE_URL says else.
"""
# ruff: noqa: S608 only numbers of our own are put into statements

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ALLOWED_SECONDS = 60
STARTED = datetime(2026, 1, 1, tzinfo=UTC)


class RolledBackError(Exception):
    """A writer changes its mind after its row is made."""


def write(number: int, count: int, failed: list[str]) -> None:
    """Add rows in transactions of their own; every third is rolled back and leaves no gap."""
    from django.db import connection, transaction

    from hematon.portal.audit.record import record

    try:
        for turn in range(count + count // 2):
            try:
                with transaction.atomic():
                    record(None, "photo.set", writer=number, turn=turn)
                    if turn % 3 == 2:
                        raise RolledBackError
            except RolledBackError:
                continue
    except Exception as error:
        failed.append(f"writer {number}: {type(error).__name__}: {error}")
    finally:
        connection.close()


def work(number: int, count: int) -> None:
    """Be a process that writes."""
    failed: list[str] = []
    write(number, count, failed)
    sys.exit("; ".join(failed) or 0)


def parallel(writers: int, each: int) -> list[str]:
    """Write from many threads, then from many processes."""
    from django.db import connection

    from hematon.portal.audit.models import Event
    from hematon.portal.audit.verify import verify

    wrong: list[str] = []
    before = Event.objects.count()
    connection.close()
    for kind in ("threads", "processes"):
        failed: list[str] = []
        began = time.perf_counter()
        if kind == "threads":
            crew: list[Any] = [
                threading.Thread(target=write, args=(n, each, failed)) for n in range(writers)
            ]
        else:
            fork = get_context("fork")
            crew = [fork.Process(target=work, args=(n, each)) for n in range(writers)]
        for one in crew:
            one.start()
        for one in crew:
            one.join()
        took = time.perf_counter() - began
        failed += [f"a process ended with {c.exitcode}" for c in crew if getattr(c, "exitcode", 0)]
        before += writers * each
        verdict = verify()
        good = not failed and verdict.bad is None and verdict.rows == before
        print(
            f"parallel   {writers} {kind}, {each} rows each and half as many rolled back: "
            f"{verdict.rows} rows, {'one unbroken chain' if good else 'BROKEN'}, {took:.1f} s"
        )
        if not good:
            wrong += [*failed, str(verdict.bad), f"{verdict.rows} rows, {before} expected"]
        connection.close()
    return wrong


def tamper() -> list[str]:
    """Change the audit in each way behind its guards' back, and see each named."""
    from django.db import DatabaseError, connection, transaction

    from hematon.portal.audit import checkpoint, guards
    from hematon.portal.audit.verify import verify

    whole = verify()
    checkpoint.write(sequence=whole.rows, chain=whole.chain, at=STARTED)
    middle, last = whole.rows // 2, whole.rows
    columns = (
        "at, action, subject, patient, purpose, outcome, route, client, detail, chain, actor_id"
    )
    ways = {
        "edit": (
            f"UPDATE audit_event SET action = 'photo.removed' WHERE sequence = {middle}",
            middle,
        ),
        "delete": (f"DELETE FROM audit_event WHERE sequence = {middle}", middle),
        "insert": (
            f"UPDATE audit_event SET sequence = -sequence WHERE sequence > {middle};"
            f"UPDATE audit_event SET sequence = 1 - sequence WHERE sequence < 0;"
            f"INSERT INTO audit_event (sequence, {columns}) SELECT {middle + 1}, {columns} "
            f"FROM audit_event WHERE sequence = {middle}",
            middle + 1,
        ),
        "reorder": (
            f"UPDATE audit_event SET sequence = -1 WHERE sequence = {middle};"
            f"UPDATE audit_event SET sequence = {middle} WHERE sequence = {middle + 1};"
            f"UPDATE audit_event SET sequence = {middle + 1} WHERE sequence = -1",
            middle,
        ),
        "cut off the tail": (f"DELETE FROM audit_event WHERE sequence > {last - 3}", last - 2),
    }
    wrong = []
    for name, (statements, expected) in ways.items():
        refused = False
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statements.split(";")[0])
        except DatabaseError as error:
            refused = "never changed" in str(error)
        if not refused:
            wrong.append(f"{name}: the database let it through")
        try:
            with transaction.atomic():
                guards.run(connection, guards.LIFT)
                with connection.cursor() as cursor:
                    for statement in statements.split(";"):
                        cursor.execute(statement)
                verdict = verify()
                raise RolledBackError
        except RolledBackError:
            pass
        named = verdict.bad.sequence if verdict.bad else None
        print(f"tampering  {name}: refused by the database; without its guards: {verdict.bad}")
        if named != expected:
            wrong.append(f"{name}: row {named} named, {expected} expected")
    return wrong


def fill(rows: int) -> None:
    """Add rows as they would have been recorded, without waiting for the disk at each."""
    from django.db import transaction

    from hematon.portal.audit.chain import COLUMNS, link
    from hematon.portal.audit.models import Event
    from hematon.portal.audit.verify import verify
    from hematon.portal.vault.keys import keyring

    whole = verify()
    chain, key, made = whole.chain, keyring().audit, []
    for sequence in range(whole.rows + 1, rows + 1):
        event = Event(
            sequence=sequence,
            at=STARTED + timedelta(seconds=sequence),
            action="callback.viewed",
            subject=f"care.case:00000000-0000-4000-8000-{sequence:012d}",
            patient=f"families.child:00000000-0000-4000-8000-{sequence % 977:012d}",
            purpose="TREAT",
            route="case_item",
            client=f"{sequence % 499:032x}",
            detail={"shown": sequence % 25, "page": 1, "is_open": True},
        )
        chain = event.chain = link(key, chain, tuple(getattr(event, name) for name in COLUMNS))
        made.append(event)
        if len(made) == 20_000 or sequence == rows:
            with transaction.atomic():
                Event.objects.bulk_create(made, batch_size=50)
            made = []


def million(rows: int) -> list[str]:
    """Verify many rows within the time that is allowed for a million."""
    from django.db import connection

    from hematon.portal.audit.verify import verify

    fill(rows)
    began, cpu = time.perf_counter(), time.process_time()
    verdict = verify()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"verify     {verdict.rows:,} rows on {connection.vendor} in {took:.1f} s "
        f"({cpu:.1f} s of processor, {verdict.rows / took:,.0f} rows/s, {memory} MB at most); "
        f"allowed: {ALLOWED_SECONDS} s for 1,000,000"
    )
    allowed = max(1.0, ALLOWED_SECONDS * rows / 1_000_000)
    if verdict.bad is not None or verdict.rows < rows or took > allowed:
        return [f"{verdict.bad}; {verdict.rows} rows in {took:.1f} s"]
    return []


def main() -> int:
    """Prove it.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description="Prove the audit.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--each", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hematon-audit-") as place:
        os.environ["DJANGO_SETTINGS_MODULE"] = "hematon.portal.settings"
        from hematon.portal.serve import prepare

        prepare(Path(place) / "portal", demo=True)
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", interactive=False, verbosity=0)
        wrong = [*parallel(asked.writers, asked.each), *tamper(), *million(asked.rows)]
        connection.close()
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
